"""Tell a model that was trained on scaled features and is given raw ones: the commonest mistake of all.

Nothing fails then: the hardware computes the model, and both classify at random. So the model's own accuracy is
compared with that of always giving the most frequent class, and with what the usual scalings would give.
"""

from collections.abc import Iterator

import numpy as np

from netgen.flow.classes import classes_of, middle_of
from netgen.flow.imported import Features, RawSamples
from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Network
from netgen.spec.network import NetworkSpec

__all__ = ["misfit"]

NEAR = 0.2
"""A model near chance: it classifies right fewer than this share of what the most frequent class leaves."""
GAIN = 0.5
"""A scaling fits better that removes at least this share of the model's errors."""
SAMPLES = 500
"""Samples, at most, on which this is measured."""
WORK = 200_000_000
"""Multiplications for each scaling that is tried, at most: about a second."""
FEWEST = 30
"""Samples from which an accuracy says something."""


def misfit(network: Network, section: NetworkSpec, samples: RawSamples) -> str | None:
    """Say that a model does not fit its samples, and which scaling of the features does.

    Args:
        network: reads raw features; the section's scale, mean and std are in it.
    Returns: one line with the accuracy of the model itself and of always giving the most frequent class; None where
        the model does better than chance and no usual scaling does much better, where labels are missing, or where
        netgen has trained the network on these very features.
    """
    if section.layers:
        return None
    count = min(len(samples.test), SAMPLES, WORK // max(network.wires, 1))
    if samples.labels is None or count < FEWEST:
        return None
    at = np.linspace(0, len(samples.test) - 1, count).astype(np.int64)  # classes may stand in order
    raw, labels = samples.test[at].reshape(count, -1).astype(np.float64), samples.labels[at]
    own, guess = _accuracy(network, raw, labels), int(np.bincount(labels).max()) / count
    near = own - guess < NEAR * (1 - guess)
    best, fix = own, ""
    for text, x in _scalings(network, raw) if len(network.inputs) == 1 else ():
        found = _accuracy(network, _read_as(x, section), labels)
        if found > best:
            best, fix = found, text
    fits = best > own and 1 - best <= (1 - GAIN) * (1 - own)
    if not near and not fits:
        return None
    says = f"data: your model itself, in float, classifies {own:.1%} of {count:,} samples right as they are given"
    if fits:
        return f"{says}, and {best:.1%} with {fix}; always giving the most frequent class gives {guess:.1%}"
    return (
        f"{says}; always giving the most frequent class gives {guess:.1%}; give what it was trained on: scale, mean "
        "and std of the features, (n, channels, height, width) of images, labels numbered as its outputs"
    )


def _accuracy(network: Network, raw: Reals, labels: Words) -> float:
    with np.errstate(all="ignore"):  # a wrong scale may overflow
        return float((classes_of(network.head_values(raw), network.outputs, middle_of(network)) == labels).mean())


def _read_as(wanted: Reals, section: NetworkSpec) -> Reals:
    """Raw features of which the network reads the wanted numbers."""
    std = _wide(section.std, wanted.shape[1], 1.0)
    raw: Reals = (wanted * std + _wide(section.mean, wanted.shape[1], 0.0)) / section.scale
    return raw


def _wide(values: tuple[float, ...], features: int, default: float) -> Reals:
    """One number for each feature, of one for each, for each channel, or for all."""
    return np.repeat(np.array(values or (default,), dtype=np.float64), features // max(len(values), 1))


def _scalings(network: Network, raw: Reals) -> Iterator[tuple[str, Reals]]:
    """What the model may have been trained on, and what to write for it; the likeliest first."""
    shape = network.inputs[0].shape
    layouts = [("", raw)]
    if len(shape) == 3 and shape[0] > 1:
        channels, height, width = shape
        moved = raw.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(len(raw), -1)
        layouts.append(("channels first, x.transpose(0, 3, 1, 2)", moved))
    for layout, x in layouts:
        for text, scaled in _scaled(x):
            yield " and ".join(filter(None, (layout, text))) or "scale=1", scaled


def _scaled(x: Features) -> Iterator[tuple[str, Reals]]:
    most = float(np.abs(x).max(initial=0)) or 1.0
    yield "", x
    for scale, text in ((1 / most, f"1/{most:g}"), (1 / 255, "1/255"), (1 / 256, "1/256"), (255.0, "255")):
        yield f"scale={text}", x * scale
    yield "scale=2/255 and mean=1", x * 2 / 255 - 1
    spread = x.std(axis=0)
    yield "mean=x.mean(0) and std=x.std(0)", (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    yield f"mean={x.mean():.4g} and std={x.std():.4g}", (x - x.mean()) / (x.std() or 1.0)
