"""Sharing `shared`: common subexpressions, pairs of terms that several sums contain, are computed once."""

import heapq
from collections.abc import Callable, Mapping, Sequence

from netgen.ir.digits import signed_digits
from netgen.lower.builder import OperatorBuilder, Term
from netgen.lower.csd import add_digits, constant_of, digits_of, zero
from netgen.operators.cost import lut_of

Pair = tuple[int, int, int, int]
"""Operators a and b, the shift of b minus that of a, and the product of their signs: a pattern at any shift."""
Row = dict[tuple[int, int], int]
"""The sign of each term of a sum, by operator and shift."""
Priority = Callable[[int, int], tuple[float, ...]]
"""Which pair is shared first, the least value first: from the number of its uses and the bits in which its terms
overlap."""
Uses = Mapping[int, Sequence[int]]
"""The sums that contain a pair, each with the shifts of a at which it does."""
Accept = Callable[[list[Row], Pair, Uses], bool]
"""Decides whether a pair is shared."""
Extracted = Callable[[int, Uses], None]
"""Receives the operator of each pair that is shared, and its uses."""

PAIRS = 2_000_000
"""Pairs of terms up to which the pairs of a layer are searched; about 10 us and 200 bytes each."""
EXTRA_LEVELS = 1
"""Levels of adders by which a sum may exceed its fewest."""


def by_count(count: int, overlap: int) -> tuple[float, ...]:
    """Share first what saves the most adders."""
    del overlap
    return (-count,)


def by_bits(count: int, overlap: int) -> tuple[float, ...]:
    """Share first what saves the most bits of adders: da4ml's rule, without the one use that remains."""
    return -(count - 1) * overlap, -overlap


def add_shared(builder: OperatorBuilder, rows: Sequence[Mapping[int, int]], bias: Sequence[int | None]) -> list[Term]:
    """Replace, again and again, the pair of terms that most sums have in common by one operator.

    Two priorities are tried, and no sharing at all; the result with the fewest look-up tables is kept. A sum of few
    terms may have to negate a term that it shares, which costs more than sharing saves.

    Source: Hartley 1996 (pairs in signed digits); Aksoy et al. 2012 and Sun et al. 2025 (da4ml) for matrices.
    """
    tried = [add_digits(builder, rows, bias)]
    if few_pairs(rows):
        exact = [added is not None for added in bias]
        tried += [builder.sums(extract_pairs(builder, rows, bias, priority=way), exact) for way in (by_bits, by_count)]
    return min(tried, key=lambda terms: _lut(builder, terms))


def extract_pairs(
    builder: OperatorBuilder,
    rows: Sequence[Mapping[int, int]],
    bias: Sequence[int | None],
    *,
    priority: Priority,
    accept: Accept | None = None,
    extracted: Extracted | None = None,
) -> list[list[Term]]:
    """Share pairs of terms, and return the terms of each sum that remain, at least one.

    Args:
        accept: asked before each pair is shared; by default all are.
        extracted: called after each pair that is shared.
    """
    sums = [{(t.operator, t.shift): t.sign for t in digits_of(row)} for row in rows]
    if few_pairs(rows):
        _Pairs(builder, sums, [bool(added) for added in bias], priority, accept, extracted).share()
    return [
        [
            *(Term(operator, shift, sign < 0) for (operator, shift), sign in row.items()),
            *constant_of(builder, added),
        ]
        or [zero(builder)]
        for row, added in zip(sums, bias, strict=True)
    ]


def few_pairs(rows: Sequence[Mapping[int, int]]) -> bool:
    """Whether the terms of some sums have no more pairs than can be searched."""
    terms = [sum(1 for weight in row.values() for _ in signed_digits(weight)) for row in rows]
    return sum(n * (n - 1) // 2 for n in terms) <= PAIRS


class _Pairs:
    """The sums of a layer, and how often each pair occurs in them."""

    def __init__(
        self,
        builder: OperatorBuilder,
        rows: list[Row],
        biased: Sequence[bool],
        priority: Priority,
        accept: Accept | None,
        extracted: Extracted | None,
    ) -> None:
        self.builder, self.rows, self.priority = builder, rows, priority
        self.accept, self.extracted = accept, extracted
        self.count: dict[Pair, int] = {}
        self.holders: dict[int, set[int]] = {}
        # Terms at levels l can be added in L levels if, and only if, the sum of 2**l is at most 2**L.
        terms = [sum(1 << builder.levels[op] for op, _ in row) for row in rows]
        loads = [load + b for load, b in zip(terms, biased, strict=True)]
        self.limit = [1 << (max(load - 1, 0).bit_length() + EXTRA_LEVELS) for load in loads]
        self.load = [load + 1 for load in terms]  # 1 for the constant: a bias, or the offsets of subtractions
        for k, row in enumerate(rows):
            ordered = sorted(row.items())
            for number, (term, sign) in enumerate(ordered):
                self.holders.setdefault(term[0], set()).add(k)
                for other, other_sign in ordered[:number]:
                    pair = _pair(term, sign, other, other_sign)
                    self.count[pair] = self.count.get(pair, 0) + 1
        self.heap = [self._entry(pair, count) for pair, count in self.count.items() if count > 1]
        heapq.heapify(self.heap)

    def share(self) -> None:
        """Share pairs until none occurs twice.

        The heap may hold several entries of a pair. An entry whose count is no longer right is dropped, or put back
        with the lower count; a count that rises pushes an entry of its own.
        """
        while self.heap:
            *_, count, pair = heapq.heappop(self.heap)
            now = self.count[pair]
            if now != count:
                if 1 < now < count:
                    heapq.heappush(self.heap, self._entry(pair, now))
                continue
            both = sorted(self.holders[pair[0]] & self.holders[pair[1]])
            uses = {k: shifts for k in both if (shifts := self._shifts(k, pair))}
            if sum(map(len, uses.values())) < 2 or (self.accept is not None and not self.accept(self.rows, pair, uses)):
                self.count[pair] = 0  # the other occurrences exceed the levels of their sums, or cost too much wire
                continue
            self._extract(pair, uses)

    def _entry(self, pair: Pair, count: int) -> tuple[tuple[float, ...], int, int, Pair]:
        return self.priority(count, self._overlap(pair)), self._level(pair), count, pair

    def _overlap(self, pair: Pair) -> int:
        """The number of bits that both terms have, where their adder has to add."""
        a, b, apart, _ = pair
        first, second = self.builder.operators[a].width, self.builder.operators[b].width
        if apart < 0:
            first, second, apart = second, first, -apart
        return max(min(first, second + apart) - apart, 0)

    def _level(self, pair: Pair) -> int:
        return max(self.builder.levels[pair[0]], self.builder.levels[pair[1]]) + 1

    def _extra_load(self, pair: Pair) -> int:
        """By how much the load of a sum grows when the pair is added first."""
        return (1 << self._level(pair)) - (1 << self.builder.levels[pair[0]]) - (1 << self.builder.levels[pair[1]])

    def _shifts(self, k: int, pair: Pair) -> list[int]:
        """The shifts of a at which sum k contains the pair, no term in two of them, within the levels of the sum."""
        a, b, apart, sign = pair
        row, extra = self.rows[k], self._extra_load(pair)
        used: set[tuple[int, int]] = set()
        found: list[int] = []
        for operator, shift in sorted(row):
            other = (b, shift + apart)
            if operator != a or other not in row or row[other] * row[a, shift] != sign:
                continue
            if (a, shift) in used or other in used or self.load[k] + extra * (len(found) + 1) > self.limit[k]:
                continue
            used.update([(a, shift), other])
            found.append(shift)
        return found

    def _extract(self, pair: Pair, uses: Uses) -> None:
        """Add the pair once, and replace its two terms by the result wherever it is used."""
        a, b, apart, sign = pair
        term = self.builder.plus(Term(a, max(0, -apart)), Term(b, max(0, apart), sign < 0), None)
        assert term.shift == 0, "one term of a pair is not shifted"
        if self.extracted is not None:
            self.extracted(term.operator, uses)
        for k, shifts in uses.items():
            for shift in shifts:
                first = self.rows[k][a, shift]
                self._remove(k, (a, shift))
                self._remove(k, (b, shift + apart))
                self._insert(k, (term.operator, min(shift, shift + apart)), first * term.sign)
                self.load[k] += self._extra_load(pair)

    def _remove(self, k: int, term: tuple[int, int]) -> None:
        row = self.rows[k]
        sign = row.pop(term)
        for other, other_sign in row.items():
            self.count[_pair(term, sign, other, other_sign)] -= 1
        if all(operator != term[0] for operator, _ in row):
            self.holders[term[0]].discard(k)

    def _insert(self, k: int, term: tuple[int, int], sign: int) -> None:
        row = self.rows[k]
        assert term not in row, "terms of a sum are distinct"
        for other, other_sign in row.items():
            pair = _pair(term, sign, other, other_sign)
            now = self.count[pair] = self.count.get(pair, 0) + 1
            if now > 1:
                heapq.heappush(self.heap, self._entry(pair, now))
        row[term] = sign
        self.holders.setdefault(term[0], set()).add(k)


def _pair(term: tuple[int, int], sign: int, other: tuple[int, int], other_sign: int) -> Pair:
    (a, s), (b, t) = term, other
    if (b, t) < (a, s):
        a, s, b, t = b, t, a, s
    return a, b, t - s, sign * other_sign


def _lut(builder: OperatorBuilder, terms: Sequence[Term]) -> float:
    """Look-up tables of all operators of this layer on which terms depend."""
    at = builder.operators
    lut = 0.0
    left, seen = [term.operator for term in terms], set[int]()
    while left:
        number = left.pop()
        if number not in seen and at[number].layer == builder.layer:
            seen.add(number)
            lut += lut_of(at[number], at)
            left.extend(at[number].sources)
    return lut
