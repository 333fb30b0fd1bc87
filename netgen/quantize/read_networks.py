"""Quantize a network that was read, as a spec says: exactly where it arrives quantized, else by calibration."""

import math
from dataclasses import dataclass

import numpy as np

from netgen.errors import QuantizeError
from netgen.ir.circuit import Circuit
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.network import Network
from netgen.quantize.calibrate_graph import Calibration, circuit_of, round_network
from netgen.quantize.exact import is_quantized, quantize_exactly
from netgen.quantize.faint_features import faint, told
from netgen.quantize.layer_rounding import Rounded
from netgen.spec.sections import QuantizeSpec

__all__ = ["Quantized", "quantize_read", "round_read"]

STANDARDIZE = "give them standardized, (x - mean) / std, instead of network.mean and std"
"""What to do with features of very different size."""


@dataclass(frozen=True, eq=False)
class Quantized:
    """A circuit, and what its user should know of it.

    Attributes:
        notes: one line each.
    """

    circuit: Circuit
    notes: tuple[str, ...] = ()


def quantize_read(network: Network, calibration: Reals, spec: QuantizeSpec) -> Quantized:
    """Quantize a network that was read: exactly what arrives quantized, unless `requantize` says `shift`.

    Args:
        calibration: (n, features) raw samples; formats are chosen on them; none when there are none.
    Raises: QuantizeError, when sums cannot be exact in these formats, or the network is quantized
        in part; neither samples nor `input_range` are given.
    """
    notes: list[str] = []
    if is_quantized(network):
        if spec.requantize == "exact":
            return Quantized(quantize_exactly(network, warnings=notes), tuple(notes))
        notes.append(
            "quantize: the network arrived quantized; requantize: shift made steps of powers of two, the circuit is "
            "another function; requantize: exact keeps the network's"
        )
    circuit = circuit_of(round_read(network, calibration, spec, warnings=notes))
    if len(calibration):
        raw = calibration.reshape(len(calibration), -1)
        notes.extend(told(faint(raw, circuit.input), raw.shape[1], circuit.input, STANDARDIZE))
    return Quantized(circuit, tuple(notes))


def round_read(
    network: Network, calibration: Reals, spec: QuantizeSpec, *, warnings: list[str] | None = None
) -> Rounded:
    """Round a network that was read layer by layer, by calibration; arguments and errors are those of `quantize_read`.

    Args:
        warnings: a list to which a line is added for everything that a user should know.
    """
    if not len(calibration) and spec.input_range is None:
        raise QuantizeError(
            "quantize: no samples, so the values of the inputs are unknown; give samples, or quantize.input_range"
        )
    entry = None if spec.input_range is None else _format_of(*spec.input_range, spec.input_width)
    last = None if entry is None else entry.hi * entry.step
    if last is not None and spec.input_range is not None and spec.input_range[1] > last and warnings is not None:
        greatest = spec.input_range[1]
        warnings.append(
            f"quantize: the greatest input word means {last:g}, so {greatest:g}, the end of quantize.input_range, is "
            f"read as {last:g}; where that matters, raise quantize.input_width or the end"
        )
    if entry is not None:  # what hardware reads of a sample beyond the stated range
        calibration = np.clip(calibration, entry.lo * entry.step, entry.hi * entry.step)
    given = Calibration(
        input_format=entry,
        input_width=spec.input_width,
        weight_width=spec.weight_width,
        activation_width=spec.activation_width,
        method=spec.formats,
        per_channel=spec.per_channel,
        bias_correction=spec.bias_correction,
        equalize=spec.equalize,
    )
    return round_network(network, _ports(network, calibration) if len(calibration) else None, given, warnings=warnings)


def _format_of(least: float, greatest: float, width: int) -> FixedPoint:
    """The finest format of a width that holds a range, but for its last step at the upper end, as 1 of 0 to 1."""
    signed = least < 0
    whole = max(greatest, -least if signed else greatest)
    return FixedPoint(width, width - signed - math.ceil(math.log2(whole)) if whole > 0 else 0, signed)


def _ports(network: Network, flat: Reals) -> tuple[Reals, ...]:
    """The samples of each input, (n, size) each."""
    sizes = [port.size for port in network.inputs]
    return tuple(np.split(flat, np.cumsum(sizes)[:-1], axis=1))
