"""How a raw feature becomes an input word, and how the network reads that word: for Verilog headers and reports."""

import numpy as np

from netgen.ir.circuit import Circuit
from netgen.ir.fixed import Reals, Words

__all__ = ["input_meaning", "input_overflows", "input_text", "raw_of"]


def raw_of(circuit: Circuit, words: Words) -> Reals:
    """Raw features, (n, features), that are encoded as these words."""
    offset = 0.0 if circuit.input_offset is None else circuit.input_offset
    entry = circuit.input_rounding
    numbers = circuit.input.decode(words) if entry is None else (words - entry.zero) * entry.step
    raw: Reals = (numbers - offset) / circuit.input_scale
    return raw


def input_overflows(circuit: Circuit, raw: Reals) -> int:
    """How many raw features lie a step or more outside the input words, where limiting is more than rounding.

    Features of which the network reads one bit each have no such limits.
    """
    offset = 0.0 if circuit.input_offset is None else circuit.input_offset
    numbers = raw * circuit.input_scale + offset
    if (entry := circuit.input_rounding) is None:
        return circuit.input.overflows(numbers)
    if entry.hi - entry.lo < 2:
        return 0
    steps = numbers / entry.step + entry.zero
    return int(np.count_nonzero((steps >= entry.hi + 1) | (steps <= entry.lo - 1)))


def input_text(circuit: Circuit) -> str:
    """Describe the input word of a raw feature, before saturation: `round(raw feature * 256)`."""
    if (entry := circuit.input_rounding) is not None:
        zero = f" + {entry.zero}" if entry.zero else ""
        how = ", halves to even" if entry.halves == "even" else ""
        number = f"raw feature * {_one(circuit.input_scale)}{_plus(circuit)}"
        number = number if (entry.step == 1).all() else f"({number}) / {_one(entry.step)}"
        return f"round({number}{how}){zero}"
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
