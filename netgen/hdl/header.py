"""What `top.v` says about itself before its module begins."""

from netgen.ir.fixed import FixedPoint
from netgen.ir.netlist import Netlist
from netgen.operators.design import Design
from netgen.version import __version__

_LINT_WAIVERS = """\
// Operands are as narrow as their proven ranges; Verilog extends them to the width of the result.
/* verilator lint_off WIDTH */
// Inputs that pruning cut off keep their place in i_payload, and results keep the bits that a range proves needless.
/* verilator lint_off UNUSEDSIGNAL */"""


def header_of(design: Design, netlist: Netlist, title: str) -> str:
    """The comment that opens `top.v`, and the lint waivers, each with its reason.

    Args:
        title: what it says first; any number of lines.
    """
    circuit = design.circuit
    inputs, outputs = circuit.features, circuit.sizes[-1]
    lines = [
        *title.splitlines(),
        "",
        f"A neural network as a circuit, written by netgen {__version__}: {netlist.neurons} neurons, "
        f"{netlist.wires} wires, layers {' - '.join(map(str, circuit.sizes))}.",
        "",
        "i_payload  " + _format(inputs, circuit.input, "input word"),
        "o_payload  " + _format(outputs, design.score, "score"),
    ]
    if design.class_width:
        lines.append(f"           and the class, u{design.class_width}, in the highest bits: the greatest score")
    lines += [
        "A word moves when valid and ready are both 1 at a rising edge of clk; rst is synchronous and active high.",
        f"Latency {design.latency} cycles, initiation interval 1: a sample may enter in every cycle.",
        "",
        *_inputs_in_words(circuit.thresholds),
        "nLAYER_INDEX   the word of a neuron; its site in the grid, x,y,z, is an attribute",
        "nLAYER_INDEX_N what only that neuron needs on the way to its word",
        "tLAYER_DIGEST  what several neurons share, or the class; named after how it is computed",
        "..._high       the high bits of a sum whose low bits need no adder",
        "..._dK         a value K cycles later, from a register",
        "a + ~b         a less b, and a constant more, which the neuron's sum takes back; so it is never negative",
        "~(~x)          x, a sum that only one other reads: so Yosys keeps it a sum of its own",
        "A sum holds half a step of the word that is made of it, so dropping its low bits rounds.",
    ]
    comment = "\n".join(f"// {line}".rstrip() for line in lines)
    return f"{comment}\n\n{_LINT_WAIVERS}\n"


def _inputs_in_words(thresholds: tuple[int, ...]) -> list[str]:
    if not thresholds:
        return ["n0_K           input K"]
    rising = ", ".join(map(str, thresholds))
    bits = f"bit K, whether an input word reaches {rising}; those of a word together"
    return ["x_K            input word K", f"n0_K           {bits}"]


def _format(count: int, word: FixedPoint, what: str) -> str:
    low, high = f"k * {word.width}", f"k * {word.width} + {word.width - 1}"
    sign = "two's complement" if word.signed else "unsigned"
    return f"{count} of {word}: {what} k in bits {low} to {high}, {sign}, in steps of 2**{-word.frac}"
