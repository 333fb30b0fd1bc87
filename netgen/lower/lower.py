"""From the integer circuit to its operator graph: layer by layer, then the class."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np

from netgen.ir.circuit import Circuit, ranges_of
from netgen.ir.fixed import Words
from netgen.ir.network import Bools
from netgen.lower import alkaid
from netgen.lower.argmax import best_of
from netgen.lower.builder import Builder, Term
from netgen.lower.csd import csd
from netgen.lower.local import local
from netgen.lower.neuron import word_of
from netgen.lower.products import products
from netgen.lower.share import shared
from netgen.lower.table import bits_into, table_of
from netgen.operators.graph import OperatorGraph, trimmed
from netgen.operators.kinds import Constant, Greater
from netgen.operators.wiring import Sites


class Sharing(Protocol):
    """How the sums of a layer are made."""

    def __call__(self, builder: Builder, weight: Words, bias: Words, inputs: Sequence[int]) -> list[Term]:
        """Add the sums of one layer.

        Args:
            weight: (n_out, n_in), 0 where there is no wire; bias: (n_out,).
            inputs: the operator of each input.
        Returns: a term for each neuron.
        """
        ...


SHARING: Mapping[str, Sharing] = MappingProxyType(
    {"none": products, "csd": csd, "shared": shared, "local": local, "alkaid": alkaid.solved}
)
"""By the name that a spec gives them."""


def lower(
    circuit: Circuit, *, sharing: str = "shared", argmax: bool, sites: Sites | None = None, tables: int = 0
) -> OperatorGraph:
    """Write a circuit as operators.

    Args:
        sharing: how adders are shared between neurons; a name in `SHARING`.
        argmax: whether to give the class as well.
        sites: of neurons; `local` needs them.
        tables: a neuron that at most so many bits enter becomes one look-up table; at most 8.
    """
    builder = Builder(circuit.features, (circuit.input.lo, circuit.input.hi), sites)
    reaches = ranges_of(circuit)
    words: list[list[int]] = []
    inputs = _coded(builder, circuit.thresholds)
    for depth, (layer, reach, needed) in enumerate(zip(circuit.layers, reaches, _needed(circuit), strict=True)):
        builder.begin_layer(inputs)
        shift = circuit.rescale_shift(depth)
        still = reach.out_lo == reach.out_hi
        made = needed & ~still
        operations = [builder.operators[number].operation for number in inputs]
        constant = np.array([op.value if isinstance(op, Constant) else 0 for op in operations], dtype=np.int64)
        varies = np.array([not isinstance(op, Constant) for op in operations])
        weight = np.where(varies & made[:, None], layer.weight, 0)
        bias = layer.bias + layer.weight @ constant
        tabled = made & (bits_into(builder, weight, inputs) <= tables)
        added = np.where(made & ~tabled, bias + (1 << (shift - 1) if shift > 0 else 0), 0)
        sums = SHARING[sharing](builder, np.where(tabled[:, None], 0, weight), added, inputs)
        found = []
        for k, total in enumerate(sums):
            if tabled[k]:
                row = {inputs[j]: int(weight[k, j]) for j in np.flatnonzero(weight[k]).tolist()}
                found.append(table_of(builder, row, int(bias[k]), shift, layer, k))
            elif made[k]:
                found.append(word_of(builder, total, shift, layer, k))
            else:
                found.append(builder.constant(int(reach.out_lo[k] * still[k])))
        inputs = found
        words.append(inputs)
    builder.begin_layer(inputs)
    best = best_of(builder, inputs) if argmax else None
    return trimmed(builder.operators, words, best, inputs=circuit.features)


def _coded(builder: Builder, thresholds: Sequence[int]) -> list[int]:
    """The operators of what the first layer takes: inputs, or their bits, those of one input side by side."""
    if not thresholds:
        return builder.inputs
    least = [builder.constant(threshold - 1) for threshold in thresholds]
    pairs = [(number, constant) for number in builder.inputs for constant in least]
    return [builder.add(Greater(), number, constant, index=k) for k, (number, constant) in enumerate(pairs)]


def _needed(circuit: Circuit) -> list[Bools]:
    """Per layer, the neurons on which a score depends; what no score depends on counts as 0."""
    needed: list[Bools] = [np.ones(circuit.sizes[-1], dtype=np.bool_)]
    for layer, reach in zip(circuit.layers[:0:-1], ranges_of(circuit)[::-1], strict=False):
        varies = reach.out_lo != reach.out_hi
        needed.append((layer.weight[needed[-1] & varies] != 0).any(axis=0))
    return needed[::-1]
