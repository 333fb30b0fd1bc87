"""Logic depth: look-up tables in series between registers."""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from netgen.fpga.targets import Target

Cell = Mapping[str, Any]
"""A cell as Yosys writes it to JSON: `type`, `port_directions`, and `connections`, which maps ports to bits. A bit that
is a number is a net; a string is a constant."""


def depth_of(cells: Iterable[Cell], target: Target) -> int | None:
    """Count the look-up tables in series on the longest path between registers or ports.

    Returns: None, when there is a combinational loop.
    """
    into = {net: sources for cell in cells for net, sources in _arcs(cell, target)}
    level: dict[int, int] = {}
    order = TopologicalSorter({net: [source for source, _ in sources] for net, sources in into.items()})
    try:
        for net in order.static_order():
            level[net] = max((level[source] + cost for source, cost in into.get(net, ())), default=0)
    except CycleError:
        return None
    return max(level.values(), default=0)


def _arcs(cell: Cell, target: Target) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Each net that a combinational cell drives, with the nets that it depends on and the levels from these.

    Bit k of a carry cell's output depends on bits 0 to k of its inputs.
    """
    kind = target.class_of(cell["type"])
    if kind not in {"lut", "mux", "carry"}:
        return
    entry = 1 if kind == "lut" or (kind == "carry" and target.luts_in_carry) else 0
    inputs = [
        (index, bit, 0 if kind == "carry" and port in target.carry_inputs else entry)
        for port, bits in cell["connections"].items()
        if cell["port_directions"][port] == "input"
        for index, bit in enumerate(bits)
        if isinstance(bit, int)
    ]
    for port, bits in cell["connections"].items():
        if cell["port_directions"][port] == "output":
            for index, net in enumerate(bits):
                yield net, [(bit, cost) for position, bit, cost in inputs if position <= index]
