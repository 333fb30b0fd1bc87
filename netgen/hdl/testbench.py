"""A self-checking testbench in Verilog, with golden vectors; it needs any Verilog simulator, but not netgen."""

from pathlib import Path
from string import Template

from netgen.hdl.vectors import Vectors
from netgen.ir.circuit import classify, evaluate
from netgen.ir.ranked import ranked
from netgen.operators.design import Design, Payloads, Simulated


def testbench_of(design: Design, vectors: Vectors) -> dict[str, str]:
    """Write the testbench and its vectors: file name to text.

    The testbench compares the hardware with the circuit's own `evaluate`, while both streams stall at random.
    """
    inputs = vectors.inputs
    scores = evaluate(design.circuit, inputs)
    expected = Simulated(scores, classify(scores[:, ranked(design.circuit)]) if design.class_width else None)
    template = Template((Path(__file__).parent / "testbench.v").read_text(encoding="utf-8"))
    bench = template.substitute(
        coverage="\n".join(f"// {line}" for line in _coverage_lines(vectors)),
        vectors=len(inputs),
        input_width=design.input_width,
        output_width=design.output_width,
        scores=len(design.circuit.scores),
        score_width=design.score.width,
        signed="$signed" if design.score.signed else "",
        patience=1000 + 10 * design.latency,
    )
    return {
        "top_tb.v": bench,
        "vectors_in.hex": _hex(design.pack_inputs(inputs), design.input_width),
        "vectors_out.hex": _hex(design.pack_outputs(expected), design.output_width),
    }


def _coverage_lines(vectors: Vectors) -> list[str]:
    """What the vectors reach, and how much remains, for the head of the testbench."""
    coverage, chosen = vectors.coverage, len(vectors.inputs) - vectors.given
    groups = {
        "entries of look-up tables": coverage.entries,
        "bits of these entries, such that a wrong bit changes an output": coverage.bits,
        "least and greatest values of operators, as proved for all inputs": coverage.limits,
        "neighbours between which a comparison or a rounding changes, and with it an output": coverage.edges,
    }
    lines = [f"The first {vectors.given:,} vectors are samples of the test set; {chosen:,} more were chosen to reach:"]
    for what, (reached, total) in groups.items():
        if total:
            lines.append(f"  {reached:,} of {total:,} {what}")
    missed = sum(total - reached for reached, total in groups.values())
    return [*lines, f"The other {missed:,} were reached by no input that was tried."] if missed else lines


def _hex(payloads: Payloads, width: int) -> str:
    """One payload a line, its highest digit first, as `$readmemh` reads it."""
    digits = -(-width // 4)
    return "".join(f"{int.from_bytes(row.astype('<u4').tobytes(), 'little'):0{digits}x}\n" for row in payloads)
