"""The files of a build that hold arrays: float networks and placements, to disk and back."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netgen import text
from netgen.errors import BuildError, NetgenError
from netgen.flow.array_files import read_arrays, write_arrays
from netgen.ir.dense import DenseLayer, DenseNetwork
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist

__all__ = ["placement_csv", "read_network", "read_placement", "read_text", "write_network"]

LARGEST = 1 << 28
"""Bytes that a text file of a build may have: Verilog and operators of about a million wires."""

COLUMNS = ("neuron", "layer", "index", "x", "y", "z")


def read_text(path: Path) -> str:
    """Read a text file of a build.

    Raises: BuildError, when it is missing, no regular file, not UTF-8 text, or longer than `LARGEST`.
    """
    if not path.exists():
        raise BuildError(f"{path}: not found; run netgen build first")
    return text.read_text(path, BuildError, limit=LARGEST, fix="build it again")


def write_network(path: Path, network: DenseNetwork) -> None:
    """Write a perceptron as a .npz of plain arrays, the same bytes for the same network."""
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {}
    for number, layer in enumerate(network.layers, start=1):
        arrays[f"weight{number}"] = layer.weight
        arrays[f"bias{number}"] = layer.bias
        arrays[f"mask{number}"] = layer.mask
        arrays[f"activation{number}"] = np.array(layer.activation)
    write_arrays(path, arrays)


def read_network(path: Path) -> DenseNetwork:
    """Read what `write_network` wrote.

    Raises: BuildError, when the file is missing or damaged.
    """

    def parse(arrays: Mapping[str, Any]) -> DenseNetwork:
        layers = [
            DenseLayer(
                weight=arrays[f"weight{number}"],
                bias=arrays[f"bias{number}"],
                mask=arrays[f"mask{number}"],
                activation=str(arrays[f"activation{number}"]),  # type: ignore[arg-type]  # DenseLayer checks it
            )
            for number in range(1, len(arrays) // 4 + 1)
        ]
        return DenseNetwork(tuple(layers))

    return read_arrays(path, "network", parse)


def placement_csv(netlist: Netlist, placement: Placement) -> str:
    """A placement as CSV: one neuron a line, its name, layer, index in the layer, and site."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, layer, index, site in zip(netlist.names, netlist.layer, netlist.index, placement.site, strict=True):
        writer.writerow([name, layer, index, *site])
    return lines.getvalue()


def read_placement(path: Path, netlist: Netlist, grid: Grid) -> Placement:
    """Read the placement of a netlist.

    Raises: BuildError, when the file is missing, damaged or of another netlist.
    """
    content = read_text(path)

    def damaged(reason: str) -> BuildError:
        return BuildError(f"{path}: {reason}")

    rows = [row for _, row in text.csv_rows(content, damaged)]
    if not rows or tuple(rows[0]) != COLUMNS:
        raise BuildError(f"{path}: line 1: need the columns {','.join(COLUMNS)}; build it again")
    names = netlist.names
    if len(rows) - 1 != len(names):
        raise BuildError(f"{path}: {len(rows) - 1} neurons where the circuit has {len(names)}; build it again")
    sites = np.empty((len(names), 3), dtype=np.int64)
    for number, (row, name) in enumerate(zip(rows[1:], names, strict=True)):
        try:
            x, y, z = map(int, row[3:])
            sites[number] = x, y, z
        except (ValueError, OverflowError) as error:
            site = text.shown(",".join(row))
            raise BuildError(f"{path}: line {number + 2}: {site} is no site; build it again") from error
        if row[0] != name:
            found = text.shown(row[0])
            raise BuildError(f"{path}: line {number + 2}: {found} where the circuit has {name!r}; build it again")
    try:
        return Placement(grid, sites)
    except NetgenError as error:
        raise BuildError(f"{path}: {error}; build it again") from error
