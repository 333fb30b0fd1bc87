"""A self-checking testbench in Verilog, with golden vectors, that needs a simulator but not netgen."""

from pathlib import Path
from string import Template

from netgen.ir.circuit import classify, evaluate
from netgen.ir.fixed import Words
from netgen.operators.design import Design, Payloads, Simulated


def testbench_of(design: Design, inputs: Words) -> dict[str, str]:
    """Write the testbench and its vectors: file name to text.

    The bench holds the circuit's own `evaluate` against the hardware, while both streams stall at random.

    Args:
        inputs: (n, n_in) int64 input words, n at least 1.
    """
    scores = evaluate(design.circuit, inputs)
    expected = Simulated(scores, classify(scores) if design.class_width else None)
    template = Template((Path(__file__).parent / "testbench.v").read_text(encoding="utf-8"))
    bench = template.substitute(
        vectors=len(inputs),
        input_width=design.input_width,
        output_width=design.output_width,
        scores=design.circuit.sizes[-1],
        score_width=design.score.width,
        signed="$signed" if design.score.signed else "",
        patience=1000 + 10 * design.latency,
    )
    return {
        "top_tb.v": bench,
        "vectors_in.hex": _hex(design.pack_inputs(inputs), design.input_width),
        "vectors_out.hex": _hex(design.pack_outputs(expected), design.output_width),
    }


def _hex(payloads: Payloads, width: int) -> str:
    """One payload a line, its highest digit first, as `$readmemh` reads it."""
    digits = -(-width // 4)
    return "".join(f"{int.from_bytes(row.astype('<u4').tobytes(), 'little'):0{digits}x}\n" for row in payloads)
