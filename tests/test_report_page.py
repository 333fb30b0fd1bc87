"""netgen.report.page: a self-contained page, drawn by a real headless browser without a console error."""

import base64
import json
import re
import zlib
from dataclasses import replace

import pytest
from report_samples import check_report, page_of, placements, random_netlist, sample_report

from netgen.report.agreement import Difference
from netgen.report.fragments import error_scale
from netgen.report.page import page

SMALL = random_netlist((12, 6, 3), 40, seed=1)
LARGE = random_netlist((784, 300, 106, 10), 20_000, seed=3)


def unpacked(text: str, name: str) -> str:
    """What `packed` put into an element of the page, by Python's own base 85."""
    found = re.search(f'<script id="{name}" type="text/plain">([^<]*)</script>', text)
    assert found
    return zlib.decompress(base64.b85decode(found[1].replace(",", "<"))).decode()


def test_the_same_report_gives_the_same_bytes() -> None:
    assert page_of(SMALL) == page_of(SMALL)


def test_the_page_loads_nothing_and_stays_below_2_mb_at_20000_wires() -> None:
    text = page_of(LARGE)
    assert len(text.encode()) < 2_000_000
    assert not re.search(r"https?:|<link[^>]+href=\"(?!data:)|\bsrc=|@import|url\(", text)
    assert "plotly.js v" in unpacked(text, "plotly")


def test_names_are_escaped_wherever_they_stand() -> None:
    text = page_of(SMALL, name="</script><script>alert(1)</script>&")
    assert "<script>alert" not in text
    assert "<h1>&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;</h1>" in text


def test_the_tables_hold_the_reports_numbers() -> None:
    before, after = placements(SMALL, seed=2)
    report = sample_report(SMALL, before, after)
    text = page(report, SMALL, before, after)
    cells = re.findall(r"<td>(?:<i[^>]*></i>)?(?:<b>)?([^<]*)", text)
    for row in report.wires.layers:
        for number in (f"{row.wires:,}", f"{row.before:,}", f"{row.total:,}", f"{row.mean:.2f}", f"{row.bits:,}"):
            assert number in cells
    assert "10,000 samples, verilator" in text


def test_every_accuracy_is_named_for_its_network_and_drawn_as_the_share_of_errors() -> None:
    """The greatest error is 1.92 % (accuracy 98.08 %), so the scale ends at 2 %: 1.77 % is 88.5 % of it."""
    text = page_of(SMALL)
    rows = re.findall(
        r'<li><span>([^<]*)</span><span class="track"><i style="width:([\d.]+)%"></i></span><b>([^<]*)', text
    )
    assert rows == [
        ("dense float network, as trained", "88.50", "98.23 %"),
        ("pruned float network", "91.50", "98.17 %"),
        ("circuit in integers", "96.00", "98.08 %"),
        ("float network after quantization-aware training", "76.00", "98.48 %"),
        ("quantized PyTorch", "78.50", "98.43 %"),
        ("hardware, simulated", "78.50", "98.43 %"),
    ]
    assert "<small>0 % wrong</small><small>2 %</small>" in text
    assert text.index("Validation samples") < text.index("circuit in integers") < text.index("Test samples")


@pytest.mark.parametrize(("most", "end"), [(0.0, 0.01), (0.01, 0.01), (0.0101, 0.02), (0.3, 0.5), (0.71, 1.0)])
def test_the_scale_of_errors_starts_at_0_and_ends_at_a_round_share(most: float, end: float) -> None:
    assert error_scale(most) == end


def test_warnings_open_the_page_and_are_escaped() -> None:
    before, after = placements(SMALL, seed=2)
    report = replace(sample_report(SMALL, before, after), warnings=("prune: <fell>",))
    text = page(report, SMALL, before, after)
    assert '<body>\n<ul class="warnings"><li>prune: &lt;fell&gt;</li></ul>\n<header' in text
    assert 'class="warnings"' not in page_of(SMALL)


def test_the_page_says_what_is_proved_estimated_and_trained_on() -> None:
    before, after = placements(SMALL, seed=2)
    report = sample_report(SMALL, before, after)
    text = page(replace(report, wires=replace(report.wires, bound=12)), SMALL, before, after)
    for part in (
        "no placement on this grid is shorter than 12, which is proved",
        "<dt>LUT estimate</dt><dd>11,000 <small>look-up tables with 6 inputs (AMD UltraScale+), before synthesis<",
        "<dt>Proved neurons</dt><dd>410 <small>have the same words as in the circuit, for all inputs (40 weights)<",
        "<dt>Data set</dt><dd>mnist <small>read by loader idx; SHA-256 0123456789ab</small>",
        "<dt>Input word</dt><dd>u8.8 <small>is the raw feature, limited to 0 to 255; the network reads the number",
        "<dt>Seed</dt><dd>7 ",
    ):
        assert part in text


def test_a_difference_is_shown_in_place_of_exact() -> None:
    before, after = placements(SMALL, seed=2)
    failed = replace(check_report(), difference=Difference(17, 3, 5, -12, "verilator"))
    text = page(replace(sample_report(SMALL, before, after), check=failed), SMALL, before, after)
    assert "sample 17, output 3: expected 5 (evaluate), found -12 (verilator)" in text
    assert 'class="verdict differs"' in text
    assert ">exact<" not in text.replace(" ", "")


def test_the_data_of_the_page_is_its_netlist() -> None:
    data = json.loads(unpacked(page_of(SMALL), "data"))
    assert (data["source"], data["target"]) == (SMALL.source.tolist(), SMALL.target.tolist())
    assert data["names"] == SMALL.names
