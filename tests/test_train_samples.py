"""Samples with a teacher, and distorted copies."""

import numpy as np
import pytest
import torch
from torch import nn
from train_cases import RECIPE

from netgen.data import Dataset
from netgen.spec.sections import AugmentSpec
from netgen.train import Recipe, Samples, distort


def test_distillation_from_one_hot_labels_is_cross_entropy_and_a_share_mixes_both(digits: Dataset) -> None:
    """At temperature 1, with soft labels equal to the labels, the distillation loss is the cross entropy."""
    samples = Samples.of(digits.train)
    taught = samples.with_teacher(lambda x: 1e4 * nn.functional.one_hot(samples.labels[: len(x)], 10).float(), 1.0)
    batch = next(taught.stream(16, seed=1))._replace(soft_labels=None)
    scores = torch.randn(16, 10, generator=torch.Generator().manual_seed(1))
    hard = nn.functional.one_hot(batch.labels, 10).float()
    plain = RECIPE.loss(scores, batch)
    mixed = Recipe(32, 0.005, 0.0, 0.0, distill=0.3, temperature=1.0).loss(scores, batch._replace(soft_labels=hard))
    assert float(mixed) == pytest.approx(float(plain), rel=1e-6)
    soft = torch.full((16, 10), 0.1)
    by_hand = 0.7 * plain + 0.3 * 4 * (soft * (soft.log() - torch.log_softmax(scores / 2, 1))).sum(dim=1).mean()
    softened = Recipe(32, 0.005, 0.0, 0.0, distill=0.3, temperature=2.0).loss(scores, batch._replace(soft_labels=soft))
    assert float(softened) == pytest.approx(float(by_hand), rel=1e-6)


def test_distorted_copies_are_repeatable_and_equal_the_images_when_all_distortions_are_0(digits: Dataset) -> None:
    still = AugmentSpec(copies=1, shift=0, rotate=0, zoom=0, shear=0, warp=0)
    (same,) = distort(digits.train, still, seed=1)
    assert np.allclose(same.numpy() / 256, digits.train.features, atol=0.003)
    mirrored = distort(digits.train, still.model_copy(update={"mirror": True}), seed=1)[0].numpy().reshape(-1, 8, 8)
    flipped = digits.train.features.reshape(-1, 8, 8)[:, :, ::-1]
    flipped_images = np.abs(mirrored / 256 - flipped).max(axis=(1, 2)) < 0.003
    assert 0.4 < flipped_images.mean() < 0.65
    one, two = (distort(digits.train, AugmentSpec(copies=2), seed=1) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[0], one[1])
