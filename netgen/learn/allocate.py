"""Bit allocation: a network gives up signed digits of its weights, the dearest for what they tell first."""

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netgen.data import Dataset
from netgen.ir.digits import count_digits, few_digits
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.ir.network import Bools
from netgen.progress import Progress, silent

if TYPE_CHECKING:
    from netgen.quantize import QuantizedMlp
    from netgen.train import Recipe, Samples

GIVEN_UP = 0.1
"""Share of the digits that are left which each round gives up."""
LOOKED_AT = 5_000
"""Training samples on which curvature is taken."""

Distances = Callable[[Sequence[Bools]], list[Reals]]
"""Places a network by its masks, (n_out, n_in) each, and measures between all of its neurons."""


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
    """Let a fine-tuned module give up digits, in place, round by round, as long as it stays accurate enough.

    What a digit tells is by how much the loss rises, to second order, when its weight is rounded to one digit less:
    h d^2 / 2, with h the second derivative and d the change of the weight. What it takes is as many look-up tables as
    its input has bits, and, if it is the weight's last, a wire. Those digits go first that tell the least for their
    share in look-up tables and in wire length, since the two shares add up to the change of the product. An epoch of
    training follows each round; the module stays as it was after the last round that held the accuracy.

    Args:
        accuracy: on validation data, at least.
        tables: neurons that at most so many bits enter are look-up tables, whatever digits their weights have.
    Source: our own; Optimal Brain Damage (LeCun, Denker and Solla 1990) for digits instead of weights.
    """
    from netgen.train import Descent, accuracy_of

    descent = Descent(module, samples, recipe, seed=seed)
    for number in range(1, rounds + 1):
        held = copy.deepcopy(module.state_dict()), module.limits
        module.limits = _without_the_dearest(module, data, distances, tables)
        descent.run(descent.per_epoch)
        reached = accuracy_of(module, data.validation)
        left = sum(int(count_digits(words).sum()) for words in module.words())
        progress(f"bit allocation: {left:,} signed digits, validation accuracy {reached:.2%}", number / rounds)
        if reached < accuracy:
            module.load_state_dict(held[0])
            module.limits = held[1]
            return


def _without_the_dearest(module: "QuantizedMlp", data: Dataset, distances: Distances, tables: int) -> list[Words]:
    """New limits for the digits of each weight, per layer (n_out, n_in)."""
    from netgen.train import curvature_in

    words, formats = module.words(), module.formats
    digits = [count_digits(layer) for layer in words]
    curvature = curvature_in(module.network(), data.train.features[:LOOKED_AT], rounding=formats.activations)
    length = distances([layer != 0 for layer in words])
    into = (formats.entering, *formats.activations)
    lut = [_lut_of_a_digit(layer, word.width, tables) for layer, word in zip(words, into, strict=True)]
    all_lut = max(sum(float((a * b).sum()) for a, b in zip(lut, digits, strict=True)), 1.0)
    all_length = max(sum(float(a[b != 0].sum()) for a, b in zip(length, words, strict=True)), 1.0)
    ranks = []
    for depth, form in enumerate(formats.weights):
        tells = curvature[depth] * _change(words[depth], form) ** 2 / 2
        takes = lut[depth] / all_lut + np.where(digits[depth] == 1, length[depth], 0.0) / all_length
        ranks.append(np.where((digits[depth] > 0) & (takes > 0), tells / np.maximum(takes, 1e-30), np.inf))
    flat = np.concatenate([rank.ravel() for rank in ranks])
    most = max(int(GIVEN_UP * sum(int(layer.sum()) for layer in digits)), 1)
    order = np.argsort(flat, kind="stable")[:most]
    less = np.zeros(len(flat), dtype=np.int64)
    less[order[np.isfinite(flat[order])]] = 1
    parts = np.split(less, np.cumsum([rank.size for rank in ranks])[:-1])
    return [
        np.where(part.reshape(now.shape) > 0, now - 1, limit)
        for part, now, limit in zip(parts, digits, module.limits, strict=True)
    ]


def _lut_of_a_digit(words: Words, width: int, tables: int) -> Reals:
    """Look-up tables that each digit of a layer's weights takes, (n_out, n_in): of a table, none."""
    tabled = (words != 0).sum(axis=1) * width <= tables
    return np.where(tabled[:, None], 0.0, np.full(words.shape, float(width)))


def _change(words: Words, form: FixedPoint) -> Reals:
    """By how much each weight changes when it is rounded to one digit less, (n_out, n_in)."""
    digits = count_digits(words)
    change = np.zeros(words.shape)
    for count in range(1, int(digits.max(initial=0)) + 1):
        these = digits == count
        change[these] = np.abs(few_digits(form, count - 1)[words[these] - form.lo] - words[these]) * form.step
    return change
