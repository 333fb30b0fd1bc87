"""Gates that decide nothing: always on, or always off, for all training samples."""

import numpy as np

from netgen.errors import WeightsError
from netgen.importer.fuse.rebuild import live, rebuilt
from netgen.ir.fixed import Reals
from netgen.ir.network import Network
from netgen.ir.rows import selecting_wires

__all__ = ["without_idle_gates"]


def without_idle_gates(network: Network, features: Reals) -> tuple[Network, tuple[str, ...]]:
    """Replace what an idle gate selects by the word or the bypass itself; for these samples scores stay the same.

    Neurons that nothing reads any more go. A selection stays where its bypass is 0, or where a neuron would read
    another twice without it.

    Args:
        features: (n, features) as the network reads them.
    Returns: the network, and one line for each layer of selections that became plain wires.
    """
    if all(layer.gather != "select" for layer in network.layers):
        return network, ()
    on = sum((values > 0).sum(axis=0) for values in network.values(_by_port(network, features)))
    stand_in, gone, told = np.arange(network.neurons), np.zeros(network.neurons, dtype=np.bool_), []
    for layer, first in zip(network.layers, network.first, strict=False):
        if layer.gather != "select" or layer.activation:
            continue
        bypass, gate, word = selecting_wires(layer.starts)
        count = np.asarray(on)[layer.source[gate]]
        always, never = count == len(features), (count == 0) & (bypass >= 0)
        idle = np.flatnonzero(always | never)
        if len(idle):
            chosen = np.where(always, layer.source[word], layer.source[bypass])[idle]
            stand_in[first + idle], gone[first + idle] = stand_in[chosen], True
            state = "always on" if always.any() else "always off"
            told.append(f"layer {layer.name}: its gate is {state} for all training samples, and was removed")
    if not told:
        return network, ()
    try:
        return live(_checked(rebuilt(network, network.layers, gone, stand_in))), tuple(told)
    except WeightsError:  # what a gate would select is there already
        return network, ()


def _by_port(network: Network, features: Reals) -> tuple[Reals, ...]:
    return tuple(np.split(features, np.cumsum([port.size for port in network.inputs])[:-1], axis=1))


def _checked(network: Network) -> Network:
    """The network, unless a neuron reads another twice."""
    for layer in network.layers:
        if len(np.unique(layer.target * network.neurons + layer.source)) < layer.wires:
            raise WeightsError(f"layer {layer.name}: reads a neuron twice")
    return network
