"""Choose the fixed-point formats of each layer's weights and results."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netgen.ir.circuit import Circuit
from netgen.ir.dense import DenseNetwork
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.thermometer import BIT


@dataclass(frozen=True)
class Formats:
    """Formats of a circuit: of its inputs, of each layer's weights, of each hidden layer's results.

    Attributes:
        thresholds: words of `input`, ascending. The first layer reads one bit for each threshold, or the input words
            when there are none.
    """

    input: FixedPoint
    weights: tuple[FixedPoint, ...]
    activations: tuple[FixedPoint, ...]
    thresholds: tuple[int, ...] = ()

    @property
    def entering(self) -> FixedPoint:
        """Format of the values that the first layer reads."""
        return BIT if self.thresholds else self.input


def formats_of(circuit: Circuit) -> Formats:
    """The formats of a circuit."""
    return Formats(
        circuit.input,
        tuple(layer.weight_format for layer in circuit.layers if layer.weight_format is not None),
        tuple(layer.output for layer in circuit.layers if layer.output is not None),
        circuit.thresholds,
    )


def calibrate(
    network: DenseNetwork,
    features: Reals,
    *,
    input_format: FixedPoint,
    weight_widths: Sequence[int],
    activation_widths: Sequence[int],
    thresholds: tuple[int, ...] = (),
    activations: Sequence[FixedPoint] = (),
    curvature: Sequence[Reals] = (),
) -> Formats:
    """Choose the binary points with the least squared error of results, and of weights weighted by curvature.

    Args:
        features: (n, n_in) training samples for the range of results; the values of bits when there are thresholds.
        weight_widths: bits of each layer's weights, signed.
        activation_widths: bits of each hidden layer's results; unsigned after a ReLU.
        activations: formats of these results; chosen here when empty.
        curvature: second derivative of the loss by each weight, the factor of its squared error, per layer (n_out,
            n_in); all factors are 1 when empty. With it, a large weight of an input that is nearly always zero
            saturates instead of making the steps of all other weights larger.
    Source: the search for a clipping range by error, as in Migacz 2017, over powers of two only; errors weighted
        by curvature as in Choi, El-Khamy and Lee 2017 (Hessian-weighted quantization).
    """
    entering = BIT if thresholds else input_format
    x: Reals = entering.decode(entering.encode(features))
    weights, found = [], []
    for depth, layer in enumerate(network.layers):
        factors = curvature[depth][layer.mask] if curvature else 1.0
        weights.append(best_format(layer.weight[layer.mask], weight_widths[depth], signed=True, factors=factors))
        x = x @ layer.weight.T + layer.bias
        if layer.activation == "relu":
            x = np.maximum(x, 0.0)
        if depth < len(network.layers) - 1:
            found.append(best_format(x, activation_widths[depth], signed=layer.activation != "relu"))
    return Formats(input_format, tuple(weights), tuple(activations or found), thresholds)


def best_format(
    values: Reals, width: int, *, signed: bool, factors: Reals | float = 1.0, coarser: int = 0
) -> FixedPoint:
    """The format of a width with the least squared error on some values, each error times its factor.

    Args:
        coarser: formats to try whose steps are larger than that of the whole range; the greatest positive value may
            saturate in the latter, which matters where words have few bits.
    """
    most = float(np.abs(values).max(initial=0.0))
    exponent = int(np.frexp(most)[1]) if most > 0 else 0
    widest = FixedPoint(width, width - signed - exponent, signed)
    candidates = [FixedPoint(width, widest.frac + finer, signed) for finer in range(-coarser, min(width, 6) + 1)]
    return min(candidates, key=lambda form: float((factors * (form.decode(form.encode(values)) - values) ** 2).sum()))
