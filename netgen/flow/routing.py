"""Routed length of a build: measured when it is routed, and kept beside the bitstream."""

import csv
import hashlib
import io
from dataclasses import fields, replace
from pathlib import Path

from netgen.errors import BuildError
from netgen.flow import files
from netgen.flow.folder import parsed
from netgen.fpga.along import report_of
from netgen.fpga.lengths import routed_length
from netgen.fpga.routes import nets_of
from netgen.ir.circuit import Circuit
from netgen.ir.netlist import netlist_of
from netgen.ir.routed_length import RoutedLength, RoutingReport, WireLength
from netgen.spec.board import board_of
from netgen.spec.spec import Spec
from netgen.tools import whole_file

__all__ = ["forget_lengths", "keep_lengths", "load_lengths"]

_NETS, _WIRES = "routed-{}.json", "routed-{}.csv"
"""Files of a board: lengths of nets, and of the wires of the network."""


def keep_lengths(folder: Path, board: str, routed: str, spec: Spec, circuit: Circuit, about: str) -> RoutingReport:
    """Measure a routed build; write its nets (`routed-BOARD.json`) and the wires of its network (`routed-BOARD.csv`).

    Args:
        folder: of the build.
        board: its name.
        routed: JSON that nextpnr wrote.
        about: board, program and seed, in words.
    Raises: SynthError, for routes that are not understood; BuildError, when a file is damaged or cannot be written.
    """
    from netgen.report import record

    netlist = netlist_of(circuit)
    placement = files.read_placement(folder / "placement.csv", netlist, board_of(spec.place, netlist)[0])
    found = replace(routed_length(nets_of(routed)), circuit=_digest(folder), about=about)
    report, wires = report_of(found, netlist, placement, ["inputs", *(layer.name for layer in circuit.layers)])
    for name, text in ((_NETS, record.write(found)), (_WIRES, _table(wires))):
        with whole_file(folder / name.format(board), BuildError, fix="choose a folder that can be written") as beside:
            beside.write_text(text, encoding="utf-8")
    return report


def forget_lengths(folder: Path, board: str) -> None:
    """Remove what `keep_lengths` wrote."""
    for name in (_NETS, _WIRES):
        (folder / name.format(board)).unlink(missing_ok=True)


def load_lengths(folder: Path, board: str | None) -> RoutedLength:
    """Read the routed length of a build folder.

    Args:
        board: for which it was routed; by default the only one.
    Raises: BuildError, when there is none, or several without a name, or it is of another circuit, or damaged.
    """
    from netgen.report import record

    found = sorted(folder.glob(_NETS.format("*"))) if board is None else [folder / _NETS.format(board)]
    if len(found) != 1 or not found[0].exists():
        names = ", ".join(path.stem.removeprefix("routed-") for path in found if path.exists())
        what = (
            f"routed for {names}; choose one by --board"
            if names
            else "not routed, or not measured; run netgen fpga --lengths first"
        )
        raise BuildError(f"{folder}: {what}")
    lengths = parsed(found[0], lambda text: record.read(RoutedLength, text))
    if lengths.circuit != _digest(folder):
        raise BuildError(f"{found[0]}: of another top.v; run netgen fpga --lengths again")
    return lengths


def _digest(folder: Path) -> str:
    return hashlib.sha256(files.read_text(folder / "top.v").encode()).hexdigest()


def _table(wires: tuple[WireLength, ...]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(WireLength)]
    writer.writerow(names)
    for wire in wires:
        cells = (getattr(wire, name) for name in names)
        writer.writerow(round(cell, 3) if isinstance(cell, float) else cell for cell in cells)
    return text.getvalue()
