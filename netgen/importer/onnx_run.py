"""One node at a time, computed by ONNX Runtime in the file's own precision, or by QONNX's definitions.

It folds constants, says where operations that only move elements move them, and is the reference that the network is
compared with.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.onnx_definitions import DEFINITIONS, QONNX_DOMAINS
from netgen.importer.onnx_node import Array

if TYPE_CHECKING:
    from onnx import NodeProto
    from onnxruntime import InferenceSession

__all__ = ["Described", "NodeRunner", "UnsupportedError", "in_single"]

MAX_ELEMENTS = 1 << 25
"""Elements of one tensor that is computed while a model is read."""


SMALL = frozenset({"int2", "int4", "uint2", "uint4"})
"""Types that ONNX Runtime takes from a model only, not from numpy."""
KNOWN = 64
"""Elements of the longest known input on which the shape of an output may depend."""
Described = tuple[np.dtype[Any], tuple[int, ...], Array | None]


class UnsupportedError(ModelError):
    """ONNX Runtime has no implementation for a node and the types of its inputs."""


class NodeRunner:
    """Computes nodes of one model; prepares each once for inputs of the same shapes and types."""

    def __init__(self, opsets: Mapping[str, int]) -> None:
        self.opsets = opsets
        self._sessions: dict[tuple[object, ...], InferenceSession] = {}

    def __call__(self, node: "NodeProto", inputs: Sequence[Array | None]) -> list[Array | None]:
        """The outputs of a node; None for those without a name.

        Raises: ModelError, for what ONNX Runtime refuses; UnsupportedError, for types that it has not implemented.
        """
        place = f"{node.op_type} {node.name or next(iter(node.output), '')}"
        if node.domain in QONNX_DOMAINS:
            return [DEFINITIONS[node.op_type](node, inputs)]
        self.check_size(node, [None if one is None else (one.dtype, one.shape, one) for one in inputs])
        feeds = {name: array for name, array in zip(node.input, inputs, strict=True) if name and array is not None}
        small = {name: array for name, array in feeds.items() if array.dtype.name in SMALL}
        feeds = {name: array for name, array in feeds.items() if name not in small}
        key = (
            node.op_type,
            tuple(node.output),
            tuple(array.tobytes() for array in small.values()),
            tuple((name, array.dtype.str, array.shape) for name, array in feeds.items()),
        )
        try:
            if key not in self._sessions:
                self._sessions[key] = self._session(node, feeds, small)
            found = iter(self._sessions[key].run(None, feeds))
        except Exception as error:  # ONNX Runtime's exceptions have no common class of their own
            lines = str(error).splitlines() or [""]
            text = lines[0].rpartition("] : ")[2][:200] or type(error).__name__
            kind = UnsupportedError if "NOT_IMPLEMENTED" in lines[0] or "Type Error" in lines[0] else ModelError
            raise kind(f"{place}: ONNX Runtime: {text}; export the model again") from None
        return [next(found) if name else None for name in node.output]

    def _session(self, node: "NodeProto", feeds: Mapping[str, Array], small: Mapping[str, Array]) -> "InferenceSession":
        import onnxruntime
        from onnx import helper, numpy_helper

        values = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in feeds.items()
        ]
        outputs = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
        graph = helper.make_graph(
            [node], "node", values, outputs, [numpy_helper.from_array(array, name) for name, array in small.items()]
        )
        sets = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        model = helper.make_model(graph, opset_imports=sets, ir_version=10)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def check_size(self, node: "NodeProto", inputs: "Sequence[Described | None]") -> list[int]:
        """Refuse a node of ONNX's own whose inputs do not fit together, or whose outputs would fill the memory.

        Args:
            inputs: type, shape, and the numbers where they are known.
        Returns: the elements of each output, or the most that they may be.
        """
        import onnx
        from onnx import helper, numpy_helper

        place = f"{node.op_type} {node.name or next(iter(node.output), '')}"
        given = [(name, one) for name, one in zip(node.input, inputs, strict=True) if one is not None]
        types = {
            name: helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(dtype), shape)
            for name, (dtype, shape, _) in given
        }
        data = {
            name: numpy_helper.from_array(array)
            for name, (_, _, array) in given
            if array is not None and array.size <= KNOWN
        }
        sets = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        broken = (onnx.shape_inference.InferenceError, onnx.defs.SchemaError, onnx.checker.ValidationError)
        try:
            schema = onnx.defs.get_schema(node.op_type, self.opsets[""], "")
            found = onnx.shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=sets)
        except (*broken, RuntimeError, ValueError) as error:
            text = (str(error).splitlines() or [""])[0]
            raise ModelError(f"{place}: {(text.rpartition('] ')[2] or text)[:200]}; export the model again") from None
        most = int(np.prod(given[0][1][1], dtype=object)) if node.op_type == "Slice" else MAX_ELEMENTS + 1
        sizes = []
        for output in found.values():
            sides = output.tensor_type.shape.dim
            known = all(side.HasField("dim_value") for side in sides)
            size = int(np.prod([side.dim_value for side in sides], dtype=object)) if known else most
            sizes.append(size)
            if size > MAX_ELEMENTS:
                raise ModelError(f"{place}: a result of over {MAX_ELEMENTS:,} numbers; netgen reads smaller tensors")
        return sizes


def in_single(node: "NodeProto") -> "NodeProto":
    """A node that computes in float32 whatever floating-point type the file has."""
    import onnx
    from onnx import numpy_helper

    floats = {onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for one in copy.attribute:
        if one.name in {"to", "dtype", "output_dtype", "precision"} and one.i in floats:
            one.i = onnx.TensorProto.FLOAT
        if one.HasField("t") and one.t.data_type in floats:
            one.t.CopyFrom(numpy_helper.from_array(single(numpy_helper.to_array(one.t))))
    return copy


def single(array: Array) -> Array:
    """Floating-point numbers as float32, all others as they are."""
    return array.astype(np.float32) if array.dtype.kind == "f" or array.dtype.name == "bfloat16" else array
