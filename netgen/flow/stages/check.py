"""Simulate, and compare hardware, integers and PyTorch: `check.json`."""

from pathlib import Path

from netgen.flow import nouns
from netgen.flow.design import load_design
from netgen.flow.stage import Stage, Work
from netgen.flow.verify_trained import check as check_trained


def _depends(work: Work) -> dict[str, object]:
    return nouns.data_key(work) | {
        "quantize": work.store.digest("quantize"),
        "emit": work.store.digest("emit"),
        "check": work.spec.check.model_dump(),
    }


def _describe(work: Work) -> str:
    check = work.spec.check
    samples = len(work.get(nouns.data).test) if check.samples == "all" else check.samples
    return f"{samples:,} samples in {check.simulator}"


def _make(work: Work, folder: Path) -> None:
    from netgen.report import agreement, record

    check = work.spec.check
    report = check_trained(
        work.get(nouns.network),
        load_design(work.folder, work.spec, work.get(nouns.circuit)),
        work.get(nouns.data),
        simulator=check.simulator,
        count=check.samples,
        jobs=work.jobs,
        cache=work.folder / "simulator",
        progress=work.progress,
    )
    agreement.raise_if_different(report)
    (folder / "check.json").write_text(record.write(report), encoding="utf-8")


STAGE = Stage("check", _depends, _make, _describe)
