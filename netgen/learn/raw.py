"""Networks that read features as a user has them, and as training sees them, divided by powers of two."""

from dataclasses import replace

import numpy as np

from netgen.errors import TrainError
from netgen.ir.fixed import Reals
from netgen.ir.network import Network
from netgen.ir.ties import fresh_of, scaled

__all__ = ["reading_scaled"]


def reading_scaled(network: Network, factor: Reals) -> Network:
    """The network that reads x where the given one reads `x * factor`; exact, since factors are powers of two.

    Args:
        factor: (features,).
    Raises: TrainError, when a maximum or a selection reads inputs that are scaled.
    """
    fresh, layers = fresh_of(network), []
    for layer in network.layers:
        entering = layer.source < network.features
        if layer.gather != "sum" and entering.any() and (factor != 1).any():
            what = "maximum" if layer.gather == "max" else "selection"
            raise TrainError(f"layer {layer.name}: a {what} of inputs cannot be trained; put a layer before it")
        of_wire = np.where(entering, factor[np.where(entering, layer.source, 0)], 1.0)
        layers.append(scaled(layer, of_wire, layer.bias, fresh))
    return replace(network, layers=tuple(layers))
