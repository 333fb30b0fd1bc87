"""Training of truth tables: their entries and what they read, by hard forward passes and straight-through gradients.

Each class counts the tables of its group that give 1; the class of the greatest count wins. The loss is the cross
entropy of the counts, divided by `TEMPERATURE` times the root of the tables in a group, the deviation of their count by
chance.

- A table gives the sign of the entry addressed, and the entry receives the gradient of the table's group (Adam).
  Entries are limited to 1 in magnitude, so that none is decided for ever.
- An input receives, for each sample, the difference of the two entries between which its bit chooses.
- Each input reads the bit of its greatest score. The gradient of a score is that of the input times the bit, less the
  bit's mean: what bits have in common would otherwise decide. Scores move by plain gradient descent; no table reads a
  bit twice. For the last part of the training they stay as they are.

Source: Bacellar et al. 2024 (differentiable weightless networks, learnable mapping); ours differs in the gradients.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netgen.data import Floats
from netgen.errors import TrainError
from netgen.ir.fixed import Words
from netgen.ir.truth_tables import TruthTables
from netgen.nn.tables import TILE, best_bits, count_entries, entry_gradients, move_scores
from netgen.progress import Progress, silent
from netgen.train.samples import undistorted_at_the_end

__all__ = ["BitSamples", "TableRecipe", "fit_tables"]

SampleBits = NDArray[np.uint8]
"""(samples, inputs), 0 or 1."""

TEMPERATURE = 0.5
"""Of the softmax, times the root of the number of tables in a group."""
SCORE_STEP = 1.0
"""Step of the scores, times the gradient of a sample, not of the mean of a batch."""
SCORE_SPREAD = 0.1
"""Standard deviation of the scores at the start."""
FROZEN = 0.8
"""Share of the training after which tables read what they read."""
RARE = 0.005
"""Bits that are on, or off, in fewer of the training samples are not read."""
DECAY = (0.9, 0.999)
"""Of Adam's two moments."""
TINY = 1e-10
"""Added to the root of the second moment, which is 0 for entries that no sample addresses."""


@dataclass(frozen=True)
class TableRecipe:
    """Hyperparameters of training.

    Attributes:
        learning_rate: of the entries; it falls linearly to a thousandth, as the step of the scores does.
        label_smoothing: share of each label that is spread over all classes.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    label_smoothing: float


@dataclass(frozen=True, eq=False)
class BitSamples:
    """Samples as bits, and their classes, (samples,)."""

    bits: SampleBits
    labels: Words


def fit_tables(
    views: Sequence[SampleBits],
    labels: Words,
    validation: BitSamples,
    recipe: TableRecipe,
    *,
    tables: int,
    inputs: int,
    classes: int,
    seed: int,
    progress: Progress = silent,
) -> tuple[TruthTables, float]:
    """Train truth tables, equally many for each class, and keep those of the epoch of the best validation accuracy.

    Args:
        views: the training samples, then distorted copies of them; epochs show them in turn.
        labels: (samples,).
        tables: a multiple of `classes`.
        inputs: of each table.
    Returns: the tables, and their validation accuracy, 0 to 1.
    Raises: TrainError, when fewer bits than a table's inputs change in the samples, or tables do not divide.
    """
    if tables % classes:
        raise TrainError(f"network.tables: {tables} for {classes} classes; give a multiple of {classes}")
    share = views[0].mean(axis=0)
    read = np.flatnonzero((share >= RARE) & (share <= 1 - RARE))
    if len(read) < inputs:
        raise TrainError(
            f"network.table_inputs: {inputs}, but only {len(read)} bits of the samples change; set it to at most that, "
            "or change data.thresholds"
        )
    training = _Training(share[read].astype(np.float32), tables, inputs, classes, recipe, seed)
    tested = BitSamples(np.ascontiguousarray(validation.bits[:, read]), validation.labels)
    steps = max(len(labels) // recipe.batch_size, 1)
    best, found = -1.0, training.tables(read)
    order_of_views = undistorted_at_the_end(recipe.epochs, len(views))
    for epoch, view in zip(range(recipe.epochs), order_of_views, strict=False):
        shown = np.ascontiguousarray(views[view][:, read])
        order = training.random.permutation(len(labels))
        for step in range(steps):
            rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            training.step(shown[rows], labels[rows], (epoch + step / steps) / recipe.epochs)
        accuracy = training.accuracy(tested)
        if accuracy >= best:
            best, found = accuracy, training.tables(read)
        progress(
            f"train: epoch {epoch + 1} of {recipe.epochs}, validation accuracy {accuracy:.2%}",
            (epoch + 1) / recipe.epochs,
        )
    return found, best if recipe.epochs else training.accuracy(tested)


class _Training:
    """Truth tables in training.

    Attributes:
        latent: (tables, 2**inputs), an entry is 1 where it is positive.
        source: (tables, inputs), the bit that each input reads.
        scores, pull: of each bit at each input; see `best_bits`.
    """

    def __init__(self, share: Floats, tables: int, inputs: int, classes: int, recipe: TableRecipe, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.share, self.recipe, self.classes = share, recipe, classes
        self.group = np.arange(tables) * classes // tables
        self.temperature = TEMPERATURE * math.sqrt(tables / classes)
        self.latent = self.random.uniform(-1, 1, (tables, 1 << inputs)).astype(np.float32)
        tiles = -(-tables // TILE)
        self.scores = self.random.standard_normal((tiles, len(share), TILE * inputs), dtype=np.float32)
        self.scores *= np.float32(SCORE_SPREAD)
        self.pull = np.zeros((tiles, TILE * inputs), dtype=np.float32)
        self.source = np.zeros((tables, inputs), dtype=np.int64)
        best_bits(self.scores, self.share, self.pull, self.source)
        self._mean, self._square = np.zeros_like(self.latent), np.zeros_like(self.latent)
        self._steps = 0

    def tables(self, read: Words) -> TruthTables:
        """The tables as they are; `read` are the numbers of the bits that they may read."""
        return TruthTables(read[self.source], self._entries().astype(np.int64), self.group, self.classes)

    def accuracy(self, samples: BitSamples) -> float:
        """Share of the samples, 0 to 1, whose greatest count is that of their class; the lowest class wins a tie."""
        counts = self._read(np.ascontiguousarray(samples.bits.T))[1]
        return float((counts.argmax(axis=0) == samples.labels).mean())

    def step(self, bits: SampleBits, labels: Words, done: float) -> None:
        """Take one step, at a share `done` of the training."""
        rate = 1 - (1 - 1e-3) * done
        address, counts = self._read(np.ascontiguousarray(bits.T))
        back = self._gradient(counts, labels)
        by_entry = np.empty_like(self.latent)
        moves = done < FROZEN
        by_input = np.zeros((len(self.scores) if moves else 0, len(bits), self.scores.shape[2]), dtype=np.float32)
        slope = self._slopes(np.float32(SCORE_STEP * rate)) if moves else np.zeros((1, 1, 1), dtype=np.float32)
        entry_gradients(address, slope, self.group, back, by_entry, by_input)
        if moves:
            row, on = np.nonzero(bits)
            move_scores(self.scores, np.searchsorted(row, np.arange(len(bits) + 1)), on.astype(np.int32), by_input)
            self.pull += by_input.sum(axis=1)
            best_bits(self.scores, self.share, self.pull, self.source)
        self._adam(by_entry / np.float32(len(bits)), self.recipe.learning_rate * rate)

    def _entries(self) -> SampleBits:
        return (self.latent > 0).astype(np.uint8)

    def _read(self, across: SampleBits) -> tuple[SampleBits, NDArray[np.int32]]:
        """The addresses, (tables, samples), and the counts, (classes, samples), of bits, (inputs, samples)."""
        address = np.empty((len(self.source), across.shape[1]), dtype=np.uint8)
        counts = np.zeros((self.classes, across.shape[1]), dtype=np.int32)
        count_entries(across, self.source, self._entries(), self.group, address, counts)
        return address, counts

    def _gradient(self, counts: NDArray[np.int32], labels: Words) -> Floats:
        """Of each sample's loss by the counts, (classes, samples), times the temperature."""
        scores = counts / self.temperature
        power = np.exp(scores - scores.max(axis=0))
        found = power / power.sum(axis=0) - self.recipe.label_smoothing / self.classes
        found[labels, np.arange(len(labels))] -= 1 - self.recipe.label_smoothing
        gradient: Floats = found.astype(np.float32)
        return gradient

    def _slopes(self, step: np.float32) -> Floats:
        """By how much each bit of an address raises the entry there, (tables, entries, inputs), times a step."""
        address = np.arange(self.latent.shape[1])
        places = [1 << j for j in range(self.source.shape[1])]
        pairs = [self.latent[:, address | place] - self.latent[:, address & ~place] for place in places]
        slopes: Floats = np.stack(pairs, axis=2) * step
        return slopes

    def _adam(self, gradient: Floats, rate: float) -> None:
        self._steps += 1
        self._mean += np.float32(1 - DECAY[0]) * (gradient - self._mean)
        self._square += np.float32(1 - DECAY[1]) * (gradient**2 - self._square)
        mean, square = (
            moment / np.float32(1 - decay**self._steps)
            for moment, decay in zip((self._mean, self._square), DECAY, strict=True)
        )
        self.latent -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(TINY))
        np.clip(self.latent, -1, 1, out=self.latent)
