"""nextpnr's report in JSON: the clock, the cells, and the critical path by the names of neurons."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from netgen.ir.routed import PathStep, Used

__all__ = ["cells_in", "fmax_in", "path_in"]

_NAME = re.compile(r"(?<![A-Za-z0-9_])(n\d+_\d+|[th]\d+_[0-9a-f]{8})(?![0-9a-f])")
"""The names of neurons and operators in `top.v`; those of Yosys and nextpnr begin with them."""


def fmax_in(report: str) -> float | None:
    """The greatest frequency of the slowest clock, in MHz; None where there is no clock."""
    return min((clock["achieved"] for clock in json.loads(report)["fmax"].values()), default=None)


def cells_in(report: str) -> dict[str, Used]:
    """The kinds of cells that are used."""
    cells = json.loads(report)["utilization"].items()
    return {kind: Used(count["used"], count["available"]) for kind, count in cells if count["used"]}


def path_in(report: str) -> tuple[PathStep, ...]:
    """The critical path between registers, or between ports where there are no registers."""
    paths: list[dict[str, Any]] = json.loads(report)["critical_paths"]
    if not paths:
        return ()
    clocked = [path for path in paths if path["from"] == path["to"] != "<async>"]
    longest = max((path["path"] for path in clocked or paths), key=lambda path: sum(step["delay"] for step in path))
    units = list(_units(longest))
    return tuple(_merged(name, list(those)) for name, those in groupby(units, key=lambda unit: unit[0]))


def _units(path: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float, float]]:
    """Each cell of a path: its name, its delay, and that of the wire behind it."""
    delay, cell = 0.0, ""
    for step in path:
        if step["type"] == "routing":
            yield _name_in(step["net"], cell), delay, step["delay"]
            delay, cell = 0.0, ""
        else:
            delay, cell = delay + step["delay"], step["from"]["cell"]
    if cell:
        yield _name_in(cell), delay, 0.0


def _name_in(*texts: str) -> str:
    return next((found[1] for text in texts if (found := _NAME.search(text))), "")


def _merged(name: str, units: Sequence[tuple[str, float, float]]) -> PathStep:
    logic, routing = sum(unit[1] for unit in units), sum(unit[2] for unit in units)
    return PathStep(name, len(units), round(logic, 3), round(routing, 3))
