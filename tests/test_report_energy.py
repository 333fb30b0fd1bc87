"""How the energy of a sample is shown, in the terminal and on the page."""

import json
import re
from dataclasses import replace

import pytest
from report_samples import placements, random_netlist, sample_energies, sample_report

from netgen.ir.energy import Energy, EnergyPart
from netgen.report.build import from_json, to_json
from netgen.report.energy import energy_sections, joules, render_energy
from netgen.report.page import page
from netgen.report.plain import as_text

NETLIST = random_netlist((12, 6, 3), 40, seed=1)
REPORT = sample_report(NETLIST, *placements(NETLIST, seed=2))


def test_parts_add_up_by_layer_kind_and_data() -> None:
    """Wires 1,250.5 and 250 grid steps x bits; the headline leaves out the 40 bits of registers."""
    wires, eyeriss = sample_energies()
    assert wires.amount == 1500.5
    assert wires.picojoules == (15.5, 62.0)
    assert wires.picojoules_of(layer=1) == (13.0, 52.0)
    assert (wires.layers, wires.kinds) == ((1, 2), ("wires", "registers"))
    assert eyeriss.amount_of(data="weights") == 4000
    assert eyeriss.picojoules is None


def test_the_table_has_a_row_for_each_layer_and_a_column_for_each_kind() -> None:
    lines = [" ".join(line.split()) for line in as_text(render_energy(sample_energies())).splitlines()]
    assert "energy per sample, wires: 15.5 to 62 pJ; 1,500.5 grid steps x bits" in lines
    assert "layer wires registers energy" in lines
    assert "1 1,250.5 40.0 13 to 52 pJ" in lines
    assert "2 250.0 0.0 2.5 to 10 pJ" in lines
    assert "all 1,500.5 40.0 15.5 to 62 pJ" in lines
    assert "wires: grid steps x bits; registers: bits" in lines
    assert "1,000 samples, in the order given" in lines
    assert "energy per sample, eyeriss: 5,000.0 MACs of 16 bits" in lines
    assert "layer DRAM" in lines


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ((0.0, 0.0), "0 fJ"),
        ((0.02, 0.5), "20 to 500 fJ"),
        ((1.0, 1.0), "1 pJ"),
        ((900.0, 1500.0), "0.9 to 1.5 nJ"),
        ((2.5e6, 3e6), "2.5 to 3 uJ"),
        ((1e9, 1.5e9), "1 to 1.5 mJ"),
        ((1e12, 2e12), "1 to 2 J"),
    ],
)
def test_a_range_of_energy_is_told_in_the_unit_of_its_end(span: tuple[float, float], text: str) -> None:
    assert joules(span) == text


def test_the_page_and_the_text_of_a_build_show_its_energy() -> None:
    text = page(REPORT, NETLIST, *placements(NETLIST, seed=2))
    assert "<h2>Energy per sample</h2>" in text
    assert "<h3>wires: 15.5 to 62 pJ; 1,500.5 grid steps x bits</h3>" in text
    assert "<tr><td>1</td><td>1,250.5</td><td>40.0</td><td>13 to 52 pJ</td></tr>" in text
    assert "energy per sample, wires: 15.5 to 62 pJ" in str(REPORT)


def test_nothing_is_shown_where_nothing_was_measured() -> None:
    assert energy_sections(()) == ""
    without = replace(REPORT, energy=())
    assert "Energy per sample" not in page(without, NETLIST, *placements(NETLIST, seed=2))
    assert "energy per sample" not in str(without)


def test_what_a_condition_says_is_escaped_on_the_page() -> None:
    part = EnergyPart(1, "wires", "", "steps", 1.0, None)
    assert "<b>" not in re.sub("&lt;b&gt;", "", energy_sections([Energy("wires", "steps", (part,), ("<b>",))]))


def test_a_report_of_an_earlier_version_has_no_energy() -> None:
    tree = json.loads(to_json(REPORT))
    del tree["energy"]
    assert from_json(json.dumps(tree)) == replace(REPORT, energy=())


def test_a_report_with_energy_survives_json_exactly() -> None:
    assert from_json(to_json(REPORT)) == REPORT
