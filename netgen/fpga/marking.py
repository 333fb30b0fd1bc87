"""Names in Yosys's JSON: which operator each cell of a circuit computes, before and after mapping."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FLOW", "WRAPPER", "YosysModule", "bits_of", "marked", "named", "owner_of"]

FLOW = "flow"
"""The owner of the core's flow control."""
WRAPPER = "wrapper"
"""The owner of all that is not in the core."""

YosysModule = Mapping[str, Any]
"""A module: `ports`, `cells` and `netnames`, each a mapping by name. A bit that is a number is a net."""

_OPERATOR = re.compile(r"(?P<owner>(?P<kind>[nxth])(?P<layer>\d*)_[0-9a-f]+)(_\w+)?")
"""Names of an operator's wires and registers; `operators.names` explains them."""
_ENTERING = ("clk", "rst", "i_payload", "i_valid", "o_ready")
"""Ports of the core whose nets are driven from outside."""


def owner_of(cell: str) -> str:
    """The owner of a cell that `named` has named; nextpnr may have made its name longer."""
    owner = cell.partition("/")[0]
    return owner if owner == FLOW or _OPERATOR.fullmatch(owner) else WRAPPER


@dataclass(frozen=True, order=True)
class _Name:
    """One of the names of a bit. The least one tells what drives it.

    The low bits of a sum may be those of an earlier operator, which then drives them; the arg-max, an output and a
    wrapper may repeat them too.
    """

    rank: tuple[int, int, int, str]
    owner: str
    text: str


def _name_of(name: str, prefix: str, index: str) -> _Name | None:
    """A bit's name, by that of its net; None when Yosys has made the name."""
    if "$" in name:
        return None
    if not name.startswith(prefix):
        return _Name((2, 0, 0, name), WRAPPER, name + index)
    text = name.removeprefix(prefix)
    found = _OPERATOR.fullmatch(text)
    if found is None:
        return _Name((1, 0, 0, text), FLOW, name + index)
    return _Name((0, int(found["layer"] or 0), "xtnh".index(found["kind"]), text), found["owner"], text + index)


def marked(module: YosysModule, core: str = "") -> tuple[YosysModule, list[str]]:
    """Mark each cell of the core with its owner, in the attribute that Yosys's `submod` reads; return all owners too.

    A cell belongs to the operator whose wire or register it drives; one in the middle of an expression, to that which
    it leads to. Each bit becomes a net of its own, and a buffer separates it from the ports: otherwise a wire of many
    bits would become a port of each owner that needs one of them.

    Args:
        core: the instance of the circuit; empty where the module is the circuit.
    """
    prefix = f"{core}." if core else ""
    names: dict[int, _Name] = {}
    initial: dict[int, str] = {}
    entering: set[int] = set()
    for net, about in module["netnames"].items():
        bits, values = about["bits"], about["attributes"].get("init", "")[::-1]
        if net.startswith(prefix) and net.removeprefix(prefix) in _ENTERING:
            entering.update(bit for bit in bits if isinstance(bit, int))
        for k, bit in enumerate(bits):
            if not isinstance(bit, int):
                continue
            name = _name_of(net, prefix, f"[{k}]" if len(bits) > 1 else "")
            if name is not None:
                names[bit] = min(names.get(bit, name), name)
            if values[k : k + 1] in {"0", "1"}:
                initial[bit] = values[k]
    owners = {bit: name.owner for bit, name in names.items() if name.owner != WRAPPER and bit not in entering}
    cells = {name: _with_owner(cell, owner) for name, cell, owner in _owned(module["cells"], owners, set(names))}
    used = {bit for about in module["netnames"].values() for bit in about["bits"] if isinstance(bit, int)}
    ports = _buffered(module["ports"], cells, max(used, default=0) + 1)
    text = {bit: name.text for bit, name in names.items()}
    netnames = {
        text.get(bit, f"$net${bit}"): {
            "hide_name": int(bit not in text),
            "bits": [bit],
            "attributes": {"init": initial[bit]} if bit in initial else {},
        }
        for bit in sorted(used)
    }
    found = {cell["attributes"]["submod"] for cell in cells.values() if "submod" in cell["attributes"]}
    return {"attributes": module["attributes"], "ports": ports, "cells": cells, "netnames": netnames}, sorted(found)


def named(module: YosysModule, top: str, nets: set[str]) -> YosysModule:
    """Name each cell `OWNER/NUMBER`, and each bit of a net once, after the operator or else the cell that drives it.

    Args:
        module: mapped and flat; cells of the core have the attribute `owner`.
        top: its name.
        nets: the names of bits in what `marked` returned.
    """
    cells: dict[str, YosysModule] = {}
    names: dict[int, str] = {}
    counts: Counter[str] = Counter()
    for cell in module["cells"].values():
        owner = cell["attributes"].get("owner", WRAPPER)
        counts[owner] += 1
        name = f"{owner}/{counts[owner]}"
        cells[name] = cell
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "output":
                wide = len(bits) > 1
                names |= {bit: f"{name}.{port}{f'[{k}]' * wide}" for k, bit in enumerate(bits) if isinstance(bit, int)}
    inside = re.compile(rf"{re.escape(top)}_\w+\.")
    signals: dict[int, str] = {}
    for net, about in module["netnames"].items():
        signal, (bit, *others) = inside.sub("", net, count=1), about["bits"]
        if not others and isinstance(bit, int) and signal in nets and "$" not in signal:
            signals[bit] = min(signals.get(bit, signal), signal)
    names |= signals
    netnames = {name: {"hide_name": 0, "bits": [bit], "attributes": {}} for bit, name in names.items()}
    return {**module, "cells": cells, "netnames": netnames}


def bits_of(cell: YosysModule, direction: str) -> Iterator[int]:
    """The nets at the inputs or outputs of a cell."""
    for port, bits in cell["connections"].items():
        if cell["port_directions"][port] == direction:
            yield from (bit for bit in bits if isinstance(bit, int))


def _owned(cells: YosysModule, owners: Mapping[int, str], known: set[int]) -> Iterator[tuple[str, YosysModule, str]]:
    """Each cell by name, with its owner; an empty one for cells outside the core."""
    found: dict[str, str] = {}
    for name, cell in cells.items():
        mine = Counter(owners[bit] for bit in bits_of(cell, "output") if bit in owners)
        if mine:
            found[name] = max(sorted(mine), key=mine.__getitem__)
    driver = {bit: name for name, cell in cells.items() for bit in bits_of(cell, "output")}
    waiting = list(found)
    while waiting:
        reader = waiting.pop()
        for bit in bits_of(cells[reader], "input"):
            name = driver.get(bit, reader)
            if bit not in known and name not in found:
                found[name] = found[reader]
                waiting.append(name)
    return ((name, cell, found.get(name, "")) for name, cell in cells.items())


def _with_owner(cell: YosysModule, owner: str) -> YosysModule:
    return {**cell, "attributes": {**cell["attributes"], **({"submod": owner} if owner else {})}}


def _buffered(ports: YosysModule, cells: dict[str, YosysModule], free: int) -> YosysModule:
    """Ports with nets of their own, from number `free`; buffers to the nets of the circuit are added to `cells`."""
    made = {}
    for name, port in ports.items():
        bits = list(range(free, free + len(port["bits"])))
        free += len(bits)
        made[name] = {**port, "bits": bits}
        for outer, inner in zip(bits, port["bits"], strict=True):
            inward = port["direction"] == "input"
            cells[f"$buffer${outer}"] = {
                "hide_name": 1,
                "type": "$_BUF_",
                "parameters": {},
                "attributes": {},
                "port_directions": {"A": "input", "Y": "output"},
                "connections": {"A": [outer if inward else inner], "Y": [inner if inward else outer]},
            }
    return made
