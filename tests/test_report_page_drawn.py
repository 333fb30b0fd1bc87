"""The report page in a real headless browser: what it draws, and that it draws without a console error."""

import os
import shutil
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from report_samples import page_of, placements, random_netlist, sample_report

from netgen.ir.grid import Grid, Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.report.packed import packed
from netgen.report.page import page

SMALL = random_netlist((12, 6, 3), 40, seed=1)
LARGE = random_netlist((784, 300, 106, 10), 20_000, seed=3)


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


Points = np.ndarray[Any, Any]


def drawn_wires(browser: Any, trace: int) -> Points:
    """End points of a line trace, (wires, 2, 3)."""
    points = browser.execute_script(
        "const t = document.getElementById('circuit').data[arguments[0]];"
        "return ['x', 'y', 'z'].map((axis) => Array.from(t[axis], (v) => (Number.isNaN(v) ? null : v)))",
        trace,
    )
    assert all(axis[2::3] == [None] * (len(axis) // 3) for axis in points)
    return np.array(points, dtype=np.float64).T.reshape(-1, 3, 3)[:, :2]


def pixels_of(browser: Any, points: Points, grid: Grid) -> Points:
    """Where points (..., 3) in units of the pitch are on the screen, in pixels from the middle of the 3D view.

    A perspective view, 45 degrees from top to bottom; the box has edges of at most 1.25 around the origin.
    """
    camera, height = browser.execute_script(
        "const c = document.getElementById('circuit'); return [c.layout.scene.camera, c.clientHeight]"
    )
    eye, center = (np.array([camera[name][axis] for axis in "xyz"]) for name in ("eye", "center"))
    extent = np.array(grid.shape) * np.array(grid.pitch)
    at = ((points + np.array(grid.pitch) / 2) - extent / 2) * 1.25 / extent.max() - eye
    ahead = (center - eye) / np.linalg.norm(center - eye)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    flat = np.stack([at @ right, at @ np.cross(right, ahead)], axis=-1) / (at @ ahead)[..., None]
    seen: Points = flat * height / 2 / np.tan(np.pi / 8)
    return seen


def assert_drawn(browser: Any, trace: int, netlist: Netlist, placement: Placement, wires: Points) -> None:
    """Every wire lies on the line between its sites, and ends where the camera sees the edge of the disc there."""
    drawn = drawn_wires(browser, trace)
    pitch = np.array(placement.grid.pitch)
    sites = np.stack([placement.site[netlist.source[wires]], placement.site[netlist.target[wires]]], axis=1) * pitch
    assert drawn.shape == sites.shape
    way = sites[:, 1] - sites[:, 0]
    off = drawn - sites
    parts = np.einsum("nek,nk->ne", off, way) / np.einsum("nk,nk->n", way, way)[:, None]
    assert np.abs(off - parts[:, :, None] * way[:, None]).max() < 1e-5
    gaps = parts * np.array([1, -1])
    assert gaps.min() > 0
    assert gaps.max() < 0.4501
    size = max(3.5, min(7.0, 44 / max(placement.grid.shape)))
    ends = np.stack([netlist.layer[netlist.source[wires]], netlist.layer[netlist.target[wires]]], axis=1)
    radius = 1.4 * size * np.where(ends == 0, 0.7, np.where(ends == netlist.layers - 1, 1.8, 1.1))
    seen = np.linalg.norm(pixels_of(browser, drawn, placement.grid) - pixels_of(browser, sites, placement.grid), axis=2)
    # The screen's plane and the ray's differ by the angle at which a site is seen: at most 27 degrees in the corners.
    long = gaps < 0.449
    assert (np.abs(seen - radius)[long] < 0.3 * radius[long]).all()


def wires_into(layer: int) -> Points:
    return np.flatnonzero(SMALL.layer[SMALL.target] == layer)


@pytest.mark.native
def test_every_wire_is_drawn_from_disc_to_disc_in_both_placements(small: Any) -> None:
    """Traces: box, selection, neurons of 3 layers, wires into layers 1 and 2."""
    before, after = placements(SMALL, seed=2)
    for trace, layer in ((5, 1), (6, 2)):
        assert_drawn(small, trace, SMALL, after, wires_into(layer))
    click(small, "[data-placement='before']")
    for trace, layer in ((5, 1), (6, 2)):
        assert_drawn(small, trace, SMALL, before, wires_into(layer))
    lengths = np.repeat(wire_lengths(SMALL, before)[SMALL.layer[SMALL.target] == 2], 3)
    colours = small.execute_script("return Array.from(document.getElementById('circuit').data[6].line.color)")
    assert colours == lengths.tolist()
    click(small, "[data-placement='after']")
    assert_drawn(small, 6, SMALL, after, wires_into(2))
    assert errors_of(small) == []


@pytest.mark.native
def test_the_label_of_a_neuron_has_its_name_and_site(browser: Any, tmp_path: Path) -> None:
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
    mine = np.flatnonzero((SMALL.source == neuron) | (SMALL.target == neuron))
    assert_drawn(small, 1, SMALL, after, mine)
    assert f"{SMALL.names[neuron]} has {len(mine)} wires" in small.page_source


def look_from(browser: Any, x: float, y: float, z: float) -> None:
    """Move the camera, and wait until the wires have been drawn again."""
    browser.execute_async_script(
        "const [x, y, z, done] = arguments;"
        "Plotly.relayout('circuit', { 'scene.camera.eye': { x, y, z } }).then(() => setTimeout(done, 500))",
        *(x, y, z),
    )


@pytest.mark.native
def test_wires_end_at_the_discs_after_the_camera_has_moved(small: Any) -> None:
    _, after = placements(SMALL, seed=2)
    eye = small.execute_script("return { ...document.getElementById('circuit').layout.scene.camera.eye }")
    look_from(small, -0.9, 1.6, 0.4)
    assert_drawn(small, 5, SMALL, after, wires_into(1))
    look_from(small, eye["x"], eye["y"], eye["z"])
    assert_drawn(small, 5, SMALL, after, wires_into(1))
    assert errors_of(small) == []


@pytest.mark.native
def test_the_colour_scale_ends_at_the_longest_placed_wire(small: Any) -> None:
    _, after = placements(SMALL, seed=2)
    longest = int(wire_lengths(SMALL, after).max())
    assert small.execute_script("return document.getElementById('circuit').data[6].line.cmax") == longest
    label = "return document.getElementById('longest').textContent"
    assert small.execute_script(label) == f"{longest}"
    click(small, "[data-placement='before']")
    assert small.execute_script(label) == f"{longest} and more"
    click(small, "[data-placement='after']")


@pytest.mark.native
def test_a_histogram_has_one_0_at_the_corner(small: Any) -> None:
    labels = small.execute_script(
        "return ['xtick', 'ytick'].map((kind) => "
        "Array.from(document.querySelectorAll(`#histogram1 .${kind} text`), (label) => label.textContent))"
    )
    assert labels[0]
    assert labels[0].count("0") + labels[1].count("0") == 1


@pytest.mark.native
def test_the_browser_reads_what_python_packs(browser: Any) -> None:
    """Texts whose packed lengths leave every remainder by 5 that base 85 can have: 0, 2, 3, 4."""
    texts = ["", "a", "ab", "<&$>", "grün " * 50, *("x" * n for n in range(20))]
    assert {len(packed(text)) % 5 for text in texts} == {0, 2, 3, 4}
    script = files("netgen.report").joinpath("unpack.js").read_text(encoding="utf-8")
    found = browser.execute_async_script(
        f"const done = arguments[1]; {script}"
        "document.getElementById = (k) => ({ textContent: arguments[0][k] });"
        "Promise.all(arguments[0].map((_, k) => unpack(k))).then(done, (error) => done(String(error)))"
        ".finally(() => delete document.getElementById)",
        [packed(text) for text in texts],
    )
    assert found == texts


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
def test_without_wires_a_disc_is_drawn_as_wide_as_the_ends_of_wires_suppose(browser: Any, tmp_path: Path) -> None:
    """The one output has marker.size 1.8 * 7; wires end 1.4 pixels for each unit of it from the middle of the disc."""
    nothing = np.zeros(0, dtype=np.int64)
    netlist = Netlist(np.array([0, 1]), np.array([0, 0]), nothing, nothing, nothing)
    open_page(browser, tmp_path / "page.html", page_of(netlist))
    image = imread(BytesIO(browser.get_screenshot_as_png()), format="png")[:500, :, :3]
    disc = np.abs(image - np.array([0xA4, 0x8D, 0xF6]) / 255).max(axis=2) < 0.05
    width = np.count_nonzero(disc.sum(axis=0) > 3)
    assert 1.4 * 1.8 * 7 <= width / 2 < 1.25 * 1.4 * 1.8 * 7
    assert errors_of(browser) == []
