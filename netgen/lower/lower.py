"""From the integer circuit to its operator graph: layer by layer, then the class."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.circuit import Circuit, CircuitLayer, LayerRange, ranges_of
from netgen.ir.ranked import ranked
from netgen.ir.rows import row_sums, selecting_wires
from netgen.lower.alkaid import add_by_alkaid
from netgen.lower.argmax import add_argmax
from netgen.lower.builder import OperatorBuilder, Term
from netgen.lower.csd import add_digits, constant_of, zero
from netgen.lower.holding import with_holds
from netgen.lower.maximum import add_greatest
from netgen.lower.placement_aware import add_locally
from netgen.lower.products import add_products
from netgen.lower.selection import add_either, add_selected, add_test, gates_of
from netgen.lower.subexpressions import add_shared
from netgen.lower.table import add_table
from netgen.lower.word import add_activated, constant_in_sum
from netgen.operators.graph import OperatorGraph, trimmed
from netgen.operators.kinds import Constant, Greater
from netgen.operators.wiring import NeuronSites


class Sharing(Protocol):
    """A way to build the sums of a layer, and to share operators between them."""

    def __call__(
        self, builder: OperatorBuilder, rows: Sequence[Mapping[int, int]], bias: Sequence[int | None]
    ) -> list[Term]:
        """Add the sums of one layer.

        Args:
            rows: for each neuron the weights of the words that it adds up, none of them 0, by the operator that gives
                the word, which is no constant; in the order of the neurons that give them.
            bias: for each neuron; None where the sum may contain any constant, which the builder then knows.
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
        tables: a neuron that at most this many bits enter becomes one look-up table; at most 8 bits. A neuron that
            is a table always does.
    Raises: BuildError, when `sharing` needs a placement or a library that is missing, or a class is asked for and no
        output, or more than one, is a class.
    """
    builder = OperatorBuilder(circuit.features, (circuit.input.lo, circuit.input.hi), sites)
    needed = _needed(circuit)
    words = _Words(circuit, builder, gates_of(circuit, needed))
    words.set(0, _first_inputs(builder, circuit.thresholds))
    for depth, bounds in enumerate(ranges_of(circuit)):
        builder.begin_layer(words.of(depth))
        if not depth:
            words.add_tests(0)
        found = _lower_layer(circuit, depth, bounds, needed[depth], words, SHARING[sharing], tables)
        words.set(depth + 1, found)
        words.add_tests(depth + 1)
    builder.begin_layer(words.of(len(circuit.layers)))
    scores = words.operator[circuit.scores].tolist()
    best = add_argmax(builder, scores[ranked(circuit)]) if argmax else None
    layers = [words.of(depth) for depth in range(1, len(circuit.layers) + 1)]
    return with_holds(trimmed(builder.operators, layers, best, inputs=circuit.features, scores=scores))


class _Words:
    """The operators that give the words of all neurons.

    Attributes:
        operator: (neurons,) int64, its number.
        width: (neurons,) int64, its bits.
        varies: (neurons,) bool, whether it is no constant.
        value: (neurons,) int64, of a constant; else 0.
        test: for each gate, the operator that tells whether its word is above 0.

    Args:
        gates: (neurons,) bool, which neurons are gates.
    """

    def __init__(self, circuit: Circuit, builder: OperatorBuilder, gates: Bools) -> None:
        self.builder, self.ends, self._gates = builder, (0, *circuit.first), gates
        self.test: dict[int, int] = {}
        self.operator, self.width, self.value = np.zeros((3, circuit.first[-1]), dtype=np.int64)
        self.varies = np.ones(circuit.first[-1], dtype=np.bool_)

    def set(self, depth: int, numbers: Sequence[int]) -> None:
        """Set the operators of a layer's words; layer 0 are the inputs of the first."""
        for neuron, number in enumerate(numbers, self.ends[depth]):
            operator = self.builder.operators[number]
            self.operator[neuron], self.width[neuron] = number, operator.width
            if isinstance(operator.operation, Constant):
                self.varies[neuron], self.value[neuron] = False, operator.operation.value

    def add_tests(self, depth: int) -> None:
        """Add the tests of the gates among the neurons of a layer."""
        for gate in (self.ends[depth] + np.flatnonzero(self._gates[self.ends[depth] : self.ends[depth + 1]])).tolist():
            index = gate - self.ends[depth] if depth else None
            self.test[gate] = add_test(self.builder, int(self.operator[gate]), index)

    def of(self, depth: int) -> list[int]:
        """The operators of a layer's words."""
        numbers: list[int] = self.operator[self.ends[depth] : self.ends[depth + 1]].tolist()
        return numbers


def _lower_layer(
    circuit: Circuit, depth: int, bounds: LayerRange, needed: Bools, words: _Words, share: Sharing, tables: int
) -> list[int]:
    """Add the operators of a layer; return those that give its words.

    Args:
        needed: (n,) whether a score depends on the neuron.
    """
    layer, builder = circuit.layers[depth], words.builder
    constant = bounds.out_lo == bounds.out_hi
    computed = needed & ~constant
    varies, value = words.varies[layer.source], words.value[layer.source]
    read = varies & computed[layer.target]
    if layer.gather == "select":
        return _lower_selections(layer, bounds, computed, words)
    if layer.gather == "max":
        known = np.maximum.reduceat(np.where(varies, _NO_CONSTANT, value), layer.starts[:-1])
    else:
        known = layer.bias + row_sums(layer.starts, layer.factor * value)
    bits = row_sums(layer.starts, words.width[layer.source] * read)
    tabled = computed & (bits > 0) & ((bits <= tables) | (layer.gather == "table"))
    rows = [dict[int, int]() for _ in range(len(layer))]
    wires = layer.target[read], words.operator[layer.source[read]], layer.factor[read]
    for k, number, weight in zip(*(wire.tolist() for wire in wires), strict=True):
        rows[k][number] = weight
    summed = (computed & ~tabled).tolist()
    totals = _totals(builder, layer, rows, known.tolist(), summed, share)
    found = []
    for k, total in enumerate(totals):
        if summed[k]:
            bias = int(known[k]) if layer.gather == "sum" else 0
            found.append(add_activated(builder, total, bias, rows[k].values(), layer, k))
        elif tabled[k]:
            found.append(add_table(builder, rows[k], int(known[k]), layer, k))
        else:
            found.append(builder.constant(int(bounds.out_lo[k] * constant[k])))
    return found


def _lower_selections(layer: CircuitLayer, bounds: LayerRange, computed: Bools, words: "_Words") -> list[int]:
    """`_lower_layer` for neurons that select.

    Args:
        computed: (n,) whether a score depends on the neuron, and its word varies.
    """
    builder, half = words.builder, constant_in_sum(layer, 0)
    found = []
    for k, (bypass, gate, word) in enumerate(np.stack(selecting_wires(layer.starts), axis=1).tolist()):
        if not computed[k]:
            found.append(builder.constant(int(bounds.out_lo[k] * (bounds.out_lo[k] == bounds.out_hi[k]))))
            continue
        otherwise = int(words.operator[layer.source[bypass]]) if bypass >= 0 else builder.constant(0)
        test, taken = words.test[int(layer.source[gate])], int(words.operator[layer.source[word]])
        if builder.is_constant(taken) and builder.is_constant(otherwise):
            found.append(add_either(builder, test, taken, otherwise, layer, k))
            continue
        total = add_selected(builder, test, taken, otherwise, half, k)
        found.append(add_activated(builder, total, 0, [1], layer, k))
    return found


_NO_CONSTANT = -(1 << 62)
"""Below every word."""


def _totals(
    builder: OperatorBuilder,
    layer: CircuitLayer,
    rows: Sequence[Mapping[int, int]],
    known: Sequence[int],
    summed: Sequence[bool],
    share: Sharing,
) -> list[Term]:
    """The sums or maxima of a layer; 0 for neurons that have none.

    Args:
        known: of each neuron, its bias, or the greatest of the words that are constants.
        summed: which neurons have a sum or maximum.
    """
    constants = [constant_in_sum(layer, bias) if has else 0 for bias, has in zip(known, summed, strict=True)]
    if layer.gather != "max":
        return share(builder, [row if has else {} for row, has in zip(rows, summed, strict=True)], constants)
    found = []
    for k, has in enumerate(summed):
        if not has:
            found.append(zero(builder))
            continue
        least = None if known[k] == _NO_CONSTANT else known[k]
        half = constant_of(builder, constant_in_sum(layer, 0))
        greatest = Term(add_greatest(builder, list(rows[k]), least, k))
        found.append(builder.sum([greatest, *half], k, 0) if half else greatest)
    return found


def _first_inputs(builder: OperatorBuilder, thresholds: Sequence[int]) -> list[int]:
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
