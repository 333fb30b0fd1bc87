"""A model trained on features of another scale is told, with what fits; one that fits is left in peace."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import netgen
from netgen.flow.feature_scale import misfit
from netgen.flow.imported import RawSamples
from netgen.importer.inputs import of_raw_features
from netgen.ir.fixed import Reals
from netgen.spec.network import NetworkSpec

RAW, Y = load_digits(return_X_y=True)
SEEN = RAW[np.linspace(0, len(RAW) - 1, 500).astype(int)]
"""Samples on which it is measured: 500 over the whole set."""
PLAIN = NetworkSpec(source="net.onnx")


def trained(x: Reals, shape: tuple[int, ...] = (64,)) -> netgen.Network:
    """A network that PyTorch has fitted to the digits, given in some scale and shape."""
    torch.manual_seed(0)
    seen, labels = torch.tensor(x.reshape(-1, *shape), dtype=torch.float32), torch.tensor(Y)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(120):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(seen), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert (model(seen).argmax(1) == labels).float().mean() > 0.95
    return netgen.read(model.eval(), example=seen[:1])


def told(network: netgen.Network, x: Reals, section: NetworkSpec = PLAIN, labels: Reals = Y) -> str | None:
    return misfit(network, section, RawSamples(x, x, labels.astype(np.int64)))


SCALED = (RAW - RAW.mean()) / RAW.std()


@pytest.fixture(scope="module")
def network() -> netgen.Network:
    return trained(SCALED)


@pytest.mark.parametrize("factor", [1.0, 1.3])
def test_a_model_given_what_it_was_trained_on_is_left_in_peace(network: netgen.Network, factor: float) -> None:
    assert told(network, SCALED * factor) is None


def test_few_samples_or_no_labels_say_nothing(network: netgen.Network) -> None:
    assert told(network, 100 * SCALED[:29], labels=Y[:29]) is None
    assert misfit(network, PLAIN, RawSamples(RAW, 100 * RAW)) is None


def test_mean_and_deviation_of_the_features_are_named_where_they_fit(network: netgen.Network) -> None:
    line = told(network, RAW * 100 + 5000)
    assert line is not None
    assert f" with mean={SEEN.mean() * 100 + 5000:.4g} and std={SEEN.std() * 100:.4g}; " in line


def test_what_the_spec_folds_in_is_taken_out_again(network: netgen.Network) -> None:
    """With the right mean and std folded in, raw features fit; with others, the right ones are named."""
    for mean, std, fits in ((RAW.mean(), RAW.std(), True), (200.0, RAW.std(), False)):
        section = NetworkSpec(source="net.onnx", scale=1.0, mean=(mean,), std=(std,))
        raw = of_raw_features(network, scale=1.0, mean=section.mean, std=section.std)
        line = told(raw, RAW, section)
        assert (line is None) == fits
        assert fits or f" with mean={SEEN.mean():.4g} and std={SEEN.std():.4g}; " in str(line)


def test_channels_that_come_last_are_found() -> None:
    """The 8 x 8 pixels taken as 4 channels of 4 x 4."""
    images = (RAW / 16).reshape(-1, 4, 4, 4)
    network = trained(images, (4, 4, 4))
    last = images.transpose(0, 2, 3, 1).reshape(-1, 64)
    assert " with channels first, x.transpose(0, 3, 1, 2); " in str(told(network, last))
    assert " with channels first, x.transpose(0, 3, 1, 2) and scale=1/255; " in str(told(network, 255 * last))
    assert told(network, images.reshape(-1, 64)) is None


def test_labels_in_another_order_are_told_as_chance(network: netgen.Network) -> None:
    line = told(network, SCALED, labels=(Y + 1) % 10)
    assert line is not None
    assert line.endswith("labels numbered as its outputs")
