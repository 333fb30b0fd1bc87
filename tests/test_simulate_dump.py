"""Toggles in a value change dump: counted by hand."""

import re

import pytest

from netgen.errors import SimulatorError
from netgen.simulate import dump
from netgen.simulate.dump import toggles_in

HEAD = """\
$date today $end
$timescale 1s $end
$scope module bench $end
$var wire 1 a outside $end
$scope module dut $end
$var reg 3 ! word [2:0] $end
$var wire 1 " bit $end
$var wire 1 " alias $end
$scope function f $end
$var reg 1 # inside $end
$upscope $end
$upscope $end
$upscope $end
$enddefinitions $end
"""
CHANGES = """\
#10
$dumpvars
b0 !
0"
0a
x#
$end
#12
b101 !
1"
#13
b1 !
1a
#14
b100 !
0"
#16
b101 !
1"
$dumpoff
bx !
x"
$end
"""
"""word: 000; 101, 001 from 12 to 13; 100 at 14; 101 at 16. Its changes: 101, 100, 101, 001."""


def _toggles(period: int | None) -> dict[str, tuple[bool, list[int], list[int]]]:
    found = toggles_in((HEAD + CHANGES).splitlines(keepends=True), "bench.dut", period=period)
    return {name: (s.register, s.every.tolist(), s.settled.tolist()) for name, s in found.items()}


def test_every_bit_counts_its_changes_up_to_the_end_of_the_dump() -> None:
    """Of the changes 101, 100, 101, 001 the lowest bit has three, the highest three."""
    bit = (False, [3], [3])
    assert _toggles(None) == {"word": (True, [3, 0, 3], [3, 0, 3]), "bit": bit, "alias": bit}


def test_what_changes_back_within_a_period_does_not_count_as_settled() -> None:
    """Periods of 2: the word is 000, 001 from 12, 100 from 14, 101 from 16: its settled changes 001, 101, 001."""
    assert _toggles(2)["word"] == (True, [3, 0, 3], [3, 0, 1])


def test_one_period_for_all_has_no_settled_change() -> None:
    assert _toggles(100)["word"] == (True, [3, 0, 3], [0, 0, 0])


@pytest.mark.parametrize("pending", [1, 2, 3, 5])
def test_it_makes_no_difference_how_many_changes_are_counted_together(
    pending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [_toggles(period) for period in (None, 2, 3)]
    monkeypatch.setattr(dump, "_PENDING", pending)
    assert [_toggles(period) for period in (None, 2, 3)] == expected


def test_unknown_bits_are_refused() -> None:
    lines = [*HEAD.splitlines(keepends=True), "b0 !\n", "#3\n", "b1x0 !\n", "#4\n", "b1 !\n"]
    message = "signal word has unknown bits while samples pass; build the hardware again"
    with pytest.raises(SimulatorError, match=f"^{re.escape(message)}$"):
        toggles_in(lines, "bench.dut")
