"""The whole circuit as one Amaranth component between two streams."""

from collections.abc import Sequence
from typing import assert_never

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from netgen.ir.fixed import FixedPoint, bits_of
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import (
    Add,
    Constant,
    Count,
    Greater,
    Hold,
    Input,
    Larger,
    Maximum,
    Minimum,
    Multiply,
    Operation,
    Round,
    Select,
    Shift,
    Subtract,
    Table,
)
from netgen.operators.names import names_of
from netgen.operators.schedule import Schedule


class Top(wiring.Component):  # type: ignore[misc]  # Amaranth ships no types
    """An operator graph in hardware. In every clock cycle one sample can enter and one result can leave.

    All registers load together, when the output is empty or is being read, so a stall loses and reorders nothing.

    Ports:
        i: stream of `ArrayLayout(word, n_in)`, the input words.
        o: stream of a struct: `scores`, `ArrayLayout(score, n_out)`, and with arg-max, above them, `class`.

    Latency: that of the schedule; with 0, no register lies between the streams. Initiation interval: 1.

    Args:
        word, score: formats of inputs and scores.
        class_width: bits of the class; 0 without arg-max.
    """

    def __init__(
        self, graph: OperatorGraph, timing: Schedule, *, word: FixedPoint, score: FixedPoint, class_width: int
    ) -> None:
        self._graph, self._timing = graph, timing
        fields: dict[str, object] = {"scores": data.ArrayLayout(Shape(score.width, score.signed), len(graph.scores))}
        if class_width:
            fields["class"] = class_width
        super().__init__(
            {
                "i": In(stream.Signature(data.ArrayLayout(Shape(word.width, word.signed), graph.inputs))),
                "o": Out(stream.Signature(data.StructLayout(fields))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the module; `platform` is ignored."""
        del platform
        m = Module()
        valid = self._add_flow(m)
        graph, timing = self._graph, self._timing
        chains: list[list[Value]] = []
        for number, (operator, name, delay) in enumerate(
            zip(graph.operators, names_of(graph), timing.delays(graph), strict=True)
        ):
            sources = [self._read(chains, source, timing.cycle[number]) for source in operator.sources]
            shape = _shape_of(operator)
            if isinstance(operator.operation, Constant):
                chains.append([Const(operator.operation.value, shape)])
                continue
            chain: list[Value] = [Signal(shape, name=name)]
            m.d.comb += chain[0].eq(self._value(operator.operation, sources, shape))
            loads = self.i.ready
            if isinstance(operator.operation, Hold) and timing.holds and delay:
                loads = Cat(loads, valid[timing.cycle[number]], *sources[1:]).all()
            for k in range(1, delay + 1):
                register = Signal(shape, name=f"{name}_d{k}", reset_less=True)
                with m.If(loads):
                    m.d.sync += register.eq(chain[-1])
                chain.append(register)
                loads = self.i.ready
            chains.append(chain)
        for k, number in enumerate(graph.scores):
            m.d.comb += self.o.payload["scores"][k].eq(self._read(chains, number, timing.latency))
        if graph.best is not None:
            m.d.comb += self.o.payload["class"].eq(self._read(chains, graph.best, timing.latency))
        return m

    def _add_flow(self, m: Module) -> Value:
        """Add the handshake: the valid bit of each cycle, which is returned, and the signal on which registers load."""
        latency = self._timing.latency
        if not latency:
            m.d.comb += [self.i.ready.eq(self.o.ready), self.o.valid.eq(self.i.valid)]
            return self.i.valid
        valid = Signal(latency)
        m.d.comb += [self.i.ready.eq(~valid[-1] | self.o.ready), self.o.valid.eq(valid[-1])]
        with m.If(self.i.ready):
            m.d.sync += valid.eq(Value.cast(valid << 1 | self.i.valid)[:latency])
        return Cat(self.i.valid, valid)

    def _read(self, chains: Sequence[Sequence[Value]], number: int, cycle: int) -> Value:
        """The signal that holds an operator's value in a cycle."""
        chain = chains[number]
        return chain[0] if len(chain) == 1 else chain[cycle - self._timing.cycle[number]]

    def _value(self, operation: Operation, sources: Sequence[Value], shape: Shape) -> Value:  # noqa: PLR0912  # one case for each kind
        """An operation's value as an expression in its sources; `shape` is that of the result."""
        match operation:
            case Input(word):
                return self.i.payload[word]
            case Constant(value):
                return Const(value, shape)
            case Add(left, offset):
                return _plus((sources[0] << left[0]) + (sources[1] << left[1]), offset)
            case Subtract(left, offset):
                return _plus((sources[0] << left[0]) - (sources[1] << left[1]), offset)
            case Multiply(factor):
                return sources[0] * factor
            case Count(bits, inverted):
                picked = (source[bit] for source, bit in zip(sources, bits, strict=True))
                terms = [~bit if flip else bit for bit, flip in zip(picked, inverted, strict=True)]
                return sum(terms[1:], terms[0])
            case Shift(right):
                return sources[0].shift_right(right) if right >= 0 else sources[0].shift_left(-right)
            case Round(right):
                whole, half = sources[0] >> right, (sources[0] >> (right - 1))[0]
                others = sources[0][: right - 1].any() if right > 1 else Const(0)
                return whole + (half & (whole[0] | others))
            case Larger():
                return Mux(sources[0] > sources[1], sources[0], sources[1])
            case Maximum(limit):
                return Mux(sources[0] < limit, limit, sources[0])
            case Minimum(limit):
                return Mux(sources[0] > limit, limit, sources[0])
            case Greater():
                return sources[0] > sources[1]
            case Select():
                return Mux(sources[0], sources[1], sources[2])
            case Hold():
                return sources[0]
            case Table(entries):
                address = Cat(*sources)
                planes = (sum((entry >> bit & 1) << k for k, entry in enumerate(entries)) for bit in range(shape.width))
                word = Cat(*(Const(plane, len(entries)).bit_select(address, 1) for plane in planes))
                return word.as_signed() if shape.signed else word
            case _:
                assert_never(operation)


def _plus(total: Value, value: int) -> Value:
    return total + value if value else total


def _shape_of(operator: Operator) -> Shape:
    return Shape(*bits_of(operator.lo, operator.hi))
