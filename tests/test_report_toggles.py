"""How the toggles of a circuit are shown in the terminal."""

from dataclasses import replace

from netgen.ir.toggles import Glitches, LayerToggles, ToggleCheck, ToggleReport
from netgen.report import record
from netgen.report.plain import as_text
from netgen.report.toggles import render_toggles

LAYERS = (
    LayerToggles(layer=0, neurons=64, words=50_000, operators=50_000, registers=0),
    LayerToggles(layer=1, neurons=8, words=2_005, operators=6_000, registers=2_000),
)
REPORT = ToggleReport(
    "digits", 1001, "in the order given", LAYERS, {"n0_0": 50_000, "n1_0": 2_005}, {"n0_0 n1_0": 50_000}
)
SEEN = replace(REPORT, check=ToggleCheck(1001, 8, 40, 2000), glitches=Glitches("gates", 100, 1200, 40, 5000, 2000))


def _lines(found: ToggleReport) -> list[str]:
    return [" ".join(line.split()) for line in as_text(render_toggles(found)).splitlines()]


def test_toggles_are_shown_for_each_sample_by_layer() -> None:
    """A stream of 1,001 samples has 1,000 transitions: 2,005 toggles are 2.0 for each."""
    lines = _lines(REPORT)
    assert "layer neurons words operators registers" in lines
    assert "0 64 50.0 50.0 0.0" in lines
    assert "1 8 2.0 6.0 2.0" in lines
    assert "all 72 52.0 56.0 2.0" in lines
    assert "1,001 samples, in the order given" in lines


def test_what_was_checked_and_simulated_is_told_where_it_was() -> None:
    plain, seen = (" ".join(_lines(found)) for found in (REPORT, SEEN))
    assert "checked: 40 bits of 8 registers toggle 2,000 times, in integers and in the simulated Verilog" in seen
    assert (
        "glitches: 2.50 times the settled toggles, in 1,200 gates and 40 registers of unit delay, 100 samples" in seen
    )
    assert not {"checked", "glitches:"} & set(plain.split())


def test_a_report_of_toggles_is_the_same_after_writing_and_reading() -> None:
    for found in (REPORT, SEEN):
        assert record.read(ToggleReport, record.write(found)) == found
