"""An exported program, node by node: known numbers are computed by PyTorch, signals become layers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.aten import COPIES, HANDLERS, HINTS, Call, Headed
from netgen.importer.builder import Builder
from netgen.importer.export import reason_of
from netgen.importer.signals import ConstantTensor, Signals
from netgen.ir.network import Network

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node

__all__ = ["ProgramReading", "walk"]

FAKE_QUANTIZERS = {"fake_quantize_per_channel_affine", "fake_quantize_per_tensor_affine"}
"""Operators that round to whole multiples of a step, which PyTorch multiplies in single precision."""


@dataclass(eq=False)
class ProgramReading:
    """What was read of a program.

    Attributes:
        network: one layer for each operation, not joined yet.
        results: the last tensor that each module computed, by its path, in the order of computation.
        assumed: what the program states and the network leaves out, one line each.
        single: whether some operator rounds to single precision, whatever its signals have.
    """

    network: Network
    results: dict[str, Signals] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    single: bool = False


def walk(program: "ExportedProgram", shapes: Sequence[tuple[int, ...]]) -> ProgramReading:
    """Read an exported program of one sample.

    Args:
        shapes: of the inputs, with the batch axis of length 1.
    Raises: ModelError, for an operator that layers cannot express, with its place and what could stand there.
    """
    return _Walk(program, shapes).reading()


class _Walk:
    """The values of the nodes that were computed so far."""

    def __init__(self, program: "ExportedProgram", shapes: Sequence[tuple[int, ...]]) -> None:
        self.program = program
        self.builder = Builder()
        self.values: dict[str, Any] = {}
        self.results: dict[str, Signals] = {}
        self.assumed: list[str] = []
        self.single = False
        self._shapes = iter(shapes)

    def reading(self) -> ProgramReading:
        """Compute all nodes, and name the outputs."""
        placeholders = {spec.arg.name: spec for spec in self.program.graph_signature.input_specs}
        for node in self.program.graph.nodes:
            match node.op:
                case "placeholder":
                    self.values[node.name] = self._placeholder(placeholders[node.name])
                case "call_function":
                    self.values[node.name] = self._computed(node)
                    path, _ = _module_of(node)
                    if path and isinstance(self.values[node.name], Signals):
                        self.results.pop(path, None)
                        self.results[path] = self.values[node.name]
                case "output":
                    self._outputs(self._value(node.args[0]))
                case "get_attr":
                    raise ModelError(f"{node.target}: {HINTS['cond']}")
                case _:
                    raise ModelError(f"{node.name}: a {node.op} of torch.fx; export the module by torch.export")
        return ProgramReading(self.builder.finish(), self.results, tuple(self.assumed), self.single)

    def _placeholder(self, spec: Any) -> Any:
        """A parameter, a buffer, a stored tensor, or an input."""
        kind = spec.kind.name
        if kind == "USER_INPUT":
            if not hasattr(spec.arg, "name") or not hasattr(self.program, "graph") or hasattr(spec.arg, "value"):
                return getattr(spec.arg, "value", None)
            return self.builder.input(spec.arg.name, next(self._shapes))
        program = self.program
        stored = program.state_dict if spec.target in program.state_dict else program.constants
        tensor = stored.get(spec.target)
        if kind not in {"PARAMETER", "BUFFER", "CONSTANT_TENSOR"} or tensor is None:
            raise ModelError(f"{spec.target}: an object that is no tensor; netgen reads numbers only")
        return _constant(tensor, str(spec.target))

    def _value(self, argument: Any) -> Any:
        """An argument of a node, with the values of the nodes in it."""
        from torch.fx import Node

        if isinstance(argument, Node):
            return self.values[argument.name]
        if isinstance(argument, list | tuple):
            return type(argument)(self._value(one) for one in argument)
        if isinstance(argument, dict):
            return {key: self._value(one) for key, one in argument.items()}
        return argument

    def _computed(self, node: "Node") -> Any:
        """What a node computes."""
        import operator

        import torch

        arguments = [self._value(one) for one in node.args]
        named = {key: self._value(one) for key, one in node.kwargs.items()}
        if node.target is operator.getitem:
            parts, index = arguments
            if not isinstance(index, int) or index >= len(parts):
                raise ModelError(f"{_name_of(node)}: output {index} of the operator before is not supported")
            return parts[index]
        schema = getattr(node.target, "_schema", None)
        if not isinstance(node.target, torch._ops.OpOverload) or schema is None:
            if not any(_tensors(one) for one in (*arguments, *named.values())) and callable(node.target):
                return node.target(*arguments, **named)  # arithmetic of shapes
            name = getattr(node.target, "__name__", str(node.target))
            raise ModelError(
                f"{_name_of(node)}: {name}: {HINTS.get(name, 'not supported; use plain tensor operators')}"
            )
        given = dict(zip((one.name for one in schema.arguments), arguments, strict=False)) | named
        whole = {one.name: given.get(one.name, one.default_value) for one in schema.arguments}
        operation = schema.name.split("::")[1]
        return self._called(Call(self.builder, _name_of(node), operation, whole, node.target))

    def _called(self, call: Call) -> Any:
        """The result of a call: known, a head, or layers."""
        import torch

        tensors = [one for value in call.arguments.values() for one in _tensors(value)]
        if call.operator == "sym_size":
            return tensors[0].shape[call["dim"]]
        if call.operator.startswith(("_assert", "sym_constrain")):
            return None
        random = torch.Tag.nondeterministic_seeded in call.target.tags and not _still(call)
        if random and call.operator not in HINTS:
            raise call.refusal("random numbers; call eval(), and take randomness out of the forward pass")
        headed = [one for one in tensors if isinstance(one, Headed)]
        if headed:
            if call.operator in COPIES:
                return headed[0]
            raise call.refusal(
                f"reads a {headed[0].function}, which is supported as last operation only; give its input"
            )
        self.single |= call.operator in FAKE_QUANTIZERS
        if not any(isinstance(one, Signals) for one in tensors):
            return _folded(call)
        handler = HANDLERS.get(call.operator)
        if handler is None:
            hint = HINTS.get(call.operator, "not supported; use linear, convolution, pooling and elementwise operators")
            raise call.refusal(hint)
        if call.operator in {"_to_copy", "to"} and call["dtype"] is not None and call["dtype"].itemsize < 8:
            self.assumed.append(f"{call.name}: a cast to {call['dtype']} keeps the whole value")
        return handler(call)

    def _outputs(self, found: Any) -> None:
        """Add a head for each output that is a tensor."""
        from torch.utils import _pytree

        specs = self.program.graph_signature.output_specs
        changed = next((str(spec.target) for spec in specs if spec.kind.name == "BUFFER_MUTATION"), None)
        if changed is not None:
            raise ModelError(f"the forward pass changes buffer {changed}; netgen reads networks without a state")
        shown = [one for one, spec in zip(found, specs, strict=True) if spec.kind.name == "USER_OUTPUT"]
        tree = self.program.call_spec.out_spec
        whole = _pytree.tree_unflatten(range(len(shown)), tree)
        paths, _ = _pytree.tree_flatten_with_path(whole)
        taken: set[str] = set()
        for path, index in paths:
            value = shown[index]
            if not isinstance(value, Signals | ConstantTensor | Headed):
                continue
            name = _output_name(path, len(shown))
            while name in taken:
                name += "_"
            taken.add(name)
            if isinstance(value, Headed):
                self.builder.output(name, value.signals, value.function, value.axis, keep=value.keep)
            else:
                self.builder.output(name, value)
        if not self.builder.outputs:
            raise ModelError("the model returns no tensor; return the outputs from its forward method")


def _output_name(path: Sequence[Any], count: int) -> str:
    """A key of a dictionary, else `output` and its place."""
    parts = [str(getattr(one, "key", getattr(one, "idx", getattr(one, "name", "")))) for one in path]
    if not parts or (count == 1 and parts[0].isdigit()):
        return "output"
    return ("output" if parts[0].isdigit() else "") + ".".join(parts)


def _tensors(value: Any) -> list[Any]:
    """The tensors of an argument."""
    if isinstance(value, list | tuple):
        return [one for part in value for one in _tensors(part)]
    return [value] if isinstance(value, Signals | ConstantTensor | Headed) else []


def _still(call: Call) -> bool:
    """Whether an operator that can be random is not: dropout of a module that is evaluated."""
    return "train" in call.arguments and not call["train"]


def _module_of(node: "Node") -> tuple[str, str]:
    """The path and the class of the innermost module that a node belongs to."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path, kind = stack[-1] if stack else ("", "")
    return str(path), kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"


def _name_of(node: "Node") -> str:
    """The path of a module of PyTorch's own, else the path and the operator."""
    path, kind = _module_of(node)
    if path and kind.startswith("torch.nn."):
        return path
    schema = getattr(node.target, "_schema", None)
    operation = node.name if schema is None else schema.name.split("::")[1].lstrip("_")
    return f"{path}.{operation}" if path else operation


def _constant(tensor: Any, name: str) -> ConstantTensor:
    """A PyTorch tensor as known numbers; real ones in double precision."""
    plain = tensor.detach().cpu()
    if plain.is_complex():
        raise ModelError(f"{name}: complex numbers; netgen computes with real ones")
    if plain.is_floating_point():
        plain = plain.double()
    return ConstantTensor(np.array(plain.numpy()))


def _folded(call: Call) -> Any:
    """A call of known numbers only, computed by PyTorch."""
    import torch

    def given(value: Any) -> Any:
        if isinstance(value, ConstantTensor):
            return torch.from_numpy(np.array(value.value))
        if isinstance(value, list | tuple):
            return [given(one) for one in value]
        return value

    arguments = {name: given(value) for name, value in call.arguments.items()}
    if arguments.get("device") is not None:
        arguments["device"] = torch.device("cpu")
    if call.operator in FAKE_QUANTIZERS and isinstance(arguments["scale"], torch.Tensor):
        arguments["scale"] = arguments["scale"].float()  # PyTorch takes no other
    try:
        with torch.no_grad():
            result = call.run(arguments)
    except Exception as found:  # whatever PyTorch raises
        raise call.refusal(f"PyTorch cannot compute it: {reason_of(found)}; compute the number before") from found
    if isinstance(result, list | tuple):
        return [_constant(one, call.name) if isinstance(one, torch.Tensor) else one for one in result]
    if not isinstance(result, torch.Tensor):
        return result
    known = _constant(result, call.name)
    return _in_steps(call, known) if call.operator in FAKE_QUANTIZERS else known


def _in_steps(call: Call, rounded: ConstantTensor) -> ConstantTensor:
    """What a fake quantizer gives, in single precision, as the whole multiples of its step that they are."""
    scale = call.constant("scale")
    assert scale is not None  # the schema requires it
    step = scale.value.astype(np.float32).astype(np.float64)
    if call["axis"] is not None:
        axes = [1] * rounded.value.ndim
        axes[call["axis"]] = -1
        step = step.reshape(axes)
    return ConstantTensor(np.rint(rounded.value / step) * step, step)
