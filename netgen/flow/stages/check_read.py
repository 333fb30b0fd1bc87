"""Simulate, and compare hardware, integers and the model that was read: `check.json`."""

from pathlib import Path

from netgen.flow import imported, nouns
from netgen.flow.design import load_design
from netgen.flow.stage import Stage, Work
from netgen.flow.verify_read import check_read


def _depends(work: Work) -> dict[str, object]:
    return imported.samples_key(work) | {
        "quantize": work.store.digest("quantize"),
        "emit": work.store.digest("emit"),
        "check": work.spec.check.model_dump(),
    }


def _describe(work: Work) -> str:
    check, tested = work.spec.check, len(work.get(nouns.test_words))
    samples = tested if check.samples == "all" else min(check.samples, tested)
    return f"{samples:,} samples in {check.simulator}"


def _make(work: Work, folder: Path) -> None:
    from netgen.report import agreement, record

    check = work.spec.check
    report = check_read(
        work.get(imported.float_network),
        load_design(work.folder, work.spec, work.get(nouns.circuit)),
        work.get(imported.samples),
        seed=work.spec.seed,
        simulator=check.simulator,
        count=check.samples,
        jobs=work.jobs,
        cache=work.folder / "simulator",
        progress=work.progress,
    )
    agreement.raise_if_different(report)
    (folder / "check.json").write_text(record.write(report), encoding="utf-8")


STAGE = Stage("check", _depends, _make, _describe)
