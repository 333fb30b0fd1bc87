"""After routing: what nextpnr packed for ECP5, and the bitstream of an iCE40, answer as `evaluate` does."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from strategies import designed_as, random_circuit

from netgen.errors import SynthError
from netgen.fpga.bitstream import pack
from netgen.fpga.boards import BOARDS
from netgen.fpga.ecp5_verilog import ecp5_verilog
from netgen.fpga.nextpnr import place_and_route
from netgen.fpga.owners import map_owned
from netgen.fpga.readback import read_back
from netgen.hdl import board_program
from netgen.ir.circuit import classify, evaluate
from netgen.ir.fixed import FixedPoint
from netgen.operators.board import answers_of, bytes_of
from netgen.operators.design import Simulated
from netgen.simulate.loopback import exchange_simulated

Tool = Callable[[str], str]


@pytest.mark.native
@pytest.mark.parametrize("name", ["icestick", "ulx3s-12f"])
def test_64_answers_after_routing_are_those_of_the_integers(name: str, native_tool: Tool, tmp_path: Path) -> None:
    for tool in ("yosys", "iverilog", "icebox_vlog"):
        native_tool(tool)
    board = BOARDS[name]
    circuit = random_circuit((3, 4, 3), seed=3, entry=FixedPoint(4, 0, signed=False), width=4)
    design = designed_as(circuit, argmax=True)
    program = board_program(design, hertz=4_000_000, baud=1_000_000)
    verilog = f"{design.verilog}\n{program.verilog}"
    mapped = map_owned(verilog, target=board.device.family, top="board", core="core", yosys="native")
    routing = place_and_route(mapped.text, board.device, log=tmp_path / "log", pins=board.pins, megahertz=4)
    if board.device.family == "ice40":
        after = read_back(pack(routing.config, board.device), board, "board")
    else:
        after = ecp5_verilog(routing.netlist, "board")
    words = np.random.default_rng(5).integers(0, 16, (64, 3))
    found = exchange_simulated(replace(program, verilog=after), "", bytes_of(design, words), latency=design.latency)
    scores = evaluate(circuit, words)
    assert found.answers.tolist() == answers_of(design, Simulated(scores, classify(scores))).tolist()


def _module(kind: str, ports: dict[str, tuple[str, list[int]]], **parameters: str) -> str:
    cell = {
        "type": kind,
        "parameters": parameters,
        "connections": {port: bits for port, (_, bits) in ports.items()},
    }
    return json.dumps({"modules": {"top": {"cells": {"n1_0/1": cell}, "ports": {}}}})


@pytest.mark.parametrize(
    ("kind", "parameters", "why"),
    [
        ("DP16KD", {}, "cell n1_0/1 is a DP16KD, which cannot be simulated after routing"),
        ("TRELLIS_COMB", {"MODE": "DPRAM"}, "a TRELLIS_COMB in mode DPRAM cannot be simulated after routing"),
        ("TRELLIS_FF", {"SRMODE": "ASYNC"}, "a TRELLIS_FF with SRMODE ASYNC cannot be simulated after routing"),
    ],
)
def test_a_cell_without_a_model_is_refused(kind: str, parameters: dict[str, str], why: str) -> None:
    with pytest.raises(SynthError) as raised:
        ecp5_verilog(_module(kind, {"Q": ("output", [2])}, **parameters), "top")
    assert str(raised.value) == why
