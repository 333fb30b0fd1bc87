"""Operators that only move elements.

Each is computed by PyTorch itself, on the numbers of the elements in place of their values; so a view is what PyTorch
says it is, and no operator is written twice.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from netgen.importer.aten.call import Call, Handler
from netgen.importer.operations import select
from netgen.importer.signals import ConstantTensor, Signals, signals_of

if TYPE_CHECKING:
    import torch

__all__ = ["COPIES", "MOVES"]


def _same(call: Call) -> Any:
    """The tensor itself: copies, and dropout of a module that is evaluated."""
    if call["train"]:
        raise call.refusal("dropout in training mode; call eval() before the model is exported")
    return next(call.arguments[name] for name in ("self", "input", "a", "tensor") if name in call.arguments)


def _moved(call: Call) -> Any:
    """Run the operator on numbers of elements: 0 is what it fills with, the others count the elements from 1."""
    import torch

    parts: list[Signals] = []

    def numbered(value: Any) -> Any:
        if isinstance(value, list | tuple):
            whole = any(isinstance(one, Signals | ConstantTensor) for one in value)
            return [numbered(one) for one in value] if whole else value
        if not isinstance(value, Signals | ConstantTensor):
            return value
        part = signals_of(value)
        first = 1 + sum(one.neuron.size for one in parts)
        parts.append(part)
        return torch.arange(first, first + part.neuron.size, dtype=torch.float64).reshape(part.shape)

    named = {name: _index(value) if name in _INDICES else numbered(value) for name, value in call.arguments.items()}
    result = call.run(named)
    neuron = np.concatenate([[-1], *(part.neuron.reshape(-1) for part in parts)])
    value = np.concatenate([[0.0], *(part.value.reshape(-1) for part in parts)])

    def found(numbers: "torch.Tensor") -> Signals:
        at = numbers.numpy().astype(np.int64)
        return Signals(neuron[at], value[at])

    return [found(one) for one in result] if isinstance(result, list | tuple) else found(result)


_INDICES = {"index", "indices", "mask", "condition"}
"""Arguments that choose elements."""


def _index(value: Any) -> Any:
    """Known indices as PyTorch's tensors."""
    import torch

    if isinstance(value, list | tuple):
        return [_index(one) for one in value]
    return torch.from_numpy(np.array(value.value)) if isinstance(value, ConstantTensor) else value


def _padded(call: Call) -> Any:
    """Pad with a number, or with elements of the tensor."""
    value = call["value"]
    if call["mode"] in {None, "constant"} and value:
        fill = {**call.arguments, "value": 0.0}
        padded = _moved(replace(call, arguments=fill))
        ones = Signals.known(np.ones(call.signals("self").shape))
        inside = _moved(replace(call, arguments={**fill, "self": ones}))
        return Signals(padded.neuron, np.where(inside.value == 1, padded.value, float(value)))
    return _moved(call)


def _cast(call: Call) -> Any:
    """A cast to another type of real numbers keeps the value."""
    import torch

    target = call["dtype"] if call["dtype"] is not None else torch.float64
    if not target.is_floating_point:
        raise call.refusal(f"a cast of signals to {target}; use round, floor or sign, and keep real numbers")
    return _same(call)


def _chosen(call: Call) -> Any:
    """Elements of two tensors by a mask: a known one moves them, one that compares signals selects by gates."""
    if isinstance(call["condition"], Signals):
        return select(call.builder, call.name, call["condition"], call.tensor("self"), call.tensor("other"))
    return _moved(call)


def _index_known(call: Call) -> Any:
    """Elements at known places."""
    places = call["indices"] if call["indices"] is not None else [call["index"]]
    if any(isinstance(one, Signals) for one in places):
        raise call.refusal("an index that depends on the data; use fixed places")
    return _moved(call)


_PLAIN = """
 _unsafe_view adjoint cat channel_shuffle chunk concat concatenate diagonal expand flatten flip im2col mT movedim
 narrow numpy_T permute pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d reflection_pad3d repeat
 repeat_interleave replication_pad1d replication_pad2d replication_pad3d reshape roll rot90 select slice split
 split_with_sizes squeeze stack swapaxes t tile transpose tril triu unbind unflatten unfold unsqueeze
 upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_nearest_exact1d upsample_nearest_exact2d view
"""

COPIES = {"alias", "clone", "contiguous", "detach", "lift_fresh", "lift_fresh_copy", "positive"}
"""Operators that leave values and shapes as they are."""

MOVES: dict[str, Handler] = {
    **dict.fromkeys(_PLAIN.split(), _moved),
    **dict.fromkeys(COPIES, _same),
    **dict.fromkeys(["dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"], _same),
    **dict.fromkeys(["_to_copy", "to", "type_as"], _cast),
    **dict.fromkeys(["gather", "index", "index_select", "take"], _index_known),
    "constant_pad_nd": _padded,
    "pad": _padded,
    "where": _chosen,
}
