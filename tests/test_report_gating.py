"""How gates are shown, in the terminal and on the page."""

from dataclasses import replace

from report_samples import placements, random_netlist, sample_report

from netgen.ir.gating import ClassUse, EnergyReport, GateReport, GateUse, Saving
from netgen.report import record
from netgen.report.build import from_json, to_json
from netgen.report.gating import gate_sections, render_gates, shown_gates
from netgen.report.page import page
from netgen.report.plain import as_text

STEPS = "grid steps x bits"
GATE = GateUse("n4_0", "gate2", 250, 750, 240, 745, 800, 700, (ClassUse(0, 400, 50), ClassUse(1, 600, 200)))
FOUND = GateReport(
    samples=1000,
    origin="test samples",
    total=1,
    gates=(GATE,),
    wire_length=1000,
    needed=400.0,
    computed=475.0,
    stream="100 samples, in the order given",
    savings=(
        Saving("wires", STEPS, 200.0, 500.0, (1.0, 4.0), (2.0, 10.0)),
        Saving("vias", STEPS, 100.0, 100.0, (0.5, 2.0), (0.5, 2.0)),
        Saving("operators", "bits", 0.0, 10.0, (0.0, 0.0), (0.0, 0.0)),
    ),
)


def _lines(found: GateReport) -> list[str]:
    return [" ".join(line.split()) for line in as_text(render_gates(found)).splitlines()]


def test_a_gate_is_told_with_its_share_its_answers_its_block_and_what_it_saves() -> None:
    lines = _lines(FOUND)
    assert "gate layer on right, on right, off block held" in lines
    assert "n4_0 gate2 25.00 % 96.00 % 99.33 % 800 700" in lines
    assert "class samples n4_0" in lines
    assert {"0 400 12.50 %", "1 600 33.33 %"} <= set(lines)
    assert {"wires 200.0 500.0 2.50", "vias 100.0 100.0 1.00", "operators 0.0 10.0"} <= set(lines)
    assert "wires and vias 300.0 600.0 2.00" in lines
    assert "all 1.5 to 6 pJ 2.5 to 12 pJ 1.67 to 2.00" in lines
    assert "wire length 1,000, of which a sample computes 475.0 in the mean (47.5 %)" in lines
    assert any(line.startswith("training counts 400.0, what a sample needs by its paths;") for line in lines)


def test_what_is_not_known_is_not_shown() -> None:
    bare = replace(GATE, right_on=None, right_off=None, classes=())
    lines = _lines(replace(FOUND, gates=(bare,), savings=(), computed=400.0))
    assert "n4_0 gate2 25.00 % 800 700" in lines
    assert not any(word in line for line in lines for word in ("right", "class", "energy", "training"))


def test_of_many_gates_those_with_the_longest_blocks_are_shown_in_their_order() -> None:
    gates = tuple(replace(GATE, name=f"n4_{k}", block=[900, 10, 950, 20][k % 4] + k) for k in range(16))
    found = replace(FOUND, gates=gates, total=20)
    assert [gate.name for gate in shown_gates(found)] == [f"n4_{k}" for k in range(0, 16, 2)]
    lines = _lines(found)
    assert "the first 16 of 20 gates; the others count as always on" in lines
    assert "the 8 gates with the longest blocks, of 16; all are in the JSON" in lines


def test_the_page_and_the_text_of_a_build_show_its_gates() -> None:
    netlist = random_netlist((12, 6, 3), 40, seed=1)
    report = sample_report(netlist, *placements(netlist, seed=2))
    assert "<h2>Gates</h2>" not in page(report, netlist, *placements(netlist, seed=2))
    gated = replace(report, gates=FOUND)
    assert "<td>n4_0</td><td>gate2</td><td>25.00 %</td>" in page(gated, netlist, *placements(netlist, seed=2))
    assert "gates: blocks that are computed" in str(gated)
    assert from_json(to_json(gated)) == gated
    assert record.read(EnergyReport, record.write(EnergyReport("x", (), FOUND))) == EnergyReport("x", (), FOUND)


def test_names_are_escaped_on_the_page() -> None:
    assert "<b>" not in gate_sections(replace(FOUND, gates=(replace(GATE, layer="<b>"),)))
    assert gate_sections(None) == ""
