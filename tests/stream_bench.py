"""Many designs in one run of Icarus: streams stall and reset as a test says, and every event is recorded."""

import subprocess
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np
from strategies import classes_of

from netgen.ir.arrays import Bools
from netgen.ir.circuit import evaluate
from netgen.ir.fixed import Words
from netgen.operators.design import Design

CALM = 12
"""Cycles at the start in which nothing stalls and nothing is reset."""

_BENCH = Template("""
module bench_$k (input clk);
  reg [$in_top:0] sent [0:$last];
  reg [2:0] control [0:$cycles];
  integer given = 0, cycle = 0;
  reg i_valid = 0, o_ready = 0, rst = 1;
  wire i_ready, o_valid;
  wire [$in_top:0] i_payload = sent[given];
  wire [$out_top:0] o_payload;
  top_$k dut (.clk(clk), .rst(rst), .i_payload(i_payload), .i_valid(i_valid), .i_ready(i_ready),
              .o_payload(o_payload), .o_valid(o_valid), .o_ready(o_ready));
  initial begin
    $$readmemh("sent_$k.hex", sent);
    $$readmemb("control_$k.bin", control);
  end
  always @(posedge clk) if (cycle < $cycles) begin
    if (i_valid && i_ready) $$display("$k %0d in %0d", cycle, given);
    if (o_valid && o_ready) $$display("$k %0d out %h", cycle, o_payload);
    if (rst) $$display("$k %0d reset 0", cycle);
    cycle <= cycle + 1;
    given <= given + (i_valid && i_ready);
    i_valid <= (i_valid && !i_ready) || (control[cycle][0] && given + (i_valid && i_ready) <= $last);
    o_ready <= control[cycle][1];
    rst <= control[cycle][2];
  end
endmodule
""")


@dataclass(frozen=True)
class Run:
    """A design, its samples, and the handshake signals of its streams.

    Attributes:
        inputs: (n, n_in) words.
        offer, accept, reset: (cycles,) bool: whether a sample is offered, a result is accepted, and `rst` is 1. A
            sample stays offered until it is accepted.
    """

    design: Design
    inputs: Words
    offer: Bools
    accept: Bools
    reset: Bools


def noisy(design: Design, inputs: Words, *, seed: int, cycles: int = 150) -> Run:
    """First `CALM` cycles; then streams stall at random and `rst` rises in 3 % of the cycles; then results leave."""
    rng = np.random.default_rng(seed)
    mood = np.repeat(rng.choice([0.1, 0.5, 0.9, 1.0], (2, cycles // 10)), 10, axis=1)
    offer, accept = rng.random(mood.shape) < mood
    reset = rng.random(len(offer)) < 0.03
    offer[:CALM], accept[:CALM], reset[:CALM] = True, True, False
    end = design.latency + 3
    offer, accept, reset = (
        np.concatenate([pattern, np.full(end, last)])
        for pattern, last in ((offer, False), (accept, True), (reset, False))
    )
    return Run(design, inputs, offer, accept, reset)


def simulated(runs: Sequence[Run], folder: Path, tools: tuple[str, str]) -> list[list[tuple[int, str, str]]]:
    """Simulate the runs; return the events of each: cycle, `in`, `out` or `reset`, and number of sample or payload.

    Args:
        tools: paths of iverilog and vvp.
    """
    texts = []
    for k, run in enumerate(runs):
        design, cycles = run.design, len(run.offer)
        (folder / f"sent_{k}.hex").write_text("".join(f"{_payload(row, design.input_width)}\n" for row in run.inputs))
        control = zip(run.reset, run.accept, run.offer, strict=True)
        (folder / f"control_{k}.bin").write_text("".join(f"{r:d}{a:d}{o:d}\n" for r, a, o in control) + "010\n")
        assert design.verilog.count("module top (") == 1
        texts.append(design.verilog.replace("module top (", f"module top_{k} ("))
        sizes = {"in_top": design.input_width - 1, "out_top": design.output_width - 1}
        texts.append(_BENCH.substitute(k=k, last=len(run.inputs) - 1, cycles=cycles, **sizes))
    all_cycles = max(len(run.offer) for run in runs) + 1
    benches = "\n".join(f"  bench_{k} b{k} (clk);" for k in range(len(runs)))
    texts.append(f"module benches;\n  reg clk = 0;\n  always #1 clk = ~clk;\n{benches}\n")
    texts.append(f"  initial begin repeat ({all_cycles}) @(posedge clk); #1 $finish(0); end\nendmodule\n")
    (folder / "benches.v").write_text("\n".join(texts))
    compiler, runner = tools
    command = [compiler, "-g2005-sv", "-o", "benches.vvp", "-s", "benches", "benches.v"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run([runner, "-n", "benches.vvp"], cwd=folder, capture_output=True, text=True, check=True)
    events: list[list[tuple[int, str, str]]] = [[] for _ in runs]
    for line in done.stdout.splitlines():
        name, cycle, what, value = line.split()
        events[int(name)].append((int(cycle), what, value))
    return events


def judge(run: Run, events: Sequence[tuple[int, str, str]]) -> None:
    """Assert that each sample's result leaves once, in order and right, unless a reset discarded the sample.

    In the calm cycles one sample enters in each cycle and leaves after exactly the latency.
    """
    design = run.design
    scores = evaluate(run.design.circuit, run.inputs)
    classes = classes_of(design.circuit, scores) if design.class_width else np.zeros(len(scores), np.int64)
    expected = []
    for row, best in zip(scores, classes, strict=True):
        class_bits = [int(best) >> k & 1 for k in range(design.class_width)]
        expected.append(_payload(row, design.output_width, class_bits))
    waiting: deque[tuple[int, int]] = deque()
    accepted = 0
    for cycle, what, value in events:
        if what == "in":
            assert int(value) == accepted
            waiting.append((cycle, accepted))
            accepted += 1
        elif what == "out":
            born, sample = waiting.popleft()
            assert value == expected[sample], f"sample {sample}"
            assert cycle - born >= design.latency
            if cycle < CALM:
                assert cycle - born == design.latency
        else:
            waiting.clear()
    assert not waiting, "samples are lost"
    calm = [cycle for cycle, what, _ in events if what == "in" and cycle < CALM]
    assert calm == list(range(1, 1 + len(calm)))
    assert len(calm) >= min(CALM - 1, len(run.inputs))


def _payload(words: Words, width: int, above: Sequence[int] = ()) -> str:
    """Words as one hexadecimal number, the first word lowest, with as many digits as its bits need."""
    each = (width - len(above)) // len(words)
    whole = sum((int(word) % (1 << each)) << (k * each) for k, word in enumerate(words))
    whole |= sum(bit << (width - len(above) + k) for k, bit in enumerate(above))
    return f"{whole:0{-(-width // 4)}x}"
