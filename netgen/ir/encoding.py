"""How a raw feature becomes an input word, and how the network reads that word: for Verilog headers and reports."""

from netgen.ir.circuit import Circuit
from netgen.ir.fixed import Reals


def input_text(circuit: Circuit) -> str:
    """Describe the input word of a raw feature, before saturation: `round(raw feature * 256)`."""
    if (entry := circuit.input_rounding) is not None:
        zero = f" + {entry.zero}" if entry.zero else ""
        how = ", halves to even" if entry.halves == "even" else ""
        return f"round((raw feature * {_one(circuit.input_scale)}{_plus(circuit)}) / {_one(entry.step)}{how}){zero}"
    if circuit.input_offset is not None:
        scale, step = _one(circuit.input_scale), 2.0**circuit.input.frac
        return f"round((raw feature * {scale}{_plus(circuit)}) * {step:g})"
    factors = sorted(set((circuit.input_scale * 2.0**circuit.input.frac).tolist()))
    if factors == [1.0]:
        return "the raw feature"
    if len(factors) == 1:
        return f"round(raw feature * {factors[0]:g})"
    return f"round(raw feature * input_scale in circuit.json * {2.0**circuit.input.frac:g})"


def input_meaning(circuit: Circuit) -> str:
    """Describe the input word, its limits, and the number or bits that the network makes of it."""
    form, reached = circuit.input, circuit.thresholds
    if (entry := circuit.input_rounding) is not None:
        return f"{input_text(circuit)}, limited to {entry.lo} to {entry.hi}; the network reads the word"
    read = f"number word / {2**form.frac}"
    if reached:
        read = f"bit{'s' * (len(reached) > 1)} {', '.join(f'word >= {word}' for word in reached)}"
    return f"{input_text(circuit)}, limited to {form.lo} to {form.hi}; the network reads the {read}"


def _one(numbers: Reals) -> str:
    """A number that all features have, or where to find theirs."""
    return f"{numbers[0]:.17g}" if (numbers == numbers[0]).all() else "that in circuit.json"


def _plus(circuit: Circuit) -> str:
    return "" if circuit.input_offset is None else f" + {_one(circuit.input_offset)}"
