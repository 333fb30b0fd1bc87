"""Owners of mapped cells: registers of five neurons, counted by hand, and the names in a module of four cells."""

import json
from collections import Counter
from collections.abc import Callable

import pytest
from five_neurons import five_neurons
from strategies import designed_as, random_circuit

from netgen.fpga.marking import YosysModule, marked, named, owner_of
from netgen.fpga.owners import map_owned
from netgen.operators.kinds import needs_logic
from netgen.operators.names import names_of

REGISTERS = {"n1_0": 4, "n1_1": 3, "n2_0": 5, "flow": 2}
"""Of the circuit of five neurons, which has two layers: h1 = a + b is at most 14, 4 bits; h2 = 2 b at most 14, but its
lowest bit is always 0; y at most 28, 5 bits; and a valid bit for each layer."""


def _cells(netlist: str, top: str) -> YosysModule:
    cells: YosysModule = json.loads(netlist)["modules"][top]["cells"]
    return cells


def _registers(cells: YosysModule) -> Counter[str]:
    return Counter(owner_of(name) for name, cell in cells.items() if "FF" in cell["type"])


@pytest.fixture
def yosys(native_tool: Callable[[str], str]) -> str:
    """The Yosys that starts quickly."""
    native_tool("yosys")
    return "native"


def _verilog() -> str:
    return designed_as(five_neurons().circuit, sharing="csd").verilog


@pytest.mark.parametrize("target", ["ecp5", "ice40"])
def test_every_cell_has_an_owner_and_registers_have_the_right_one(target: str, yosys: str) -> None:
    cells = _cells(map_owned(_verilog(), target=target, yosys=yosys).text, "top")
    assert {owner_of(name) for name in cells} == set(REGISTERS)
    assert _registers(cells) == REGISTERS


def test_what_is_not_in_the_core_belongs_to_the_wrapper(yosys: str) -> None:
    """The wrapper shifts in 6 bits, which are the words of two inputs, and registers both streams' valid bits."""
    verilog = _verilog() + (
        "module outer(input clk, input d, input v, output reg [4:0] q, output reg done);\n"
        "reg [5:0] sample; reg go; wire [4:0] word; wire valid;\n"
        "always @(posedge clk) begin sample <= {d, sample[5:1]}; go <= v; q <= word; done <= valid; end\n"
        "top core(.clk(clk), .rst(1'b0), .i_payload(sample), .i_valid(go), .i_ready(), .o_payload(word),\n"
        "         .o_valid(valid), .o_ready(1'b1));\nendmodule\n"
    )
    netlist = map_owned(verilog, target="ice40", top="outer", core="core", yosys=yosys).text
    cells = _cells(netlist, "outer")
    assert _registers(cells) == REGISTERS | {"wrapper": 6 + 1 + 5 + 1}
    nets = json.loads(netlist)["modules"]["outer"]["netnames"]
    assert {f"n0_{k}[{bit}]" for k in range(2) for bit in range(3)} <= set(nets)


@pytest.mark.parametrize("sharing", ["shared", "local"])
def test_sums_that_several_neurons_share_own_their_cells(sharing: str, yosys: str) -> None:
    """Every shared operator that needs logic owns cells, and nothing else does but neurons and flow control."""
    design = designed_as(random_circuit((3, 3, 2), seed=3), sharing=sharing)
    operators = zip(names_of(design.graph), design.graph.operators, strict=True)
    shared = {name for name, op in operators if name.startswith("t") and needs_logic(op.operation)}
    cells = _cells(map_owned(design.verilog, target="ice40", yosys=yosys).text, "top")
    owners = {owner_of(name) for name in cells}
    assert shared
    assert {owner for owner in owners if owner.startswith("t")} == shared
    assert owners - shared == {f"n{layer}_{k}" for layer, size in ((1, 3), (2, 2)) for k in range(size)} | {"flow"}


def _cell(kind: str, out: list[int], into: list[int]) -> dict[str, object]:
    return {
        "type": kind,
        "attributes": {},
        "port_directions": {"A": "input", "Y": "output"},
        "connections": {"A": into, "Y": out},
    }


def _net(*bits: int, init: str = "") -> dict[str, object]:
    return {"bits": list(bits), "attributes": {"init": init} if init else {}}


MODULE = {
    "attributes": {},
    "ports": {"i_payload": {"direction": "input", "bits": [2]}, "o_payload": {"direction": "output", "bits": [6]}},
    "cells": {
        "$shared": _cell("$add", [3, 4], [2]),
        "$not": _cell("$not", [5], [4]),
        "$sum": _cell("$add", [6], [5]),
        "$valid": _cell("$dff", [7], [2]),
    },
    "netnames": {
        "i_payload": _net(2),
        "n0_0": _net(2),
        "n1_0_1": _net(3),  # the sum of n1_0 begins with the lowest bit of t1_0a
        "t1_0a": _net(3, 4, init="10"),
        "$not$top.v:9$3_Y": _net(5),
        "n1_0": _net(6),
        "n2_3_1": _net(6),
        "o_payload": _net(6),
        "valid": _net(7),
    },
}
"""n1_0 is the inverse of the upper bit of a shared sum; neuron 3 of layer 2 begins with a copy of n1_0."""


def test_a_cell_belongs_to_the_operator_that_it_drives_first() -> None:
    module, owners = marked(MODULE)
    assert {
        name: cell["attributes"].get("submod") for name, cell in module["cells"].items() if "$buffer" not in name
    } == {
        "$shared": "t1_0a",
        "$not": "n1_0",
        "$sum": "n1_0",
        "$valid": "flow",
    }
    assert owners == ["flow", "n1_0", "t1_0a"]


def test_each_bit_becomes_a_net_that_keeps_its_initial_value() -> None:
    module, _ = marked(MODULE)
    nets = {name: (net["bits"], net["attributes"]) for name, net in module["netnames"].items()}
    assert nets == {
        "n0_0": ([2], {}),
        "t1_0a[0]": ([3], {"init": "0"}),
        "t1_0a[1]": ([4], {"init": "1"}),
        "$net$5": ([5], {}),
        "n1_0": ([6], {}),
        "valid": ([7], {}),
    }


def test_buffers_lead_from_each_port_to_the_circuit() -> None:
    module, _ = marked(MODULE)
    outer = {name: port["bits"][0] for name, port in module["ports"].items()}
    buffers = [cell["connections"] for cell in module["cells"].values() if cell["type"] == "$_BUF_"]
    assert buffers == [{"A": [outer["i_payload"]], "Y": [2]}, {"A": [6], "Y": [outer["o_payload"]]}]
    assert not set(outer.values()) & set(range(8))


def test_mapped_cells_are_numbered_and_nets_named_by_signal_or_driver() -> None:
    cells = {"$a": _cell("LUT4", [3], [2]), "$b": _cell("LUT4", [4], [3]), "$c": _cell("LUT4", [5], [4])}
    for name, owner in (("$a", "n1_0"), ("$b", "n1_0")):
        cells[name]["attributes"] = {"owner": owner}
    nets = {"n0_0": _net(2), "top_n1_0.n1_0": _net(4), "top_n1_0.n1_0_LUT4_Z": _net(3), "q": _net(5)}
    module = named({"cells": cells, "netnames": nets}, "top", {"n0_0", "n1_0", "q"})
    assert list(module["cells"]) == ["n1_0/1", "n1_0/2", "wrapper/1"]
    assert {name: net["bits"] for name, net in module["netnames"].items()} == {
        "n0_0": [2],
        "n1_0/1.Y": [3],
        "n1_0": [4],
        "q": [5],
    }
