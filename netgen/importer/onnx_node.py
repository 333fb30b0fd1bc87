"""One node of an ONNX graph while it is read: its inputs, and its attributes, of which none may stay unread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.builder import Builder
from netgen.importer.signals import ConstantTensor, Signals, Tensor
from netgen.ir.fixed import Reals
from netgen.ir.network import HeadFunction

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["Array", "Condition", "Converter", "ErrorFunction", "Integers", "Node", "Scores", "Value"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Integers:
    """What `QuantizeLinear` gives: integers, of which the network computes the numbers that they stand for.

    Attributes:
        signals: the numbers, `scale * (integer - zero)`.
        scale, zero: of the same shape, float64.
    """

    signals: Signals
    scale: Reals
    zero: Reals

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.signals.shape


@dataclass(frozen=True, eq=False)
class Scores:
    """What a softmax or an arg-max gives: only outputs may show it.

    Attributes:
        signals: what it is computed from; for an arg-max, of the shape of its result and the classes as last axis.
        function: what is computed.
        axis: the axis of `signals` along which it is computed.
    """

    signals: Signals
    function: HeadFunction
    axis: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.signals.shape[:-1] if self.function == "argmax" else self.signals.shape


@dataclass(frozen=True, eq=False)
class ErrorFunction:
    """`gain * erf(x) + offset`, a part of a GELU.

    Attributes:
        signals: x.
    """

    signals: Signals
    gain: float = 1.0
    offset: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.signals.shape


@dataclass(frozen=True, eq=False)
class Condition:
    """What a comparison gives: `Where` chooses by it, and `Cast` makes numbers of it.

    Attributes:
        signals: 1 where it is true, else 0.
    """

    signals: Signals

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.signals.shape


Value = Signals | ConstantTensor | Integers | Scores | ErrorFunction | Condition


@dataclass
class Node:
    """A node whose inputs are known.

    Attributes:
        proto: as the file has it; names without a node's name are those of its first output.
        opset: version of the operators of its domain.
        inputs: None for those that are left out.
    """

    proto: "NodeProto"
    opset: int
    inputs: Sequence[Value | None]
    _read: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The node's name, or that of its first output."""
        return self.proto.name or next((name for name in self.proto.output if name), self.proto.op_type)

    @property
    def place(self) -> str:
        """Operator and name, as messages begin."""
        return f"{self.proto.op_type} {self.name}"

    def error(self, text: str) -> ModelError:
        """The exception for this node."""
        return ModelError(f"{self.place}: {text}")

    def given(self, index: int) -> bool:
        """Whether an optional input is there."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def value(self, index: int) -> Value:
        """An input of any kind."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise self.error(f"input {index} is missing; export the model again")
        return value

    def tensor(self, index: int) -> Tensor:
        """An input that is a tensor of numbers."""
        value = self.value(index)
        if isinstance(value, Integers):
            raise self.error(
                "computes with the integers of QuantizeLinear; put DequantizeLinear between (the QDQ format)"
            )
        if isinstance(value, ErrorFunction):
            raise self.error("reads an error function, which is supported only inside a GELU; use Gelu (opset 20)")
        if isinstance(value, Condition):
            raise self.error("reads a comparison; choose by it with Where, or make numbers of it with Cast")
        if isinstance(value, Scores):
            raise self.error(f"reads a {value.function}, which netgen computes at outputs only; remove what follows it")
        return value

    def signals(self, index: int) -> Signals:
        """An input that depends on the model's inputs."""
        value = self.tensor(index)
        if isinstance(value, ConstantTensor):
            return Signals.known(value.value.astype(np.float64))
        return value

    def constant(self, index: int, what: str) -> ConstantTensor:
        """An input that is known; `what` names it in the message."""
        value = self.tensor(index)
        if isinstance(value, Signals):
            raise self.error(f"its {what} depends on the model's inputs; it must be a stored tensor")
        return value

    def reals(self, index: int, what: str) -> Reals:
        """The numbers of a known input, float64."""
        return np.asarray(self.constant(index, what).value, dtype=np.float64)

    def number(self, index: int, what: str) -> float:
        """A known input of one number."""
        found = self.reals(index, what)
        if found.size != 1:
            raise self.error(f"its {what} has shape {found.shape}; it must be one number")
        return float(found.reshape(-1)[0])

    def integers_at(self, index: int, what: str) -> list[int]:
        """A known input of integers, one axis."""
        return [int(one) for one in self.constant(index, what).value.reshape(-1)]

    def attribute(self, name: str) -> Any:  # of the type that the operator's schema gives
        """An attribute's value or its default; None for one without a default. Marks it as read."""
        import onnx

        self._read.add(name)
        for one in self.proto.attribute:
            if one.name == name:
                return onnx.helper.get_attribute_value(one)
        try:
            known = onnx.defs.get_schema(self.proto.op_type, self.opset, self.proto.domain).attributes
        except onnx.defs.SchemaError:
            return None
        if name not in known or not known[name].default_value.name:
            return None
        return onnx.helper.get_attribute_value(known[name].default_value)

    def integer(self, name: str, default: int = 0) -> int:
        """An integer attribute."""
        found = self.attribute(name)
        return default if found is None else self._typed(name, found, int)

    def real(self, name: str, default: float = 0.0) -> float:
        """A number as attribute, as float32 holds it."""
        found = self.attribute(name)
        return default if found is None else float(self._typed(name, found, (int, float)))

    def text(self, name: str, default: str = "") -> str:
        """A text as attribute."""
        found = self.attribute(name)
        return default if found is None else self._typed(name, found, bytes).decode("utf-8", "replace")

    def integers(self, name: str) -> list[int] | None:
        """A list of integers as attribute; None for none."""
        found = self.attribute(name)
        return None if found is None else self._typed(name, found, list)

    def _typed(self, name: str, found: Any, kind: type | tuple[type, ...]) -> Any:
        if not isinstance(found, kind):
            raise self.error(f"attribute {name} is {found!r}; export the model again")
        return found

    def outputs_used(self) -> list[bool]:
        """Which outputs have names."""
        return [bool(name) for name in self.proto.output]

    def finish(self) -> None:
        """Refuse attributes that nothing has read.

        Raises: ModelError, with the name.
        """
        for one in self.proto.attribute:
            if one.name not in self._read:
                raise self.error(f"attribute {one.name} is not read; remove it, or use the operator without it")


Converter = Callable[[Builder, Node], list[Value | None]]
"""Adds the layers of a node; returns its outputs, None for those that are left out."""
