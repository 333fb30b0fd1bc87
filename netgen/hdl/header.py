"""The comment at the head of `top.v`: ports, formats, latency and names."""

from netgen.ir.circuit import Circuit
from netgen.ir.fixed import FixedPoint
from netgen.ir.netlist import Netlist
from netgen.operators.design import Design
from netgen.operators.kinds import Hold
from netgen.version import __version__

_LINT_WAIVERS = """\
// Operands are as narrow as their proven ranges; Verilog extends them to the width of the result.
/* verilator lint_off WIDTH */
// Inputs that pruning has disconnected keep their bits in i_payload, and a wire may have bits that no operator reads.
/* verilator lint_off UNUSEDSIGNAL */"""


def header_of(design: Design, netlist: Netlist, title: str, *, kernels: bool = False) -> str:
    """Write the head of `top.v`: a comment, and lint waivers with their reasons.

    Args:
        title: its first lines.
        kernels: whether neurons that compute the same call a function.
    """
    circuit = design.circuit
    inputs, outputs = circuit.features, len(circuit.scores)
    held = any(isinstance(operator.operation, Hold) for operator in design.graph.operators)
    lines = [
        *title.splitlines(),
        "",
        f"A neural network as a circuit, written by netgen {__version__}: {netlist.neurons} neurons, "
        f"{netlist.wires} wires, layers {' - '.join(map(str, circuit.sizes))}.",
        "",
        *_layers_in_words(circuit),
        f"i_payload  {_format(inputs, circuit.input, 'input word')}, in steps of {_step(circuit.input)}",
        f"o_payload  {_format(outputs, design.score, 'score')}"
        + ("" if circuit.outputs else f", in steps of {_step(design.score)}"),
        *_outputs_in_words(circuit),
    ]
    if design.class_width:
        lines.append(f"           and the class, u{design.class_width}, in the highest bits: the greatest score")
    lines += [
        "A word moves when valid and ready are both 1 at a rising edge of clk; rst is synchronous and active high.",
        f"Latency {design.latency} cycles, initiation interval 1: a sample may enter in every cycle.",
        "",
        *_inputs_in_words(circuit.thresholds),
        "nLAYER_INDEX   the word of a neuron; its site in the grid, x,y,z, is an attribute",
        "nLAYER_INDEX_N an intermediate value that only this neuron needs",
        *(["kernelLAYER_N  what several neurons compute, each from other words"] if kernels else []),
        "tLAYER_DIGEST  a value that several neurons share, or of the class; the digest is of its expression",
        *(
            ["hLAYER_DIGEST  a word that enters a block; its register loads where the gates of the block are on"]
            if held
            else []
        ),
        "..._high       the high bits of a sum whose low bits are those of its first operand",
        "..._dK         a value delayed by K registers",
        "a + ~b         a - b plus a constant, which keeps it from being negative; the neuron's sum subtracts it again",
        "~(~x)          x, a sum that only one other sum reads; written so, Yosys keeps the two sums apart",
        "Sums include half a step of the word that they are rounded to, so dropping their low bits rounds.",
    ]
    comment = "\n".join(f"// {line}".rstrip() for line in lines)
    return f"{comment}\n\n{_LINT_WAIVERS}\n"


def _inputs_in_words(thresholds: tuple[int, ...]) -> list[str]:
    if not thresholds:
        return ["n0_K           input K"]
    rising = ", ".join(map(str, thresholds))
    bits = f"bit K: 1 if its input word is at least {rising}; the bits of a word have successive K"
    return ["x_K            input word K", f"n0_K           {bits}"]


def _format(count: int, word: FixedPoint, what: str) -> str:
    low, high = f"k * {word.width}", f"k * {word.width} + {word.width - 1}"
    sign = "two's complement" if word.signed else "unsigned"
    return f"{count} of {word}: {what} k in bits {low} to {high}, {sign}"


def _step(word: FixedPoint) -> str:
    return f"2**{-word.frac}"


def _layers_in_words(circuit: Circuit) -> list[str]:
    """The names of layers in the user's model, when they are more than numbers."""
    named = [(depth, layer) for depth, layer in enumerate(circuit.layers, 1) if layer.name != str(depth)]
    return [f"layer {depth}: {name_in_comment(layer.name)}, {len(layer)} neurons" for depth, layer in named]


def _outputs_in_words(circuit: Circuit) -> list[str]:
    """Which scores are which output of the user's model, and what they mean."""
    lines, first = [], 0
    for head in circuit.outputs:
        last = first + head.neuron.size - 1
        alike = head.scale.size == head.offset.size == 1
        offset = f" {float(head.offset.item()):+}" if alike and head.offset.item() else ""
        means = f"k means k * {float(head.scale.item())}{offset}" if alike else "with a scale for each value"
        lines.append(f"           scores {first} to {last}: {name_in_comment(head.name)}, {means}")
        first = last + 1
    return lines


def name_in_comment(name: str) -> str:
    """A name of the user's model as it may stand in a comment of one line."""
    return name.encode("ascii", "backslashreplace").decode().translate(_CONTROL)[:80]


_CONTROL = dict.fromkeys((*range(32), 127, ord("\\")), "?")
