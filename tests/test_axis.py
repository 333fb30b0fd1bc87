"""The AXI4-Stream wrapper: what goes in at random comes out in order, at random."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from strategies import placed, random_circuit

from netgen.errors import SpecError
from netgen.hdl import axis_of, design_of
from netgen.hdl.axis import Form, Output
from netgen.ir.circuit import classify, evaluate
from netgen.lower import lower
from netgen.operators.schedule import schedule
from netgen.spec.spec import parse_spec

BENCH = """
module bench;
  reg clk = 0, resetn = 0, valid = 0, ready = 0, last = 0;
  reg [IN:0] data;
  wire ready_in, valid_out, last_out;
  wire [OUT:0] out;
  reg [IN+1:0] beats [0:BEATS-1];
  integer k = 0, cycle, seed = 7;
  top_axis dut (clk, resetn, data, valid, ready_in, last, out, valid_out, ready, last_out);
  initial begin
    $readmemh("beats.hex", beats);
    for (cycle = 0; cycle < 40 * BEATS + 200; cycle = cycle + 1) begin
      resetn = cycle > 2;
      if (!valid && k < BEATS && resetn && $random(seed) % 3 != 0) begin
        valid = 1; {last, data} = beats[k]; k = k + 1;
      end
      ready = $random(seed) % 2;
      #1;
      if (valid_out && ready && resetn) $display("%h %b", out, last_out);
      if (valid && ready_in && resetn) begin #1 clk = 1; #1 valid = 0; end
      else begin #1 clk = 1; #1; end
      clk = 0; #1;
    end
    $finish;
  end
endmodule
"""


@pytest.mark.native
@pytest.mark.parametrize("form", ["parallel", "serial"])
@pytest.mark.parametrize("output", ["all", "class"])
@pytest.mark.parametrize("latency", [0, 3])
def test_no_sample_is_lost_repeated_or_reordered_when_both_sides_stall_at_random(
    form: Form, output: Output, latency: int, native_tool: Callable[[str], str], tmp_path: Path
) -> None:
    circuit = random_circuit((5, 4, 3), seed=3)
    graph = lower(circuit, argmax=True)
    timing = schedule(graph, "cycles", steps=latency) if latency else schedule(graph, "none")
    design = design_of(circuit, graph, timing, *placed(circuit), title="axis test")
    inputs = np.random.default_rng(4).integers(0, 256, (30, 5))
    scores = evaluate(circuit, inputs)
    width = design.score.width
    expected = []
    for row, best in zip(scores.tolist(), classify(scores).tolist(), strict=True):
        packed = sum((score % (1 << width)) << (k * width) for k, score in enumerate(row))
        expected.append(best if output == "class" else packed + (best << (3 * width)))
    if form == "parallel":
        words = [sum(int(x) << (8 * k) for k, x in enumerate(row)) for row in inputs]
        high, beats = 39, [(word, 1) for word in words]
    else:  # two words of a sample that is cut off, then whole samples
        high, beats = 7, [(1, 0), (2, 1), *((int(x), int(k == 4)) for row in inputs for k, x in enumerate(row))]
    bits = design.class_width if output == "class" else design.output_width
    bench = BENCH.replace("OUT", str(-(-bits // 8) * 8 - 1)).replace("IN", str(high)).replace("BEATS", str(len(beats)))
    (tmp_path / "all.v").write_text(design.verilog + axis_of(design, form, output) + bench)
    (tmp_path / "beats.hex").write_text("".join(f"{word + (end << (high + 1)):x}\n" for word, end in beats))
    build = [native_tool("iverilog"), "-g2005", "-s", "bench", "-o", "bench", "all.v"]
    subprocess.run(build, cwd=tmp_path, check=True)
    done = subprocess.run([native_tool("vvp"), "-n", "bench"], cwd=tmp_path, check=True, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [int(word, 16) for word, _ in lines] == expected
    assert {last for _, last in lines} == {"1"}


def test_a_class_that_is_not_computed_cannot_be_put_out() -> None:
    with pytest.raises(SpecError, match="emit: axis_output class needs the class; set argmax to true"):
        parse_spec("emit: {axis: serial, axis_output: class}")
