"""Join rounding and limits that a model computes one after the other to one quantizer."""

from dataclasses import replace

import numpy as np

from netgen.ir.functions import Clip, Composition, Function, Quantize
from netgen.ir.network import Network

__all__ = ["join_limits"]


def join_limits(network: Network) -> Network:
    """Make one `Quantize` of rounding and a `Clip` beside it, as in `clamp(round(x / step), -8, 7)`, in either order.

    Limits that are no multiples of the step stay as they are.
    """
    layers = [replace(layer, activation=_joined(layer.activation)) for layer in network.layers]
    same = all(len(new.activation) == len(old.activation) for new, old in zip(layers, network.layers, strict=True))
    return network if same else Network(network.inputs, tuple(layers), network.outputs)


def _joined(pipeline: Composition) -> Composition:
    found: list[Function] = []
    for function in pipeline:
        one = _one(found[-1], function) if found else None
        if one is None:
            found.append(function)
        else:
            found[-1] = one
    return tuple(found)


def _one(first: Function, then: Function) -> Quantize | None:
    """One function for two; None where there is none."""
    match first, then:
        case (Quantize() as rounding, Clip(lo, hi)) | (Clip(lo, hi), Quantize() as rounding):
            pass
        case _:
            return None
    if np.isfinite([*np.ravel(rounding.lo), *np.ravel(rounding.hi)]).any():
        return None  # a quantizer has its limits already
    ends = [np.asarray(end) / rounding.step + rounding.zero for end in (lo, hi)]
    if any((end != np.rint(end)).any() for end in ends):
        return None
    least, most = (float(end) if end.ndim == 0 else end for end in ends)
    return replace(rounding, lo=least, hi=most)
