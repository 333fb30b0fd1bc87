"""Networks of truth tables: which bits each table reads, its entries, and which class counts it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.activation import StepFunction, Steps
from netgen.ir.arrays import frozen
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import FixedPoint, Reals, Words

__all__ = ["TruthTables", "circuit_of_tables", "tables_from"]

Truth = tuple[tuple[int, ...], tuple[int, ...]]
"""The bits that are read, ascending, and the entries, by the address that they form, the first bit the lowest."""
ARRAYS = ("source", "entry", "group")
WORD = FixedPoint(1, 0, signed=False)
"""The format of an entry."""


@dataclass(frozen=True, eq=False)
class TruthTables:
    """One layer of truth tables of equally many inputs; the score of a class is the count of its tables that give 1.

    Attributes:
        source: (n, k) int64, the bit that each input reads, none twice in a table; the first gives the lowest bit of
            the address.
        entry: (n, 2**k) int64, 0 or 1.
        group: (n,) int64, the class that counts each table.
        classes: number of classes.

    Raises: QuantizeError, for arrays that do not match, or numbers out of range.
    """

    source: Words
    entry: Words
    group: Words
    classes: int

    def __post_init__(self) -> None:
        for name in ("source", "entry", "group"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.int64))
        n, k = self.source.shape if self.source.ndim == 2 else (0, 0)
        if not n or not k or self.entry.shape != (n, 1 << k) or self.group.shape != (n,):
            shapes = f"{self.source.shape}, {self.entry.shape} and {self.group.shape}"
            raise QuantizeError(f"truth tables: sources, entries and groups of shapes {shapes} do not match")
        if (
            (self.entry & ~1).any()
            or self.source.min() < 0
            or not 0 <= self.group.min() <= self.group.max() < self.classes
        ):
            raise QuantizeError("truth tables: an entry is not 0 or 1, or a source or group does not exist")
        if (np.diff(np.sort(self.source, axis=1), axis=1) == 0).any():
            raise QuantizeError("truth tables: a table reads a bit twice; name each once")

    @property
    def arrays(self) -> dict[str, Words]:
        """All of it as arrays by name."""
        return {**{name: getattr(self, name) for name in ARRAYS}, "classes": np.array(self.classes)}

    def scores(self, bits: Words) -> Words:
        """The counts, (samples, classes), of bits (samples, inputs)."""
        place = np.int64(1) << np.arange(self.source.shape[1])
        found = np.zeros((len(bits), self.classes), dtype=np.int64)
        for row, entry, group in zip(self.source, self.entry, self.group.tolist(), strict=True):
            found[:, group] += entry[bits[:, row] @ place]
        return found


def tables_from(arrays: Mapping[str, Words]) -> TruthTables:
    """The truth tables of their `arrays`.

    Raises: QuantizeError, for arrays that are none.
    """
    source, entry, group = (arrays[name] for name in ARRAYS)
    return TruthTables(source, entry, group, int(arrays["classes"]))


def circuit_of_tables(
    tables: TruthTables, entering: FixedPoint, input_scale: Reals, thresholds: tuple[int, ...]
) -> Circuit:
    """Write truth tables as a circuit of few neurons: a layer of tables, and a layer of counts.

    Inputs that do not change a table are left out, equal tables are one, and constant ones move into the bias of the
    count; a bit that a table only passes on, or inverts, is counted as it is.

    Args:
        entering, input_scale, thresholds: of the circuit.
    Raises: QuantizeError, when no table is left, or a table reads a bit that the inputs do not have.
    """
    first = len(input_scale) * len(thresholds)
    if tables.source.max() >= first:
        raise QuantizeError(f"truth tables: bit {tables.source.max()} is read, but the inputs have {first}")
    bias, weight, numbers = (
        np.zeros(tables.classes, dtype=np.int64),
        [dict[int, int]() for _ in range(tables.classes)],
        {},
    )
    kept: list[Truth] = []
    for row, entry, group in zip(tables.source, tables.entry, tables.group.tolist(), strict=True):
        table = _reduced(row, entry)
        if not table[0]:
            bias[group] += table[1][0]
            continue
        factor = 1
        if len(table[0]) == 1:
            number, factor = table[0][0], table[1][1] - table[1][0]
            bias[group] += table[1][0]
        else:
            if table not in numbers:
                numbers[table] = first + len(kept)
                kept.append(table)
            number = numbers[table]
        weight[group][number] = weight[group].get(number, 0) + factor
    if not kept:
        raise QuantizeError("truth tables: none depends on more than one bit; train longer, or with more tables")
    return Circuit(entering, input_scale, (_tables(kept), _counts(weight, bias)), thresholds)


def _reduced(row: Words, entry: Words) -> Truth:
    """A table without the inputs that do not change it, the others ascending."""
    bits = row.tolist()
    for place in reversed(range(len(bits))):
        halves = entry.reshape(-1, 2, 1 << place)
        if np.array_equal(halves[:, 0], halves[:, 1]):
            entry = halves[:, 0].ravel()
            del bits[place]
    order = sorted(range(len(bits)), key=bits.__getitem__)
    address, before = np.arange(1 << len(bits)), np.zeros(1 << len(bits), dtype=np.int64)
    for place, old in enumerate(order):
        before |= (address >> place & 1) << old
    return tuple(bits[k] for k in order), tuple(entry[before].tolist())


def _tables(kept: Sequence[Truth]) -> CircuitLayer:
    functions: dict[tuple[int, ...], int] = {}
    chosen = [functions.setdefault(entries, len(functions)) for _, entries in kept]
    steps = tuple(_steps(entries) for entries in functions)
    source = np.concatenate([bits for bits, _ in kept])
    return CircuitLayer(
        name="tables",
        starts=np.cumsum([0, *(len(bits) for bits, _ in kept)]),
        source=source,
        weight=np.ones_like(source),
        bias=np.zeros(len(kept), dtype=np.int64),
        frac=0,
        activation=Steps(steps, np.array(chosen)),
        output=WORD,
        gather="table",
    )


def _steps(entries: Sequence[int]) -> StepFunction:
    """The entries as a step function of the address, one break where they change."""
    values = np.array(entries)
    at = np.flatnonzero(np.diff(values)) + 1
    return StepFunction(at, values[np.concatenate([[0], at])])


def _counts(weight: Sequence[Mapping[int, int]], bias: Words) -> CircuitLayer:
    rows = [sorted((number, w) for number, w in row.items() if w) for row in weight]
    numbers, weights = (np.array([pair[k] for row in rows for pair in row], dtype=np.int64) for k in (0, 1))
    starts = np.cumsum([0, *map(len, rows)])
    return CircuitLayer("counts", starts, numbers, weights, bias, frac=0)
