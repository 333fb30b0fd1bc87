"""What is kept of a routed build: the wires of the network as a table, and nets only of the circuit that is there."""

import json
import re
from pathlib import Path

import pytest
from five_neurons import five_neurons

from netgen.errors import BuildError
from netgen.flow import files
from netgen.flow.routing import forget_lengths, keep_lengths, load_lengths
from netgen.ir.netlist import netlist_of
from netgen.spec.spec import parse_spec

SPEC = parse_spec("data: {source: digits}\nnetwork: {hidden: [2]}\nplace: {grid: [2, 2, 2]}\n")
ENDS = {"a": 0, "b": 1, "n1_0/1_LC": 2, "n1_1/1_LC": 4, "n2_0/1_LC": 5}
NETS = {
    "n0_0[0]": ("a", ["n1_0/1_LC"]),
    "n0_1[0]": ("b", ["n1_0/1_LC", "n1_1/1_LC"]),
    "n1_0[0]": ("n1_0/1_LC", ["n2_0/1_LC"]),
    "n1_1[0]": ("n1_1/1_LC", ["n2_0/1_LC"]),
}
"""Neurons in a row of tiles: h1 in column 2 reads a and b, h2 in column 4 reads b, y in column 5 reads both."""


def _routed() -> str:
    def cell(name: str) -> dict[str, object]:
        driven = [k for k, (driver, _) in enumerate(NETS.values()) if driver == name]
        out = {"O": driven} if driven else {}
        into = {f"I{k}": [k] for k, (_, readers) in enumerate(NETS.values()) if name in readers}
        return {
            "type": "ICESTORM_LC",
            "attributes": {"NEXTPNR_BEL": f"X{ENDS[name]}/Y1/lc0"},
            "port_directions": dict.fromkeys(out, "output") | dict.fromkeys(into, "input"),
            "connections": out | into,
        }

    def net(bit: int, driver: str, readers: list[str]) -> dict[str, object]:
        x = ENDS[driver]
        ways = [f"X{ENDS[end]}/Y1/in;X{ENDS[end]}/Y1/{x}.1.long.->.{ENDS[end]}.1.in;1" for end in readers]
        parts = [f"X{x}/Y1/out;;1;X{x}/Y1/long;X{x}/Y1/{x}.1.out.->.{x}.1.long;1", *ways]
        return {"bits": [bit], "attributes": {"ROUTING": ";".join(parts)}}

    nets = {name: net(k, *ends) for k, (name, ends) in enumerate(NETS.items())}
    return json.dumps({"modules": {"top": {"cells": {name: cell(name) for name in ENDS}, "netnames": nets}}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = five_neurons()
    (tmp_path / "placement.csv").write_text(files.placement_csv(netlist_of(work.circuit), work.placement))
    (tmp_path / "top.v").write_text("module top(); endmodule\n")
    keep_lengths(tmp_path, "hx8k", _routed(), SPEC, five_neurons().circuit, "a board; nextpnr, seed 1")
    return tmp_path


def test_each_wire_of_the_network_has_a_row(folder: Path) -> None:
    """a to h1: 2 tiles. b's 3 tiles serve h1, which needs 1, and h2, which needs 3, as 1 to 3. h1 to y 3, h2 to y 1.

    In the grid: a to h1 1 step, b to h1 2, b to h2 1, h1 to y 2, h2 to y 1.
    """
    assert (folder / "routed-hx8k.csv").read_text() == (
        "source,target,bits,length,routed,distance\n"
        "n0_0,n1_0,3,1,2.0,2.0\n"
        "n0_1,n1_0,3,2,0.75,1.0\n"
        "n0_1,n1_1,3,1,2.25,3.0\n"
        "n1_0,n2_0,4,2,3.0,3.0\n"
        "n1_1,n2_0,4,1,1.0,1.0\n"
    )


def test_nets_are_read_again_as_they_were_kept(folder: Path) -> None:
    found = load_lengths(folder, None)
    assert {net.name: net.length for net in found.nets} == {"n0_0[0]": 2, "n0_1[0]": 3, "n1_0[0]": 3, "n1_1[0]": 1}
    assert found.about == "a board; nextpnr, seed 1"
    assert load_lengths(folder, "hx8k") == found


def test_nets_of_another_circuit_are_refused(folder: Path) -> None:
    (folder / "top.v").write_text("module top(input a); endmodule\n")
    with pytest.raises(
        BuildError, match=re.escape("routed-hx8k.json: of another top.v; run netgen fpga --lengths again")
    ):
        load_lengths(folder, None)


def test_a_board_is_chosen_where_there_are_several(folder: Path) -> None:
    (folder / "routed-icestick.json").write_text((folder / "routed-hx8k.json").read_text())
    with pytest.raises(BuildError, match=re.escape(f"{folder}: routed for hx8k, icestick; choose one by --board")):
        load_lengths(folder, None)
    assert load_lengths(folder, "icestick").nets
    with pytest.raises(
        BuildError, match=re.escape(f"{folder}: not routed, or not measured; run netgen fpga --lengths first")
    ):
        load_lengths(folder, "ulx3s-85f")


def test_lengths_of_an_earlier_run_are_forgotten(folder: Path) -> None:
    forget_lengths(folder, "hx8k")
    assert sorted(path.name for path in folder.iterdir()) == ["placement.csv", "top.v"]
