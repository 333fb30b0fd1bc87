"""Verilog straight from the operator graph: one line an operator, in the order in which a person reads it.

Amaranth's way over RTLIL takes 1.5 ms for each operator, this 10 us. That both describe the same circuit is tested by
simulation, and proved by Yosys for small ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import assert_never

from netgen.ir.fixed import bits_of
from netgen.ir.grid import Site
from netgen.operators.design import Design
from netgen.operators.graph import Operator, OperatorGraph
from netgen.operators.kinds import (
    Add,
    Constant,
    Count,
    Greater,
    Input,
    Maximum,
    Minimum,
    Multiply,
    Operation,
    Select,
    Shift,
    Subtract,
    Table,
)
from netgen.operators.names import names_of
from netgen.operators.wiring import NeuronSites


def module_of(design: Design, *, sites: NeuronSites, comments: bool) -> str:
    """The module `top` of a design: a stream in, a stream out, and all operators between them.

    Args:
        sites: of neurons, by layer and index; they become attributes of the neurons' words.
        comments: whether each line tells the range of its values.
    """
    writer = _Writer(design, sites, comments=comments)
    return "\n".join([*writer.head(), *writer.flow(), *writer.tables(), *writer.body(), *writer.tail()])


class _Writer:
    """A design with what its lines need to know of each other."""

    def __init__(self, design: Design, sites: NeuronSites, *, comments: bool) -> None:
        self.design, self.graph, self.timing, self.comments = design, design.graph, design.timing, comments
        graph = self.graph
        self.names = names_of(graph)
        self.delays = self.timing.delays(graph)
        self.sole = _read_by_one_sum(graph)
        self.site: dict[int, Site] = {}
        for number, operator in enumerate(graph.operators):
            operation = operator.operation
            entering = operation.word if isinstance(operation, Input) and not graph.coded else operator.index
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
        """Which samples are valid, and when all registers load."""
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

    def tables(self) -> Iterator[str]:
        """A function for each size of look-up table: the entry at an address, found by halving.

        Yosys takes half as long for it as for `entries[address]`.
        """
        for bits in sorted({_address_bits(op.operation) for op in self.graph.operators} - {0}):
            ports = f"input [{(1 << bits) - 1}:0] h{bits}, input [{bits - 1}:0] address"
            yield ""
            yield f"  function table{bits}({ports});"
            for k in reversed(range(bits)):
                yield f"    reg [{(1 << k) - 1}:0] h{k};"
            yield "    begin"
            for k in reversed(range(bits)):
                half, whole = 1 << k, 2 << k
                yield f"      h{k} = address[{k}] ? h{k + 1}[{whole - 1}:{half}] : h{k + 1}[{half - 1}:0];"
            yield f"      table{bits} = h0;"
            yield "    end"
            yield "  endfunction"

    def body(self) -> Iterator[str]:
        """All operators, those of one neuron together."""
        for comment, numbers in self._sections():
            yield ""
            yield f"  // {comment}"
            loads: list[str] = []
            for number in numbers:
                yield from self._lines(number)
                for before, register in pairwise(self._chain(number)):
                    yield f"  reg {_shape(self.graph.operators[number])}{register};"
                    loads.append(f"{register} <= {before};")
            yield from _clocked(loads)

    def tail(self) -> Iterator[str]:
        """The output payload, highest bits first."""
        latency, best = self.timing.latency, self.graph.best
        yield ""
        yield "  // output"
        words = [self._filled(number, self.design.score.width, latency) for number in reversed(self.graph.words[-1])]
        if best is not None:
            words.insert(0, self._filled(best, self.design.class_width, latency))
        yield "  assign o_payload = {"
        yield ",\n".join(f"    {word}" for word in words)
        yield "  };"
        yield "endmodule"
        yield ""

    def _sections(self) -> Iterator[tuple[str, list[int]]]:
        """Numbers that belong together under one comment; what is shared in a layer stands before its neurons."""
        graph = self.graph
        inputs, shared, single = [], dict[int, list[int]](), dict[tuple[int, int], list[int]]()
        for number, operator in enumerate(graph.operators):
            if graph.is_constant(number):
                continue
            if operator.layer == 0:
                inputs.append(number)
            elif operator.index is not None:
                single.setdefault((operator.layer, operator.index), []).append(number)
            else:
                shared.setdefault(operator.layer, []).append(number)
        yield "inputs", inputs
        for depth, layer in enumerate(graph.words, 1):
            if depth in shared:
                yield f"layer {depth}: sums that several neurons share", shared[depth]
            for k, number in enumerate(layer):
                if (depth, k) in single:
                    operator = graph.operators[number]
                    yield f"neuron n{depth}_{k}: words from {operator.lo} to {operator.hi}", single[depth, k]
        if len(graph.words) + 1 in shared:
            yield "class: the greatest score, the lowest index on a tie", shared[len(graph.words) + 1]

    def _lines(self, number: int) -> Iterator[str]:
        """An operator's wire; before it that of its high bits, where the low ones are another's as they are."""
        operator, name = self.graph.operators[number], self.names[number]
        value = self._value(number)
        low = _untouched(operator)
        if low and isinstance(operator.operation, Add | Subtract):
            operation = replace(operator.operation, left=(0, 0), offset=operator.operation.offset >> low)
            high = replace(operator, operation=operation, lo=operator.lo >> low, hi=operator.hi >> low)
            above, below = self._halves(operator.sources[0], self.timing.cycle[number], low)
            signed = any(self.graph.operators[source].signed for source in operator.sources)
            if signed and not self.graph.operators[operator.sources[0]].signed:
                above = f"$signed({{1'b0, {above}}})"
            other = self._second(high, operation, self.timing.cycle[number], signed=signed)
            yield f"  wire {_shape(high)}{name}_high = {above} {other};"
            value = f"{{{name}_high, {below}}}"
        site = self.site.get(number)
        text = f"  wire {_shape(operator)}{name} = {value};"
        if site:  # an attribute of a declaration that assigns as well is ignored by Icarus, with a warning
            place = f'(* site = "{site[0]},{site[1]},{site[2]}" *)'
            text = f"  {place} wire {_shape(operator)}{name}; assign {name} = {value};"
        yield f"{text}  // {operator.lo} to {operator.hi}" if self.comments else text

    def _halves(self, number: int, cycle: int, low: int) -> tuple[str, str]:
        """A value without its `low` lowest bits, and exactly those bits; signed and unsigned as the value is."""
        operator = self.graph.operators[number]
        if isinstance(operator.operation, Constant):
            high = operator.operation.value >> low
            return _literal(high, bits_of(high, high)[0], signed=operator.signed), _bits(operator.operation.value, low)
        name, width = self._name(number, cycle), operator.width
        if width > low:
            above = _slice(name, low, width - low, width)
            return f"$signed({above})" if operator.signed else above, _slice(name, 0, low, width)
        above = f"$signed({name}[{width - 1}])" if operator.signed else "1'd0"
        return above, self._filled(number, low, cycle)

    def _chain(self, number: int) -> list[str]:
        """An operator's wire, and the registers that its value goes through."""
        name = self.names[number]
        return [name, *(f"{name}_d{delay}" for delay in range(1, self.delays[number] + 1))]

    def _name(self, number: int, cycle: int) -> str:
        """An operator's value as it is read in a cycle."""
        delay = cycle - self.timing.cycle[number]
        return f"{self.names[number]}_d{delay}" if delay else self.names[number]

    def _operand(self, number: int, cycle: int, *, signed: bool) -> str:
        """A source in an expression; where any part is signed, all must be, lest Verilog extend with zeros."""
        operator = self.graph.operators[number]
        if isinstance(operator.operation, Constant):
            value = operator.operation.value
            return _literal(value, bits_of(value, value)[0], signed=signed)
        name = self._name(number, cycle)
        name = f"~(~{name})" if number in self.sole else name
        return f"$signed({{1'b0, {name}}})" if signed and not operator.signed else name

    def _second(self, operator: Operator, operation: Add | Subtract, cycle: int, *, signed: bool) -> str:
        """The second operand of a sum with its sign, and what is added beside.

        A constant goes into the bits above an operand, where it costs nothing; taken away, an operand has its bits
        turned: a + ~b is a - b - 1, without a carry to set. Written with as many bits as the result, lest Yosys turn
        them apart from the adder.
        """
        number, (_, shift), value = operator.sources[1], operation.left, operation.offset
        source, minus = self.graph.operators[number], isinstance(operation, Subtract)
        own = min(source.width, operator.width)
        above = value + minus
        if value and not shift and not self.graph.is_constant(number):
            if source.signed and (minus, value) == (True, -1):
                return f"+ ~{self._name(number, cycle)}"
            if not source.signed and above % (1 << own) == 0:
                word = _slice(self._name(number, cycle), 0, own, source.width)
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
        operator, cycle = self.graph.operators[number], self.timing.cycle[number]
        sources = [self.graph.operators[source] for source in operator.sources]
        signed = any(source.signed for source in sources)

        def read(k: int, *, signed: bool = signed) -> str:
            return self._operand(operator.sources[k], cycle, signed=signed)

        operation = operator.operation
        match operation:
            case Input(word):
                width = self.design.circuit.input.width
                return f"i_payload[{word * width + width - 1}:{word * width}]"
            case Constant(value):
                return _bits(value, operator.width)
            case Add(left, _) | Subtract(left, _):
                a = f"({read(0)} <<< {left[0]})" if left[0] else read(0)
                return f"{a} {self._second(operator, operation, cycle, signed=signed)}"
            case Multiply(factor):
                return f"{read(0)} * {_literal(factor, factor.bit_length(), signed=signed)}"
            case Shift(right):
                name = self._name(operator.sources[0], cycle)
                if right < 0:
                    return f"{{{name}, {-right}'d0}}"
                low = min(right, sources[0].width - operator.width)  # if all bits are dropped, the sign bit is left
                return _slice(name, low, operator.width, sources[0].width)
            case Maximum(limit) | Minimum(limit):
                width, greatest = sources[0].width, isinstance(operation, Maximum)
                name = self._name(operator.sources[0], cycle)
                fixed = _bits(limit, operator.width)
                kept = _slice(name, 0, operator.width, width)
                if greatest and limit == 0:
                    return f"{name}[{width - 1}] ? {fixed} : {kept}"
                test = f"{read(0)} {'<' if greatest else '>'} "
                return f"{test}{_literal(limit, bits_of(limit, limit)[0], signed=signed)} ? {fixed} : {kept}"
            case Greater():
                return f"{read(0)} > {read(1)}"
            case Select():
                signed = any(source.signed for source in sources[1:])
                return f"{read(0, signed=False)} ? {read(1, signed=signed)} : {read(2, signed=signed)}"
            case Count(picked, inverted):
                parts = zip(operator.sources, sources, picked, strict=True)
                bits = [_slice(self._name(source, cycle), bit, 1, op.width) for source, op, bit in parts]
                return _looked_up(_count_entries(inverted), operator.width, bits)
            case Table(entries):
                return _looked_up(entries, operator.width, [self._name(source, cycle) for source in operator.sources])
            case _:
                assert_never(operation)

    def _filled(self, number: int, width: int, cycle: int) -> str:
        """A value in exactly so many bits."""
        operator = self.graph.operators[number]
        if isinstance(operator.operation, Constant):
            return _bits(operator.operation.value, width)
        name, more = self._name(number, cycle), width - operator.width
        if more <= 0:
            return name
        above = f"{{{more}{{{name}[{operator.width - 1}]}}}}" if operator.signed else f"{more}'d0"
        return f"{{{above}, {name}}}"


def _read_by_one_sum(graph: OperatorGraph) -> set[int]:
    """Sums that only one other sum reads, which takes them as `~(~x)`: all their bits turned, twice.

    Else Yosys adds all terms at once, without carry chains in between: of 10 words of 8 bits in 110 look-up tables
    instead of 77.
    """
    sums = [isinstance(operator.operation, Add | Subtract) for operator in graph.operators]
    return {
        number
        for number, readers in enumerate(graph.readers)
        if sums[number] and len(readers) == 1 and sums[readers[0]]
    }


def _untouched(operator: Operator) -> int:
    """The low bits of a sum that are those of its first operand, as they are."""
    operation = operator.operation
    if not isinstance(operation, Add | Subtract) or operation.left[0]:
        return 0
    low = operation.left[1]
    return low if low < operator.width and operation.offset % (1 << low) == 0 else 0


def _count_entries(inverted: Sequence[bool]) -> tuple[int, ...]:
    """A table that counts the ones of its address, some of whose bits are inverted first."""
    mask = sum(flip << k for k, flip in enumerate(inverted))
    return tuple((address ^ mask).bit_count() for address in range(1 << len(inverted)))


def _address_bits(operation: Operation) -> int:
    """Bits of the address of a table or of a count written as one; 0 for all other operations."""
    if isinstance(operation, Count):
        return len(operation.bits)
    return len(operation.entries).bit_length() - 1 if isinstance(operation, Table) else 0


def _looked_up(entries: Sequence[int], width: int, parts: Sequence[str]) -> str:
    """The entry of a table at an address, whose parts are given the lowest first.

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


def _clocked(loads: Sequence[str]) -> list[str]:
    """What happens at the clock."""
    if len(loads) < 2:
        return [f"  always @(posedge clk) if (i_ready) {load}" for load in loads]
    return ["  always @(posedge clk) if (i_ready) begin", *(f"    {load}" for load in loads), "  end"]


def _shape(operator: Operator) -> str:
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
    return name if low == 0 and width == whole else f"{name}[{low + width - 1}:{low}]"
