"""Random circuits of truth tables."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from netgen.ir.activation import StepFunction, Steps
from netgen.ir.circuit import Circuit, CircuitLayer, word_ranges
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.thermometer import BIT


def random_table_network(rng: np.random.Generator, *, inputs: int, tables: int, classes: int) -> Circuit:
    """Truth tables of thermometer bits, perhaps tables of those, and for each class a count of some of the last."""
    entry = FixedPoint(int(rng.integers(2, 4)), 2, signed=bool(rng.integers(2)))
    words = np.arange(entry.lo + 1, entry.hi + 1)
    thresholds = tuple(sorted(rng.choice(words, int(rng.integers(1, 3)), replace=False).tolist()))
    first = inputs * len(thresholds)
    layers: list[CircuitLayer] = []
    bits = np.arange(first)
    for depth in range(int(rng.integers(1, 3))):
        layer = random_tables(rng, f"tables{depth}", bits, tables)
        layers.append(replace(layer, activation=random_truths(rng, layer), output=BIT))
        bits = np.arange(tables) + first + depth * tables
    groups = [np.sort(rng.choice(bits, int(rng.integers(1, tables + 1)), replace=False)) for _ in range(classes)]
    starts, source = np.cumsum([0, *map(len, groups)]), np.concatenate(groups)
    count = CircuitLayer("counts", starts, source, np.ones_like(source), rng.integers(0, 3, classes), frac=0)
    return Circuit(entry, np.ones(inputs), (*layers, count), thresholds)


def bits_in(circuit: Circuit) -> Words:
    """The numbers of the neurons whose words are bits."""
    lo, hi = (np.concatenate(ends) for ends in zip(*word_ranges(circuit), strict=True))
    return np.flatnonzero((lo >= 0) & (hi <= 1))


def random_tables(rng: np.random.Generator, name: str, bits: Words, neurons: int) -> CircuitLayer:
    """Tables of one to six of some bits; without activation."""
    most = min(6, len(bits))
    rows = [np.sort(rng.choice(bits, int(rng.integers(1, most + 1)), replace=False)) for _ in range(neurons)]
    starts, source = np.cumsum([0, *map(len, rows)]), np.concatenate(rows)
    return CircuitLayer(
        name, starts, source, np.ones_like(source), np.zeros(neurons, dtype=np.int64), frac=0, gather="table"
    )


def random_truths(rng: np.random.Generator, layer: CircuitLayer) -> Steps:
    """Entries of tables, 0 or 1, for each neuron of a layer."""
    functions = []
    for count in np.diff(layer.starts).tolist():
        entries = (rng.random(1 << count) < rng.choice([0.0, 0.2, 0.5, 0.8])).astype(np.int64)
        functions.append(StepFunction(np.arange(1, 1 << count), entries))
    return Steps(tuple(functions), np.arange(len(layer)))


@st.composite
def table_networks(draw: st.DrawFn, *, inputs: int = 4, tables: int = 12, classes: int = 4) -> Circuit:
    """Truth tables counted by class; see `random_table_network`."""
    return random_table_network(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        inputs=draw(st.integers(1, inputs)),
        tables=draw(st.integers(1, tables)),
        classes=draw(st.integers(1, classes)),
    )
