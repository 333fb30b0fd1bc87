"""Compute a model's nodes on two samples at once, to see that no output depends on the other sample of its batch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netgen.errors import ModelError
from netgen.importer.batch import check_batch
from netgen.importer.onnx_node import Array
from netgen.importer.onnx_range import random_inputs
from netgen.importer.onnx_run import in_single, single
from netgen.importer.rounding_noise import RoundingNoise

if TYPE_CHECKING:
    from onnx import ModelProto

    from netgen.importer.onnx_graph import GraphReading

__all__ = ["check_batches"]

SINGLE = 2.0**-24
"""Relative error of one float32 operation."""
OTHERS = 1e-3
"""Relative difference from a sample alone that is not rounding of float32, where no value lies at a step."""


def check_batches(model: "ModelProto", reading: "GraphReading", *, seed: int = 0) -> None:
    """Refuse a model that leaves its batch open, and of which an output of one sample depends on another's.

    The same sample is computed beside two others. Its place in the batch is the same, so are the roundings, and so are
    its outputs, bit for bit, unless they depend on the other sample. Where the model computes with the shapes of its
    tensors, each sample is computed alone, too.

    Raises: ModelError, with the output; nothing, for a model that cannot compute two samples at once.
    """
    if not _is_open(model, reading):
        return
    names = [output.name for output in model.graph.output]
    drawn = random_inputs(reading, 4, seed)
    try:
        pair, last, first = (_outputs(reading, names, drawn, at) for at in ([0, 1], [0, 2], [3, 1]))
        alone = [_outputs(reading, names, drawn, [at]) for at in (0, 1)] if _reads_shapes(reading) else []
    except ModelError:
        return  # a shape for one sample stands in the model
    same = [np.concatenate([last[name][:1], first[name][1:2]]) for name in names]
    check_batch(2, names, same, [pair[name] for name in names], [0.0] * len(names))
    if alone:
        apart = [np.concatenate([one[name] for one in alone]) for name in names]
        x = drawn[0] if len(drawn) == 1 else tuple(drawn)
        noise = RoundingNoise(reading.builder.finish(), x, SINGLE).of
        check_batch(2, names, apart, [pair[name] for name in names], [OTHERS] * len(names), spared=1, explained=noise)


def _is_open(model: "ModelProto", reading: "GraphReading") -> bool:
    """Whether the number of samples of every input is left open."""
    sides = [port.type.tensor_type.shape.dim[0] for port in model.graph.input if port.name in reading.inputs]
    return not any(side.HasField("dim_value") and side.dim_value > 0 for side in sides)


def _reads_shapes(reading: "GraphReading") -> bool:
    return any(step.node.op_type in {"Shape", "Size"} for step in reading.steps)


def _outputs(
    reading: "GraphReading", names: Sequence[str], inputs: Sequence[Array], samples: Sequence[int]
) -> Mapping[str, Array]:
    """The outputs of some samples as one batch, by ONNX Runtime, node by node.

    Raises: ModelError, for what it refuses.
    """
    found = {name: single(array) for name, array in reading.constants.items()}
    for (name, kind), values in zip(reading.inputs.items(), inputs, strict=True):
        found[name] = single(values[list(samples)].astype(kind))
    last_use = {name: step.node for step in reading.steps for name in step.node.input}
    for step in reading.steps:
        node = in_single(step.node)
        outputs = reading.runner(node, [found[name] if name else None for name in node.input])
        found.update(
            {name: array for name, array in zip(node.output, outputs, strict=True) if name and array is not None}
        )
        for name in set(node.input):
            if last_use.get(name) is step.node and name not in names:
                found.pop(name, None)
    return {name: np.asarray(found[name]) for name in names}
