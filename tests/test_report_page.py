"""netgen.report.page: a self-contained page, drawn by a real headless browser without a console error."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from report_samples import check_report, placements, random_netlist, sample_report

from netgen.ir.grid import Grid, Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.report.agreement import Difference
from netgen.report.page import page

SMALL = random_netlist((12, 6, 3), 40, seed=1)
LARGE = random_netlist((784, 300, 106, 10), 20_000, seed=3)


def page_of(netlist: Netlist, *, name: str = "sample") -> str:
    before, after = placements(netlist, seed=2)
    return page(sample_report(netlist, before, after, name=name), netlist, before, after)


def without_plotly(text: str) -> str:
    """The page but for plotly.js, which has its own addresses in comments."""
    start, end = text.index("plotly.js v"), text.index('"use strict";\n// Draws the circuit')
    return text[:start] + text[end:]


def test_the_same_report_gives_the_same_bytes() -> None:
    assert page_of(SMALL) == page_of(SMALL)


def test_the_page_loads_nothing_and_stays_small_at_20000_wires() -> None:
    text = page_of(LARGE)
    assert len(text.encode()) < 8_000_000
    assert not re.search(r"https?:|<link[^>]+href=\"(?!data:)|\bsrc=|@import|url\(", without_plotly(text))


def test_names_are_escaped_wherever_they_stand() -> None:
    text = without_plotly(page_of(SMALL, name="</script><script>alert(1)</script>&"))
    assert "<script>alert" not in text
    assert "<h1>&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;</h1>" in text


def test_the_tables_hold_the_reports_numbers() -> None:
    before, after = placements(SMALL, seed=2)
    report = sample_report(SMALL, before, after)
    text = without_plotly(page(report, SMALL, before, after))
    cells = re.findall(r"<td>(?:<i[^>]*></i>)?(?:<b>)?([^<]*)", text)
    for row in report.wires.layers:
        for number in (f"{row.wires:,}", f"{row.before:,}", f"{row.total:,}", f"{row.mean:.2f}", f"{row.bits:,}"):
            assert number in cells
    assert "10,000 samples, verilator" in text
    assert "98.43 %" in text


def test_a_difference_is_shown_in_place_of_exact() -> None:
    before, after = placements(SMALL, seed=2)
    failed = replace(check_report(), difference=Difference(17, 3, 5, -12, "verilator"))
    text = page(replace(sample_report(SMALL, before, after), check=failed), SMALL, before, after)
    assert "sample 17, output 3: expected 5 (evaluate), found -12 (verilator)" in text
    assert 'class="verdict differs"' in text
    assert ">exact<" not in text.replace(" ", "")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium, WebGL in software, with a profile of its own."""
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        reason = "chromium or chromedriver is not installed; make system-deps"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    profile = tmp_path_factory.mktemp("profile")
    for flag in ("headless", "no-sandbox", "enable-unsafe-swiftshader", "use-gl=angle", "use-angle=swiftshader"):
        options.add_argument(f"--{flag}")
    options.add_argument("--window-size=1000,800")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    chrome.set_page_load_timeout(120)
    yield chrome
    chrome.quit()


def open_page(browser: Any, path: Path, text: str) -> None:
    """Load a page from disk and wait until its 3D view has been drawn."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get_log("browser")
    path.write_text(text, encoding="utf-8")
    browser.get(path.as_uri())
    WebDriverWait(browser, 60).until(
        lambda chrome: chrome.execute_script("return document.documentElement.dataset.drawn === 'true'")
    )


@pytest.fixture
def small(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The browser, showing the small circuit; loaded once for all tests that leave it as they found it."""
    if not browser.current_url.endswith("small.html"):
        open_page(browser, tmp_path_factory.mktemp("page") / "small.html", page_of(SMALL))
    return browser


def errors_of(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def shown(browser: Any) -> np.ndarray[Any, Any]:
    """The middle of the 3D view as the browser shows it, (h, w, 3), 0 to 1."""
    place = browser.execute_script(
        "const r = document.querySelector('.gl-container canvas').getBoundingClientRect();"
        "return [r.left, r.top, r.width, r.height]"
    )
    left, top, width, height = (int(value) for value in place)
    assert width > 300
    assert height > 300
    image = imread(BytesIO(browser.get_screenshot_as_png()), format="png")[:, :, :3]
    middle: np.ndarray[Any, Any] = image[top + height // 4 : top + 3 * height // 4, left + 200 : left + width - 200]
    return middle


def click(browser: Any, selector: str) -> None:
    """Click, and wait until two frames have been drawn."""
    browser.execute_async_script(
        "const done = arguments[1]; document.querySelector(arguments[0]).click();"
        "setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 300)",
        selector,
    )


@pytest.mark.native
def test_the_circuit_is_drawn_and_its_layers_switch_on_and_off(small: Any) -> None:
    full = shown(small)
    assert full.std() > 0.02  # the bare stage, a faint gradient, has less than 0.01
    visible = "return document.getElementById('circuit').data.filter((t) => t.visible !== false).length"
    traces = small.execute_script(visible)
    for layer in range(3):
        click(small, f"#layers [data-layer='{layer}']")
    bare = shown(small)
    assert small.execute_script(visible) == traces - 5  # three of neurons, two of wires
    assert bare.std() < full.std() / 2
    click(small, "#layers [data-layer='1']")
    assert bare.std() < shown(small).std() < full.std()
    for layer in (0, 2):
        click(small, f"#layers [data-layer='{layer}']")
    assert np.abs(shown(small) - full).max() < 0.1
    assert errors_of(small) == []


def drawn_wires(browser: Any, trace: int) -> list[list[float]]:
    """End points of a line trace, one row x y z x y z a wire."""
    points = browser.execute_script(
        "const t = document.getElementById('circuit').data[arguments[0]];"
        "return ['x', 'y', 'z'].map((axis) => Array.from(t[axis], (v) => (Number.isNaN(v) ? null : v)))",
        trace,
    )
    assert all(axis[2::3] == [None] * (len(axis) // 3) for axis in points)
    return sorted([axis[k + end] for end in (0, 1) for axis in points] for k in range(0, len(points[0]), 3))


def placed_wires(netlist: Netlist, placement: Placement, layer: int) -> list[list[int]]:
    into = netlist.layer[netlist.target] == layer
    both = np.hstack([placement.site[netlist.source[into]], placement.site[netlist.target[into]]])
    return sorted(both.tolist())


@pytest.mark.native
def test_every_wire_is_drawn_between_its_sites_in_both_placements(small: Any) -> None:
    """Traces: box, selection, neurons of 3 layers, wires into layers 1 and 2."""
    before, after = placements(SMALL, seed=2)
    for trace, layer in ((5, 1), (6, 2)):
        assert drawn_wires(small, trace) == placed_wires(SMALL, after, layer)
    click(small, "[data-placement='before']")
    for trace, layer in ((5, 1), (6, 2)):
        assert drawn_wires(small, trace) == placed_wires(SMALL, before, layer)
    lengths = np.repeat(wire_lengths(SMALL, before)[SMALL.layer[SMALL.target] == 2], 3)
    colours = small.execute_script("return Array.from(document.getElementById('circuit').data[6].line.color)")
    assert colours == lengths.tolist()
    click(small, "[data-placement='after']")
    assert errors_of(small) == []


@pytest.mark.native
def test_a_neuron_under_the_pointer_tells_its_name_and_site(browser: Any, tmp_path: Path) -> None:
    """With a pitch of 2, 1, 3 the drawn point is not the site."""
    before, after = (Placement(Grid(one.grid.shape, (2, 1, 3)), one.site) for one in placements(SMALL, seed=2))
    text = page(sample_report(SMALL, before, after), SMALL, before, after)
    open_page(browser, tmp_path / "pitch.html", text)
    for placement, button in ((after, "after"), (before, "before")):
        click(browser, f"[data-placement='{button}']")
        labels, template = browser.execute_script(
            "const t = document.getElementById('circuit').data[3]; return [t.text, t.hovertemplate]"
        )
        here = np.flatnonzero(SMALL.layer == 1)
        assert labels == [f"{SMALL.names[n]} at {', '.join(map(str, placement.site[n]))}" for n in here]
        assert template.startswith("%{text}")


@pytest.mark.native
def test_histograms_count_the_wires_of_each_length(small: Any) -> None:
    before, after = placements(SMALL, seed=2)
    for layer in (1, 2):
        into = SMALL.layer[SMALL.target] == layer
        drawn = small.execute_script(f"return document.getElementById('histogram{layer}').data.map((t) => t.y)")
        for bars, placement in zip(drawn, (before, after), strict=True):
            counted = np.bincount(wire_lengths(SMALL, placement)[into], minlength=len(bars))
            assert bars == counted.tolist()


@pytest.mark.native
def test_a_clicked_neuron_shows_its_own_wires(small: Any) -> None:
    _, after = placements(SMALL, seed=2)
    neuron = int(np.flatnonzero(SMALL.layer == 1)[0])
    small.execute_script(
        "document.getElementById('circuit').emit('plotly_click', { points: [{ customdata: arguments[0] }] })", neuron
    )
    mine = (SMALL.source == neuron) | (SMALL.target == neuron)
    both = np.hstack([after.site[SMALL.source[mine]], after.site[SMALL.target[mine]]])
    assert drawn_wires(small, 1) == sorted(both.tolist())
    assert f"{SMALL.names[neuron]} ends {mine.sum()} wires" in small.page_source


@pytest.mark.native
def test_20000_wires_are_nine_traces_drawn_without_an_error(browser: Any, tmp_path: Path) -> None:
    """Box, selection, four of neurons and three of wires; three points a wire, in typed arrays."""
    open_page(browser, tmp_path / "page.html", page_of(LARGE))
    traces = browser.execute_script(
        "return document.getElementById('circuit').data.map((t) => [t.mode, t.x.length, t.x.constructor.name])"
    )
    assert len(traces) == 9
    assert [count for mode, count, _ in traces[2:] if mode == "markers"] == np.bincount(LARGE.layer).tolist()
    assert sum(count for mode, count, _ in traces[2:] if mode == "lines") == 3 * LARGE.wires
    assert {kind for _, _, kind in traces[2:]} == {"Float32Array"}
    assert shown(browser).std() > 0.02
    assert errors_of(browser) == []


@pytest.mark.native
def test_a_circuit_without_wires_is_drawn_without_an_error(browser: Any, tmp_path: Path) -> None:
    nothing = np.zeros(0, dtype=np.int64)
    netlist = Netlist(np.array([0, 1]), np.array([0, 0]), nothing, nothing, nothing)
    open_page(browser, tmp_path / "page.html", page_of(netlist))
    assert errors_of(browser) == []


def test_the_data_of_the_page_is_its_netlist() -> None:
    text = page_of(SMALL)
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text)
    assert found
    data = json.loads(found[1])
    assert (data["source"], data["target"]) == (SMALL.source.tolist(), SMALL.target.tolist())
    assert data["names"] == SMALL.names
