"""Neurons that compute the same from other words: one Verilog module, and an instance of it for each of them.

A convolution repeats its sums at every position. Written once, a large network is a tenth of the text, and tools that
keep modules apart, such as CXXRTL, translate each of them once.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from netgen.hdl.expressions import Expressions, address_bits, shape_of, table_functions
from netgen.operators.graph import OperatorGraph
from netgen.operators.schedule import Schedule

__all__ = ["Kernels", "Neuron"]

Neuron = tuple[int, int]
"""Its layer, from 1, and its index there."""

FEWEST = 2
"""Operators of a neuron, and neurons that compute the same, for which a module is shorter."""


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
    """The modules of a graph.

    Attributes:
        names: of the module of each neuron that has one.

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

    def instance(self, neuron: Neuron) -> str:
        """The statement that makes the word of a neuron that has a module."""
        kernel, (layer, index) = self._kernels[neuron], neuron
        word = kernel.operators[-1]
        cycle = self._timing.cycle[word]
        ports = [self._expressions.name_in(number, cycle) for number in (word, *kernel.ports)]
        return f"{self.names[neuron]} k{layer}_{index} ({', '.join(ports)});"

    def modules(self) -> Iterator[str]:
        """All modules, line by line."""
        for alike in self._repeated:
            yield from self._module(self._kernels[alike[0]], self.names[alike[0]], len(alike))

    def _module(self, kernel: _Kernel, name: str, uses: int) -> Iterator[str]:
        operators, word = self._graph.operators, kernel.operators[-1]
        names = {number: f"x{k}" for k, number in enumerate(kernel.ports)}
        names |= {number: f"s{k}" for k, number in enumerate(kernel.operators[:-1], 1)} | {word: "y"}
        ports = [f"output wire {shape_of(operators[word])}y"]
        ports += [f"input wire {shape_of(operators[number])}{names[number]}" for number in kernel.ports]
        yield ""
        yield f"// {uses} neurons"
        yield f"module {name} ("
        yield ",\n".join(f"  {port}" for port in ports)
        yield ");"
        yield from table_functions(address_bits(operators[number].operation) for number in kernel.operators)
        local = self._expressions.inside(names)
        for number in kernel.operators:
            operator = operators[number]
            before, value = local.expression(number)
            if before is not None:
                yield f"  {before}"
            left = "assign y" if number == word else f"wire {shape_of(operator)}{names[number]}"
            yield f"  {left} = {value};"
        yield "endmodule"

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
        return _Kernel(tuple(key), own, tuple(ports))
