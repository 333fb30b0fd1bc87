"""One scale for all neurons of a layer, so that a format which they share wastes no bits on any of them."""

from dataclasses import replace

import numpy as np

from netgen.fixed import Reals
from netgen.network import Bools, Network


def equalize(network: Network, features: Reals) -> Network:
    """The same function, with the ranges of neurons behind a ReLU brought near to each other.

    What such a neuron gives may be divided by any factor with which the weights that read it are multiplied. The
    factors are those by which the logarithms of three ranges, of the weights into each neuron, of its results and of
    the weights out of it, lie nearest to the mean of their layer, in least squares. The geometric mean of the results
    becomes 1.

    Args:
        features: (n, n_in) training samples, as the first layer takes them, on which results are observed.
    Source: cross-layer equalization (Nagel et al. 2019), which looks at the two ranges of weights; the third is our
        own.
    """
    layers = list(network.layers)
    x = features
    for depth in range(len(layers) - 1):
        here, behind = layers[depth], layers[depth + 1]
        x = x @ here.weight.T + here.bias
        if here.activation == "relu":
            x = np.maximum(x, 0.0)
            factor = _factors(_size(here.weight, here.mask, 1), _size(x), _size(behind.weight, behind.mask, 0))
            layers[depth] = replace(here, weight=here.weight / factor[:, None], bias=here.bias / factor)
            layers[depth + 1] = replace(behind, weight=behind.weight * factor)
            x = x / factor
    return Network(tuple(layers))


def _size(values: Reals, there: Bools | None = None, axis: int = 0) -> Reals:
    """The root mean square along an axis of what is there; 0 where nothing is."""
    count = len(values) if there is None else np.maximum(there.sum(axis=axis), 1)
    size: Reals = np.sqrt((values**2).sum(axis=axis) / count)
    return size


def _factors(into: Reals, results: Reals, out_of: Reals) -> Reals:
    """What to divide each neuron by, (n,); 1 for neurons that nothing enters or leaves.

    One that no sample has made fire counts as if it gave for its weights what its layer does on the mean.
    """
    factor = np.ones(len(into))
    used = (into > 0) & (out_of > 0)
    fired = used & (results > 0)
    if fired.any():
        usual = np.exp(np.log(results[fired] / into[fired]).mean())
        given = np.where(fired, results, usual * into)[used]
        wanted = np.log(into[used] * given / out_of[used]) / 3
        factor[used] = np.exp(wanted - (wanted - np.log(given)).mean())
    return factor
