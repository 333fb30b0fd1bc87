"""Training of truth tables: the compiled step against plain sums, and tables that find what decides."""

import numpy as np
import pytest

from netgen.errors import TrainError
from netgen.ir.truth_tables import TruthTables
from netgen.nn.tables import TILE, best_bits, count_entries, entry_gradients, move_scores
from netgen.train.tables import BitSamples, TableRecipe, fit_tables

RNG = np.random.default_rng(1)
TABLES, INPUTS, BITS, SAMPLES, GROUPS = 18, 3, 7, 11, 2


def test_the_compiled_step_equals_plain_sums() -> None:
    """Tables of two tiles; every array by its definition, a sample at a time."""
    bits = RNG.integers(0, 2, (BITS, SAMPLES)).astype(np.uint8)
    source = np.stack([RNG.permutation(BITS)[:INPUTS] for _ in range(TABLES)])
    entry, group = RNG.integers(0, 2, (TABLES, 8)).astype(np.uint8), RNG.integers(0, GROUPS, TABLES)
    address, counts = np.zeros((TABLES, SAMPLES), dtype=np.uint8), np.zeros((GROUPS, SAMPLES), dtype=np.int32)
    count_entries(bits, source, entry, group, address, counts)
    place = (bits[source] * np.array([1, 2, 4])[:, None]).sum(axis=1)
    assert address.tolist() == place.tolist()
    for g in range(GROUPS):
        assert (
            counts[g].tolist() == sum(entry[n][place[n]].astype(int) for n in range(TABLES) if group[n] == g).tolist()
        )

    slope = RNG.standard_normal((TABLES, 8, INPUTS)).astype(np.float32)
    back = RNG.standard_normal((GROUPS, SAMPLES)).astype(np.float32)
    by_entry, width = np.zeros((TABLES, 8), dtype=np.float32), TILE * INPUTS
    by_input = np.zeros((2, SAMPLES, width), dtype=np.float32)
    entry_gradients(address, slope, group, back, by_entry, by_input)
    wanted = np.zeros((TABLES, 8))
    for n in range(TABLES):
        for b in range(SAMPLES):
            wanted[n, place[n, b]] += back[group[n], b]
            own = by_input[n // TILE, b, n % TILE * INPUTS :][:INPUTS]
            assert own.tolist() == (back[group[n], b] * slope[n, place[n, b]]).tolist()
    assert np.abs(by_entry - wanted).max() < 1e-5

    scores = RNG.standard_normal((2, BITS, width)).astype(np.float32)
    row, on = np.nonzero(bits.T)
    moved = scores.copy()
    move_scores(moved, np.searchsorted(row, np.arange(SAMPLES + 1)), on.astype(np.int32), by_input)
    assert np.abs(moved - (scores - np.einsum("pb,tbs->tps", bits.astype(float), by_input))).max() < 1e-5


def test_every_input_reads_the_bit_of_its_greatest_score_that_is_left() -> None:
    """Scores and the pull of the shares, of two tables; both inputs of the second want bit 2 most, then bit 0."""
    scores = np.zeros((1, 3, TILE * 2), dtype=np.float32)
    scores[0, :, 0], scores[0, :, 1] = [3, 2, 1], [1, 2, 2.5]
    scores[0, :, 2], scores[0, :, 3] = [1, 0, 5], [3, 2, 4]
    share, pull = np.array([0.0, 1.0, 0.0], dtype=np.float32), np.zeros((1, TILE * 2), dtype=np.float32)
    pull[0, 1] = 1  # of the second input of the first table: bit 1 then has 3
    source = np.zeros((2, 2), dtype=np.int64)
    best_bits(scores, share, pull, source)
    assert source.tolist() == [[0, 1], [2, 0]]


def _majorities(samples: int) -> BitSamples:
    """Bits by chance, most of them off, and whether at least two of bits 2, 5 and 11 are on."""
    bits = (np.random.default_rng(samples).random((samples, 16)) < 0.35).astype(np.uint8)
    return BitSamples(bits, (bits[:, [2, 5, 11]].sum(axis=1) > 1).astype(np.int64))


RECIPE = TableRecipe(epochs=12, batch_size=32, learning_rate=0.02, label_smoothing=0.0)


def _fitted(seed: int = 1, recipe: TableRecipe = RECIPE) -> tuple[TruthTables, float]:
    seen = _majorities(2000)
    return fit_tables([seen.bits], seen.labels, _majorities(500), recipe, tables=8, inputs=3, classes=2, seed=seed)


def test_tables_find_the_bits_that_decide() -> None:
    """Of 16 bits three decide; a table of just these three is right for every sample."""
    tables, accuracy = _fitted()
    assert accuracy == 1.0
    assert [2, 5, 11] in np.sort(tables.source, axis=1).tolist()


def test_a_seed_decides_everything() -> None:
    first, again, other = (_fitted(seed, TableRecipe(1, 32, 0.02, 0.0))[0].arrays for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["entry"], other["entry"])


def test_the_accuracy_is_that_of_the_tables_that_are_kept() -> None:
    seen = _majorities(500)
    tables, accuracy = _fitted(recipe=TableRecipe(2, 32, 0.02, 0.1))
    assert accuracy == (tables.scores(seen.bits.astype(np.int64)).argmax(axis=1) == seen.labels).mean()


def test_tables_that_do_not_divide_by_the_classes_are_refused() -> None:
    seen = _majorities(100)
    with pytest.raises(TrainError, match=r"^network\.tables: 9 for 2 classes; give a multiple of 2$"):
        fit_tables([seen.bits], seen.labels, seen, RECIPE, tables=9, inputs=3, classes=2, seed=1)


def test_more_inputs_than_bits_that_change_are_refused() -> None:
    seen = _majorities(100)
    seen.bits[:, 2:] = 0
    with pytest.raises(TrainError, match=r"^network\.table_inputs: 3, but only 2 bits of the samples change; set it"):
        fit_tables([seen.bits], seen.labels, seen, RECIPE, tables=8, inputs=3, classes=2, seed=1)
