"""One call of a PyTorch operator, with its arguments by name, while a module is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.builder import Builder
from netgen.importer.signals import ConstantTensor, Signals, Tensor
from netgen.ir.network import HeadFunction

__all__ = ["Call", "Handler", "Headed"]


@dataclass(frozen=True, eq=False)
class Headed:
    """Outputs of a head: a function of signals that no later layer may read."""

    signals: Tensor
    function: HeadFunction
    axis: int
    keep: bool = False


@dataclass(frozen=True, eq=False)
class Call:
    """A call of an operator, such as `aten::conv2d`.

    Attributes:
        name: of the layer to add: the module's path, or the operator's name.
        operator: as PyTorch's schema names it, without namespace.
        arguments: by the schema's names, defaults included; tensors are `Signals` or `ConstantTensor`.
        target: the operator itself.
    """

    builder: Builder
    name: str
    operator: str
    arguments: dict[str, Any]
    target: Any = None

    def run(self, arguments: dict[str, Any]) -> Any:
        """Let PyTorch compute the operator of other arguments, by the schema's names; tensors are PyTorch's."""
        by_place, by_name = list[Any](), dict[str, Any]()
        for argument in self.target._schema.arguments:
            if argument.kwarg_only:
                by_name[argument.name] = arguments[argument.name]
            else:
                by_place.append(arguments[argument.name])
        return self.target(*by_place, **by_name)

    def __getitem__(self, name: str) -> Any:
        return self.arguments.get(name)

    def signals(self, name: str) -> Signals:
        """An argument that must depend on the inputs."""
        value = self[name]
        if isinstance(value, ConstantTensor):
            value = Signals.known(value.value.astype(np.float64))
        assert isinstance(value, Signals)
        return value

    def constant(self, name: str) -> ConstantTensor | None:
        """An argument that must be known, such as a weight.

        Raises: ModelError, when it depends on the inputs.
        """
        value = self[name]
        if isinstance(value, Signals):
            raise self.refusal(f"its {name} depends on the inputs; a weight must be a constant")
        return value if value is None or isinstance(value, ConstantTensor) else ConstantTensor(np.asarray(value))

    def tensor(self, name: str) -> Tensor:
        """A tensor, or a number as a tensor."""
        value = self[name]
        return value if isinstance(value, Signals | ConstantTensor) else ConstantTensor(np.asarray(value))

    def sizes(self, name: str, axes: int) -> list[int]:
        """A whole number for each spatial axis; one number stands for all."""
        value = self[name]
        numbers = [int(n) for n in value] if isinstance(value, Sequence) else [int(value)]
        return numbers * axes if len(numbers) == 1 else numbers

    def refusal(self, reason: str) -> ModelError:
        """The error that names this call."""
        operator = self.operator.lstrip("_")
        place = self.name if self.name.split(".")[-1] == operator else f"{self.name}: {operator}"
        return ModelError(f"{place}: {reason}")


Handler = Callable[[Call], Any]
"""Computes a call: a tensor, a head, or a list of them."""
