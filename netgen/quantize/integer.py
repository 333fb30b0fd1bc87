"""Round a float network to an integer circuit."""

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit
from netgen.ir.dense import DenseNetwork
from netgen.ir.fixed import Reals
from netgen.ir.simplify import simplify
from netgen.quantize.formats import Formats

BIAS_LIMIT = 2.0**50
"""Greatest bias in accumulator steps; double precision is not exact for much larger ones."""


def quantize(network: DenseNetwork, formats: Formats, input_scale: Reals) -> Circuit:
    """Round weights to their formats and biases to accumulator steps, and remove dead neurons.

    Args:
        input_scale: (features,) powers of two; the network reads raw features times this scale.
    Raises: QuantizeError, when a bias is 2^50 accumulator steps or more.
    """
    layers = []
    frac = formats.entering.frac
    for depth, layer in enumerate(network.layers):
        form = formats.weights[depth]
        bias = np.floor(np.ldexp(layer.bias, frac + form.frac) + 0.5)
        if np.abs(bias).max() >= BIAS_LIMIT:
            raise QuantizeError(f"layer {depth + 1}: a bias of {np.abs(bias).max():.6g} steps; narrow its formats")
        output = formats.activations[depth] if depth < len(formats.activations) else None
        weight = np.where(layer.mask, form.encode(layer.weight), 0)
        layers.append(ChainLayer(weight, bias.astype(np.int64), form, layer.activation, output))
        frac = output.frac if output is not None else 0
    return simplify(chain(formats.input, input_scale, layers, formats.thresholds))
