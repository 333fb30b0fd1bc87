"""How closely a circuit follows the network that it was quantized from, measured on samples, head by head."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netgen.errors import CheckError
from netgen.ir.circuit import Circuit, evaluate
from netgen.ir.encoding import input_overflows
from netgen.ir.fixed import Reals, Words
from netgen.ir.network import Head, Network

__all__ = ["HeadFidelity", "fidelity", "head_fidelity"]


@dataclass(frozen=True)
class HeadFidelity:
    """Errors of one output, in its own units, before softmax or arg-max.

    Attributes:
        name: of the output.
        worst: greatest absolute error of a value.
        mean: mean absolute error.
        snr: mean square of the network's values over the mean square of the errors, in dB; None without errors.
        samples: number of samples.
        saturated: share of the input values that lie a step or more outside the input format.
        same_class: share of the samples for which both give the same class; None for outputs that are no classes.
        accuracy: share of the circuit's classes that are the labels; None without labels.
        network_accuracy: likewise of the float network.
    """

    name: str
    worst: float
    mean: float
    snr: float | None
    samples: int
    saturated: float
    same_class: float | None = None
    accuracy: float | None = None
    network_accuracy: float | None = None


def fidelity(
    network: Network,
    circuit: Circuit,
    x: npt.ArrayLike | tuple[npt.ArrayLike, ...],
    labels: Words | None = None,
) -> tuple[HeadFidelity, ...]:
    """Compare a circuit with its float network.

    Args:
        x: raw samples, as `Network.evaluate` takes them, at least one.
        labels: (n,) the right class of each sample, for every output that gives one class for each sample: a softmax,
            log-softmax or arg-max, or the only output if it has several values and labels are given.
    Raises: CheckError, when the circuit has other outputs or inputs than the network.
    """
    shapes = [[(head.name, head.neuron.shape) for head in heads] for heads in (network.outputs, circuit.heads)]
    if shapes[0] != shapes[1] or network.features != circuit.features:
        raise CheckError(
            f"a circuit of {circuit.features} inputs and outputs {shapes[1]}, a network of {network.features} and "
            f"{shapes[0]}; compare a circuit with the network it was quantized from"
        )
    flat = network.flat(x)
    words = evaluate(circuit, circuit.encode(flat))
    parts = [tuple(values[:, head.neuron] for head in network.outputs) for values in network.values(x)]
    ends = np.cumsum([head.neuron.size for head in circuit.heads])[:-1]
    saturated = input_overflows(circuit, flat) / max(flat.size, 1)
    return tuple(
        head_fidelity(
            head,
            np.concatenate(right),
            end.decode(own),
            saturated=saturated,
            labels=labels,
            alone=len(network.outputs) == 1,
        )
        for head, end, right, own in zip(
            network.outputs, circuit.heads, zip(*parts, strict=True), np.split(words, ends, axis=1), strict=True
        )
    )


def head_fidelity(
    head: Head, right: Reals, found: Reals, *, saturated: float, labels: Words | None, alone: bool
) -> HeadFidelity:
    """Compare the values of one output.

    Args:
        right, found: (n, *shape) by the network and by the circuit, before softmax or arg-max; at least one sample.
        saturated: share of the input values that saturate.
        labels: (n,) the right class of each sample, or None.
        alone: whether the network has no other output.
    """
    error = np.abs(found - right)
    noise, signal = float((error**2).mean()), float((right**2).mean())
    snr = float(10 * (np.log10(signal) - np.log10(noise))) if noise and signal else None
    same = accuracy = network_accuracy = None
    if head.function != "none" or (labels is not None and alone and head.neuron.size > 1):
        axis = head.axis if head.axis < 0 else head.axis + 1
        classes = [np.argmax(values, axis=axis) for values in (right, found)]
        same = float((classes[0] == classes[1]).mean())
        if labels is not None and classes[0].size == len(labels):
            network_accuracy, accuracy = (float((one.reshape(-1) == labels).mean()) for one in classes)
    return HeadFidelity(
        head.name,
        float(error.max()),
        float(error.mean()),
        snr,
        len(right),
        saturated,
        same,
        accuracy,
        network_accuracy,
    )
