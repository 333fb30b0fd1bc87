"""Truth tables and their circuit: worked by hand, and equal to the counts for any tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import lowered

from netgen.errors import QuantizeError
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.truth_tables import TruthTables, circuit_of_tables, tables_from
from netgen.operators.prove import prove

ENTRY = FixedPoint(2, 0, signed=False)


def made(tables: TruthTables) -> Circuit:
    """The circuit of tables that read four bits: words of two bits, each by whether it reaches 2."""
    return circuit_of_tables(tables, ENTRY, np.ones(4), (2,))


def test_what_changes_no_score_is_no_table_worked_by_hand() -> None:
    """Class 0 counts an AND of bits 2 and 0, the same AND written with its inputs swapped, and the constant 1.

    Class 1 counts bit 3, the inverse of bit 1, and an AND with bit 2 that class 0 has already.
    """
    source = np.array([[2, 0], [0, 2], [1, 3], [3, 0], [0, 1], [2, 0]])
    entry = np.array([[0, 0, 0, 1], [0, 0, 0, 1], [1, 1, 1, 1], [0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 1]])
    circuit = made(TruthTables(source, entry, np.array([0, 0, 0, 1, 1, 1]), 2))
    tables, counts = circuit.layers
    assert (len(tables), tables.gather, tables.source.tolist()) == (1, "table", [0, 2])
    assert [row.tolist() for row in (*counts.row(0), *counts.row(1))] == [[4], [2], [1, 3, 4], [-1, 1, 1]]
    assert counts.bias.tolist() == [1, 1]


@st.composite
def truth_tables(draw: st.DrawFn) -> TruthTables:
    """Up to eight tables of four bits, many of them constant in some inputs or equal to others."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, k, classes = draw(st.integers(1, 8)), draw(st.integers(2, 4)), draw(st.integers(1, 3))
    source = np.stack([rng.permutation(4)[:k] for _ in range(n)])
    entry = rng.integers(0, 2, (n, 1 << k))
    for row in entry:
        place = 1 << int(rng.integers(k))
        if rng.random() < 0.5:
            row[:] = row[np.arange(1 << k) & ~place]
    entry[0, 0], entry[0, 1:] = 1, 0  # depends on all of its bits
    return TruthTables(source, entry, rng.integers(0, classes, n), classes)


@given(truth_tables())
def test_the_circuit_gives_the_counts_of_the_tables(tables: TruthTables) -> None:
    circuit = made(tables)
    bits = np.array([[k >> place & 1 for place in range(4)] for k in range(16)])
    wanted = np.zeros((16, tables.classes), dtype=np.int64)
    for row, entry, group in zip(tables.source.tolist(), tables.entry.tolist(), tables.group.tolist(), strict=True):
        for sample, values in enumerate(bits.tolist()):
            wanted[sample, group] += entry[sum(values[bit] << place for place, bit in enumerate(row))]
    assert evaluate(circuit, bits * 3).tolist() == wanted.tolist()
    assert tables.scores(bits).tolist() == wanted.tolist()
    prove(lowered(circuit, argmax=True), circuit)


def test_tables_are_the_same_when_read_back() -> None:
    tables = TruthTables(np.array([[1, 0]]), np.array([[0, 1, 1, 0]]), np.array([2]), 3)
    again = tables_from(tables.arrays)
    assert all(np.array_equal(array, again.arrays[name]) for name, array in tables.arrays.items())


ONE: Words = np.array([[0, 1]])
NONE: Words = np.zeros((1, 4), dtype=np.int64)
FIRST: Words = np.zeros(1, dtype=np.int64)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (lambda: TruthTables(ONE, np.zeros((1, 8), dtype=np.int64), FIRST, 1), "sources, entries and groups of shapes"),
        (lambda: TruthTables(ONE, NONE + 2, FIRST, 1), "an entry is not 0 or 1"),
        (lambda: TruthTables(ONE, NONE, FIRST + 1, 1), "a source or group does not exist"),
        (lambda: TruthTables(np.array([[1, 1]]), NONE, FIRST, 1), "a table reads a bit twice"),
        (lambda: made(TruthTables(ONE, NONE, FIRST, 1)), "none depends on more than one bit"),
        (
            lambda: made(TruthTables(ONE + 3, np.eye(1, 4, dtype=np.int64), FIRST, 1)),
            "bit 4 is read, but the inputs have 4",
        ),
    ],
)
def test_tables_that_are_none_are_refused(tables: object, message: str) -> None:
    with pytest.raises(QuantizeError, match=message):
        tables()  # type: ignore[operator]
