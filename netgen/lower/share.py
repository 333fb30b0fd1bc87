"""Common sub-expressions across neurons: our own pass over signed digits."""

import heapq
from collections.abc import Callable, Mapping, Sequence

from netgen.ir.fixed import Words
from netgen.lower.builder import Builder, Term
from netgen.lower.csd import constant_of, csd, digits_of, zero
from netgen.operators.cost import lut_of

Pair = tuple[int, int, int, int]
"""Operators a and b, the shift of b beyond a's, and the product of their signs: a pattern wherever it is shifted."""
Row = dict[tuple[int, int], int]
"""The sign of each term of a sum, by operator and shift."""
Rank = Callable[[int, int], tuple[float, ...]]
"""How early a pair is shared, the least first: by how often it occurs, and how many bits of its terms overlap."""
Found = Mapping[int, Sequence[int]]
"""The rows that have a pair, each with the shifts of a at which it has it."""
Worth = Callable[[list[Row], Pair, Found], bool]
"""Whether it is worth while to compute a pair once for some of the rows."""
Made = Callable[[int, Found], None]
"""Told of each operator that a pair has become, and for which rows."""

PAIRS = 2_000_000
"""Pairs of terms up to which a layer is searched; about 10 us and 200 bytes each."""
EXTRA_LEVELS = 1
"""Levels of adders that a sum may take beyond the fewest."""


def by_count(count: int, overlap: int) -> tuple[float, ...]:
    """Save the most adders."""
    del overlap
    return (-count,)


def by_bits(count: int, overlap: int) -> tuple[float, ...]:
    """Save the most bits of adders; da4ml's rule but for the one time that is left."""
    return -(count - 1) * overlap, -overlap


def shared(builder: Builder, weight: Words, bias: Words, inputs: Sequence[int]) -> list[Term]:
    """Again and again compute the pair of terms that sums have most in common once for all of them.

    Two ranks are tried, and no sharing: what takes fewer bits of adders is kept. A sum of few terms may have to turn
    the sign of one that it shares, and then costs more than it saves.

    Source: Hartley 1996 (pairs in signed digits); Aksoy et al. 2012 and Sun et al. 2025 (da4ml) for matrices.
    """
    tried = [csd(builder, weight, bias, inputs)]
    for rank in (by_bits, by_count):
        rows = shared_terms(builder, weight, bias, inputs, rank=rank)
        tried.append(builder.sums(rows))
    return min(tried, key=lambda terms: _lut(builder, terms))


def shared_terms(
    builder: Builder,
    weight: Words,
    bias: Words,
    inputs: Sequence[int],
    *,
    rank: Rank,
    worth: Worth | None = None,
    made: Made | None = None,
) -> list[list[Term]]:
    """The terms that are left to add for each neuron, at least one, when pairs have been shared.

    Args:
        worth: asked before each pair is shared; by default all are worth while.
        made: told of each that is.
    """
    rows = [{(t.operator, t.shift): t.sign for t in digits_of(row, inputs)} for row in weight]
    if sum(len(row) * (len(row) - 1) // 2 for row in rows) <= PAIRS:
        _Search(builder, rows, [int(added) != 0 for added in bias], rank, worth, made).run()
    return [
        [
            *(Term(operator, shift, sign < 0) for (operator, shift), sign in row.items()),
            *constant_of(builder, int(added)),
        ]
        or [zero(builder)]
        for row, added in zip(rows, bias, strict=True)
    ]


class _Search:
    """The sums of a layer, and how often each pair occurs in them."""

    def __init__(
        self,
        builder: Builder,
        rows: list[Row],
        biased: Sequence[bool],
        rank: Rank,
        worth: Worth | None,
        made: Made | None,
    ) -> None:
        self.builder, self.rows, self.rank, self.worth, self.made = builder, rows, rank, worth, made
        self.count: dict[Pair, int] = {}
        self.holders: dict[int, set[int]] = {}
        # terms at levels l can be added in L levels if, and only if, the sum of 2**l is at most 2**L
        terms = [sum(1 << builder.levels[op] for op, _ in row) for row in rows]
        loads = [load + b for load, b in zip(terms, biased, strict=True)]
        self.limit = [1 << (max(load - 1, 0).bit_length() + EXTRA_LEVELS) for load in loads]
        self.load = [load + 1 for load in terms]  # one for the constant: a bias, or what differences hold too much
        for k, row in enumerate(rows):
            ordered = sorted(row.items())
            for number, (term, sign) in enumerate(ordered):
                self.holders.setdefault(term[0], set()).add(k)
                for other, other_sign in ordered[:number]:
                    pair = _pair(term, sign, other, other_sign)
                    self.count[pair] = self.count.get(pair, 0) + 1
        self.heap = [self._entry(pair, count) for pair, count in self.count.items() if count > 1]
        heapq.heapify(self.heap)

    def run(self) -> None:
        """Until no pair occurs twice."""
        while self.heap:
            *_, count, pair = heapq.heappop(self.heap)
            now = self.count[pair]
            if now != count:
                if 1 < now < count:  # a rise has brought an entry of its own
                    heapq.heappush(self.heap, self._entry(pair, now))
                continue
            both = sorted(self.holders[pair[0]] & self.holders[pair[1]])
            found = {k: shifts for k in both if (shifts := self._find(k, pair))}
            if sum(map(len, found.values())) < 2 or (self.worth is not None and not self.worth(self.rows, pair, found)):
                self.count[pair] = 0  # what is left of it does not fit, or does not pay
                continue
            self._extract(pair, found)

    def _entry(self, pair: Pair, count: int) -> tuple[tuple[float, ...], int, int, Pair]:
        return self.rank(count, self._overlap(pair)), self._level(pair), count, pair

    def _overlap(self, pair: Pair) -> int:
        """Bits that both terms have, where their adder has to add."""
        a, b, apart, _ = pair
        first, second = self.builder.operators[a].width, self.builder.operators[b].width
        if apart < 0:
            first, second, apart = second, first, -apart
        return max(min(first, second + apart) - apart, 0)

    def _level(self, pair: Pair) -> int:
        return max(self.builder.levels[pair[0]], self.builder.levels[pair[1]]) + 1

    def _spent(self, pair: Pair) -> int:
        """What adding a pair first takes of its sum's levels."""
        return (1 << self._level(pair)) - (1 << self.builder.levels[pair[0]]) - (1 << self.builder.levels[pair[1]])

    def _find(self, k: int, pair: Pair) -> list[int]:
        """The shifts of a at which a row has the pair, none used twice, as far as the row's levels allow."""
        a, b, apart, sign = pair
        row, spent = self.rows[k], self._spent(pair)
        used: set[tuple[int, int]] = set()
        found: list[int] = []
        for operator, shift in sorted(row):
            other = (b, shift + apart)
            if operator != a or other not in row or row[other] * row[a, shift] != sign:
                continue
            if (a, shift) in used or other in used or self.load[k] + spent * (len(found) + 1) > self.limit[k]:
                continue
            used.update([(a, shift), other])
            found.append(shift)
        return found

    def _extract(self, pair: Pair, found: Found) -> None:
        """Add the pair once, and put that in the place of both terms."""
        a, b, apart, sign = pair
        made = self.builder.plus(Term(a, max(0, -apart)), Term(b, max(0, apart), sign < 0), None)
        assert made.shift == 0, "one of a pair is not shifted"
        if self.made is not None:
            self.made(made.operator, found)
        for k, shifts in found.items():
            for shift in shifts:
                first = self.rows[k][a, shift]
                self._remove(k, (a, shift))
                self._remove(k, (b, shift + apart))
                self._insert(k, (made.operator, min(shift, shift + apart)), first * made.sign)
                self.load[k] += self._spent(pair)

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


def _lut(builder: Builder, terms: Sequence[Term]) -> float:
    """Look-up tables of the adders of this layer that some sums need."""
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
