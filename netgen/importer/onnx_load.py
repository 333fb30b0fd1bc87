"""ONNX files, read safely: sizes are limited, weights come from the file's own folder only, damage is one line."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from netgen.errors import ModelError
from netgen.importer.onnx_definitions import QONNX_DOMAINS
from netgen.text import read_bytes, shown_path

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

__all__ = ["OPSETS", "load_model", "opset_of", "weight_files"]

LIMIT = 128 << 20
"""Bytes that a file and the files of its weights may have: 32 million float32 weights; reading needs 10 times that."""
MAX_NODES = 100_000
OPSETS = range(7, 29)
"""The versions of ONNX's operators that are read."""
INSTALL = "install it by: pip install 'netgen[onnx]'"


def load_model(path: Path) -> "ModelProto":
    """Read, check and inline an ONNX file; nothing in it is executed.

    Raises: ModelError, for a file that is not ONNX, is damaged, too large, or refers to files outside its folder, and
        for operator sets that are not read.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401  # a missing one is told before the work begins
        from google.protobuf.message import DecodeError
        from onnx import inliner
    except ImportError as found:
        raise ModelError(f"{shown_path(path)}: reading ONNX needs {found.name}; {INSTALL}") from found
    data = read_bytes(path, ModelError, limit=LIMIT, fix="give the path of an ONNX file")
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as found:
        raise ModelError(f"{shown_path(path)}: no ONNX file, or a damaged one; export the model again") from found
    del data
    try:
        _load_weights(model, path.parent)
        stated = {one.domain for one in model.opset_import}
        for domain in QONNX_DOMAINS & {node.domain for node in model.graph.node} - stated:
            model.opset_import.append(onnx.helper.make_opsetid(domain, 1))  # early exporters leave it out
        for output in model.graph.output:
            if not output.type.tensor_type.HasField("shape"):
                output.type.tensor_type.shape.CopyFrom(onnx.TensorShapeProto())  # it follows from the nodes
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError, OSError, TypeError) as found:
        raise ModelError(f"{shown_path(path)}: {_first_line(found)}; export the model again") from found
    opset = opset_of(model)
    if opset not in OPSETS:
        raise ModelError(
            f"{shown_path(path)}: opset {opset} of ONNX; netgen reads {OPSETS[0]} to {OPSETS[-1]}: "
            "convert it by onnx.version_converter"
        )
    if model.functions:
        own = next((one.name for one in model.functions if one.domain in {"", "ai.onnx"}), None)
        if own is not None:
            raise ModelError(
                f"{shown_path(path)}: a function in place of ONNX's own {own}, which programs read differently; give "
                "it a domain of its own"
            )
        count = _inlined_nodes(model)
        if count > MAX_NODES:
            raise ModelError(
                f"{shown_path(path)}: functions in functions make over {MAX_NODES:,} nodes; export without"
            )
        model = inliner.inline_local_functions(model)
    if len(model.graph.node) > MAX_NODES:
        raise ModelError(f"{shown_path(path)}: {len(model.graph.node):,} nodes; netgen reads at most {MAX_NODES:,}")
    if model.graph.sparse_initializer:
        raise ModelError(f"{shown_path(path)}: sparse initializers; store the weights as dense tensors with zeros")
    return model


def opset_of(model: "ModelProto") -> int:
    """The version of ONNX's own operators that a model uses; the first that is read for one that uses none."""
    return next((one.version for one in model.opset_import if one.domain in {"", "ai.onnx"}), OPSETS[0])


def _first_line(found: Exception) -> str:
    """What an exception says, as one short line."""
    lines = [line.strip() for line in str(found).splitlines() if line.strip()]
    return lines[0].rstrip(".")[:300] if lines else type(found).__name__


def _load_weights(model: "ModelProto", folder: Path) -> None:
    """Load tensors that lie in files of their own beside the model's.

    Raises: ValueError, for a file outside the folder, or too many bytes.
    """
    import onnx

    outside = [tensor for tensor in _tensors(model.graph) if onnx.external_data_helper.uses_external_data(tensor)]
    total, root = 0, folder.resolve()
    for tensor in outside:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        file = (folder / location).resolve()
        if not location or root not in file.parents or not file.is_file():
            raise ValueError(f"the weights {tensor.name!r} lie in {location!r}, which is no file in the model's folder")
        length = int(entries.get("length", 0)) or file.stat().st_size
        total += length
        if total > LIMIT:
            raise ValueError(f"weights of more than {LIMIT:,} bytes")
    for tensor in outside:
        onnx.external_data_helper.load_external_data_for_tensor(tensor, str(root))
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def weight_files(path: Path) -> list[Path]:
    """The files in which an ONNX file keeps its weights, beside itself; none of a file that cannot be read."""
    try:
        data = read_bytes(path, ModelError, limit=LIMIT, fix="give the path of an ONNX file")
        if b"location" not in data:
            return []
        import onnx
        from google.protobuf.message import DecodeError
    except (ModelError, ImportError):
        return []
    try:
        tensors = list(_tensors(onnx.load_model_from_string(data).graph))
    except DecodeError:
        return []
    found = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
    return [path.parent / name for name in sorted(found)]


def _tensors(graph: "GraphProto") -> "Iterable[TensorProto]":
    """All tensors that a graph stores, outside of graphs within it (which are refused later)."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def _inlined_nodes(model: "ModelProto") -> int:
    """How many nodes the model has once its functions are inlined; functions may not call themselves."""
    functions: dict[tuple[str, str], FunctionProto] = {(one.domain, one.name): one for one in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size_of(node: "NodeProto") -> int:
        key = (node.domain, node.op_type)
        if key not in functions:
            return 1
        if key not in sizes:
            sizes[key] = MAX_NODES + 1  # also what a function that calls itself finds
            sizes[key] = min(MAX_NODES + 1, sum(map(size_of, functions[key].node)))
        return sizes[key]

    return sum(map(size_of, model.graph.node))
