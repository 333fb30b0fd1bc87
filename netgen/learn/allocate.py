"""Bit allocation: remove signed digits of weights, first those with the least rise of the loss per saving."""

import copy
from typing import TYPE_CHECKING

import numpy as np

from netgen.data import Dataset
from netgen.ir.digits import count_digits, few_digits
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.learn.follow import Distances
from netgen.progress import Progress, silent

if TYPE_CHECKING:
    from netgen.quantize import QuantizedMlp
    from netgen.train import Recipe, Samples

REMOVED_PER_ROUND = 0.1
"""Share of the remaining digits that each round removes."""
CURVATURE_SAMPLES = 5_000
"""Training samples for the curvature."""


def allocate(
    module: "QuantizedMlp",
    data: Dataset,
    samples: "Samples",
    recipe: "Recipe",
    distances: Distances,
    *,
    accuracy: float,
    rounds: int,
    tables: int,
    seed: int,
    progress: Progress = silent,
) -> None:
    """Remove signed digits of a fine-tuned module's weights, in place, as long as its accuracy holds.

    Removing a digit costs the rise of the loss, to second order, when its weight is rounded to one digit less: h d^2 /
    2, with h the second derivative and d the change of the weight. The saving is its share of all look-up tables (one
    for each bit of the input) plus, for the last digit of a weight, its share of the wire length; shares are added
    because their sum is the relative change of the product. Each round removes the digits of least rise per saving
    and trains an epoch. The module keeps the state after the last round that held the accuracy.

    Args:
        accuracy: on validation data, 0 to 1, at least.
        rounds: at most.
        tables: neurons with at most this many input bits are look-up tables, whatever digits their weights have.
    Source: our own; Optimal Brain Damage (LeCun, Denker and Solla 1990) for digits instead of weights.
    """
    from netgen.train import Descent, accuracy_of

    descent = Descent(module, samples, recipe, seed=seed)
    for number in range(1, rounds + 1):
        held = copy.deepcopy(module.state_dict()), module.limits
        module.limits = _fewer_digits(module, data, distances, tables)
        descent.run(descent.per_epoch)
        reached = accuracy_of(module, data.validation)
        left = sum(int(count_digits(words).sum()) for words in module.words())
        progress(f"bit allocation: {left:,} signed digits, validation accuracy {reached:.2%}", number / rounds)
        if reached < accuracy:
            module.load_state_dict(held[0])
            module.limits = held[1]
            return


def _fewer_digits(module: "QuantizedMlp", data: Dataset, distances: Distances, tables: int) -> list[Words]:
    """Lower limits for the digits of each weight, per layer (n_out, n_in), after one round."""
    from netgen.train import curvature_in

    words, formats = module.words(), module.formats
    digits = [count_digits(layer) for layer in words]
    observed = data.train.features[:CURVATURE_SAMPLES].astype(np.float64)
    curvature = curvature_in(module.network(), observed, rounding=formats.activations)
    length = distances([layer != 0 for layer in words], ())
    into = (formats.entering, *formats.activations)
    lut = [_lut_of_a_digit(layer, word.width, tables) for layer, word in zip(words, into, strict=True)]
    all_lut = max(sum(float((a * b).sum()) for a, b in zip(lut, digits, strict=True)), 1.0)
    all_length = max(sum(float(a[b != 0].sum()) for a, b in zip(length, words, strict=True)), 1.0)
    ranks = []
    for depth, form in enumerate(formats.weights):
        rise = curvature[depth] * _change(words[depth], form) ** 2 / 2
        saving = lut[depth] / all_lut + np.where(digits[depth] == 1, length[depth], 0.0) / all_length
        ranks.append(np.where((digits[depth] > 0) & (saving > 0), rise / np.maximum(saving, 1e-30), np.inf))
    flat = np.concatenate([rank.ravel() for rank in ranks])
    most = max(int(REMOVED_PER_ROUND * sum(int(layer.sum()) for layer in digits)), 1)
    order = np.argsort(flat, kind="stable")[:most]
    removed = np.zeros(len(flat), dtype=np.int64)
    removed[order[np.isfinite(flat[order])]] = 1
    parts = np.split(removed, np.cumsum([rank.size for rank in ranks])[:-1])
    return [
        np.where(part.reshape(now.shape) > 0, now - 1, limit)
        for part, now, limit in zip(parts, digits, module.limits, strict=True)
    ]


def _lut_of_a_digit(words: Words, width: int, tables: int) -> Reals:
    """Look-up tables of each digit of a layer's weights, (n_out, n_in); 0 in neurons that are tables.

    Args:
        width: bits of the layer's inputs.
    """
    tabled = (words != 0).sum(axis=1) * width <= tables
    return np.where(tabled[:, None], 0.0, np.full(words.shape, float(width)))


def _change(words: Words, form: FixedPoint) -> Reals:
    """Magnitude of the change of each weight, (n_out, n_in), when it is rounded to one digit less."""
    digits = count_digits(words)
    change = np.zeros(words.shape)
    for count in range(1, int(digits.max(initial=0)) + 1):
        these = digits == count
        change[these] = np.abs(few_digits(form, count - 1)[words[these] - form.lo] - words[these]) * form.step
    return change
