"""Sharing `local`: sums that grow along the way, and share what does not cost more wire than it is worth."""

from collections.abc import Sequence

from netgen.errors import BuildError
from netgen.ir.fixed import Words
from netgen.lower.builder import Builder, Index, Term
from netgen.lower.share import Found, Pair, Row, by_bits, shared_terms
from netgen.operators.kinds import Constant
from netgen.operators.wiring import Site, distance, middle_of

PRICE = 0.2
"""Wire length that one bit of an adder is worth. On pruned networks for MNIST prices from 0.05 to 1 make 2 to 7 % more
bits of adders than `shared`, and 25 to 18 % less wire."""
WIDTH = 0.05
"""Wire length that a bit of an adder is worth when the order of a sum is chosen."""
EXTRA_LEVELS = 3
"""Levels of adders that a sum may take beyond the fewest."""
UNIT = (1, 1, 1)


def local(builder: Builder, weight: Words, bias: Words, inputs: Sequence[int]) -> list[Term]:
    """Add two words where they meet on their way, and send one wire on; share where that saves more than it costs.

    A sum is a tree from its words to its neuron. Of all pairs of terms those are added first whose wires run together
    the longest, so that the tree is nearly a Steiner tree with adders at its forks. A pair that several neurons need
    is computed once, in the middle of them, if the wires to and from there cost less than the adders saved are worth.

    Raises: BuildError, when the builder knows no sites.
    Source: our own.
    """
    if builder.sites is None:
        raise BuildError("emit.sharing: local needs a placement; place the circuit first")
    ground = _Ground(builder, inputs)
    rows = shared_terms(builder, weight, bias, inputs, rank=by_bits, worth=ground.worth, made=ground.made)
    return [ground.sum(row, index) for index, row in enumerate(rows)]


class _Ground:
    """Where the terms of a layer lie, those included that have been made."""

    def __init__(self, builder: Builder, inputs: Sequence[int]) -> None:
        assert builder.sites is not None
        self.builder, self.sites = builder, builder.sites
        self.at: dict[int, Site] = {}
        for index, number in enumerate(inputs):
            site = self.sites.get((builder.layer - 1, index))
            if site is not None:
                self.at[number] = site

    def worth(self, rows: list[Row], pair: Pair, found: Found) -> bool:
        """Whether the wire that sharing a pair takes is less than the adders it saves are worth."""
        a, b, _, _ = pair
        ends = {k: self.sites[self.builder.layer, k] for k in found}
        middle = middle_of(list(ends.values()))
        more = sum(distance(self.at[source], middle, UNIT) for source in {a, b})
        for k, shifts in found.items():
            more += distance(middle, ends[k], UNIT)
            for source in {a, b}:
                uses = sum(operator == source for operator, _ in rows[k])
                if uses == len(shifts) * (1 + (a == b)):  # the row then needs no wire from there
                    more -= distance(self.at[source], ends[k], UNIT)
        width = max(self.builder.operators[a].width, self.builder.operators[b].width)
        return more <= PRICE * width * (sum(map(len, found.values())) - 1)

    def made(self, number: int, found: Found) -> None:
        """Remember where a term lies."""
        self.at[number] = middle_of([self.sites[self.builder.layer, k] for k in found])

    def sum(self, terms: Sequence[Term], index: Index) -> Term:
        """Add the pairs first whose wires would run together the longest, then the rest at the neuron."""
        home = self.sites.get((self.builder.layer, index or 0))
        if home is None:
            return self.builder.sum(terms, index, 0)
        fixed = [term for term in terms if isinstance(self.builder.operators[term.operator].operation, Constant)]
        left = [term for term in terms if term not in fixed]
        levels = self.builder.levels
        load = sum(1 << levels[term.operator] for term in left)
        limit = 1 << (max(load - 1, 0).bit_length() + EXTRA_LEVELS)
        while len(left) > 2:
            best = max(
                (
                    (self._gain(a, b, home), -k, -j)
                    for k, a in enumerate(left)
                    for j, b in enumerate(left[:k])
                    if load + self._spent(a, b) <= limit
                ),
                default=(0.0, 0, 0),
            )
            if best[0] <= 0:
                break
            a, b = left[-best[1]], left[-best[2]]
            load += self._spent(a, b)
            made = self.builder.plus(a, b, index)
            self.at[made.operator] = self._meet(a, b, home)
            left = [term for term in left if term not in (a, b)] + [made]
        return self.builder.sum([*left, *fixed], index, limit.bit_length() - 1)

    def _meet(self, a: Term, b: Term, home: Site) -> Site:
        return middle_of([self.at.get(a.operator, home), self.at.get(b.operator, home), home])

    def _gain(self, a: Term, b: Term, home: Site) -> float:
        """How much further the two terms would run together, less what the adder takes beyond the least."""
        together = distance(self._meet(a, b, home), home, UNIT)
        if not together:
            return 0.0
        first, second = self.builder.operators[a.operator], self.builder.operators[b.operator]
        low = abs(a.shift - b.shift)
        wide = max(a.shift + first.width, b.shift + second.width) - min(a.shift, b.shift) - low
        return together - wide * WIDTH

    def _spent(self, a: Term, b: Term) -> int:
        levels = self.builder.levels
        first, second = levels[a.operator], levels[b.operator]
        return (1 << (max(first, second) + 1)) - (1 << first) - (1 << second)
