"""Verilog expressions: one for each kind of operator, with operands as they are in its clock cycle."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, assert_never

from netgen.ir.fixed import bits_of
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

__all__ = ["Assignment", "Expressions", "address_bits", "shape_of", "table_functions"]


class Assignment(NamedTuple):
    """The value of a wire, or of a variable of a function.

    Attributes:
        shape: its type, as `shape_of` has it.
    """

    shape: str
    name: str
    expression: str


class Expressions:
    """The operators of a graph as Verilog expressions.

    Attributes:
        names: of the operators.
        protected: sums that are read as `~(~x)`.

    Args:
        input_width: bits of an input word.
    """

    names: Sequence[str] | Mapping[int, str]

    def __init__(self, graph: OperatorGraph, timing: Schedule, *, input_width: int) -> None:
        self.names = names_of(graph)
        self._graph, self._timing, self._input_width = graph, timing, input_width
        self.protected, self._inside = _read_by_one_sum(graph), False

    def inside(self, names: Mapping[int, str]) -> "Expressions":
        """The same expressions in a module of their own, whose ports hold operands as they are in the right cycle."""
        found = copy.copy(self)
        found.names, found._inside = names, True
        return found

    def assignments(self, number: int) -> list[Assignment]:
        """The assignment of an operator's value, and before it that of a value that it reads, if it needs one.

        Where a sum leaves the low bits of its first operand unchanged, it reads the sum of the high bits.
        """
        operator, name = self._graph.operators[number], self.names[number]
        low = _unchanged_bits(operator)
        if not low or not isinstance(operator.operation, Add | Subtract):
            return [Assignment(shape_of(operator), name, self._value(number))]
        operation = replace(operator.operation, left=(0, 0), offset=operator.operation.offset >> low)
        high = replace(operator, operation=operation, lo=operator.lo >> low, hi=operator.hi >> low)
        above, below = self._halves(operator.sources[0], self._timing.cycle[number], low)
        signed = any(self._graph.operators[source].signed for source in operator.sources)
        if signed and not self._graph.operators[operator.sources[0]].signed:
            above = f"$signed({{1'b0, {above}}})"
        other = self._second(high, operation, self._timing.cycle[number], signed=signed)
        return [
            Assignment(shape_of(high), f"{name}_high", f"{above} {other}"),
            Assignment(shape_of(operator), name, f"{{{name}_high, {below}}}"),
        ]

    def filled(self, number: int, width: int, cycle: int) -> str:
        """An operator's value as it is in a cycle, in exactly `width` bits."""
        operator = self._graph.operators[number]
        if isinstance(operator.operation, Constant):
            return _bits(operator.operation.value, width)
        name, more = self.name_in(number, cycle), width - operator.width
        if more <= 0:
            return name
        above = f"{{{more}{{{name}[{operator.width - 1}]}}}}" if operator.signed else f"{more}'d0"
        return f"{{{above}, {name}}}"

    def name_in(self, number: int, cycle: int) -> str:
        """The wire or register that holds an operator's value in a cycle."""
        delay = 0 if self._inside else cycle - self._timing.cycle[number]
        return f"{self.names[number]}_d{delay}" if delay else self.names[number]

    def _operand(self, number: int, cycle: int, *, signed: bool) -> str:
        """A source in an expression. If any part is signed, all must be, or else Verilog extends all with zeros."""
        operator = self._graph.operators[number]
        if isinstance(operator.operation, Constant):
            value = operator.operation.value
            return _literal(value, bits_of(value, value)[0], signed=signed)
        name = self.name_in(number, cycle)
        name = f"~(~{name})" if number in self.protected else name
        return f"$signed({{1'b0, {name}}})" if signed and not operator.signed else name

    def _second(self, operator: Operator, operation: Add | Subtract, cycle: int, *, signed: bool) -> str:
        """The second operand of a sum with its sign, and the sum's offset.

        Where possible, the offset takes the bits above the operand, where it costs nothing, and a subtrahend is
        one's-complemented: a + ~b is a - b - 1, without a carry into the lowest bit. The operand then has as many bits
        as the result, or else Yosys would invert it with look-up tables of its own.
        """
        number, (_, shift), value = operator.sources[1], operation.left, operation.offset
        source, minus = self._graph.operators[number], isinstance(operation, Subtract)
        own = min(source.width, operator.width)
        above = value + minus
        if value and not shift and not self._graph.is_constant(number):
            if source.signed and (minus, value) == (True, -1):
                return f"+ ~{self.name_in(number, cycle)}"
            if not source.signed and above % (1 << own) == 0:
                word = _slice(self.name_in(number, cycle), 0, own, source.width)
                if own < operator.width:
                    fill = (-above if minus else above) >> own
                    word = f"{{{_bits(fill, operator.width - own)}, {word}}}"
                word = f"~{word}" if minus else word
                return f"+ $signed({word})" if signed else f"+ {word}"
        read = self._operand(number, cycle, signed=signed)
        text = f"{'-' if minus else '+'} {f'({read} <<< {shift})' if shift else read}"
        if not value:
            return text
        literal = _literal(abs(value), value.bit_length(), signed=signed)
        return f"{text} {'+' if value > 0 else '-'} {literal}"

    def _value(self, number: int) -> str:  # noqa: PLR0912  # one case for each kind
        operator, cycle = self._graph.operators[number], self._timing.cycle[number]
        sources = [self._graph.operators[source] for source in operator.sources]
        signed = any(source.signed for source in sources)

        def read(k: int, *, signed: bool = signed) -> str:
            return self._operand(operator.sources[k], cycle, signed=signed)

        operation = operator.operation
        match operation:
            case Input(word):
                width = self._input_width
                return f"i_payload[{word * width + width - 1}:{word * width}]"
            case Constant(value):
                return _bits(value, operator.width)
            case Add(left, _) | Subtract(left, _):
                a = f"({read(0)} <<< {left[0]})" if left[0] else read(0)
                return f"{a} {self._second(operator, operation, cycle, signed=signed)}"
            case Multiply(factor):
                return f"{read(0)} * {_literal(factor, factor.bit_length(), signed=signed)}"
            case Shift(right):
                name = self.name_in(operator.sources[0], cycle)
                if right < 0:
                    return f"{{{name}, {-right}'d0}}"
                low = min(right, sources[0].width - operator.width)  # if all bits are dropped, the sign bit is left
                return _slice(name, low, operator.width, sources[0].width)
            case Maximum(limit) | Minimum(limit):
                width, greatest = sources[0].width, isinstance(operation, Maximum)
                name = self.name_in(operator.sources[0], cycle)
                fixed = _bits(limit, operator.width)
                kept = _slice(name, 0, operator.width, width)
                if greatest and limit == 0:
                    return f"{name}[{width - 1}] ? {fixed} : {kept}"
                test = f"{read(0)} {'<' if greatest else '>'} "
                return f"{test}{_literal(limit, bits_of(limit, limit)[0], signed=signed)} ? {fixed} : {kept}"
            case Round(right):
                return self._rounded(operator.sources[0], cycle, right)
            case Larger():
                return f"{read(0)} > {read(1)} ? {read(0)} : {read(1)}"
            case Greater():
                return f"{read(0)} > {read(1)}"
            case Select():
                signed = any(source.signed for source in sources[1:])
                return f"{read(0, signed=False)} ? {read(1, signed=signed)} : {read(2, signed=signed)}"
            case Hold():
                return self.filled(operator.sources[0], operator.width, cycle)
            case Count(picked, inverted):
                parts = zip(operator.sources, sources, picked, strict=True)
                bits = [_slice(self.name_in(source, cycle), bit, 1, op.width) for source, op, bit in parts]
                return _looked_up(_count_entries(inverted), operator.width, bits)
            case Table(entries):
                return _looked_up(entries, operator.width, [self.name_in(source, cycle) for source in operator.sources])
            case _:
                assert_never(operation)

    def _rounded(self, number: int, cycle: int, right: int) -> str:
        """An operator's value without its `right` lowest bits, rounded to nearest, halves to even.

        It is one more where the highest bit that is dropped is 1, and another one or the lowest that is kept is.
        """
        operator = self._graph.operators[number]
        name, width = self.name_in(number, cycle), operator.width
        sign = f"{name}[{width - 1}]" if operator.signed else "1'd0"
        kept = _slice(name, right, width - right, width) if width > right else sign
        kept = f"$signed({kept})" if operator.signed else kept
        half, lowest = (f"{name}[{bit}]" if bit < width else sign for bit in (right - 1, right))
        low = min(right - 1, width)
        others = f"{lowest} | (|{_slice(name, 0, low, width)})" if low else lowest
        more = f"{{1'd0, {half} & ({others})}}"
        return f"{kept} + {f'$signed({more})' if operator.signed else more}"

    def _halves(self, number: int, cycle: int, low: int) -> tuple[str, str]:
        """An operator's value without its `low` lowest bits, with the sign of the value; and exactly those bits."""
        operator = self._graph.operators[number]
        if isinstance(operator.operation, Constant):
            high = operator.operation.value >> low
            return _literal(high, bits_of(high, high)[0], signed=operator.signed), _bits(operator.operation.value, low)
        name, width = self.name_in(number, cycle), operator.width
        if width > low:
            above = _slice(name, low, width - low, width)
            return f"$signed({above})" if operator.signed else above, _slice(name, 0, low, width)
        above = f"$signed({name}[{width - 1}])" if operator.signed else "1'd0"
        return above, self.filled(number, low, cycle)


def _read_by_one_sum(graph: OperatorGraph) -> set[int]:
    """The sums that only one other sum reads; it reads `~(~x)`, which is x, so that Yosys keeps them apart.

    Otherwise Yosys adds all terms in one step, without carry chains in between: 10 words of 8 bits then need 110
    look-up tables instead of 77.
    """
    sums = [isinstance(operator.operation, Add | Subtract) for operator in graph.operators]
    return {
        number
        for number, readers in enumerate(graph.readers)
        if sums[number] and len(readers) == 1 and sums[readers[0]]
    }


def _unchanged_bits(operator: Operator) -> int:
    """How many low bits of a sum are those of its first operand, unchanged."""
    operation = operator.operation
    if not isinstance(operation, Add | Subtract) or operation.left[0]:
        return 0
    low = operation.left[1]
    return low if low < operator.width and operation.offset % (1 << low) == 0 else 0


def _count_entries(inverted: Sequence[bool]) -> tuple[int, ...]:
    """The entries of a table that counts the ones of its address; some address bits are inverted first."""
    mask = sum(flip << k for k, flip in enumerate(inverted))
    return tuple((address ^ mask).bit_count() for address in range(1 << len(inverted)))


def address_bits(operation: Operation) -> int:
    """Bits of the address of a table or of a count written as one; 0 for all other operations."""
    if isinstance(operation, Count):
        return len(operation.bits)
    return len(operation.entries).bit_length() - 1 if isinstance(operation, Table) else 0


def table_functions(sizes: Iterable[int]) -> Iterator[str]:
    """A function for each size of look-up table, in address bits: each bit selects half of the entries that are left.

    Yosys takes half as long for this as for `entries[address]`. Verilator, which may not copy the function to where it
    is called, writes 27 MB of C++, not 194, for 8,000 tables of 6 bits.
    """
    for bits in sorted(set(sizes) - {0}):
        ports = f"input [{(1 << bits) - 1}:0] h{bits}, input [{bits - 1}:0] address"
        yield ""
        yield f"  function table{bits}({ports}); /* verilator no_inline_task */"
        for k in reversed(range(bits)):
            yield f"    reg [{(1 << k) - 1}:0] h{k};"
        yield "    begin"
        for k in reversed(range(bits)):
            half, whole = 1 << k, 2 << k
            yield f"      h{k} = address[{k}] ? h{k + 1}[{whole - 1}:{half}] : h{k + 1}[{half - 1}:0];"
        yield f"      table{bits} = h0;"
        yield "    end"
        yield "  endfunction"


def _looked_up(entries: Sequence[int], width: int, parts: Sequence[str]) -> str:
    """Look up the entry of a table at an address, whose parts are given the lowest first.

    Args:
        width: bits of the result.
    """
    bits, address = len(entries).bit_length() - 1, ", ".join(reversed(parts))
    looked = [f"table{bits}({_plane(entries, k)}, {{{address}}})" for k in reversed(range(width))]
    return looked[0] if len(looked) == 1 else f"{{{', '.join(looked)}}}"


def _plane(entries: Sequence[int], bit: int) -> str:
    """One bit of all entries of a table, as a number."""
    plane = sum((entry >> bit & 1) << k for k, entry in enumerate(entries))
    return f"{len(entries)}'h{plane:0{max(len(entries) // 4, 1)}x}"


def shape_of(operator: Operator) -> str:
    """The type of a wire or register that holds an operator's value."""
    return f"{'signed ' if operator.signed else ''}[{operator.width - 1}:0] "


def _literal(value: int, width: int, *, signed: bool) -> str:
    """A number for use in an expression; a signed one has a sign bit."""
    if not signed:
        return f"{width}'d{value}"
    width += value >= 0
    return f"{width}'sd{value}" if value >= 0 else f"-{width + 1}'sd{-value}"


def _bits(value: int, width: int) -> str:
    """A number as bits, in two's complement."""
    return f"{width}'d{value % (1 << width)}"


def _slice(name: str, low: int, width: int, whole: int) -> str:
    """`width` bits from bit `low` of a value of `whole` bits."""
    return name if low == 0 and width == whole else f"{name}[{low + width - 1}:{low}]"
