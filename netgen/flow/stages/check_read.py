"""Simulate, and compare hardware, integers and the model: `check.json`; why accuracy fell, if it did: `blame.json`."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from netgen.flow import imported, nouns
from netgen.flow.blame import blame, loss_of
from netgen.flow.checking import check_key, compared, described
from netgen.flow.design import load_design
from netgen.flow.stage import Stage, Work
from netgen.flow.verify_read import check_read

if TYPE_CHECKING:
    from netgen.report import CheckReport


def _depends(work: Work) -> dict[str, object]:
    first = imported.first_stage(work.spec)
    keys = {first: work.store.digest(first), "formats": work.spec.quantize.model_dump()}
    return imported.samples_key(work) | check_key(work) | keys


def _describe(work: Work) -> str:
    return described(work, len(work.get(nouns.test_words)))


def _make(work: Work, folder: Path) -> None:
    network, samples = work.get(imported.float_network), work.get(imported.samples)
    design = load_design(work.folder, work.spec, work.get(nouns.circuit))
    section = work.spec.network
    compare = partial(
        check_read,
        network,
        design,
        samples,
        seed=work.spec.seed,
        before=work.get(imported.whole_network) if section.prunes_graph else None,
        own=not section.layers,
    )
    report = compared(work, folder, compare)
    (folder / "blame.json").write_text(json.dumps({"line": _why(work, report)}) + "\n", encoding="utf-8")


def _why(work: Work, report: "CheckReport") -> str | None:
    """Say what rounding lost, which part is to blame, and what to write; None for no loss."""
    from netgen.quantize import is_quantized

    network, samples, spec = work.get(imported.float_network), work.get(imported.samples), work.spec
    loss = loss_of(report)
    if loss is None or network is None or not len(samples.test):
        return None
    if spec.quantize.requantize == "exact" and is_quantized(network):
        return f"quantize: {loss.text}"
    if spec.quantize.fine_tune != "none":
        return f"quantize: {loss.text}: raise quantize.epochs, or widen weight_width, activation_width or input_width"
    found = blame(network, samples, spec.quantize, head=loss.head, count=spec.check.samples, progress=work.progress)
    fix = "widen quantize.weight_width, activation_width or input_width" if found is None else str(found)
    return f"quantize: {loss.text}: {fix}"


STAGE = Stage("check", _depends, _make, _describe)
