"""Which bits of operators can be seen from outside: inverted, they change a score or the class."""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

import numpy as np

from netgen.ir.arrays import Bools
from netgen.ir.fixed import Words
from netgen.operators.graph import OperatorGraph
from netgen.operators.kinds import compute


class Visibility:
    """Recomputes the operators that depend on one, in some samples.

    Attributes:
        computed: operators computed so far, each for all samples of a question; about 5 us and 10 ns a sample each.
    """

    def __init__(self, graph: OperatorGraph) -> None:
        self.computed = 0
        self._graph = graph
        self._outputs = frozenset(graph.outputs)
        self._readers = graph.readers
        self._widths = [operator.width for operator in graph.operators]

    def bit(self, values: Sequence[Words], samples: Words, number: int, bit: int) -> Bools:
        """In which samples the inversion of a bit of an operator's value changes an output.

        Args:
            values: (n,) of each operator.
            samples: (m,) int64, the samples in question.
            number: of the operator.
        Returns: (m,) bool.
        """
        operator = self._graph.operators[number]
        step = -(1 << bit) if operator.signed and bit == operator.width - 1 else 1 << bit
        before = values[number][samples]
        return self._seen(values, samples, number, np.where(before >> bit & 1, before - step, before + step))

    def _seen(self, values: Sequence[Words], samples: Words, number: int, changed: Words) -> Bools:
        """In which samples an output changes when an operator has changed values."""
        seen = np.zeros(len(samples), dtype=bool)
        at = {number: changed}
        todo, known = [number], {number}
        while todo:
            current = heappop(todo)  # the sources of an operator have lower numbers than itself
            if current != number:
                at[current] = self._value(values, samples, current, at)
            differs = at[current] != values[current][samples]
            if differs.any():
                for reader in self._readers[current]:
                    if reader not in known:
                        known.add(reader)
                        heappush(todo, reader)
                if current in self._outputs:
                    seen |= differs
        return seen

    def _value(self, values: Sequence[Words], samples: Words, number: int, at: Mapping[int, Words]) -> Words:
        """An operator's values in some samples, where the operators in `at` have changed."""
        self.computed += 1
        operator = self._graph.operators[number]
        sources = [at[source] if source in at else values[source][samples] for source in operator.sources]
        widths = [self._widths[source] for source in operator.sources]
        return compute(operator.operation, np.zeros((len(samples), 0), dtype=np.int64), sources, widths)
