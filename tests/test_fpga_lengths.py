"""Routed length by owner, layer and wire: a circuit of five neurons, placed on a row of tiles and routed by hand.

    column   0      1      2      3      4      5      6
             pad a  pad b  sum t  h1     h2     y      pad out

h1 and h2 read a and b through t = a + b; h2 reads b itself as well; y reads h1 and h2. A net goes along row 1 from its
driver to each reader, in one segment that each of them leaves.
"""

import json
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from netgen.fpga.along import report_of
from netgen.fpga.lengths import routed_length
from netgen.fpga.routes import nets_of
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.ir.routed_length import RoutedLength, RoutedNet, RoutedPair

CELLS = {"a$sb_io": 0, "b$sb_io": 1, "t1_0a/1_LC": 2, "n1_0/1_LC": 3, "n1_1/7_LC": 4, "n2_0/1_LC": 5, "wrapper/1_LC": 6}
COLUMNS = CELLS | {"n1_1/8_LC": 4, "$nextpnr_LC_1": 5, "flow/1_LC": 6, "$gbuf_clk": 0}
NETS = {
    "n0_0[0]": ("a$sb_io", "D_IN_0", [("t1_0a/1_LC", "I0")]),
    "n0_1$SB_IO_IN": ("b$sb_io", "D_IN_0", [("t1_0a/1_LC", "I1"), ("n1_1/7_LC", "I0")]),
    "t1_0a[0]": ("t1_0a/1_LC", "O", [("n1_0/1_LC", "I0"), ("n1_1/7_LC", "I1")]),
    "n1_0[0]": ("n1_0/1_LC", "O", [("n2_0/1_LC", "I0")]),
    "n1_1/7.O": ("n1_1/7_LC", "O", [("n1_1/8_LC", "I0")]),
    "n1_1[0]": ("n1_1/8_LC", "O", [("n2_0/1_LC", "I1")]),
    "n2_0/1.CO": ("n2_0/1_LC", "COUT", [("$nextpnr_LC_1", "CIN")]),
    "n2_0[0]": ("$nextpnr_LC_1", "O", [("wrapper/1_LC", "I0")]),
    "i_ready": ("flow/1_LC", "O", [("n1_0/1_LC", "CEN")]),
    "clk": ("$gbuf_clk", "O", [("n1_0/1_LC", "CLK")]),
    "wrapper/1.O": ("wrapper/1_LC", "O", [("wrapper/1_LC", "I3")]),
}


def _routing(source: int, ends: list[int]) -> str:
    parts = [f"X{source}/Y1/out;;1;X{source}/Y1/long;X{source}/Y1/{source}.1.out.->.{source}.1.long;1"]
    parts += [f"X{end}/Y1/in_{k};X{end}/Y1/{source}.1.long.->.{end}.1.in_{k};1" for k, end in enumerate(ends)]
    return ";".join(parts)


@pytest.fixture(scope="module")
def found() -> RoutedLength:
    cells: dict[str, dict[str, Any]] = {
        name: {
            "type": "SB_GB" if "gbuf" in name else "ICESTORM_LC",
            "attributes": {"NEXTPNR_BEL": f"X{column}/Y1/lc0"},
            "port_directions": {},
            "connections": {},
        }
        for name, column in COLUMNS.items()
    }
    nets = {}
    for bit, (net, (driver, port, readers)) in enumerate(NETS.items()):
        for way, cell, pin in (("output", driver, port), *(("input", *reader) for reader in readers)):
            cells[cell]["connections"][pin], cells[cell]["port_directions"][pin] = [bit], way
        routing = _routing(COLUMNS[driver], [COLUMNS[cell] for cell, _ in readers])
        nets[net] = {"bits": [bit], "attributes": {"ROUTING": routing}}
    return routed_length(nets_of(json.dumps({"modules": {"top": {"cells": cells, "netnames": nets}}})))


def test_nets_are_sorted_by_kind_and_owner(found: RoutedLength) -> None:
    assert found.nets == (
        RoutedNet("n0_0[0]", "input", "n0_0", 2, False),
        RoutedNet("n0_1$SB_IO_IN", "input", "n0_1", 3, False),
        RoutedNet("t1_0a[0]", "core", "t1_0a", 2, False),
        RoutedNet("n1_0[0]", "core", "n1_0", 2, False),
        RoutedNet("n1_1/7.O", "core", "n1_1", 0, True),
        RoutedNet("n1_1[0]", "core", "n1_1", 1, False),
        RoutedNet("n2_0/1.CO", "carry", "n2_0", 0, True),
        RoutedNet("n2_0[0]", "core", "n2_0", 1, False),
        RoutedNet("i_ready", "control", "flow", 3, False),
        RoutedNet("clk", "global", "wrapper", 3, False),
        RoutedNet("wrapper/1.O", "wrapper", "wrapper", 0, True),
    )
    assert found.total() == 2 + 3 + 2 + 2 + 1 + 1


def test_metal_that_serves_two_readers_is_divided_between_them(found: RoutedLength) -> None:
    """Of b's 3 tiles, t needs 1 and h2 needs 3: they share them as 1 to 3. Of t's 2, h1 needs 1 and h2 2."""
    assert found.pairs == (
        RoutedPair("n0_0", "t1_0a", 1, 2, 2.0),
        RoutedPair("n0_1", "n1_1", 1, 3, 3 * 3 / 4),
        RoutedPair("n0_1", "t1_0a", 1, 1, 3 * 1 / 4),
        RoutedPair("n1_0", "n2_0", 1, 2, 2.0),
        RoutedPair("n1_1", "n1_1", 1, 0, 0.0),
        RoutedPair("n1_1", "n2_0", 1, 1, 1.0),
        RoutedPair("n2_0", "wrapper", 1, 1, 1.0),
        RoutedPair("t1_0a", "n1_0", 1, 1, 2 * 1 / 3),
        RoutedPair("t1_0a", "n1_1", 1, 2, 2 * 2 / 3),
    )
    assert sum(pair.share for pair in found.pairs) == found.total()


def test_layers_and_wires_stand_beside_the_model(found: RoutedLength) -> None:
    """The five neurons lie in a row of the grid: a, b, h1, h2, y. A shared sum's nets serve all wires through it.

    Through t go the wires from a and from b to h1 and to h2. a to t, 2 tiles, serves a to h1 and a to h2, 1 each; t to
    h1, 2/3, serves a to h1 and b to h1, 1/3 each. b to h2 has 9/4 of its own, 3/8 of b to t and 2/3 of t to h2.
    """
    netlist = Netlist(
        layer=np.array([0, 0, 1, 1, 2]),
        index=np.array([0, 1, 0, 1, 0]),
        source=np.array([0, 1, 0, 1, 2, 3]),
        target=np.array([2, 2, 3, 3, 4, 4]),
        width=np.full(6, 4),
    )
    placement = Placement(Grid((5, 1, 1)), np.array([[k, 0, 0] for k in range(5)]))
    report, wires = report_of(found, netlist, placement, ["inputs", "hidden", "out"])
    rows = [(wire.source, wire.target, wire.length, wire.routed, wire.distance) for wire in wires]
    assert rows == [
        ("n0_0", "n1_0", 2, pytest.approx(1 + 1 / 3), 2 + 1),
        ("n0_1", "n1_0", 1, pytest.approx(3 / 8 + 1 / 3), 1 + 1),
        ("n0_0", "n1_1", 3, pytest.approx(1 + 2 / 3), 2 + 2),
        ("n0_1", "n1_1", 2, pytest.approx(9 / 4 + 3 / 8 + 2 / 3), 3 + 1 + 2),
        ("n1_0", "n2_0", 2, 2, 2),
        ("n1_1", "n2_0", 1, 1, 1),
    ]
    layers = [
        (one.layer, one.name, one.wires, one.length, one.bit_length, one.between, one.inside) for one in report.layers
    ]
    assert layers == [(1, "hidden", 4, 8, 32, pytest.approx(2 + 3 + 2), 0), (2, "out", 2, 3, 12, 3, 0)]
    assert (report.outputs, report.unmatched) == (1, 0)
    assert report.correlation == pytest.approx(spearmanr([2, 1, 3, 2, 2, 1], [3, 2, 4, 6, 2, 1]).statistic)
    assert report.kinds == {"core": 6, "input": 5, "control": 3, "carry": 0, "global": 3, "wrapper": 0}
