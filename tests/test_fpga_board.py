"""A circuit on a board: the wrapper byte by byte in Icarus, its host on a line, nextpnr's report, and the commands."""

import csv
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import run_netgen
from strategies import designed_as, random_circuit

import netgen
from netgen.errors import BoardError, BuildError, SynthError
from netgen.flow.folder import load_circuit
from netgen.flow.fpga import fpga_in, load_routed
from netgen.fpga.boards import BOARDS
from netgen.fpga.port import exchange, exchange_on_port
from netgen.fpga.read_report import cells_in, fmax_in, path_in
from netgen.hdl import board_program
from netgen.ir.circuit import classify, evaluate
from netgen.ir.fixed import FixedPoint
from netgen.ir.netlist import netlist_of
from netgen.ir.routed import PathStep, Used
from netgen.operators.board import BoardProgram, Octets, outputs_of
from netgen.operators.design import Design
from netgen.operators.schedule import Pipeline
from netgen.simulate.loopback import exchange_simulated

Tool = Callable[[str], str]


def design(sizes: tuple[int, ...], pipeline: Pipeline = "layer", steps: int = 1, bits: int = 8) -> Design:
    circuit = random_circuit(sizes, seed=3, entry=FixedPoint(bits, 0, signed=False))
    return designed_as(circuit, argmax=True, pipeline=pipeline, steps=steps)


# The wrapper


@pytest.mark.native
@pytest.mark.parametrize(
    ("sizes", "bits", "pipeline", "steps", "divider", "window"),
    [
        ((12, 4, 3), 8, "layer", 1, 25, 16),
        ((12, 4, 3), 8, "none", 1, 4, 16),
        ((2, 4, 5), 8, "cycles", 40, 7, 2),
        ((3, 3), 1, "cycles", 400, 4, 2),
    ],
    ids=["as many as fit", "no registers", "answers longer than samples", "a byte, and a latency longer than it"],
)
def test_every_answer_is_what_the_integers_give(
    sizes: tuple[int, ...], bits: int, pipeline: Pipeline, steps: int, divider: int, window: int, native_tool: Tool
) -> None:
    """Octets packed here by Python's integers; scores and classes by `evaluate`."""
    native_tool("iverilog")
    made = design(sizes, pipeline, steps, bits)
    program = board_program(made, hertz=1_000_000 * divider, baud=1_000_000)
    assert (program.divider, program.window) == (divider, window)
    words = np.random.default_rng(5).integers(0, 1 << bits, (40, sizes[0]))
    sent = [sum(int(word) << (bits * k) for k, word in enumerate(row)) for row in words]
    rows = [list(number.to_bytes(-(-bits * sizes[0] // 8), "little")) for number in sent]
    found = exchange_simulated(program, made.verilog, np.array(rows, np.uint8), latency=made.latency)
    answered = outputs_of(made, found.answers)
    scores = evaluate(made.circuit, words)
    assert answered.scores.tolist() == scores.tolist()
    assert answered.classes is not None
    assert answered.classes.tolist() == classify(scores).tolist()
    microseconds = found.seconds * 1e6  # a bit takes one, a byte ten
    assert microseconds >= 10 * 40 * program.sample_bytes
    if window > 2:  # the line is never idle, but for the last answer
        assert microseconds <= 10 * (40 * program.sample_bytes + program.answer_bytes) + 30


BENCH = """
module bench;
  reg clk = 0, rx = 1;
  wire tx;
  integer k, changes = 0, heard = 0;
  reg [7:0] value;
  board dut (clk, rx, tx);
  always #1 clk = ~clk;
  task send(input [7:0] octet);
    begin
      rx = 0; #16;
      for (k = 0; k < 8; k = k + 1) begin rx = octet[k]; #16; end
      rx = 1; #16;
    end
  endtask
  integer j;
  always @(negedge tx) begin
    #8;
    for (j = 0; j < 8; j = j + 1) begin #16 value[j] = tx; end
    #16 $display("%h", value);
    heard = heard + 1;
  end
  always @(dut.core.i_payload) if ($time > 0) changes = changes + 1;
  initial begin
    #100 rx = 0; #3 rx = 1;           // a glitch that is no start bit
    #100 send(8'h77);                 // a byte of a sample that is cut off
    rx = 0; #400 rx = 1;              // a break
    wait (heard == 4);
    #100 send(8'h12); send(8'h34); send(8'h56);
    wait (heard == 4 + ANSWER);
    send(8'h9a); send(8'hbc); send(8'hde);
    wait (heard == 4 + 2 * ANSWER);
    $display("changes %0d", changes);
    $finish;
  end
  initial #200000 $fatal(1, "no answer");
endmodule
"""


@pytest.mark.native
def test_a_break_begins_anew_and_a_sample_enters_whole(tmp_path: Path, native_tool: Tool) -> None:
    """The wrapper's own name comes first; the inputs of the circuit change once for each of two samples."""
    made = design((3, 4, 3))
    program = board_program(made, hertz=8_000_000, baud=1_000_000)
    (tmp_path / "all.v").write_text(made.verilog + program.verilog + BENCH.replace("ANSWER", str(program.answer_bytes)))
    subprocess.run([native_tool("iverilog"), "-g2005", "-s", "bench", "-o", "bench", "all.v"], cwd=tmp_path, check=True)
    done = subprocess.run([native_tool("vvp"), "-n", "bench"], cwd=tmp_path, check=True, capture_output=True, text=True)
    *heard, changes = done.stdout.splitlines()
    octets = bytes(int(octet, 16) for octet in heard)
    assert octets[:4] == program.identity.to_bytes(4, "little")
    answers = np.frombuffer(octets[4:], np.uint8).reshape(2, -1)
    scores = evaluate(made.circuit, np.array([[0x12, 0x34, 0x56], [0x9A, 0xBC, 0xDE]]))
    assert outputs_of(made, answers).scores.tolist() == scores.tolist()
    assert changes == "changes 2"


@pytest.mark.parametrize(
    ("hertz", "baud", "nearest"), [(12_000_000, 5_000_000, 3_000_000), (25_000_000, 2_900_000, 2_777_778)]
)
def test_a_rate_that_the_clock_cannot_give_is_refused(hertz: int, baud: int, nearest: int) -> None:
    """12 MHz in less than 4 cycles; 25 MHz in 9 cycles is 4 % off."""
    message = f"baud {baud}: a clock of {hertz / 1e6:g} MHz cannot give it; use {nearest} or 115200"
    with pytest.raises(SynthError, match=f"^{re.escape(message)}$"):
        board_program(design((2, 2)), hertz=hertz, baud=baud)
    assert board_program(design((2, 2)), hertz=hertz, baud=nearest).divider in {4, 9}


# The host


class FakeBoard:
    """A board on a line: it answers a sample with its first bytes, each plus one.

    Args:
        lost: the sample that is not answered.
    """

    def __init__(self, program: BoardProgram, *, identity: int | None = None, lost: int = -1) -> None:
        self.program, self.identity, self.lost = program, program.identity if identity is None else identity, lost
        self.out, self.taken, self.answered, self.most = bytearray(b"stale"), 0, 0, 0

    @property
    def in_waiting(self) -> int:
        return len(self.out)

    def reset_input_buffer(self) -> None:
        self.out.clear()

    def send_break(self, duration: float = 0.25) -> None:
        del duration
        self.out += self.identity.to_bytes(4, "little")

    def write(self, data: bytes, /) -> int:
        assert len(data) == self.program.sample_bytes
        self.out += bytes(byte + 1 for byte in data[: self.program.answer_bytes]) if self.taken != self.lost else b""
        self.taken += 1
        self.most = max(self.most, self.taken - self.answered // self.program.answer_bytes)
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        """One byte at a time, as a slow line does."""
        size = min(size, 4 if not self.taken else 1, len(self.out))
        found, self.out = bytes(self.out[:size]), self.out[size:]
        self.answered += size if self.taken else 0
        return found


PROGRAM = BoardProgram(verilog="", hertz=8, divider=8, identity=0x1234ABCD, sample_bytes=3, answer_bytes=2, window=2)
SAMPLES: Octets = np.arange(30, dtype=np.uint8).reshape(10, 3)


def test_a_host_reads_every_answer_and_sends_no_more_than_the_board_can_hold() -> None:
    board = FakeBoard(PROGRAM)
    found = exchange(PROGRAM, board, "/dev/fake", SAMPLES)
    assert found.answers.tolist() == (SAMPLES[:, :2] + 1).tolist()
    assert board.most == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"identity": 1}, "/dev/fake: answers as 00000001, and this build is 1234abcd; load its bitstream"),
        ({"lost": 9}, "/dev/fake: no answer to sample 9 in 3 s; start again, at a lower --baud"),
    ],
)
def test_a_board_that_answers_wrongly_or_not_at_all_is_told(options: dict[str, int], message: str) -> None:
    with pytest.raises(BoardError, match=f"^{re.escape(message)}$"):
        exchange(PROGRAM, FakeBoard(PROGRAM, **options), "/dev/fake", SAMPLES)


def test_a_port_that_is_missing_is_named(tmp_path: Path) -> None:
    pytest.importorskip("serial", reason="pyserial is not installed; pip install 'netgen[board]'")
    port = str(tmp_path / "ttyUSB0")
    with pytest.raises(BoardError) as caught:
        exchange_on_port(PROGRAM, port, SAMPLES)
    assert re.fullmatch(f"{re.escape(port)}: .*No such file.*; name the board's serial port.*", str(caught.value))


# What nextpnr reports


def _step(kind: str, delay: float, cell: str, net: str = "") -> dict[str, object]:
    return {"type": kind, "delay": delay, "from": {"cell": cell}, "to": {"cell": ""}} | ({"net": net} if net else {})


REPORT = {
    "fmax": {"$glbnet$clk": {"achieved": 41.5, "constraint": 25.0}},
    "utilization": {"TRELLIS_COMB": {"used": 10, "available": 40}, "DCCA": {"used": 0, "available": 4}},
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [_step("source", 99.0, "rx")]},
        {
            "from": "posedge clk",
            "to": "posedge clk",
            "path": [
                _step("clk-to-q", 0.5, "core.n1_3_d1_TRELLIS_FF_Q_DI", "core.n1_3_d1[0]"),
                _step("routing", 1.0, "", "core.n1_3_d1[0]"),
                _step("logic", 0.25, "x1"),
                _step("routing", 0.5, "", "core.n2_7_4[2]"),
                _step("logic", 0.25, "core.n2_7_4_LUT4"),
                _step("routing", 2.0, "", "$abc$12"),
                _step("logic", 0.25, "$abc$13"),
                _step("routing", 1.5, "", "core.t2_3f9c01aa_LUT4_Z"),
                _step("setup", 0.125, "$abc$14"),
            ],
        },
    ],
}


def test_the_critical_path_is_told_by_neurons() -> None:
    """Two cells of neuron 7 in series are one step; nanoseconds are added by hand."""
    text = json.dumps(REPORT)
    assert path_in(text) == (
        PathStep("n1_3", 1, 0.5, 1.0),
        PathStep("n2_7", 2, 0.5, 2.5),
        PathStep("t2_3f9c01aa", 1, 0.25, 1.5),
        PathStep("", 1, 0.125, 0.0),
    )
    assert fmax_in(text) == 41.5
    assert cells_in(text) == {"TRELLIS_COMB": Used(10, 40)}
    assert fmax_in('{"fmax": {}}') is None


# The commands


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of a random circuit of 9 neurons, with 30 samples."""
    home = tmp_path_factory.mktemp("board")
    circuit = random_circuit((4, 3, 2), seed=3, entry=FixedPoint(4, 0, signed=False))
    samples = np.random.default_rng(1).integers(0, 16, (30, 4))
    netgen.compile(
        circuit, inputs=samples, labels=np.arange(30) % 2, name="tiny", out=home, check={"simulator": "icarus"}
    )
    return home / "tiny"


@pytest.mark.native
def test_a_build_becomes_a_bitstream_and_its_program_answers_as_the_integers(folder: Path, native_tool: Tool) -> None:
    """On the iCE40 of the iCEstick: the bitstream begins with the preamble of the family, 7e aa 99 7e."""
    native_tool("iverilog")
    done = run_netgen("fpga", "tiny", "--board", "icestick", "--baud", "3000000", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    assert b"\x7e\xaa\x99\x7e" in (folder / "fpga-icestick.bin").read_bytes()[:64]
    routed = load_routed(folder, None)
    assert (routed.board, routed.bitstream, routed.clock) == ("icestick", "fpga-icestick.bin", 12.0)
    (printed,) = re.findall(r"Max frequency for clock .*?: ([\d.]+) MHz", (folder / "fpga-icestick.log").read_text())[
        -1:
    ]
    assert f"{routed.fmax:.2f}" == printed
    assert re.search(rf"^Fmax +{printed} MHz", done.stdout, flags=re.MULTILINE)
    assert (folder / "fpga-icestick.pcf").read_text() == BOARDS["icestick"].pins
    asked = run_netgen("host", "tiny", "--port", "loopback", "--samples", "all", "--json", "--quiet", cwd=folder.parent)
    assert asked.returncode == 0, asked.stderr
    found = json.loads(asked.stdout)
    assert (found["samples"], found["equal"], found["accuracy"]) == (30, 30, found["expected"])
    assert found["baud"] == 3_000_000
    table = run_netgen("host", "tiny", "--port", "loopback", "--quiet", cwd=folder.parent)
    assert re.search(r"^samples +20 ", table.stdout, flags=re.MULTILINE)
    assert re.search(r"^agreement +exact ", table.stdout, flags=re.MULTILINE)
    wrapper = folder / "fpga-icestick.v"
    wrapper.write_text(wrapper.read_text() + "\n")
    edited = run_netgen("host", "tiny", "--port", "loopback", "--quiet", cwd=folder.parent)
    assert edited.stderr == (
        "netgen: tiny/fpga-icestick.v: of another top.v, or edited; run netgen fpga --board icestick again\n"
    )


@pytest.mark.native
def test_with_lengths_every_cell_has_its_neuron_and_the_bitstream_answers(folder: Path, native_tool: Tool) -> None:
    """The table has the wires of the netlist; together they have the length that the report gives for all layers."""
    for tool in ("iverilog", "icebox_vlog"):
        native_tool(tool)
    board = ("tiny", "--board", "icestick")
    done = run_netgen("fpga", *board, "--baud", "3000000", "--lengths", "--json", "--quiet", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    routed = load_routed(folder, None)
    assert routed.lengths is not None
    assert all(step.name for step in routed.path)
    with (folder / "routed-icestick.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == netlist_of(load_circuit(folder)).wires
    between = sum(layer.between for layer in routed.lengths.layers)
    assert sum(float(row["routed"]) for row in rows) + routed.lengths.unmatched == pytest.approx(between, abs=0.1)
    asked = run_netgen("host", "tiny", "--port", "routed", "--samples", "all", "--json", "--quiet", cwd=folder.parent)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["equal"] == 30
    energy = run_netgen("energy", "tiny", "--model", "fpga", "--samples", "20", cwd=folder.parent)
    assert energy.returncode == 0, energy.stderr
    assert re.search(r"^energy per sample, fpga: [\d,.]+ tiles x bits$", energy.stdout, flags=re.MULTILINE)


def test_what_cannot_be_routed_is_refused_in_one_line(folder: Path) -> None:
    for board, top, message in (
        ("ulx3s", "uart", f"board 'ulx3s'; use one of {', '.join(BOARDS)}"),
        ("hx8k", "ooc", "hx8k: nextpnr-ice40 cannot route a circuit without pins; use top uart, or an ECP5 board"),
        ("hx8k", "axis", "top 'axis'; use one of uart, ooc"),
    ):
        with pytest.raises(BuildError, match=f"^{re.escape(message)}$"):
            fpga_in(folder, board, top=top)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(BuildError, match=r"not routed for a board; run netgen fpga first$"):
        load_routed(folder, "hx8k")
