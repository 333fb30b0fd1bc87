"""The walk over an ONNX graph: nodes in order, those of known numbers computed at once, the others added as layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from netgen.errors import ModelError, NetgenError
from netgen.importer.builder import Builder
from netgen.importer.onnx_load import opset_of
from netgen.importer.onnx_moves import MOVES, move
from netgen.importer.onnx_node import Array, Condition, ErrorFunction, Integers, Node, Scores, Value
from netgen.importer.onnx_operations import HINTS, OPERATIONS
from netgen.importer.onnx_quantized import QUANTIZED, integers_as_signals
from netgen.importer.onnx_run import Described, NodeRunner, UnsupportedError, in_single, single
from netgen.importer.signals import ConstantTensor, Signals

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

__all__ = ["GraphReading", "Step", "read_graph"]

MAX_VALUES = 1 << 21
"""Values of an input, and neurons of one operator."""
LIMITS = {"numbers that follow from constants": 1 << 26, "neurons": 1 << 22, "wires": 1 << 26}
"""Over all nodes; a wire takes about 100 bytes while layers are joined."""
RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
STANDARD = frozenset({"", "ai.onnx"})


@dataclass(frozen=True, eq=False)
class Step:
    """A node that was read.

    Attributes:
        node: as the file has it.
        values: what its outputs are in the network, by name.
        layers: numbers of the first layer that it added, and of the one after its last.
    """

    node: "NodeProto"
    values: Mapping[str, Value]
    layers: tuple[int, int]


@dataclass(frozen=True, eq=False)
class GraphReading:
    """A graph that was read: the layers of its nodes, before any are joined.

    Attributes:
        inputs: names and element types of the model's inputs.
        constants: the stored tensors.
        steps: in the order of the file.
        assumed: what the file leaves open, one sentence each.
    """

    builder: Builder
    runner: NodeRunner
    inputs: Mapping[str, "np.dtype[np.generic]"]
    constants: Mapping[str, Array]
    steps: tuple[Step, ...]
    assumed: tuple[str, ...]


def read_graph(model: "ModelProto") -> GraphReading:
    """Add the layers and outputs of a model to a `Builder`.

    Raises: ModelError, for what is not read, with the node and what could stand in its place.
    """
    builder, assumed = Builder(), _narrow(model)
    opsets = {"" if one.domain in STANDARD else one.domain: one.version for one in model.opset_import}
    opsets.setdefault("", opset_of(model))
    runner = NodeRunner({"": opsets[""]})
    stored = _stored(model)
    steps_of = _annotated_steps(model, stored)
    values: dict[str, Value] = {name: ConstantTensor(array, steps_of.get(name)) for name, array in stored.items()}
    inputs = {}
    for port in model.graph.input:
        if port.name not in stored:
            shape, kind = _port(port, assumed)
            values[port.name] = builder.input(port.name, shape)
            inputs[port.name] = kind
    if not inputs:
        raise ModelError("a model without inputs; export it with one")
    steps, sizes = [], {"numbers that follow from constants": 0, "neurons": 0, "wires": 0}
    for proto in model.graph.node:
        opset = opsets.get("" if proto.domain in STANDARD else proto.domain, 1)
        missing = next((name for name in proto.input if name and name not in values), None)
        if missing is not None:
            raise ModelError(f"{proto.op_type} {proto.name}: reads {missing!r}, which no earlier node computes")
        node = Node(proto, opset, [values[name] if name else None for name in proto.input])
        before = len(builder.layers)
        made = _made(node, builder, runner, model)
        added = builder.layers[before:]
        sizes["numbers that follow from constants"] += sum(
            value.value.size for value in made.values() if isinstance(value, ConstantTensor)
        )
        sizes["neurons"] += sum(map(len, added))
        sizes["wires"] += sum(layer.wires for layer in added)
        for what, most in LIMITS.items():
            if sizes[what] > most:
                raise node.error(f"over {most:,} {what}; netgen reads smaller models")
        values.update(made)
        steps.append(Step(proto, made, (before, len(builder.layers))))
    for output in model.graph.output:
        if output.name not in values:
            raise ModelError(f"output {output.name!r}: no node computes it; export the model again")
        _add_output(builder, output.name, values[output.name])
    return GraphReading(builder, runner, inputs, stored, tuple(steps), tuple(assumed))


def _made(node: Node, builder: Builder, runner: NodeRunner, model: "ModelProto") -> dict[str, Value]:
    """What the outputs of a node are, by name."""
    try:
        found = _outputs(node, builder, runner)
    except ModelError:
        raise
    except NetgenError as error:
        raise node.error(str(error)) from error
    names = node.proto.output
    made = {name: value for name, value in zip(names, found, strict=False) if name and value is not None}
    lost = next((name for name in names if name and name not in made), None)
    if lost is not None and _is_read(model, lost):
        raise node.error(f"its output {lost!r} is not read by netgen; use its first output only")
    return made


def _narrow(model: "ModelProto") -> list[str]:
    """A sentence for each type of half precision in which a model computes."""
    from onnx import TensorProto

    graph = model.graph
    tensors = [one.type.tensor_type.elem_type for one in (*graph.input, *graph.value_info, *graph.output)]
    casts = [one.i for node in graph.node for one in node.attribute if one.name in {"to", "dtype"}]
    inner = [one.t.data_type for node in graph.node for one in node.attribute if one.HasField("t")]
    kinds = {*tensors, *casts, *inner, *(tensor.data_type for tensor in graph.initializer)}
    return [
        f"the file computes in {name}; netgen computes wider: a value of the file has a relative error of 2**-{bits}"
        for kind, name, bits in ((TensorProto.FLOAT16, "float16", 11), (TensorProto.BFLOAT16, "bfloat16", 8))
        if kind in kinds
    ]


def _stored(model: "ModelProto") -> dict[str, Array]:
    """The tensors of a model by name; half precision as float32, which holds it exactly."""
    from onnx import numpy_helper

    found = {}
    for tensor in model.graph.initializer:
        try:
            array = numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError) as error:  # KeyError: an unknown type
            raise ModelError(f"tensor {tensor.name!r}: {str(error)[:200]}; export the model again") from error
        found[tensor.name] = single(array) if array.dtype != np.float64 else array
    return found


def _annotated_steps(model: "ModelProto", stored: Mapping[str, Array]) -> dict[str, Array]:
    """Steps of 1 for the tensors that FINN annotates as integers, and that are."""
    found = {}
    for note in model.graph.quantization_annotation:
        kinds = [one.value for one in note.quant_parameter_tensor_names if one.key == "finn_datatype"]
        array = stored.get(note.tensor_name)
        integral = kinds and str(kinds[0]).startswith(("INT", "UINT", "BIPOLAR", "BINARY", "TERNARY"))
        if integral and array is not None and array.dtype.kind == "f" and (array == np.rint(array)).all():
            found[note.tensor_name] = np.ones(())
    return found


def _port(port: "ValueInfoProto", assumed: list[str]) -> "tuple[tuple[int, ...], np.dtype[np.generic]]":
    """Shape for a batch of one, and type, of an input."""
    from onnx import helper

    if not port.type.HasField("tensor_type") or not port.type.tensor_type.HasField("shape"):
        raise ModelError(f"input {port.name}: its shape is not stated; export the model with a fixed shape")
    sides = port.type.tensor_type.shape.dim
    if len(sides) < 2:
        raise ModelError(f"input {port.name}: {len(sides)} axes; give it a batch axis, and one more at least")
    shape = []
    for axis, side in enumerate(sides):
        known = side.HasField("dim_value") and side.dim_value > 0
        if not known and axis:
            name = side.dim_param or str(side.dim_value if side.HasField("dim_value") else "?")
            raise ModelError(f"input {port.name}: axis {axis} has the length {name!r}; export the model with a number")
        if axis == 0 and known and side.dim_value != 1:
            raise ModelError(f"input {port.name}: a batch of {side.dim_value}; export the model with a batch of 1")
        if axis == 0 and not known:
            assumed.append(f"the first axis of input {port.name} is the batch")
        shape.append(side.dim_value if known else 1)
    if int(np.prod(shape, dtype=object)) > MAX_VALUES:
        raise ModelError(f"input {port.name}: {shape} has over {MAX_VALUES:,} values; netgen reads smaller models")
    element = port.type.tensor_type.elem_type
    kind = helper.tensor_dtype_to_np_dtype(element) if element in helper.get_all_tensor_dtypes() else np.dtype(object)
    if kind.kind not in "fiu" and kind.name != "bfloat16":
        raise ModelError(f"input {port.name}: elements of type {kind}; netgen reads numbers")
    return tuple(shape), kind


def _outputs(node: Node, builder: Builder, runner: NodeRunner) -> list[Value | None]:
    """What a node gives."""
    op, domain = node.proto.op_type, node.proto.domain
    if any(one.HasField("g") or one.graphs for one in node.proto.attribute):
        raise node.error(HINTS.get(op, "contains a subgraph; export the model without it"))
    if domain not in STANDARD:
        if (domain, op) not in QUANTIZED:
            raise ModelError(
                f"{node.place}: the domain {domain} has no operator that netgen reads by this name; {HINT}"
            )
        return _checked(node, QUANTIZED[domain, op](builder, node))
    if op in MOVES:
        return list(move(node, runner))
    if op in {"Shape", "Size"}:
        shaped = [np.zeros(node.value(0).shape, dtype=np.float32)]
        return [None if one is None else ConstantTensor(one) for one in runner(node.proto, list(shaped))]
    if ("", op) in QUANTIZED and op != "QuantizeLinear":
        return _checked(node, QUANTIZED["", op](builder, node))
    if all(value is None or isinstance(value, ConstantTensor) for value in node.inputs) and op not in RANDOM:
        return _folded(node, runner)
    operation = OPERATIONS.get(op) or QUANTIZED.get(("", op))
    if operation is None:
        raise ModelError(f"{node.place}: not an operator that netgen reads; {HINTS.get(op, HINT)}")
    sizes = runner.check_size(node.proto, [None if value is None else _described(value) for value in node.inputs])
    if 0 in sizes and any(value is not None and 0 in value.shape for value in node.inputs):
        raise node.error("gives an empty tensor; export the model without this operator")
    if max(sizes, default=0) > MAX_VALUES:
        raise node.error(f"over {MAX_VALUES:,} neurons; netgen reads smaller models")
    return _checked(node, operation(builder, node))


def _described(value: Value) -> Described:
    """Type, shape and numbers; all floating-point ones are float32, whatever the file says."""
    if isinstance(value, ConstantTensor) and value.value.dtype.kind != "f":
        return value.value.dtype, value.shape, value.value
    if isinstance(value, Condition):
        return np.dtype(np.bool_), value.shape, None
    return np.dtype(np.uint8 if isinstance(value, Integers) else np.float32), value.shape, None


HINT = "use weighted sums, maxima and functions of single values in its place"


def _checked(node: Node, found: list[Value | None]) -> list[Value | None]:
    """The outputs, once every attribute is read."""
    node.finish()
    return found


def _folded(node: Node, runner: NodeRunner) -> list[Value | None]:
    """The outputs of a node of known numbers; products with known numbers keep steps."""
    constants = [value if isinstance(value, ConstantTensor) else None for value in node.inputs]
    arrays = [None if one is None else one.value for one in constants]
    if any(array is not None and array.dtype == np.float64 for array in arrays):
        wide = [None if a is None else a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
        try:
            found = runner(node.proto, wide)
        except UnsupportedError:
            found = runner(in_single(node.proto), [None if one is None else single(one) for one in wide])
    else:
        found = runner(in_single(node.proto), arrays)
    for one in found:
        if one is not None and (not isinstance(one, np.ndarray) or one.dtype.kind in "OSU"):
            raise node.error("gives text, or a sparse tensor; store numbers as a dense tensor")
    return [None if one is None else ConstantTensor(one, _step_of_product(node, constants, one)) for one in found]


def _step_of_product(node: Node, constants: "list[ConstantTensor | None]", product: Array) -> Array | None:
    """The step of a product or quotient of quantized numbers and plain ones."""
    if node.proto.op_type not in {"Mul", "Div"} or len(constants) != 2:
        return None
    a, b = constants
    if a is None or b is None or (a.step is None) == (b.step is None):
        return None
    if a.step is None and node.proto.op_type == "Mul":
        a, b = b, a
    if a.step is None:
        return None
    factor = np.abs(np.asarray(b.value, dtype=np.float64))
    step = a.step * factor if node.proto.op_type == "Mul" else a.step / factor
    return np.broadcast_to(step, product.shape) if np.isfinite(step).all() and (step > 0).all() else None


def _is_read(model: "ModelProto", name: str) -> bool:
    """Whether a node or an output reads a tensor."""
    return any(name in node.input for node in model.graph.node) or any(o.name == name for o in model.graph.output)


def _add_output(builder: Builder, name: str, value: Value) -> None:
    match value:
        case Scores(signals, function, axis):
            builder.output(name, signals, function, axis)
        case Integers():
            builder.output(name, integers_as_signals(builder, f"{name}.integers", value))
        case Condition(signals):
            builder.output(name, signals)
        case ErrorFunction():
            raise ModelError(f"output {name}: an error function outside of a GELU is not supported")
        case Signals() | ConstantTensor():
            builder.output(name, value)
