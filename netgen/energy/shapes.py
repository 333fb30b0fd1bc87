"""The shapes of layers that an accelerator computes: multiplications, weights, words read and written, and widths."""

from dataclasses import dataclass, replace

import numpy as np

from netgen.errors import DataError
from netgen.ir.circuit import Circuit, CircuitLayer, ranges_of, word_ranges
from netgen.ir.fixed import Words, bits_of
from netgen.ir.network import Layer, Network

__all__ = ["LayerCounts", "dense_shapes", "shapes_of"]


@dataclass(frozen=True)
class LayerCounts:
    """A layer of sums, for one sample.

    Attributes:
        number: of the layer, from 1.
        macs: multiplications and additions, one for each wire.
        weights: different weights; a kernel's entry counts once, however many wires it stands in.
        inputs: different words that the layer reads; outputs: words that it computes.
        sparse: whether zeros among the weights are left out, so that each weight has an index.
        weight_bits, input_bits, sum_bits, output_bits: of the widest.
    Raises: DataError, for a count below 1, or more weights, inputs or outputs than multiplications.
    """

    number: int
    macs: int
    weights: int
    inputs: int
    outputs: int
    sparse: bool = False
    weight_bits: int = 16
    input_bits: int = 16
    sum_bits: int = 16
    output_bits: int = 16

    def __post_init__(self) -> None:
        counts = self.weights, self.inputs, self.outputs
        if min(counts) < 1 or max(counts) > self.macs:
            raise DataError(
                f"layer {self.number}: {self.macs} multiplications with {self.weights} weights, {self.inputs} inputs "
                f"and {self.outputs} outputs; each takes part in at least one"
            )


def shapes_of(circuit: Circuit, network: Network | None = None) -> tuple[LayerCounts, ...]:
    """The layers of sums of a circuit, without the weights that are zero.

    Args:
        network: the float network that the circuit was rounded from. Its parameters say which wires share a weight;
            without it, or where a layer of the circuit is none of its layers, every wire has a weight of its own.
    """
    found = []
    words = tuple(zip(*(np.concatenate(ends) for ends in zip(*word_ranges(circuit), strict=True)), strict=True))
    widths = np.array([bits_of(int(lo), int(hi))[0] for lo, hi in words])
    layers = zip(circuit.layers, circuit.first, ranges_of(circuit), strict=False)
    for number, (layer, first, reach) in enumerate(layers, start=1):
        if layer.gather != "sum" or not layer.wires:
            continue
        here = slice(first, first + len(layer))
        found.append(
            LayerCounts(
                number=number,
                macs=layer.wires,
                weights=_weights(layer, first, _same_layer(circuit, number - 1, network)),
                inputs=len(np.unique(layer.source)),
                outputs=int((np.diff(layer.starts) > 0).sum()),
                sparse=True,
                weight_bits=_width(layer.weight, layer),
                input_bits=int(widths[layer.source].max()),
                sum_bits=bits_of(int(reach.acc_lo.min()), int(reach.acc_hi.max()))[0],
                output_bits=int(widths[here].max()),
            )
        )
    return tuple(found)


def dense_shapes(
    circuit: Circuit, network: Network | None = None, before: Network | None = None
) -> tuple[LayerCounts, ...]:
    """The same layers with the weights that pruning removed, as an accelerator computes them that skips no zeros.

    Args:
        before: the float network before it was pruned. Without it, or where a layer of the circuit is none of its
            layers, a layer that shares no weights reads all neurons of the layers from which it has a wire, and one
            that shares them has those that it has.
    """
    found = []
    for shape in shapes_of(circuit, network):
        layer = circuit.layers[shape.number - 1]
        whole = next((one for one in before.layers if one.name == layer.name), None) if before is not None else None
        if whole is not None:
            weights = whole.wires if whole.parameter is None else len(np.unique(whole.parameter))
            counts = whole.wires, weights, len(np.unique(whole.source)), len(whole)
        elif shape.weights == shape.macs:
            from_layers = np.unique(np.searchsorted(circuit.first, layer.source, side="right"))
            inputs = sum(circuit.sizes[one] for one in from_layers)
            counts = inputs * len(layer), inputs * len(layer), inputs, len(layer)
        else:
            counts = shape.macs, shape.weights, shape.inputs, shape.outputs
        macs, weights, inputs, outputs = counts
        found.append(replace(shape, macs=macs, weights=weights, inputs=inputs, outputs=outputs, sparse=False))
    return tuple(found)


def _width(weight: Words, layer: CircuitLayer) -> int:
    """Bits of a layer's weights: of their format, or of the widest."""
    if layer.weight_format is not None:
        return layer.weight_format.width
    return bits_of(int(weight.min()), int(weight.max()))[0]


def _same_layer(circuit: Circuit, at: int, network: Network | None) -> Layer | None:
    """The layer of a float network that a circuit's layer was rounded from: with its name, size and place."""
    if network is None:
        return None
    names = [layer.name for layer in network.layers]
    name = circuit.layers[at].name
    if name not in names:
        return None
    found = names.index(name)
    same = len(network.layers[found]) == len(circuit.layers[at]) and network.first[found] == circuit.first[at]
    return network.layers[found] if same else None


def _weights(layer: CircuitLayer, first: int, like: Layer | None) -> int:
    """Number of different weights of a layer, as the float layer shares them."""
    if like is None or like.parameter is None:
        return layer.wires
    known = like.target * first + like.source
    order = np.argsort(known)
    wanted = layer.target * first + layer.source
    at = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(order) - 1)]
    shared = known[at] == wanted
    return len(np.unique(like.parameter[at[shared]])) + int((~shared).sum())
