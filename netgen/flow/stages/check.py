"""Simulate, and compare hardware, integers and PyTorch: `check.json`."""

from functools import partial
from pathlib import Path

from netgen.flow import nouns
from netgen.flow.checking import check_key, compared, described
from netgen.flow.design import load_design
from netgen.flow.stage import Stage, Work
from netgen.flow.verify_trained import check


def _depends(work: Work) -> dict[str, object]:
    return nouns.data_key(work) | check_key(work)


def _describe(work: Work) -> str:
    return described(work, len(work.get(nouns.data).test))


def _make(work: Work, folder: Path) -> None:
    design = load_design(work.folder, work.spec, work.get(nouns.circuit))
    compared(work, folder, partial(check, work.get(nouns.network), design, work.get(nouns.data)))


STAGE = Stage("check", _depends, _make, _describe)
