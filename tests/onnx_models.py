"""Small ONNX models for tests, and what ONNX Runtime computes for them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

__all__ = ["node", "numbers", "runtime", "write"]

Array = np.ndarray[Any, Any]
node = helper.make_node


def numbers(*shape: int, seed: int = 1) -> Array:
    """Normal numbers, float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def write(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int | str | None],
    stored: Mapping[str, Array] | None = None,
    *,
    opset: int = 13,
    outputs: Sequence[str] = ("y",),
    kind: int = TensorProto.FLOAT,
    domains: Sequence[str] = (),
) -> Path:
    """Write a model with the input x, and outputs whose types are not stated."""
    graph = helper.make_graph(
        list(nodes),
        "model",
        [helper.make_tensor_value_info("x", kind, list(shape))],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (stored or {}).items()],
    )
    sets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, opset_imports=sets, ir_version=10)
    model = onnx.shape_inference.infer_shapes(model)
    for output in model.graph.output:
        if not output.type.HasField("tensor_type"):  # of a domain that shape inference does not know
            output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, None))
    path.write_bytes(model.SerializeToString())
    return path


def runtime(path: Path, x: Array) -> list[Array]:
    """The outputs of ONNX Runtime, which optimizes the whole model, sample by sample."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    found = [session.run(None, {"x": x[index : index + 1]}) for index in range(len(x))]
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]
