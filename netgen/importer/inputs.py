"""What a model reads and what its user has: raw features are scaled and shifted before the first layer."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netgen.errors import ModelError
from netgen.importer.fuse import fuse
from netgen.ir.fixed import Reals
from netgen.ir.functions import Affine
from netgen.ir.network import Layer, Network

__all__ = ["of_raw_features"]


def of_raw_features(network: Network, *, scale: float, mean: Sequence[float], std: Sequence[float]) -> Network:
    """The network that reads raw features x where the given one reads `(x * scale - mean) / std`.

    Float weights of the first layers change accordingly; a network that arrived quantized gets a function before its
    first quantizer.

    Args:
        mean, std: one number, or one for each channel (the first axis of the one input) or feature; empty for 0 and 1.
    Raises: ModelError, for another number of them, or several inputs.
    """
    if scale == 1 and not mean and not std:
        return network
    if len(network.inputs) > 1:
        raise ModelError(f"network.scale, mean and std are for one input; the network has {len(network.inputs)}")
    divisors = _for_features(network, std, "std", 1.0)
    with np.errstate(over="ignore"):
        factor, shift = scale / divisors, -_for_features(network, mean, "mean", 0.0) / divisors
    if not np.isfinite([factor, shift]).all():
        raise ModelError(f"network.std: {divisors.min():g}; give larger numbers")
    n = network.features
    first = Layer(
        name="input",
        starts=np.arange(n + 1),
        source=np.arange(n),
        weight=np.ones(n),
        bias=np.zeros(n),
        activation=(Affine(factor, shift),),
    )
    later = tuple(replace(layer, source=layer.source + n) for layer in network.layers)
    heads = tuple(replace(head, neuron=head.neuron + n) for head in network.outputs)
    return fuse(Network(network.inputs, (first, *later), heads))


def _for_features(network: Network, values: Sequence[float], name: str, default: float) -> Reals:
    """One number for each feature, (n,)."""
    shape, n = network.inputs[0].shape, network.features
    if len(values) <= 1:
        return np.full(n, values[0] if values else default)
    if len(values) == n:
        return np.array(values, dtype=np.float64)
    if len(shape) > 1 and len(values) == shape[0]:
        return np.repeat(np.array(values, dtype=np.float64), n // shape[0])
    raise ModelError(f"network.{name}: {len(values)} numbers for an input of shape {shape}; give 1, {shape[0]} or {n}")
