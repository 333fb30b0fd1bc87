"""Compare what was read with the file: node by node with ONNX Runtime, then the joined network with the nodes.

Every node is computed by ONNX Runtime (QONNX's by their definitions) in float32, and by the node's layers in double
precision, both from the same float32 inputs. So their difference is the rounding of one node in float32, for which
there is a bound; nothing adds up. Quantizers may differ where their input lies within float32's error of a tie.
"""

from collections.abc import Sequence
from math import erf
from typing import TYPE_CHECKING

import numpy as np

from netgen.errors import ModelError
from netgen.importer.onnx_graph import GraphReading, Step
from netgen.importer.onnx_node import Array, Condition, ErrorFunction, Integers, Scores, Value
from netgen.importer.onnx_range import random_inputs
from netgen.importer.onnx_run import in_single, single
from netgen.importer.report import difference
from netgen.importer.rounding_noise import RoundingNoise
from netgen.importer.signals import NO_NEURON, ConstantTensor, Signals
from netgen.ir.fixed import Reals
from netgen.ir.functions import Affine, Quantize, apply_all
from netgen.ir.imported import ImportReport
from netgen.ir.network import Head, Layer, Network

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["compare"]

SINGLE, DOUBLE_UNIT = 2.0**-24, 2.0**-53
"""Relative error of one operation in float32 and in double precision."""
LEAST = 2.0**-126
"""The least number that float32 holds to all its bits; smaller ones may become 0."""
SLACK = 16
"""Float32 operations of a function of single values; ONNX Runtime's tanh and exp are as close as this."""
DOUBLE = 1e-9
"""Relative difference that double precision explains: 4,000,000 roundings of one sign."""
STEP = 1e-3
"""Relative difference of outputs beyond which the rounding of float32 must have moved some value across a step."""
MAX_VALUES = 1 << 25
"""Values of neurons that are held for all samples."""


def compare(
    model: "ModelProto", reading: GraphReading, network: Network, *, source: str, seed: int = 0
) -> ImportReport:
    """Compare on random inputs.

    Args:
        network: what the layers of the reading were joined to.
    Raises: ModelError, with the first node that differs.
    """
    import onnxruntime

    samples = int(np.clip(MAX_VALUES // (reading.builder.neurons + network.wires // 8), 1, 8))
    inputs = random_inputs(reading, samples, seed)
    nodes = _Nodes(model, reading, inputs)
    for step in reading.steps:
        nodes.check(step)
    x = inputs[0] if len(inputs) == 1 else tuple(inputs)
    built = reading.builder.finish()
    _check_joined(built, network, x)
    found, noise = network.evaluate(x), RoundingNoise(built, x, SINGLE)
    worst, other = 0.0, np.zeros(samples, dtype=np.bool_)
    for index, ours in enumerate(found if isinstance(found, tuple) else (found,)):
        theirs = nodes.reference(network.outputs[index].name).reshape(ours.shape)
        apart = [difference(one, another) for one, another in zip(ours, theirs, strict=True)]
        if max(apart) > STEP:
            apart = [difference(one, another, noise.of(index)) for one, another in zip(ours, theirs, strict=True)]
        worst, other = max(worst, *apart), other | (np.array(apart) > STEP)
    assumed = reading.assumed
    if other.any():
        assumed += (f"in {other.sum()} of {samples} samples the rounding of float32 moves a value across a step",)
    reference = f"ONNX Runtime {onnxruntime.__version__}, node by node"
    return ImportReport(source, reference, worst, samples, assumed, nodes.flips)


class _Nodes:
    """The values of all neurons, (samples, neurons), set to the reference's node by node."""

    def __init__(self, model: "ModelProto", reading: GraphReading, inputs: Sequence[Reals]) -> None:
        self.reading = reading
        self.samples = len(inputs[0])
        self.flips = 0
        features = sum(port.size for port in reading.builder.inputs)
        sizes = [features, *map(len, reading.builder.layers)]
        self.first = [int(total) for total in np.cumsum(sizes)]
        self.values = np.zeros((self.samples, self.first[-1]))
        self.values[:, :features] = np.concatenate([one.reshape(self.samples, -1) for one in inputs], axis=1)
        self.known = {name: single(array) for name, array in reading.constants.items()}
        self.found: list[dict[str, Array]] = []
        for index in range(self.samples):
            kinds = reading.inputs.values()
            given = zip(reading.inputs, inputs, kinds, strict=True)
            self.found.append({name: single(x[index : index + 1].astype(kind)) for name, x, kind in given})
        self._last_use = {name: step.node for step in reading.steps for name in step.node.input}
        self._kept = {output.name for output in model.graph.output}

    def reference(self, name: str) -> Reals:
        """(samples, ...) an output of the reference, or an input or stored tensor that is one."""
        stacked = [self.known[name] if name in self.known else one[name] for one in self.found]
        return np.stack(stacked).astype(np.float64)

    def check(self, step: Step) -> None:
        """Compute a node in both ways, compare, and go on from the reference's values."""
        node = in_single(step.node)
        inputs = [self._inputs(step, index) for index in range(self.samples)]
        same = all(not name or name in self.known for name in node.input)
        for index in range(1 if same else self.samples):
            outputs = self.reading.runner(node, inputs[index])
            target = self.known if same else self.found[index]
            target.update({n: a for n, a in zip(node.output, outputs, strict=True) if n and a is not None})
        for layer, first in self._layers(step):
            self.values[:, first : first + len(layer)] = apply_all(
                layer.activation, layer.gathered(self.values[:, :first])
            )
        for name, value in step.values.items():
            theirs = self.reference(name)
            ours = self._shown(value, self.values)
            if theirs.shape != ours.shape:
                raise self._error(step, f"gives shape {list(ours.shape[1:])}, not {list(theirs.shape[1:])}")
            self._compare(step, name, ours, theirs)
            self._set(value, theirs)
        for name in set(node.input):
            if self._last_use.get(name) is step.node and name not in self._kept:
                for one in self.found:
                    one.pop(name, None)

    def _inputs(self, step: Step, index: int) -> list[Array | None]:
        one = self.found[index]
        return [(self.known[n] if n in self.known else one[n]) if n else None for n in step.node.input]

    def _layers(self, step: Step) -> list[tuple[Layer, int]]:
        before, after = step.layers
        return [(self.reading.builder.layers[k], self.first[k]) for k in range(before, after)]

    def _compare(self, step: Step, name: str, ours: Reals, theirs: Reals) -> None:
        with np.errstate(invalid="ignore"):
            apart = np.where((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)), 0.0, np.abs(ours - theirs))
        finite = np.abs(theirs[np.isfinite(theirs)])
        greatest = float(finite.max(initial=0.0))
        if (apart <= SLACK * SINGLE * greatest + LEAST).all():
            return
        allowed = self._bound(step, greatest) + LEAST
        far = ~(apart <= allowed)
        if not far.any():
            return
        least, most = self._perturbed(step, name)
        explained = far & (theirs >= least - allowed) & (theirs <= most + allowed)
        self.flips += int(explained.sum())
        far &= ~explained
        if not np.isfinite(theirs).all():
            raise ModelError(f"{_place(step)}: gives numbers that float32 cannot hold; scale the weights before it")
        if far.any() and not self._agree_in_double(step, name, ours):
            worst = float(np.max(apart[far])) / (greatest or 1.0)
            raise self._error(step, f"differs from ONNX Runtime by {worst:.1e} of its greatest value")

    def _bound(self, step: Step, greatest: float) -> float:
        """What the rounding of this node in float32 explains: that of its longest sum, in proportion to its terms."""
        terms, magnitude = 0, greatest
        for layer, first in self._layers(step):
            values = np.abs(self.values[:, :first])
            if layer.gather == "sum":
                terms = max(terms, int(np.diff(layer.starts).max()))
                whole = Layer("bound", layer.starts, layer.source, np.abs(layer.weight), np.abs(layer.bias))
                magnitude = max(magnitude, float(whole.gathered(values).max()))
            for function in layer.activation:
                if isinstance(function, Affine):
                    sums = layer.gathered(self.values[:, :first])
                    parts = np.abs(function.scale * sums) + np.abs(function.offset)
                    magnitude = max(magnitude, float(parts.max()))
        return (terms + SLACK) * SINGLE * magnitude

    def _perturbed(self, step: Step, name: str) -> tuple[Reals, Reals]:
        """The least and the greatest that a quantizer gives for inputs within float32's error of its own."""
        found = []
        for sign in (-1.0, 1.0):
            values = self.values.copy()
            for layer, first in self._layers(step):
                sums = layer.gathered(values[:, :first])
                if any(isinstance(function, Quantize) for function in layer.activation):
                    zeros = [f.step * np.abs(f.zero) for f in layer.activation if isinstance(f, Quantize)]
                    sums = sums + sign * 4 * SINGLE * (np.abs(sums) + np.max([np.max(zero) for zero in zeros]))
                values[:, first : first + len(layer)] = apply_all(layer.activation, sums)
            found.append(self._shown(step.values[name], values))
        return np.minimum(*found), np.maximum(*found)

    def _agree_in_double(self, step: Step, name: str, ours: Reals) -> bool:
        """Whether ONNX Runtime, where it computes this node in double precision, gives the same."""
        place = list(step.node.output).index(name)
        for index in range(self.samples):
            inputs = self._inputs(step, index)
            wide = [a.astype(np.float64) if a is not None and a.dtype == np.float32 else a for a in inputs]
            try:
                theirs = self.reading.runner(step.node, wide)[place]
            except ModelError:
                return False
            if theirs is None or difference(ours[index], theirs) > DOUBLE:
                return False
        return True

    def _shown(self, value: Value, values: Reals) -> Reals:
        """(samples, ...) what a tensor of the model is, from the values of all neurons."""
        match value:
            case ConstantTensor():
                return np.broadcast_to(value.value.astype(np.float64), (len(values), *value.shape))
            case Signals():
                known = value.neuron == NO_NEURON
                return np.where(known, value.value, values[:, np.where(known, 0, value.neuron)])
            case Condition(signals):
                return self._shown(signals, values)
            case Integers(signals, scale, zero):
                return self._shown(signals, values) / scale + zero
            case ErrorFunction(signals, gain, offset):
                return np.asarray(gain * np.vectorize(erf)(self._shown(signals, values)) + offset)
            case Scores(signals, function, axis):
                numbers = np.arange(signals.neuron.size).reshape(signals.shape)
                below = axis if axis < 0 else axis - len(signals.shape)
                shown = self._shown(signals, values).reshape(len(values), -1)
                return np.asarray(Head("", numbers, function, below).outputs(shown), dtype=np.float64)

    def _set(self, value: Value, theirs: Reals) -> None:
        """Go on from the reference's values."""
        if isinstance(value, Integers):
            self._set(value.signals, (theirs - value.zero) * value.scale)
        elif isinstance(value, Condition):
            self._set(value.signals, theirs)
        elif isinstance(value, Signals):
            used = value.neuron != NO_NEURON
            self.values[:, value.neuron[used]] = theirs[:, used]

    def _error(self, step: Step, text: str) -> ModelError:
        return ModelError(
            f"{_place(step)}: what netgen read {text}: netgen would build another function; "
            "report the file as an error of netgen"
        )


def _place(step: Step) -> str:
    """Operator and name of a node."""
    return f"{step.node.op_type} {step.node.name or next(iter(step.node.output), '')}"


def _check_joined(apart: Network, joined: Network, x: Reals | tuple[Reals, ...]) -> None:
    """Compare the joined network with the layers of the nodes, both in double precision.

    Samples of which a step function's input lies within double precision of a step are left out.
    """
    before, after, noise = apart.evaluate(x), joined.evaluate(x), RoundingNoise(apart, x, DOUBLE_UNIT)
    pairs = [(before, after)] if not isinstance(before, tuple) else list(zip(before, after, strict=True))
    for number, (one, other) in enumerate(pairs):
        a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
        far = [index for index in range(len(a)) if difference(b[index], a[index]) > DOUBLE]
        far = [index for index in far if difference(b[index], a[index], noise.of(number)) > DOUBLE]
        if far and not _at_steps(apart, x)[far].all():
            worst = max(difference(b[index], a[index]) for index in far)
            raise ModelError(
                f"output {apart.outputs[number].name}: joining layers changes it by {worst:.1e} of its greatest value; "
                "report the file as an error of netgen"
            )


def _at_steps(network: Network, x: Reals | tuple[Reals, ...]) -> Array:
    """(samples,) whether some step function's value depends on the last bits of its input."""
    found = []
    for values in network.values(x):
        near = np.zeros(len(values), dtype=np.bool_)
        for layer, first in zip(network.layers, network.first, strict=False):
            if layer.activation:
                sums = layer.gathered(values[:, :first])
                error = DOUBLE * (1 + np.abs(sums).max())
                lo, hi = (apply_all(layer.activation, sums + sign * error) for sign in (-1, 1))
                near |= (np.abs(hi - lo) > 1e-4 * (np.abs(hi) + np.abs(lo)).max()).any(axis=1)
        found.append(near)
    return np.concatenate(found)
