"""Common sub-expressions across neurons: our own pass over signed digits."""

import heapq
from collections.abc import Callable, Sequence

from netgen.fixed import Words
from netgen.lower.builder import Builder, Term
from netgen.lower.csd import constant_of, digits_of, zero

Pair = tuple[int, int, int, int]
"""Operators a and b, the shift of b beyond a's, and the product of their signs: a pattern wherever it is shifted."""
Row = dict[tuple[int, int], int]
"""The sign of each term of a sum, by operator and shift."""
Worth = Callable[[Pair, Sequence[int]], float]
"""What it is worth to compute a pair once for some rows; above 0 to do it."""

PAIRS = 4_000_000
"""Pairs of terms up to which a layer is searched; about 2 us and 150 bytes each."""


def shared(
    builder: Builder,
    weight: Words,
    bias: Words,
    inputs: Sequence[int],
    *,
    extra_levels: int = 1,
    worth: Worth | None = None,
) -> list[Term]:
    """Again and again compute the pair of terms that most sums have in common once for all of them.

    Args:
        extra_levels: how many levels of adders a sum may take beyond the fewest.
        worth: asked before each; by default everything that two sums share is shared.
    Source: Hartley 1996 (pairs in signed digits); Aksoy et al. 2012 and Sun et al. 2025 (da4ml) for matrices.
    """
    rows = [{(t.operator, t.shift): t.sign for t in digits_of(row, inputs)} for row in weight]
    if sum(len(row) * (len(row) - 1) // 2 for row in rows) <= PAIRS:
        _Search(builder, rows, [int(b) != 0 for b in bias], extra_levels, worth).run()
    return [
        builder.sum(
            [*(Term(op, shift, sign < 0) for (op, shift), sign in row.items()), *constant_of(builder, int(added))]
            or [zero(builder)],
            index,
        )
        for index, (row, added) in enumerate(zip(rows, bias, strict=True))
    ]


class _Search:
    """The sums of a layer, and how often each pair occurs in them."""

    def __init__(
        self, builder: Builder, rows: list[Row], biased: Sequence[bool], extra_levels: int, worth: Worth | None
    ) -> None:
        self.builder, self.rows, self.worth = builder, rows, worth
        self.count: dict[Pair, int] = {}
        self.holders: dict[int, set[int]] = {}
        self.load = [sum(1 << builder.levels[op] for op, _ in row) + b for row, b in zip(rows, biased, strict=True)]
        self.limit = [1 << (max(load - 1, 0).bit_length() + extra_levels) for load in self.load]
        for k, row in enumerate(rows):
            terms = sorted(row.items())
            for number, (term, sign) in enumerate(terms):
                self.holders.setdefault(term[0], set()).add(k)
                for other, other_sign in terms[:number]:
                    pair = _pair(term, sign, other, other_sign)
                    self.count[pair] = self.count.get(pair, 0) + 1
        self.heap = [(-count, self._levels(pair), pair) for pair, count in self.count.items() if count > 1]
        heapq.heapify(self.heap)

    def run(self) -> None:
        """Until no pair occurs twice."""
        while self.heap:
            negative, levels, pair = heapq.heappop(self.heap)
            now = self.count.get(pair, 0)
            if now < 2:
                continue
            if now != -negative:
                if now < -negative:  # a rise has brought an entry of its own
                    heapq.heappush(self.heap, (-now, levels, pair))
                continue
            found = {
                k: at for k in sorted(self.holders[pair[0]] & self.holders[pair[1]]) if (at := self._find(k, pair))
            }
            times = sum(map(len, found.values()))
            if times < 2 or (self.worth is not None and self.worth(pair, list(found)) <= 0):
                self.count[pair] = 0  # what is left of it does not fit, or does not pay
                continue
            self._extract(pair, found)

    def _levels(self, pair: Pair) -> int:
        return max(self.builder.levels[pair[0]], self.builder.levels[pair[1]]) + 1

    def _find(self, k: int, pair: Pair) -> list[int]:
        """The shifts of a at which a row has the pair, none used twice, as far as the row's levels allow."""
        a, b, apart, sign = pair
        row = self.rows[k]
        used: set[tuple[int, int]] = set()
        found: list[int] = []
        spent = (1 << self._levels(pair)) - (1 << self.builder.levels[a]) - (1 << self.builder.levels[b])
        for operator, shift in sorted(row):
            other = (b, shift + apart)
            if operator != a or other not in row or row[other] * row[a, shift] != sign:
                continue
            if (a, shift) in used or other in used or self.load[k] + spent * (len(found) + 1) > self.limit[k]:
                continue
            used.update([(a, shift), other])
            found.append(shift)
        return found

    def _extract(self, pair: Pair, found: dict[int, list[int]]) -> None:
        a, b, apart, sign = pair
        made = self.builder.plus(Term(a, max(0, -apart)), Term(b, max(0, apart), sign < 0), None)
        assert made.shift == 0, "one of a pair is not shifted"
        spent = (1 << self._levels(pair)) - (1 << self.builder.levels[a]) - (1 << self.builder.levels[b])
        for k, shifts in found.items():
            for shift in shifts:
                row = self.rows[k]
                first = row[a, shift]
                for term in ((a, shift), (b, shift + apart)):
                    self._remove(k, term)
                self._insert(k, (made.operator, min(shift, shift + apart)), first * made.sign)
                self.load[k] += spent

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
                heapq.heappush(self.heap, (-now, self._levels(pair), pair))
        row[term] = sign
        self.holders.setdefault(term[0], set()).add(k)


def _pair(term: tuple[int, int], sign: int, other: tuple[int, int], other_sign: int) -> Pair:
    (a, s), (b, t) = term, other
    if (b, t) < (a, s):
        a, s, b, t = b, t, a, s
    return a, b, t - s, sign * other_sign
