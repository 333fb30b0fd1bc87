"""The whole circuit as one Amaranth component between two streams."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from netgen.ir.fixed import FixedPoint, bits_of
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.names import names_of
from netgen.operators.schedule import Schedule


class Top(wiring.Component):  # type: ignore[misc]  # Amaranth ships no types
    """An operator graph in hardware; one sample may enter and one leave in every clock cycle.

    All registers load together, whenever the output is free or being taken, so a stall loses and reorders nothing.

    Ports:
        i: stream of `ArrayLayout(word, n_in)`, the input words.
        o: stream of a struct: `scores`, `ArrayLayout(score, n_out)`, and with arg-max above them `class`.

    Latency: that of the schedule; with 0 the streams are joined without a register. Initiation interval: 1.

    Args:
        word, score: formats of inputs and scores.
        class_width: bits of the class; 0 without arg-max.
    """

    def __init__(
        self, graph: OperatorGraph, timing: Schedule, *, word: FixedPoint, score: FixedPoint, class_width: int
    ) -> None:
        self._graph, self._timing = graph, timing
        fields: dict[str, object] = {"scores": data.ArrayLayout(Shape(score.width, score.signed), len(graph.words[-1]))}
        if class_width:
            fields["class"] = class_width
        super().__init__(
            {
                "i": In(stream.Signature(data.ArrayLayout(Shape(word.width, word.signed), graph.inputs))),
                "o": Out(stream.Signature(data.StructLayout(fields))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the module; `platform` makes no difference."""
        del platform
        m = Module()
        self._add_flow(m)
        graph, timing = self._graph, self._timing
        chains: list[list[Value]] = []
        for number, (operator, name, delay) in enumerate(
            zip(graph.operators, names_of(graph), timing.delays(graph), strict=True)
        ):
            sources = [self._read(chains, source, timing.cycle[number]) for source in operator.sources]
            shape = _shape_of(operator)
            if operator.kind == "constant":
                chains.append([Const(operator.value, shape)])
                continue
            chain: list[Value] = [Signal(shape, name=name)]
            m.d.comb += chain[0].eq(self._value(operator, sources))
            for k in range(1, delay + 1):
                register = Signal(shape, name=f"{name}_d{k}", reset_less=True)
                with m.If(self.i.ready):
                    m.d.sync += register.eq(chain[-1])
                chain.append(register)
            chains.append(chain)
        for k, number in enumerate(graph.words[-1]):
            m.d.comb += self.o.payload["scores"][k].eq(self._read(chains, number, timing.latency))
        if graph.best is not None:
            m.d.comb += self.o.payload["class"].eq(self._read(chains, graph.best, timing.latency))
        return m

    def _add_flow(self, m: Module) -> None:
        latency = self._timing.latency
        if not latency:
            m.d.comb += [self.i.ready.eq(self.o.ready), self.o.valid.eq(self.i.valid)]
            return
        valid = Signal(latency)
        m.d.comb += [self.i.ready.eq(~valid[-1] | self.o.ready), self.o.valid.eq(valid[-1])]
        with m.If(self.i.ready):
            m.d.sync += valid.eq(Value.cast(valid << 1 | self.i.valid)[:latency])

    def _read(self, chains: Sequence[Sequence[Value]], number: int, cycle: int) -> Value:
        """An operator's value as it is read in a cycle."""
        chain = chains[number]
        return chain[0] if len(chain) == 1 else chain[cycle - self._timing.cycle[number]]

    def _value(self, operator: Operator, sources: Sequence[Value]) -> Value:
        a = sources[0] if sources else self.i.payload[operator.value]
        match operator.kind:
            case "input":
                return a
            case "add":
                return _plus((a << operator.left[0]) + (sources[1] << operator.left[1]), operator.value)
            case "subtract":
                return _plus((a << operator.left[0]) - (sources[1] << operator.left[1]), operator.value)
            case "multiply":
                return a * operator.value
            case "shift":
                return a.shift_right(operator.value) if operator.value >= 0 else a.shift_left(-operator.value)
            case "maximum":
                return Mux(a < operator.value, operator.value, a)
            case "minimum":
                return Mux(a > operator.value, operator.value, a)
            case "greater":
                return a > sources[1]
            case "select":
                return Mux(a, sources[1], sources[2])
            case "count":
                bits = [source[bit] for source, bit in zip(sources, operator.left, strict=True)]
                turned = [~bit if operator.value >> k & 1 else bit for k, bit in enumerate(bits)]
                return sum(turned[1:], turned[0])
            case "table":
                address, width = Cat(*sources), operator.width
                entries = 1 << len(address)
                planes = (
                    sum((operator.value >> (k * width + bit) & 1) << k for k in range(entries)) for bit in range(width)
                )
                word = Cat(*(Const(plane, entries).bit_select(address, 1) for plane in planes))
                return word.as_signed() if operator.signed else word
        raise AssertionError(f"{operator.kind} has no value")


def _plus(total: Value, value: int) -> Value:
    return total + value if value else total


def _shape_of(operator: Operator) -> Shape:
    return Shape(*bits_of(operator.lo, operator.hi))
