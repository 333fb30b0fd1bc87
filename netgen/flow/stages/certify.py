"""Prove a lower bound on the wire length of every placement: `certificate.json`."""

import json
from pathlib import Path

from netgen.flow import nouns
from netgen.flow.stage import Stage, Work

SLOW = 500
"""With more sites than this, computing the bound needs about a minute."""


def _depends(work: Work) -> dict[str, object]:
    return {
        **nouns.board_key(work),
        "quantize": work.store.digest("quantize"),
        "certificate": work.spec.place.certificate,
    }


def _describe(work: Work) -> str:
    if not work.spec.place.certificate:
        return "no lower bound, as place.certificate is false"
    grid, _ = work.get(nouns.board)
    return f"lower bound for {grid.sites:,} sites, {'about a minute' if grid.sites > SLOW else 'seconds'}"


def _make(work: Work, folder: Path) -> None:
    bound = None
    if work.spec.place.certificate:
        from netgen.place.bounds import best
        from netgen.place.qap import problem_of

        grid, regions = work.get(nouns.board)
        bound = best(problem_of(work.get(nouns.netlist), grid, regions), progress=work.progress).bound
    (folder / "certificate.json").write_text(json.dumps({"lower_bound": bound}) + "\n")


STAGE = Stage("certify", _depends, _make, _describe)
