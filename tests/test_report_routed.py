"""A routed circuit as tables: routed length by layer, beside the wire length of the model."""

import io

from rich.console import Console

from netgen.ir.routed import Routed
from netgen.ir.routed_length import LayerLength, RoutingReport
from netgen.ir.utilization import Utilization
from netgen.report import record, render_routed

LENGTHS = RoutingReport(
    kinds={"core": 90, "input": 40, "control": 7, "carry": 5, "global": 3, "wrapper": 2},
    layers=(LayerLength(1, "hidden", 20, 30, 40, 60.0, 12.0), LayerLength(2, "class", 0, 0, 0, 25.4, 1.0)),
    outputs=31.6,
    unmatched=25.4,
    correlation=0.184,
)
ROUTED = Routed(
    board="hx8k",
    about="a board",
    device="iCE40HX8K",
    top="uart",
    nextpnr="nextpnr-ice40 0.4 (native)",
    seed=1,
    clock=12.0,
    fmax=30.0,
    mapped=Utilization("ice40", "0.23", 1, 1, 1, 0, 0, 0, 0, 0, 1, {"SB_LUT4": 1}),
    cells={},
    path=(),
    lengths=LENGTHS,
    baud=1_000_000,
    bitstream="",
)


def _shown(found: Routed) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    console.print(render_routed(found))
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_tiles_stand_beside_grid_steps_and_their_ratio_is_of_layers_with_wires_alone() -> None:
    """60 tiles for 40 steps times bits; the arg-max has none, so its 25 tiles are in the sum alone."""
    lines = _shown(ROUTED)
    start = lines.index("routed length, in tiles of the FPGA")
    shown = [line for line in lines[start + 1 :] if line and not set(line) <= set("─ ")]
    assert shown[:4] == [
        "layer wires wire length x bits between inside tiles/step",
        "hidden 20 30 40 60 12 1.50",
        "class 0 0 0 25 1",
        "all 20 30 40 85 13 1.50",
    ]
    assert shown[4:6] == [
        "to the outputs 32; besides: control 7, carry 5, global 3, wrapper 2",
        "0.18 rank correlation of length and distance by wire",
    ]


def test_a_routed_circuit_is_read_again_as_it_was_written() -> None:
    assert record.read(Routed, record.write(ROUTED)) == ROUTED
