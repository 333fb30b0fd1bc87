"""Choose test vectors that reach as much of a circuit as is found within a fixed amount of work.

Candidates are samples of the data, inputs that drive single operators to their limits or tables to their entries
(`driven`), and mixtures of all of these. Of each batch those are kept that reach the most goals that no vector has
reached before.

Source: greedy set cover, Chvatal 1979; the rest is our own.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from netgen.hdl.driven import columns_of, driver_of
from netgen.hdl.goals import MISSED, Cells, entries_of, goals_of, reached, trivial
from netgen.hdl.visible import Visibility
from netgen.ir.arrays import Bools
from netgen.ir.fixed import FixedPoint, Words
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
MEASURED = 3_000_000
"""Operators whose values are measured in all batches together, about 30 us each; one batch is always measured."""
COMPUTED = 500_000
"""Operators that may be computed to find which bits are visible; 5 to 20 us each."""
SLOPES = 25_000_000
"""Slopes (4 bytes each) at most; a circuit with more of them gets no driven inputs."""


@dataclass(frozen=True)
class Coverage:
    """How much of a circuit test vectors reach; each is a number of goals reached, and the number of all.

    Attributes:
        entries: entries of tables.
        bits: bits of these entries, such that a wrong bit changes an output.
        limits: least and greatest values of operators, as proved for all inputs.
        edges: neighbours between which comparisons and right shifts change, such that the change changes an output.
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
        given: how many of the first were given.
        coverage: what they reach.
    """

    inputs: Words
    given: int
    coverage: Coverage


def vectors_of(design: Design, given: Words, samples: Words) -> Vectors:
    """Add vectors to those that are given, so that together they reach as many goals as are found to be reachable.

    The same arguments give the same vectors. The work is bounded: some 10 s, a minute for a million operators.

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
    """Make candidates, batch by batch; what earlier batches have left unreached decides what later ones contain.

    All inputs, if they fit one batch. Otherwise the samples, and then in turn inputs driven towards limits, inputs
    driven towards entries of tables, and mixtures.
    """
    form, features, batch = search.form, given.shape[1], search.batch
    if form.width * features < 30 and 1 << form.width * features <= batch:
        yield np.array(list(product(range(form.lo, form.hi + 1), repeat=features)), dtype=np.int64)
        return
    rng = np.random.default_rng(0)
    known = np.concatenate([given, samples])[: batch - 2]
    yield np.concatenate([np.full((1, features), form.lo), np.full((1, features), form.hi), known])
    driver = driver_of(search.graph, form) if columns_of(search.graph) * len(search.graph.operators) <= SLOPES else None
    for number in range(min(ROUNDS, MEASURED // max(len(search.graph.operators), 1))):
        pool = np.concatenate([known, *search.chosen])
        turn = number % 3 if driver is not None else 2
        if driver is None or turn == 2:
            yield _mixtures(pool, form, batch, rng)
            continue
        goals = search.missing_entries() if turn else search.missing_limits()
        towards = driver.towards_entry if turn else driver.towards_limit
        if goals:
            directions = np.stack([towards(*goals[k]) for k in rng.permutation(len(goals))[:batch]])
            if number > 2:  # these directions have been tried: leave out a random part of each
                directions *= rng.random(directions.shape) < rng.choice([1.0, 0.8, 0.5], (len(directions), 1))
            yield driver.drive(directions, pool[rng.integers(len(pool), size=len(directions))])


def _mixtures(pool: Words, form: FixedPoint, count: int, rng: np.random.Generator) -> Words:
    """Each takes some words from one sample and the others from another, with few to many random words among them."""
    one, two = (pool[rng.integers(len(pool), size=count)] for _ in range(2))
    mixed = np.where(rng.random(one.shape) < rng.random((count, 1)), one, two)
    anything = rng.integers(form.lo, form.hi + 1, one.shape)
    return np.where(rng.random(one.shape) < rng.random((count, 1)) ** 4, anything, mixed)


class _Search:
    """Which goals have been reached, and by which vectors.

    Attributes:
        covered: for each goal, whether it has been reached or is trivial; and True at the end, the place of `MISSED`.
        best, record: for each operator, its least and greatest value so far, and the inputs that gave them.
    """

    def __init__(self, graph: OperatorGraph, form: FixedPoint, given: Words) -> None:
        self.graph, self.form = graph, form
        self.goals = goals_of(graph)
        self.visibility = Visibility(graph)
        self.batch = max(min(BATCH, VALUES // max(len(graph.operators), 1)), 3)
        self.most = min(MOST, BITS // (form.width * given.shape[1]))
        self.chosen: list[Words] = []
        self.idle = self.count = 0
        self.none = trivial(graph, self.goals)
        self.covered = np.append(self.none, True)
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
        rows: dict[bytes, Words] = {}
        counts = Counter[bytes]()
        for number, records in enumerate(self.record):
            for side, row in enumerate(records):
                if not self.covered[self.goals.limits + 2 * number + side]:
                    counts[row.tobytes()] += 1
                    rows.setdefault(row.tobytes(), row)
        if rows:
            samples = np.unique(np.stack(list(rows.values())), axis=0)
            uses = np.array([counts[row.tobytes()] for row in samples])
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
        for column, number in zip(cells[len(cells) - len(self.goals.steps) :], self.goals.steps, strict=True):
            self._hide(column, values, number, 0)
        seen = [cells]
        for k, number in enumerate(self.goals.tables):
            width = self.graph.operators[number].width
            for bit in range(width):
                column = (self.goals.bits[k] + addresses[k] * width + bit).astype(np.int32)
                self._hide(column, values, number, bit)
                seen.append(column[None])
        return np.concatenate(seen)

    def _hide(self, goals: Cells, values: list[Words], number: int, bit: int) -> None:
        """Mark goals, (n,), as missed in samples in which an operator's bit cannot be seen at an output.

        Goals that have been reached stay.
        """
        useful = np.flatnonzero(~self.covered[goals])
        if len(useful):
            computable = self.visibility.computed < COMPUTED
            unseen = (
                ~self.visibility.bit(values, useful, number, bit) if computable else np.ones(len(useful), dtype=bool)
            )
            goals[useful[unseen]] = MISSED


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
