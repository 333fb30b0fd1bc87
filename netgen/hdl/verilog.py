"""Verilog from the operator graph: one line for each operator, in an order that a person can follow.

It takes 10 us for each operator; Amaranth's own converter takes 1.5 ms. Tests compare the two by simulation, and Yosys
proves them equal for small circuits.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

from netgen.hdl.expressions import Assignment, Expressions, address_bits, shape_of, table_functions
from netgen.hdl.header import name_in_comment
from netgen.hdl.kernels import Kernels, Neuron
from netgen.ir.grid import Site
from netgen.operators.design import Design
from netgen.operators.kinds import Hold, Input
from netgen.operators.wiring import NeuronSites

__all__ = ["module_of"]


def module_of(design: Design, *, sites: NeuronSites, comments: bool, kernels: bool) -> str:
    """Write the module `top` of a design: an input stream, an output stream, and all operators between them.

    Args:
        sites: of neurons, by layer and index; they become attributes of the neurons' words.
        comments: whether each line ends with the range of its values.
        kernels: whether neurons that compute the same call a function, which stands before their layer.
    """
    writer = _Writer(design, sites, comments=comments, kernels=kernels)
    tables = table_functions(address_bits(operator.operation) for operator in design.graph.operators)
    parts = writer.head(), writer.flow(), tables, writer.body(), writer.tail()
    return "\n".join([*chain.from_iterable(parts), ""])


class _Writer:
    """The parts of one module."""

    def __init__(self, design: Design, sites: NeuronSites, *, comments: bool, kernels: bool) -> None:
        self.design, self.graph, self.timing, self.comments = design, design.graph, design.timing, comments
        graph = self.graph
        self.expressions = Expressions(graph, self.timing, input_width=design.circuit.input.width)
        self.delays = self.timing.delays(graph)
        self.inputs, self.shared, self.single, self.held = self._grouped()
        found = self.single if kernels else {}
        self.kernels = Kernels(graph, self.timing, self.expressions, found)
        self.site: dict[int, Site] = {}
        coded = graph.coded
        for number, operator in enumerate(graph.operators):
            operation = operator.operation
            entering = operation.word if isinstance(operation, Input) and not coded else operator.index
            if operator.layer == 0 and entering is not None and (0, entering) in sites:
                self.site[number] = sites[0, entering]
        for depth, layer in enumerate(graph.words, 1):
            for index, number in enumerate(layer):
                if (depth, index) in sites:
                    self.site[number] = sites[depth, index]

    def head(self) -> Iterator[str]:
        """Ports."""
        yield "module top ("
        yield "  input wire clk,"
        yield "  input wire rst,"
        yield f"  input wire [{self.design.input_width - 1}:0] i_payload,"
        yield "  input wire i_valid,"
        yield "  output wire i_ready,"
        yield f"  output wire [{self.design.output_width - 1}:0] o_payload,"
        yield "  output wire o_valid,"
        yield "  input wire o_ready"
        yield ");"

    def flow(self) -> Iterator[str]:
        """The valid bit of each pipeline stage, and the condition on which all registers load."""
        latency = self.timing.latency
        yield ""
        if not latency:
            yield "  // flow control: no register stands between the streams"
            yield "  assign i_ready = o_ready;"
            yield "  assign o_valid = i_valid;"
            return
        yield "  // flow control: all registers load when the output is free or being taken"
        yield f"  reg [{latency}:1] valid = {latency}'d0;"
        yield f"  assign i_ready = ~valid[{latency}] | o_ready;"
        yield f"  assign o_valid = valid[{latency}];"
        yield "  always @(posedge clk)"
        yield f"    if (rst) valid <= {latency}'d0;"
        shifted = f"{{valid[{latency - 1}:1], i_valid}}" if latency > 1 else "i_valid"
        yield f"    else if (i_ready) valid <= {shifted};"

    def body(self) -> Iterator[str]:
        """All operators and their registers, grouped by neuron."""
        layer = 0
        for comment, numbers in self._sections():
            neuron = self._neuron_of(numbers)
            if neuron is not None and neuron[0] > layer:
                layer = neuron[0]
                yield from self.kernels.functions(layer)
            yield ""
            yield f"  // {comment}"
            loads: dict[str, list[str]] = {}
            for number in numbers[-1:] if neuron in self.kernels.names else numbers:
                yield from self._lines(number)
                condition = self._condition(number)
                initial = "" if condition == "i_ready" else f" = {self.graph.operators[number].width}'d0"
                for before, register in pairwise(self._chain(number)):
                    yield f"  reg {shape_of(self.graph.operators[number])}{register}{initial};"
                    loads.setdefault(condition, []).append(f"{register} <= {before};")
                    condition, initial = "i_ready", ""
            for condition, own in loads.items():
                yield from _clocked(condition, own)

    def tail(self) -> Iterator[str]:
        """The output payload, highest bits first."""
        latency, best = self.timing.latency, self.graph.best
        yield ""
        yield "  // output"
        words = [
            self.expressions.filled(number, self.design.score.width, latency) for number in reversed(self.graph.scores)
        ]
        if best is not None:
            words.insert(0, self.expressions.filled(best, self.design.class_width, latency))
        yield "  assign o_payload = {"
        yield ",\n".join(f"    {word}" for word in words)
        yield "  };"
        yield "endmodule"

    def _grouped(self) -> tuple[list[int], dict[int, list[int]], dict[Neuron, list[int]], dict[int, list[int]]]:
        """Operators of the inputs; those that neurons of a layer share; those that one neuron needs; held words."""
        inputs, shared, single, held = [], dict[int, list[int]](), dict[Neuron, list[int]](), dict[int, list[int]]()
        for number, operator in enumerate(self.graph.operators):
            if self.graph.is_constant(number):
                continue
            if isinstance(operator.operation, Hold):
                held.setdefault(operator.layer, []).append(number)
            elif operator.layer == 0:
                inputs.append(number)
            elif operator.index is not None:
                single.setdefault((operator.layer, operator.index), []).append(number)
            else:
                shared.setdefault(operator.layer, []).append(number)
        return inputs, shared, single, held

    def _sections(self) -> Iterator[tuple[str, list[int]]]:
        """Groups of operators with their comments: the inputs; for each layer, shared sums and then the neurons."""
        graph, shared, single = self.graph, self.shared, self.single
        yield "inputs", self.inputs
        for depth, layer in enumerate(graph.words, 1):
            name = self.design.circuit.layers[depth - 1].name
            if name != str(depth):
                yield f"layer {depth}: {name_in_comment(name)}", []
            if depth in self.held:
                held = self.held[depth]
                yield f"layer {depth}: words that enter a block, and keep their values where its gate is off", held
            if depth in shared:
                yield f"layer {depth}: sums that several neurons share", shared[depth]
            for k, number in enumerate(layer):
                if (depth, k) in single:
                    operator = graph.operators[number]
                    yield f"neuron n{depth}_{k}: words from {operator.lo} to {operator.hi}", single[depth, k]
        if len(graph.words) + 1 in shared:
            yield "class: the greatest score, the lowest index on a tie", shared[len(graph.words) + 1]

    def _neuron_of(self, numbers: Sequence[int]) -> Neuron | None:
        """The neuron that alone needs operators, if they are those of one."""
        operator = self.graph.operators[numbers[-1]] if numbers else None
        return None if operator is None or operator.index is None else (operator.layer, operator.index)

    def _lines(self, number: int) -> Iterator[str]:
        """The declaration of an operator's wire, and before it that of a wire that it reads."""
        operator, name = self.graph.operators[number], self.expressions.names[number]
        neuron, site = self._neuron_of([number]), self.site.get(number)
        if neuron in self.kernels.names:
            found = [Assignment(shape_of(operator), name, self.kernels.call(neuron))]
        else:
            found = self.expressions.assignments(number)
        yield from (f"  wire {shape}{high} = {value};" for shape, high, value in found[:-1])
        shape, _, value = found[-1]
        # Icarus warns of an attribute on a declaration that also assigns, and ignores it
        place = f'(* site = "{site[0]},{site[1]},{site[2]}" *) ' if site else ""
        text = f"  {place}wire {shape}{name}{f'; assign {name}' if site else ''} = {value};"
        yield f"{text}  // {operator.lo} to {operator.hi}" if self.comments else text

    def _condition(self, number: int) -> str:
        """When the first register behind an operator loads: with all others, and a held one only for its gates."""
        operator = self.graph.operators[number]
        if not isinstance(operator.operation, Hold) or not self.timing.holds:
            return "i_ready"
        cycle, gates = self.timing.cycle[number], operator.sources[1:]
        valid = f"valid[{cycle}]" if cycle else "i_valid"
        return " & ".join(["i_ready", valid, *(self.expressions.name_in(gate, cycle) for gate in gates)])

    def _chain(self, number: int) -> list[str]:
        """The names of an operator's wire and of the registers that delay its value."""
        name = self.expressions.names[number]
        return [name, *(f"{name}_d{delay}" for delay in range(1, self.delays[number] + 1))]


def _clocked(condition: str, loads: Sequence[str]) -> list[str]:
    """The registers that load at a clock edge."""
    if len(loads) < 2:
        return [f"  always @(posedge clk) if ({condition}) {load}" for load in loads]
    return [f"  always @(posedge clk) if ({condition}) begin", *(f"    {load}" for load in loads), "  end"]
