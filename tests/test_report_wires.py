"""netgen.report.wires: lengths per layer, worked by hand and by another formula."""

import numpy as np
import pytest
from report_samples import placements, random_netlist

from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import Netlist
from netgen.report.wires import LayerWires, WireReport, wire_report


def test_a_hand_worked_netlist_gives_these_rows() -> None:
    """Two inputs, two neurons, one output on a 3 x 2 x 1 grid with pitch (1, 2, 1).

    Index order: 0 at (0,0), 1 at (1,0), 2 at (2,0), 3 at (0,1), 4 at (1,1); placed: 0 and 1 change places with 2 and 3.
    Wires 0-2, 0-3, 1-3, then 2-4: before 2, 2, 1+2=3, then 1+2=3; after, with sites 0:(2,0) 1:(0,1) 2:(0,0) 3:(1,0)
    4:(1,1): 2, 1, 1+2=3, then 1+2=3. Bits: 8 bits on the first three, 5 on the last.
    """
    netlist = Netlist(
        layer=np.array([0, 0, 1, 1, 2]),
        index=np.array([0, 1, 0, 1, 0]),
        source=np.array([0, 0, 1, 2]),
        target=np.array([2, 3, 3, 4]),
        width=np.array([8, 8, 8, 5]),
    )
    grid = Grid((3, 2, 1), pitch=(1, 2, 1))
    before = Placement(grid, np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [1, 1, 0]]))
    after = Placement(grid, np.array([[2, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0]]))
    assert wire_report(netlist, before, after) == WireReport(
        neurons=5,
        shape=(3, 2, 1),
        pitch=(1, 2, 1),
        layers=(
            LayerWires(layer=1, wires=3, before=7, total=6, mean=2.0, longest=3, share=6 / 9, bits=48),
            LayerWires(layer=2, wires=1, before=3, total=3, mean=3.0, longest=3, share=3 / 9, bits=15),
        ),
        wires=4,
        before=10,
        total=9,
        mean=2.25,
        longest=3,
        bits=63,
    )


def test_the_claim_says_what_is_proved() -> None:
    netlist = random_netlist((4, 2), 6, seed=1)
    before, after = placements(netlist, seed=2)
    proved = wire_report(netlist, before, after, bound=1083).claim
    assert proved == "no placement on this grid is shorter than 1,083, which is proved"
    assert wire_report(netlist, before, after).claim == "no lower bound was computed (place.certificate)"


def test_a_netlist_without_wires_has_rows_of_zeros() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    netlist = Netlist(np.array([0, 1]), np.array([0, 0]), nothing, nothing, nothing)
    at = Placement(Grid((2, 1, 1)), np.array([[0, 0, 0], [1, 0, 0]]))
    report = wire_report(netlist, at, at)
    assert report.layers == (LayerWires(1, 0, 0, 0, 0.0, 0, 0.0, 0),)
    assert (report.wires, report.before, report.total, report.mean, report.longest, report.saved) == (0, 0, 0, 0, 0, 0)


def test_rows_sum_to_the_totals_and_agree_with_a_count_wire_by_wire() -> None:
    netlist = random_netlist((30, 12, 8, 3), 200, seed=1)
    before, after = placements(netlist, seed=2)
    report = wire_report(netlist, before, after)
    for row in report.layers:
        old, new, bits = [], [], 0
        for source, target, width in zip(netlist.source, netlist.target, netlist.width, strict=True):
            if netlist.layer[target] == row.layer:
                old.append(sum(abs(int(d)) for d in before.site[source] - before.site[target]))
                new.append(sum(abs(int(d)) for d in after.site[source] - after.site[target]))
                bits += new[-1] * int(width)
        assert (row.wires, row.before, row.total, row.longest) == (len(new), sum(old), sum(new), max(new))
        assert (row.mean, row.bits) == (sum(new) / len(new), bits)
    assert report.total == sum(row.total for row in report.layers)
    assert report.before == sum(row.before for row in report.layers)
    assert report.bits == sum(row.bits for row in report.layers)
    assert sum(row.share for row in report.layers) == pytest.approx(1.0, abs=1e-12)
    assert report.saved == pytest.approx((report.before - report.total) / report.before)
