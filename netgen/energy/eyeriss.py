"""The energy of a network on an accelerator with DRAM, a global buffer, an array and register files, as Eyeriss has.

Every access of a level costs what `constants.LEVELS` says, in multiplications and additions of 16 bits, times the
width of the word over 16. The dataflow is row stationary, after Chen, Emer and Sze (2016) and the estimation of Yang,
Chen and Sze (2017), in a closed form that needs four counts of a layer: M multiplications, W weights, I inputs, O
outputs. With N samples in a batch, all but W grow N times; results are for one sample.

- A weight is used in P = M / W positions, which form a square of side sqrt(P). Its PE keeps it for one side, and up to
  14 PEs of a row, those of other rows of the square, share one delivery.
- There are F = O / P filters, and one filter uses an input in k = M / (I F) positions: kernel over stride, squared. A
  PE holds 16 filters and keeps an input for sqrt(k) positions of each; the sqrt(k) PEs on a diagonal share one
  delivery, and the columns that one square leaves over hold other filters, which share it too. Where pruning has left
  k below 1, a PE uses an input for k of its filters.
- An output has M / O terms. A PE adds 12 of them, a column of 12 PEs adds theirs, and what is left goes through the
  buffer and back.
- Each multiplication reads a weight, an input and a partial sum from the register file, and writes the sum.
- Weights, inputs and outputs cross DRAM once. Where neither weights nor inputs of a layer fit in the buffer, one of
  them is read again for each filling of the other, whichever costs less.

Simplified against the papers: no search over mappings, maps are squares, all PEs work, biases and maxima are free,
activations are not compressed, and zeros among them are not skipped.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from netgen.energy.constants import INDEX_BITS, LEVELS, MAC_BITS
from netgen.energy.shapes import LayerCounts
from netgen.ir.energy import Energy, EnergyPart

__all__ = ["UNIT", "accelerated", "accesses_of"]

UNIT = "MACs of 16 bits"

ROWS, COLUMNS = 12, 14
"""PEs of the array (Chen, Krishna, Emer and Sze, JSSC 2017)."""
BUFFER_BITS = 8 * 108 * 1024
"""The global buffer, 108 kB."""
FILTERS = 16
"""Filters whose partial sums a PE holds; the chip holds up to 24, and its mappings of AlexNet use 16."""
TERMS = 12
"""Inputs that a PE holds, and so terms that it adds before the sum moves on."""

Accesses = Mapping[tuple[str, str], float]
"""By level and data (`weights`, `inputs`, `sums`): words that move, for one sample."""


def accelerated(shapes: Sequence[LayerCounts], *, batch: int = 1) -> Energy:
    """The energy of layers on the accelerator, in multiplications and additions of 16 bits, and in pJ.

    Args:
        batch: samples that share one reading of the weights.
    """
    weights = "zeros left out" if any(shape.sparse for shape in shapes) else "zeros included"
    return Energy(
        model="eyeriss",
        unit=UNIT,
        parts=tuple(part for shape in shapes for part in _parts(shape, batch)),
        conditions=(
            f"row stationary on {ROWS} x {COLUMNS} PEs, buffer of {BUFFER_BITS // 8192} kB, batch of {batch}",
            f"weights: {weights}; read from DRAM once for each batch",
        ),
    )


def _parts(shape: LayerCounts, batch: int) -> Iterator[EnergyPart]:
    """The parts of one layer."""
    macs = shape.macs * shape.weight_bits * shape.input_bits / MAC_BITS**2
    yield _part(shape.number, "MAC", "", macs)
    index = INDEX_BITS if shape.sparse else 0
    width = {"weights": shape.weight_bits + index, "inputs": shape.input_bits, "sums": shape.sum_bits}
    for (level, data), words in accesses_of(shape, batch=batch).items():
        bits = shape.output_bits if (level, data) == ("DRAM", "sums") else width[data]
        yield _part(shape.number, level, data, words * bits / MAC_BITS)


def _part(layer: int, level: str, data: str, words: float) -> EnergyPart:
    """A part from words of 16 bits that move, or multiplications of 16 bits."""
    cost = LEVELS[level]
    low, high = cost.picojoules
    return EnergyPart(layer, level, data, UNIT, words * cost.relative, (words * low, words * high))


def accesses_of(shape: LayerCounts, *, batch: int = 1) -> Accesses:
    """Count the words that move at each level for one sample, as the module says."""
    macs, inputs, outputs = shape.macs * batch, shape.inputs * batch, shape.outputs * batch
    positions = macs / shape.weights
    side = math.sqrt(positions)
    filters = outputs / positions
    overlap = macs / inputs / filters
    slide = math.sqrt(max(overlap, 1.0))

    sharing = min(side, COLUMNS)
    held = max(min(filters, FILTERS) * slide * min(overlap, 1.0), 1.0)
    others = max(min(COLUMNS / sharing, filters / FILTERS), 1.0)
    terms = macs / outputs
    inside = min(terms, TERMS)
    column = min(terms / inside, ROWS)
    passes = terms / inside / column
    again = _read_again(shape)
    moved = {
        ("register file", "weights"): macs,
        ("register file", "inputs"): macs,
        ("register file", "sums"): 2 * macs,
        ("array", "weights"): macs / side,
        ("array", "inputs"): macs / held,
        ("array", "sums"): outputs * passes * (column - 1),
        ("buffer", "weights"): macs / side / sharing,
        ("buffer", "inputs"): max(macs / held / (others * slide), inputs),
        ("buffer", "sums"): 2 * outputs * (passes - 1),
        ("DRAM", "weights"): shape.weights * again["weights"],
        ("DRAM", "inputs"): inputs * again["inputs"],
        ("DRAM", "sums"): outputs,
    }
    return {place: words / batch for place, words in moved.items()}


def _read_again(shape: LayerCounts) -> Mapping[str, int]:
    """How often weights and inputs are read from DRAM, so that the fewest bits are."""
    weights, inputs = shape.weights * shape.weight_bits, shape.inputs * shape.input_bits
    fillings = {"weights": -(-inputs // BUFFER_BITS), "inputs": -(-weights // BUFFER_BITS)}
    extra = {"weights": (fillings["weights"] - 1) * weights, "inputs": (fillings["inputs"] - 1) * inputs}
    least = min(extra, key=lambda data: extra[data])
    return {data: fillings[data] if data == least else 1 for data in fillings}
