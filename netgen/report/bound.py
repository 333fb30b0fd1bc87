"""An upper limit on the distance of a circuit's scores from the float network's, proved from the weights of both."""

import numpy as np

from netgen.errors import CheckError
from netgen.ir.chain import activation_name, weight_matrix
from netgen.ir.circuit import Circuit
from netgen.ir.dense import DenseNetwork
from netgen.ir.fixed import Reals

_Interval = tuple[Reals, Reals]


def error_bound(network: DenseNetwork, circuit: Circuit, features: Reals | None = None) -> Reals:
    """Bound |decoded circuit score - float score|, per output, over all inputs.

    Two intervals are propagated through the layers: of the float activation `a`, and of the error `aq - a` of the
    circuit's activation `aq`. The error before activation is `Wq (aq - a) + (Wq - W) a + (bq - b)`. ReLU shrinks it
    towards 0, rounding adds half a step, and saturation replaces the result by the format's limit.

    Inputs are bits, or scaled features that do not saturate: at most half a step outside the input format's range.
    Where `features` reach further, the range is widened to contain them, and the distance by which they saturate counts
    as error. Rounding in the float computations themselves is not counted.

    Args:
        features: (n, n_in) float64, scaled; None when no input saturates.
    Returns: (n_out,) float64, in units of the score.
    Raises: CheckError, when circuit and network differ in sizes or activations.
    Source: Moore, Interval Analysis, 1966.
    """
    kinds = [layer.activation for layer in network.layers], [activation_name(layer) for layer in circuit.layers]
    if network.sizes != circuit.sizes or kinds[0] != kinds[1]:
        raise CheckError(
            f"a circuit {'-'.join(map(str, circuit.sizes))} and a network {'-'.join(map(str, network.sizes))}; "
            "compare a circuit with the network it was quantized from"
        )
    value, error = _inputs(circuit, features)
    for depth, (real, layer) in enumerate(zip(network.layers, circuit.layers, strict=True)):
        before = circuit.layers[depth - 1].output if depth else circuit.entering
        assert before is not None
        rounded = np.ldexp(weight_matrix(circuit, depth).astype(np.float64), before.frac - layer.frac)
        bias = np.ldexp(layer.bias.astype(np.float64), -layer.frac)
        carried, added = _times(rounded, error), _times(rounded - real.weight, value)
        error = carried[0] + added[0] + bias - real.bias, carried[1] + added[1] + bias - real.bias
        lo, hi = _times(real.weight, value)
        value = lo + real.bias, hi + real.bias
        if real.activation == "relu":
            value = np.maximum(value[0], 0.0), np.maximum(value[1], 0.0)
            error = np.minimum(error[0], 0.0), np.maximum(error[1], 0.0)
        if layer.output is not None:
            half = layer.output.step / 2 if layer.frac > layer.output.frac else 0.0
            limits = layer.output.lo * layer.output.step, layer.output.hi * layer.output.step
            error = _saturate(value, (error[0] - half, error[1] + half), limits)
    return np.maximum(-error[0], error[1])


def _inputs(circuit: Circuit, features: Reals | None) -> tuple[_Interval, _Interval]:
    """Intervals of the values that enter the first layer and of their errors, each (n_in,); bits have no error."""
    if circuit.thresholds:
        bits = np.zeros(circuit.sizes[0]), np.full(circuit.sizes[0], circuit.entering.step)
        return bits, (np.zeros(circuit.sizes[0]), np.zeros(circuit.sizes[0]))
    step = circuit.input.step
    least, most = circuit.input.lo * step, circuit.input.hi * step
    lo, hi = np.full(circuit.sizes[0], least - step / 2), np.full(circuit.sizes[0], most + step / 2)
    if features is not None and len(features):
        lo, hi = np.minimum(lo, features.min(axis=0)), np.maximum(hi, features.max(axis=0))
    return (lo, hi), (most - hi, least - lo)


def _times(matrix: Reals, interval: _Interval) -> _Interval:
    """The interval of `matrix @ x` for every x in the interval."""
    up, down = np.maximum(matrix, 0.0), np.minimum(matrix, 0.0)
    lo, hi = interval
    return up @ lo + down @ hi, up @ hi + down @ lo


def _saturate(value: _Interval, error: _Interval, limits: tuple[float, float]) -> _Interval:
    """The error after `value + error` has been clipped to the limits.

    A word above the upper limit becomes that limit. Its error is then `limit - value`, which is less than before and
    at least `limit` minus the greatest value. The same holds at the lower limit, with signs exchanged.
    """
    least, most = limits
    return (
        np.where(value[1] + error[1] > most, np.minimum(error[0], most - value[1]), error[0]),
        np.where(value[0] + error[0] < least, np.maximum(error[1], least - value[0]), error[1]),
    )
