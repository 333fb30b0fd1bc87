"""From the integer circuit to its operator graph: layer by layer, then the class."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np

from netgen.errors import BuildError
from netgen.ir.activation import Rescale
from netgen.ir.arrays import Bools
from netgen.ir.chain import activation_name, weight_matrix
from netgen.ir.circuit import Circuit, ranges_of
from netgen.ir.fixed import Words
from netgen.lower.alkaid import add_by_alkaid
from netgen.lower.argmax import add_argmax
from netgen.lower.builder import Builder, Term
from netgen.lower.csd import add_digits
from netgen.lower.placement_aware import add_locally
from netgen.lower.products import add_products
from netgen.lower.subexpressions import add_shared
from netgen.lower.table import add_table, bits_into
from netgen.lower.word import add_word
from netgen.operators.graph import OperatorGraph, trimmed
from netgen.operators.kinds import Constant, Greater
from netgen.operators.wiring import NeuronSites


class Sharing(Protocol):
    """A way to build the sums of a layer, and to share operators between them."""

    def __call__(self, builder: Builder, weight: Words, bias: Words, inputs: Sequence[int]) -> list[Term]:
        """Add the sums of one layer.

        Args:
            weight: (n_out, n_in) int64, 0 where there is no wire.
            bias: (n_out,) int64.
            inputs: the operator of each input.
        Returns: the sum of each neuron, not negated.
        """
        ...


SHARING: Mapping[str, Sharing] = MappingProxyType(
    {
        "none": add_products,
        "csd": add_digits,
        "shared": add_shared,
        "local": add_locally,
        "alkaid": add_by_alkaid,
    }
)
"""The ways, by the name that a spec gives them."""


def lower(
    circuit: Circuit, *, sharing: str = "shared", argmax: bool, sites: NeuronSites | None = None, tables: int = 0
) -> OperatorGraph:
    """Write a circuit as operators.

    Args:
        sharing: how operators are shared between neurons; a name in `SHARING`.
        argmax: whether to give the class as well.
        sites: the sites of neurons; `local` needs them.
        tables: a neuron that at most this many bits enter becomes one look-up table; at most 8 bits.
    Raises: BuildError, when `sharing` needs a placement or a library that is missing.
    """
    builder = Builder(circuit.features, (circuit.input.lo, circuit.input.hi), sites)
    words: list[list[int]] = []
    inputs = _first_inputs(builder, circuit.thresholds)
    for depth, (layer, bounds, needed) in enumerate(
        zip(circuit.layers, ranges_of(circuit), _needed(circuit), strict=True)
    ):
        builder.begin_layer(inputs)
        activation = layer.activation
        if not isinstance(activation, Rescale) or activation.rounding != "up" or layer.gather != "sum":
            raise BuildError(f"layer {layer.name}: {activation_name(layer)} of a {layer.gather} cannot be lowered yet")
        shift = activation.shift
        constant = bounds.out_lo == bounds.out_hi
        computed = needed & ~constant
        operations = [builder.operators[number].operation for number in inputs]
        known = np.array([op.value if isinstance(op, Constant) else 0 for op in operations], dtype=np.int64)
        varies = np.array([not isinstance(op, Constant) for op in operations])
        matrix = weight_matrix(circuit, depth)
        weight = np.where(varies & computed[:, None], matrix, 0)
        bias = layer.bias + matrix @ known
        tabled = computed & (bits_into(builder, weight, inputs) <= tables)
        half = 1 << (shift - 1) if shift > 0 else 0  # half a step of the word, so that dropping low bits rounds
        added = np.where(computed & ~tabled, bias + half, 0)
        sums = SHARING[sharing](builder, np.where(tabled[:, None], 0, weight), added, inputs)
        found = []
        for k, total in enumerate(sums):
            if tabled[k]:
                row = {inputs[j]: int(weight[k, j]) for j in np.flatnonzero(weight[k]).tolist()}
                found.append(add_table(builder, row, int(bias[k]), layer, k))
            elif computed[k]:
                found.append(add_word(builder, total, activation, layer.output, k))
            else:
                found.append(builder.constant(int(bounds.out_lo[k] * constant[k])))
        inputs = found
        words.append(inputs)
    builder.begin_layer(inputs)
    best = add_argmax(builder, inputs) if argmax else None
    return trimmed(builder.operators, words, best, inputs=circuit.features)


def _first_inputs(builder: Builder, thresholds: Sequence[int]) -> list[int]:
    """The operators that the first layer reads: the inputs, or their threshold bits, one input after the other."""
    if not thresholds:
        return builder.inputs
    below = [builder.constant(threshold - 1) for threshold in thresholds]
    pairs = [(number, constant) for number in builder.inputs for constant in below]
    return [builder.add(Greater(), number, constant, index=k) for k, (number, constant) in enumerate(pairs)]


def _needed(circuit: Circuit) -> list[Bools]:
    """Per layer, (n_out,): whether a score depends on the neuron; words on which none depends are lowered as 0."""
    needed = np.zeros(circuit.first[-1], dtype=np.bool_)
    needed[circuit.scores] = True
    for layer, first, bounds in reversed(list(zip(circuit.layers, circuit.first, ranges_of(circuit), strict=False))):
        varies = bounds.out_lo != bounds.out_hi
        needed[layer.source[(needed[first : first + len(layer)] & varies)[layer.target]]] = True
    return np.split(needed, circuit.first[:-1])[1:]
