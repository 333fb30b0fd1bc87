"""One layer in hardware: combinational neurons, each followed by its register."""

from collections.abc import Mapping, Sequence

import numpy as np
from amaranth.hdl import Const, Mux, Value

from netgen.circuit import CircuitLayer, LayerRange
from netgen.fixed import Words
from netgen.hdl.sheet import Sheet, Term, constant, cut, shape_of


def add_layer(
    sheet: Sheet,
    number: int,
    layer: CircuitLayer,
    reach: LayerRange,
    shift: int,
    inputs: Sequence[Term],
    names: Mapping[tuple[int, int], str],
    enable: Value,
) -> list[Term]:
    """Add the neurons of one layer and return their words, from registers.

    Args:
        number: 1 for the first layer.
        reach: proven ranges; a neuron that has but one possible word becomes a constant, without hardware.
        shift: right shift from accumulator to output.
        names: of the register of each neuron (layer, index).
        enable: 1 in the cycles in which registers load.
    """
    words = []
    for index, (row, bias) in enumerate(zip(layer.weight, layer.bias, strict=True)):
        lo, hi = int(reach.out_lo[index]), int(reach.out_hi[index])
        if lo == hi:
            words.append(constant(lo))
            continue
        name = f"n{number}_{index}"
        sheet.section(f"{name}: {np.count_nonzero(row)} wires in, words from {lo} to {hi}")
        half = 1 << (shift - 1) if shift > 0 else 0
        acc = _accumulate(sheet, name, row, int(bias) + half, inputs)
        word = _clip(sheet, name, _shift(acc, shift), layer)
        assert (word.lo, word.hi) == (lo, hi), f"{name}: {word.lo} to {word.hi}, but {lo} to {hi} is proven"
        words.append(Term(sheet.register(names[number, index], word.value, enable=enable), lo, hi))
    return words


def _accumulate(sheet: Sheet, name: str, row: Words, bias: int, inputs: Sequence[Term]) -> Term:
    """Weigh and add: positive weights in one tree, negative ones in another, then one subtraction.

    All constants so are positive, and with unsigned inputs nothing is signed before the last step.
    """
    plus: list[Term] = []
    minus: list[Term] = []
    for source in np.flatnonzero(row).tolist():
        weight, term = int(row[source]), inputs[source]
        if term.lo == term.hi:
            bias += weight * term.lo
        else:
            (plus if weight > 0 else minus).append(_weigh(sheet, f"{name}_w{source}", term, abs(weight)))
    if bias:
        (plus if bias > 0 else minus).append(constant(abs(bias)))
    if not minus:
        return sheet.sum(f"{name}_plus", plus)
    less = sheet.sum(f"{name}_minus", minus)
    if not plus:
        return cut(sheet.wire(f"{name}_acc", -less.value), -less.hi, -less.lo)
    more = sheet.sum(f"{name}_plus", plus)
    return cut(sheet.wire(f"{name}_acc", more.value - less.value), more.lo - less.hi, more.hi - less.lo)


def _weigh(sheet: Sheet, name: str, term: Term, weight: int) -> Term:
    """Multiply by a positive constant; a power of two is wiring."""
    shift = weight.bit_length() - 1
    if weight == 1 << shift:
        return Term(term.value.shift_left(shift), term.lo << shift, term.hi << shift)
    return cut(sheet.wire(name, term.value * Const(weight)), term.lo * weight, term.hi * weight)


def _shift(acc: Term, shift: int) -> Term:
    """Drop the low bits; the half step that the accumulator holds makes this round. A negative shift appends zeros."""
    if shift <= 0:
        return Term(acc.value.shift_left(-shift), acc.lo << -shift, acc.hi << -shift)
    return cut(acc.value.shift_right(shift), acc.lo >> shift, acc.hi >> shift)


def _clip(sheet: Sheet, name: str, word: Term, layer: CircuitLayer) -> Term:
    """Apply activation and saturation, each only where the proven range does not make it needless.

    ReLU may come after rounding, because rounding keeps the order of numbers and keeps 0.
    """
    floor = 0 if layer.activation == "relu" else word.lo if layer.output is None else layer.output.lo
    ceiling = word.hi if layer.output is None else layer.output.hi
    if word.lo < floor:
        low = word.value[-1] if floor == 0 else sheet.wire(f"{name}_low", word.value < floor)
        kept = cut(word.value, floor, word.hi)
        value = sheet.wire(f"{name}_floor", Mux(low, Const(floor, kept.value.shape()), kept.value))
        word = Term(value, floor, word.hi)
    if word.hi > ceiling:
        high = sheet.wire(f"{name}_high", word.value > ceiling)
        kept = cut(word.value, word.lo, ceiling)
        value = sheet.wire(f"{name}_ceiling", Mux(high, Const(ceiling, shape_of(word.lo, ceiling)), kept.value))
        word = Term(value, word.lo, ceiling)
    return word
