"""Neurons that compute the same from other words: one Verilog function, which each of them calls.

A convolution repeats its sums at every position. Written once, they make ResNet-8 a fifth of the text, and Verilator,
which compiles each function once, takes 2.6 GB for it instead of 17. Instances of a module would save no memory:
simulators elaborate every one of them.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from netgen.hdl.expressions import Expressions, shape_of
from netgen.operators.graph import OperatorGraph
from netgen.operators.schedule import Schedule

__all__ = ["Kernels", "Neuron"]

Neuron = tuple[int, int]
"""Its layer, from 1, and its index there."""

FEWEST = 2
"""Operators of a neuron, and neurons that compute the same, for which a function is shorter."""


@dataclass(frozen=True)
class _Kernel:
    """One neuron of those that compute the same.

    Attributes:
        key: equal for neurons that compute the same from words of equal widths.
        operators: its own, the one that gives its word last.
        ports: the operators that it reads, in the order in which it reads them.
    """

    key: Hashable
    operators: Sequence[int]
    ports: Sequence[int]


class Kernels:
    """The functions of a graph.

    Attributes:
        names: of the function of each neuron that has one.

    Args:
        neurons: the operators that each neuron alone needs, in order.
    """

    def __init__(
        self,
        graph: OperatorGraph,
        timing: Schedule,
        expressions: Expressions,
        neurons: Mapping[Neuron, Sequence[int]],
    ) -> None:
        self._graph, self._timing, self._expressions = graph, timing, expressions
        self._delays, self._named = timing.delays(graph), frozenset(n for layer in graph.words for n in layer)
        found = {neuron: kernel for neuron, own in neurons.items() if (kernel := self._kernel_of(neuron, own))}
        uses: dict[Hashable, list[Neuron]] = {}
        for neuron, kernel in found.items():
            uses.setdefault(kernel.key, []).append(neuron)
        self._repeated = [alike for alike in uses.values() if len(alike) >= FEWEST]
        self._kernels = {neuron: found[neuron] for alike in self._repeated for neuron in alike}
        self.names = {
            neuron: f"kernel{alike[0][0]}_{number}" for number, alike in enumerate(self._repeated) for neuron in alike
        }

    def call(self, neuron: Neuron) -> str:
        """The word of a neuron that has a function, as an expression."""
        kernel = self._kernels[neuron]
        cycle = self._timing.cycle[kernel.operators[-1]]
        return f"{self.names[neuron]}({', '.join(self._expressions.name_in(number, cycle) for number in kernel.ports)})"

    def functions(self, layer: int) -> Iterator[str]:
        """The functions of the neurons of a layer, line by line."""
        for alike in self._repeated:
            if alike[0][0] == layer:
                yield from self._function(self._kernels[alike[0]], self.names[alike[0]], len(alike))

    def _function(self, kernel: _Kernel, name: str, uses: int) -> Iterator[str]:
        operators, word = self._graph.operators, kernel.operators[-1]
        names = {number: f"x{k}" for k, number in enumerate(kernel.ports)}
        names |= {number: f"s{k}" for k, number in enumerate(kernel.operators[:-1], 1)} | {word: name}
        ports = (f"input {shape_of(operators[number])}{names[number]}" for number in kernel.ports)
        local = self._expressions.inside(names)
        found = [assignment for number in kernel.operators for assignment in local.assignments(number)]
        yield ""
        yield f"  // {uses} neurons"
        yield f"  function {shape_of(operators[word])}{name}({', '.join(ports)}); /* verilator no_inline_task */"
        yield from (f"    reg {shape}{variable};" for shape, variable, _ in found[:-1])
        yield "    begin"
        yield from (f"      {variable} = {value};" for _, variable, value in found)
        yield "    end"
        yield "  endfunction"

    def _kernel_of(self, neuron: Neuron, own: Sequence[int]) -> _Kernel | None:
        """What a neuron computes; None when it needs registers inside, or too few operators to repeat."""
        word = self._graph.words[neuron[0] - 1][neuron[1]] if neuron[0] else -1
        if len(own) < FEWEST or own[-1] != word:
            return None
        cycle, operators = self._timing.cycle[word], self._graph.operators
        if any(self._delays[n] or self._timing.cycle[n] != cycle or n in self._named for n in own[:-1]):
            return None
        place = {number: -1 - k for k, number in enumerate(own)}
        ports: dict[int, int] = {}
        key: list[Hashable] = [neuron[0]]
        for number in own:
            operator = operators[number]
            key += (operator.operation, operator.width, operator.signed)
            for source in operator.sources:
                if source in place:
                    key.append(place[source])
                elif self._graph.is_constant(source):
                    key.append(operators[source].operation)
                else:
                    read = operators[source]
                    at = ports.setdefault(source, len(ports))
                    key.append((at, read.width, read.signed, source in self._expressions.protected))
        return _Kernel(tuple(key), own, tuple(ports)) if ports else None
