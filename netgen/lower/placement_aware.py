"""Sharing `local`: terms are added where their wires meet, and shared where adders saved outweigh the wire."""

import heapq
from collections.abc import Mapping, Sequence

from netgen.errors import BuildError
from netgen.ir.grid import Site
from netgen.lower.builder import Index, OperatorBuilder, Term
from netgen.lower.subexpressions import Pair, Row, Uses, by_bits, extract_pairs
from netgen.operators.kinds import Constant
from netgen.operators.wiring import distance, median_site

SHARING_PRICE = 0.2
"""Grid steps of wire for which a pair is shared, per bit of an adder saved. On pruned networks for MNIST prices from
0.05 to 1 give 2 to 7 % more adder bits than `shared`, and 25 to 18 % less wire."""
ORDER_PRICE = 0.05
"""Grid steps of wire that outweigh one bit of an adder when the order of a sum is chosen."""
EXTRA_LEVELS = 3
"""Levels of adders by which a sum may exceed its fewest."""
UNIT = (1, 1, 1)


def add_locally(builder: OperatorBuilder, rows: Sequence[Mapping[int, int]], bias: Sequence[int | None]) -> list[Term]:
    """Add two terms where their wires meet, and lead one wire on; share a pair where that pays.

    A sum is a tree from its inputs to its neuron. The two terms whose wires can run together the longest are added
    first, so that the tree is nearly a Steiner tree with adders at its forks. A pair that several neurons need is
    computed once, at the median of their sites, if the wires to and from there cost less than the adders that it saves.

    Raises: BuildError, when the builder has no sites.
    Source: our own.
    """
    if builder.sites is None:
        raise BuildError("emit.sharing: local needs a placement; place the circuit first")
    layout = _Layout(builder, rows)
    sums = extract_pairs(builder, rows, bias, priority=by_bits, accept=layout.accept, extracted=layout.extracted)
    return [layout.sum(terms, index, exact=bias[index] is not None) for index, terms in enumerate(sums)]


class _Layout:
    """The sites of a layer's terms, and of the operators that add them."""

    def __init__(self, builder: OperatorBuilder, rows: Sequence[Mapping[int, int]]) -> None:
        assert builder.sites is not None
        self.builder, self.sites = builder, builder.sites
        self.at: dict[int, Site] = {}
        for number in {number for row in rows for number in row}:
            site = self.sites.get(builder.neuron_of[number])
            if site is not None:
                self.at[number] = site

    def accept(self, rows: list[Row], pair: Pair, uses: Uses) -> bool:
        """Whether sharing a pair saves more adders than it costs wire."""
        a, b, _, _ = pair
        ends = {k: self.sites[self.builder.layer, k] for k in uses}
        median = median_site(list(ends.values()))
        added = sum(distance(self.at[source], median, UNIT) for source in {a, b})
        for k, shifts in uses.items():
            added += distance(median, ends[k], UNIT)
            for source in {a, b}:
                terms = sum(operator == source for operator, _ in rows[k])
                if terms == len(shifts) * (1 + (a == b)):  # the sum no longer needs a wire from this source
                    added -= distance(self.at[source], ends[k], UNIT)
        width = max(self.builder.operators[a].width, self.builder.operators[b].width)
        return added <= SHARING_PRICE * width * (sum(map(len, uses.values())) - 1)

    def extracted(self, number: int, uses: Uses) -> None:
        """Place the operator of a shared pair."""
        self.at[number] = median_site([self.sites[self.builder.layer, k] for k in uses])

    def sum(self, summands: Sequence[Term], index: Index, *, exact: bool) -> Term:
        """Add up the terms of a neuron: pairs on their common way to it first, then the rest at the neuron."""
        home = self.sites.get((self.builder.layer, index or 0))
        if home is None:
            return self.builder.sum(summands, index, 0, exact=exact)
        constants = [term for term in summands if isinstance(self.builder.operators[term.operator].operation, Constant)]
        left = [term for term in summands if term not in constants]
        levels = self.builder.levels
        load = sum(1 << levels[term.operator] for term in left)
        limit = 1 << (max(load - 1, 0).bit_length() + EXTRA_LEVELS)
        terms, count = dict(enumerate(left)), len(left)
        heap: list[tuple[float, int, int]] = []
        for k, term in terms.items():
            self._push_gains(heap, terms, k, term, home)
        while len(terms) > 2 and heap:
            _, k, j = heapq.heappop(heap)
            if k not in terms or j not in terms or load + self._extra_load(terms[k], terms[j]) > limit:
                continue  # the load only grows: a pair that exceeds the limit once always does
            a, b = terms.pop(k), terms.pop(j)
            load += self._extra_load(a, b)
            total = self.builder.plus(a, b, index)
            self.at[total.operator] = self._meeting(a, b, home)
            terms[count] = total
            self._push_gains(heap, terms, count, total, home)
            count += 1
        return self.builder.sum([*terms.values(), *constants], index, limit.bit_length() - 1, exact=exact)

    def _push_gains(
        self, heap: list[tuple[float, int, int]], terms: Mapping[int, Term], number: int, term: Term, home: Site
    ) -> None:
        """Push the pairs of a term and those before it whose common way saves wire, the greatest gain first."""
        for other, before in terms.items():
            if other < number and (gain := self._gain(term, before, home)) > 0:
                heapq.heappush(heap, (-gain, number, other))

    def _meeting(self, a: Term, b: Term, home: Site) -> Site:
        """Where the wires of two terms to a neuron meet."""
        return median_site([self.at.get(a.operator, home), self.at.get(b.operator, home), home])

    def _gain(self, a: Term, b: Term, home: Site) -> float:
        """The length of wire that adding two terms on their way saves, minus the price of the bits of the adder."""
        together = distance(self._meeting(a, b, home), home, UNIT)
        if not together:
            return 0.0
        first, second = self.builder.operators[a.operator], self.builder.operators[b.operator]
        low = abs(a.shift - b.shift)
        bits = max(a.shift + first.width, b.shift + second.width) - min(a.shift, b.shift) - low
        return together - bits * ORDER_PRICE

    def _extra_load(self, a: Term, b: Term) -> int:
        """By how much the load of a sum grows when two terms are added first; see `subexpressions`."""
        levels = self.builder.levels
        first, second = levels[a.operator], levels[b.operator]
        return (1 << (max(first, second) + 1)) - (1 << first) - (1 << second)
