"""Routes as nextpnr writes them: lengths counted by eye, switch by switch."""

import json

import pytest

from netgen.errors import SynthError
from netgen.fpga.routes import nets_of, route_of

ICE40 = (
    "X1/Y14/sp4_v_b_4;X1/Y12/1.12.lutff_6:out.->.1.14.sp4_v_b_4;1;"
    "X0/Y10/span4_horz_41;X1/Y10/1.14.sp4_v_b_4.->.0.10.span4_horz_41;1;"
    "X0/Y10/local_g1_1;X0/Y10/0.10.span4_horz_41.->.0.10.local_g1_1;1;"
    "X0/Y10/io_0:D_OUT_0;X0/Y10/0.10.local_g1_1.->.0.10.io_0:D_OUT_0;1;"
    "X1/Y12/lutff_6:out;;1;"
    "X2/Y13/sp4_v_b_0;X1/Y12/1.12.lutff_6:out.->.2.13.sp4_v_b_0;1;"
    "X2/Y9/sp4_h_r_0;X2/Y9/2.13.sp4_v_b_0.->.2.9.sp4_h_r_0;1;"
    "X6/Y9/sp4_h_r_3;X6/Y9/2.9.sp4_h_r_0.->.6.9.sp4_h_r_3;1;"
    "X10/Y9/sp4_h_r_6;X10/Y9/6.9.sp4_h_r_3.->.10.9.sp4_h_r_6;1;"
    "X12/Y9/local_g3_6;X12/Y9/10.9.sp4_h_r_6.->.12.9.local_g3_6;1;"
    "X12/Y9/lutff_5:in_2;X12/Y9/12.9.local_g3_6.->.12.9.lutff_5:in_2;1;"
    "X12/Y9/lutff_5:in_2_lut;X12/Y9/12.9.lutff_5:in_2.->.12.9.lutff_5:in_2_lut;1"
)
"""From a register in tile (1, 12) to a pad in (0, 10) and to a look-up table in (12, 9); by nextpnr-ice40 0.4."""
ECP5 = (
    "X36/Y7/V06N0303;X36/Y10/1_0_H01W0100->0_-3_V06N0303;1;"
    "X36/Y3/V02N0501;X36/Y4/0_3_V06N0303->0_-1_V02N0501;1;"
    "X36/Y1/V02N0501;X36/Y2/0_1_V02N0501->0_-1_V02N0501;1;"
    "X36/Y1/JA0;X36/Y1/0_0_V02N0501->0_0_JA0;1;"
    "X35/Y0/JPADDOB;X35/Y0/1_1_JA0->0_0_JPADDOB;1;"
    "X35/Y0/PADDOB_PIO;X35/Y0/0_0_JPADDOB->0_0_PADDOB_PIO;1;"
    "X37/Y10/Q0_SLICE;;1;"
    "X37/Y10/Q0;X37/Y10/0_0_Q0_SLICE->0_0_Q0;1;"
    "X37/Y10/H01W0100;X37/Y10/0_0_Q0->0_0_H01W0100;1;"
    "X33/Y10/H06W0103;X36/Y10/1_0_H01W0100->-3_0_H06W0103;1;"
    "X33/Y9/V02N0201;X33/Y10/0_0_H06W0103->0_-1_V02N0201;1;"
    "X33/Y7/V02N0201;X33/Y8/0_1_V02N0201->0_-1_V02N0201;1;"
    "X33/Y7/C7;X33/Y7/0_0_V02N0201->0_0_C7;1;"
    "X33/Y7/C7_SLICE;X33/Y7/0_0_C7->0_0_C7_SLICE;1"
)
"""From a register in tile (37, 10) to a pad in (35, 0) and to a look-up table in (33, 7); by nextpnr-ecp5 0.11.1."""


@pytest.mark.parametrize(
    ("routing", "lengths"),
    [
        # to the table: 1 + 3 from (1, 12) to the switch in (2, 9), then 4, 4 and 2 along row 9.
        # to the pad: 2 from (1, 12) down to (1, 10), 1 to (0, 10). They share no metal.
        (ICE40, {(12, 9): 14, (0, 10): 3, None: 17}),
        # both begin with 1 from column 37 to 36. To the table: 3 along row 10 to column 33, 2 to row 8, 1 to row 7.
        # to the pad: 6 up to row 4, 2 to row 2, 1 to row 1, then 1 + 1 to (35, 0).
        (ECP5, {(33, 7): 7, (35, 0): 12, None: 18}),
    ],
    ids=["ice40", "ecp5"],
)
def test_a_route_is_as_long_as_the_tiles_between_its_switches(
    routing: str, lengths: dict[tuple[int, int] | None, int]
) -> None:
    route = route_of(routing)
    assert {tile: route.length(None if tile is None else [tile]) for tile in lengths} == lengths


def test_a_segment_counts_once_however_many_leave_it() -> None:
    """A segment from column 1 is left in columns 3 and 5, and in column 0: 5 tiles, not 2 + 4 + 1."""
    ways = "".join(f"X{x}/Y1/local_{x};X{x}/Y1/1.1.sp12_h_r_0.->.{x}.1.local_{x};1;" for x in (3, 5, 0))
    route = route_of(f"X1/Y1/out;;1;X1/Y1/sp12_h_r_0;X1/Y1/1.1.out.->.1.1.sp12_h_r_0;1;{ways}".rstrip(";"))
    assert route.length() == 5
    assert [route.length([(x, 1)]) for x in (3, 5, 0)] == [2, 4, 1]
    assert route.length([(3, 1), (0, 1)]) == 3


def test_the_network_for_clocks_of_ecp5_has_no_length() -> None:
    """nextpnr leaves its switches out; behind it, the clock goes from row 9 to row 10."""
    route = route_of(
        "X7/Y9/G_HPBX0000;;5;X7/Y9/CLK0;X7/Y9/0_0_G_HPBX0000->0_0_CLK0;5;X7/Y10/CLK0_SLICE;X7/Y10/0_-1_CLK0->0_0_CLK0_SLICE;5;"
        "X4/Y12/L_HPBX0000;X4/Y12/0_0_G_VPTX0000->0_0_L_HPBX0000;5"
    )
    assert route.length() == 1


def test_a_net_without_a_route_is_inside_a_tile() -> None:
    assert route_of(" ").length() == 0
    assert route_of(" ").length([(1, 1)]) == 0


@pytest.mark.parametrize(
    ("routing", "wrong"),
    [
        ("X1/Y1/a;;1;X1/Y1/b;X1/Y1/a=>b;1", "X1/Y1/a=>b"),
        ("X1/Y1/a;;1;here;X1/Y1/1.1.a.->.1.1.b;1", "here"),
        ("X1/Y1/b;X1/Y1/1.1.a.->.1.1.b;1", "X1/Y1/a"),
    ],
)
def test_a_route_that_is_not_understood_is_refused(routing: str, wrong: str) -> None:
    with pytest.raises(SynthError) as raised:
        route_of(routing, "n1_0[2]")
    assert str(raised.value) == f"route of net n1_0[2]: {wrong!r} is not understood; use another version of nextpnr"


def _written(routing: str) -> str:
    cells = {
        "n1_0/1_LC": ("ICESTORM_LC", "X1/Y12/lc6", {"O": ([7], "output"), "I0": ([], "input")}),
        "n2_0/4_LC": ("ICESTORM_LC", "X12/Y9/lc5", {"I2": ([7], "input")}),
        "q$sb_io": ("SB_IO", "X0/Y10/io0", {"D_OUT_0": ([7], "input")}),
    }
    module = {
        "cells": {
            name: {
                "type": kind,
                "attributes": {"NEXTPNR_BEL": bel},
                "port_directions": {port: way for port, (_, way) in ports.items()},
                "connections": {port: bits for port, (bits, _) in ports.items()},
            }
            for name, (kind, bel, ports) in cells.items()
        },
        "netnames": {
            "n1_0[2]": {"bits": [7], "attributes": {"ROUTING": routing}},
            "unused": {"bits": [8], "attributes": {"ROUTING": " "}},
        },
    }
    return json.dumps({"modules": {"top": module}})


def test_nets_have_the_cells_at_their_ends() -> None:
    (net,) = nets_of(_written(ICE40))
    assert net.name == "n1_0[2]"
    assert net.driver is not None
    assert (net.driver.cell, net.driver.port, net.driver.tile) == ("n1_0/1_LC", "O", (1, 12))
    assert [(end.cell, end.port, end.kind, end.tile) for end in net.readers] == [
        ("n2_0/4_LC", "I2", "ICESTORM_LC", (12, 9)),
        ("q$sb_io", "D_OUT_0", "SB_IO", (0, 10)),
    ]
    assert net.route.length() == 17


def test_a_design_that_is_only_placed_is_refused() -> None:
    with pytest.raises(SynthError, match="no net has a route; have nextpnr route the design first"):
        nets_of(_written(" "))
