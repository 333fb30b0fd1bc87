"""Choose test vectors that reach as much of a circuit as is found within a fixed amount of work.

Candidates are samples of the data, inputs that drive single operators to their limits or tables to their entries
(`driven`), and mixtures of all of these. Of each batch those are kept that reach the most goals that no vector has
reached before.

Source: greedy set cover, Chvatal 1979; the rest is our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from netgen.hdl.driven import columns_of, driver_of
from netgen.hdl.goals import MISSED, Cells, entries_of, goals_of, pointless, reached
from netgen.hdl.visible import Visibility
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.network import Bools
from netgen.operators.design import Design
from netgen.operators.graph import OperatorGraph, values_of

MOST, BITS = 8000, 32_000_000
"""Vectors that are chosen at most, besides those that are given; fewer where their inputs would have more bits."""
SAMPLES = 2000
"""Samples of the data from which it is useful to make candidates."""
BATCH, VALUES = 2048, 4_000_000
"""Candidates in a batch; fewer in a large circuit, so that all values of operators (8 bytes each) fit `VALUES`."""
ROUNDS, IDLE = 12, 3
"""Batches at most; the search also ends after `IDLE` batches in succession without a vector."""
COMPUTED = 500_000
"""Operators that may be computed to find which bits of tables are visible; 5 to 20 us each."""
SLOPES = 25_000_000
"""Slopes (4 bytes each) at most; a circuit with more of them gets no driven inputs."""


@dataclass(frozen=True)
class Coverage:
    """How much of a circuit's Verilog test vectors reach.

    Attributes:
        entries, bits, limits, edges: reached, and how many there are: entries of tables; bits of these whose change
            changes an output; least and greatest values of operators, as proved for all inputs; comparisons of
            neighbours.
    """

    entries: tuple[int, int]
    bits: tuple[int, int]
    limits: tuple[int, int]
    edges: tuple[int, int]


@dataclass(frozen=True)
class Vectors:
    """Test vectors.

    Attributes:
        inputs: (n, n_in) int64 input words.
        given: the first so many are those that were given.
        coverage: what they reach.
    """

    inputs: Words
    given: int
    coverage: Coverage


def vectors_of(design: Design, given: Words, samples: Words) -> Vectors:
    """Add vectors to those that are given, so that together they reach as many goals as are found to be reachable.

    The same arguments give the same vectors. The work is bounded: some 10 s for any circuit.

    Args:
        given: (n, n_in) int64 input words, n at least 1.
        samples: (m, n_in) int64 input words of typical data, from which candidates are made.
    """
    search = _Search(design.graph, design.circuit.input, given)
    for candidates in _batches(search, given, samples):
        search.add(candidates)
        if search.idle == IDLE:
            break
    search.add_extremes()
    return Vectors(np.concatenate([given, *search.chosen]), len(given), search.coverage())


def _batches(search: "_Search", given: Words, samples: Words) -> Iterator[Words]:
    """Candidates, batch by batch; later ones depend on what earlier ones have reached."""
    form, features, batch = search.form, given.shape[1], search.batch
    if form.width * features < 30 and 1 << form.width * features <= batch:
        yield np.array(list(product(range(form.lo, form.hi + 1), repeat=features)), dtype=np.int64)
        return
    rng = np.random.default_rng(0)
    known = np.concatenate([given, samples])[: batch - 2]
    yield np.concatenate([np.full((1, features), form.lo), np.full((1, features), form.hi), known])
    driver = driver_of(search.graph, form) if columns_of(search.graph) * len(search.graph.operators) <= SLOPES else None
    for number in range(ROUNDS):
        pool = np.concatenate([known, *search.chosen])
        base = pool[rng.integers(len(pool), size=batch)]
        if number % 3 < 2 and driver is not None:
            towards = driver.towards_limit if number % 3 == 0 else driver.towards_entry
            goals = search.missing_limits() if number % 3 == 0 else search.missing_entries()
            wanted = np.zeros((min(len(goals), batch), driver.columns), dtype=np.float32)
            for row, goal in zip(wanted, rng.permutation(len(goals)).tolist(), strict=False):
                row[:] = towards(*goals[goal])
            if number > 2:  # the obvious inputs have been tried: leave some out
                wanted *= rng.random(wanted.shape) < rng.choice([1.0, 0.8, 0.5], (len(wanted), 1))
            if goals:
                yield driver.drive(wanted, base[: len(wanted)])
        else:
            other = pool[rng.integers(len(pool), size=batch)]
            mixed = np.where(rng.random(base.shape) < rng.random((batch, 1)), base, other)
            anything = rng.integers(form.lo, form.hi + 1, base.shape)
            yield np.where(rng.random(base.shape) < rng.random((batch, 1)) ** 4, anything, mixed)


class _Search:
    """What has been reached, and by which vectors."""

    def __init__(self, graph: OperatorGraph, form: FixedPoint, given: Words) -> None:
        self.graph, self.form = graph, form
        self.goals = goals_of(graph)
        self.visibility = Visibility(graph)
        self.batch = max(min(BATCH, VALUES // max(len(graph.operators), 1)), 3)
        self.most = min(MOST, BITS // (form.width * given.shape[1]))
        self.chosen: list[Words] = []
        self.idle = self.count = 0
        self.none = pointless(graph, self.goals)
        self.covered = np.append(self.none, True)  # the last is that of `MISSED`
        self.best = [(operator.hi + 1, operator.lo - 1) for operator in graph.operators]
        self.record: list[list[Words]] = [[given[0], given[0]] for _ in graph.operators]
        for start in range(0, len(given), self.batch):
            self.covered[self._measure(given[start : start + self.batch])] = True

    def add(self, candidates: Words) -> None:
        """Choose the candidates that reach something new."""
        picked = _cover(self._measure(candidates), self.covered, self.most - self.count)
        self.chosen.append(candidates[picked])
        self.count += len(picked)
        self.idle = 0 if picked else self.idle + 1

    def add_extremes(self) -> None:
        """Choose the samples that brought operators nearest to those limits that nothing reaches."""
        rows: list[Words] = []
        for number, records in enumerate(self.record):
            for side, row in enumerate(records):
                if not self.covered[self.goals.limits + 2 * number + side]:
                    rows.append(row)
        if rows:
            samples, uses = np.unique(np.stack(rows), axis=0, return_counts=True)
            order = np.argsort(-uses, kind="stable")
            self.chosen.append(samples[order[: self.most - self.count]])

    def missing_limits(self) -> list[tuple[int, int]]:
        """Operators with -1 or 1: those whose least or greatest value, as proved, is not reached."""
        limits = ~self.covered[self.goals.limits : self.goals.edges]
        return [(goal // 2, 2 * (goal % 2) - 1) for goal in np.flatnonzero(limits).tolist()]

    def missing_entries(self) -> list[tuple[int, int]]:
        """Tables with the addresses of entries that are not reached, or not seen at an output."""
        found: list[tuple[int, int]] = []
        for number, entry, bit in zip(self.goals.tables, self.goals.entries, self.goals.bits, strict=True):
            size, width = entries_of(self.graph, number), self.graph.operators[number].width
            seen = self.covered[bit : bit + size * width].reshape(size, width).all(axis=1)
            missing = ~(self.covered[entry : entry + size] & seen)
            found += [(number, address) for address in np.flatnonzero(missing).tolist()]
        return found

    def coverage(self) -> Coverage:
        """What the vectors reach, and of how much."""
        goals, reached = self.goals, self.covered[:-1] & ~self.none
        first = goals.bits[0] if goals.bits else 0
        ends = (0, first, goals.limits, goals.edges, goals.count)
        parts = [(int(reached[a:b].sum()), int((~self.none[a:b]).sum())) for a, b in pairwise(ends)]
        return Coverage(*parts)

    def _measure(self, inputs: Words) -> Cells:
        """(columns, n) goals that samples reach; the extremes among them are recorded."""
        values = [column for _, column in values_of(self.graph, inputs)]
        for number, column in enumerate(values):
            low, high = self.best[number]
            a, b = int(column.argmin()), int(column.argmax())
            if column[a] < low:
                low, self.record[number][0] = int(column[a]), inputs[a]
            if column[b] > high:
                high, self.record[number][1] = int(column[b]), inputs[b]
            self.best[number] = low, high
        cells, addresses = reached(self.graph, self.goals, values)
        seen = [cells]
        for k, number in enumerate(self.goals.tables):
            width = self.graph.operators[number].width
            goal = self.goals.bits[k] + addresses[k] * width + np.arange(width)[:, None]
            useful = np.flatnonzero(~self.covered[goal].all(axis=0))
            if len(useful) and self.visibility.computed < COMPUTED:
                bits = self.visibility.bits(values, useful, number)
                found: Cells = np.full((width, len(inputs)), MISSED, dtype=np.int32)
                found[:, useful] = np.where(bits, goal[:, useful], MISSED)
                seen.append(found)
        return np.concatenate(seen)


def _cover(cells: Cells, covered: Bools, most: int) -> list[int]:
    """Choose samples, greedily, that reach what is not covered; mark it as covered.

    Args:
        cells: (columns, n) number of the goal that a sample reaches, `MISSED` where none.
        covered: one for each goal, and True for `MISSED` at the end; changed in place.
    """
    new = ~covered[cells]
    gain = new.sum(axis=0)
    picked: list[int] = []
    while len(picked) < most and gain.max(initial=0) > 0:
        sample = int(gain.argmax())
        picked.append(sample)
        for column in np.flatnonzero(~covered[cells[:, sample]]).tolist():
            goal = cells[column, sample]
            covered[goal] = True
            gain -= cells[column] == goal
    return picked
