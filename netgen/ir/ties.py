"""Which wires share a trained parameter after wires were scaled or added up."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from netgen.ir.fixed import Reals, Words
from netgen.ir.functions import Affine
from netgen.ir.network import Layer, Network

__all__ = ["folded", "fresh_of", "scaled", "tied_parameters"]


def fresh_of(network: Network) -> int:
    """The least number above those of all parameters of the network."""
    given = [layer.parameter for layer in network.layers if layer.parameter is not None]
    return max((int(parameter.max(initial=-1)) for parameter in given), default=-1) + 1


def folded(layer: Layer, fresh: int) -> Layer:
    """Fold the affine functions that come first, applied to a sum, into its weights and biases.

    Args:
        fresh: the least number for new parameters.
    """
    while layer.gather == "sum" and layer.activation and isinstance(affine := layer.activation[0], Affine):
        scale = np.broadcast_to(affine.scale, len(layer))
        layer = scaled(layer, scale[layer.target], layer.bias * scale + affine.offset, fresh)
        layer = replace(layer, activation=layer.activation[1:])
    return layer


def scaled(layer: Layer, factor: Reals, bias: Reals, fresh: int) -> Layer:
    """The layer with each weight multiplied by a factor, (m,), and other biases; weights of 0 are no wires."""
    weight, parameter = layer.weight * factor, _scaled_parameters(layer.parameter, factor, fresh)
    left = weight != 0
    return replace(
        layer,
        starts=np.concatenate([[0], np.cumsum(left)])[layer.starts],
        source=layer.source[left],
        weight=weight[left],
        bias=bias,
        parameter=None if parameter is None else parameter[left],
    )


def _scaled_parameters(parameter: Words | None, factor: Reals, fresh: int) -> Words | None:
    """The parameters of wires (m,) that are multiplied by factors (m,).

    Wires keep their number where all wires of a parameter have the same factor; else each pair of parameter and factor
    gets a number of its own.
    """
    if parameter is None or not len(parameter):
        return parameter
    seen = np.empty(int(parameter.max()) + 1)
    seen[parameter] = factor
    if (seen[parameter] == factor).all():
        return parameter
    return tied_parameters(parameter, factor, np.arange(len(parameter)), fresh)


def tied_parameters(parameter: Words, factor: Reals, first: Words, fresh: int) -> Words:
    """The parameters of wires that each stand for several.

    Two are equal where they add up the same parameters multiplied by the same factors. Combinations are compared by
    64-bit hashes: among a million, two that differ are taken for equal with a chance of 1 in 37 million.

    Args:
        parameter: (m,) of each part.
        factor: (m,) by which each part is multiplied.
        first: (k,) the first part of each wire; ascending.
        fresh: the least number for new parameters.
    Returns: (k,); a wire of one part with factor 1 keeps its number.
    """
    parts = np.diff(np.append(first, len(parameter)))
    kept = (parts == 1) & (factor[first] == 1)
    hashed = _mixed(
        _mixed(parameter.astype(np.uint64)) ^ np.ascontiguousarray(factor, dtype=np.float64).view(np.uint64)
    )
    sums = np.add.reduceat(hashed, first)
    result = parameter[first].copy()
    result[~kept] = fresh + np.unique(sums[~kept], return_inverse=True)[1]
    return result


def _mixed(x: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of x."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed
