"""Compare a network that was read with the module it was read from."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from netgen.errors import ModelError
from netgen.importer.batch import check_batch
from netgen.importer.export import quiet
from netgen.importer.report import difference
from netgen.importer.rounding_noise import RoundingNoise
from netgen.importer.signals import Signals
from netgen.importer.walk import ProgramReading
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network

if TYPE_CHECKING:
    import torch

__all__ = ["compared"]

SAMPLES = 8
"""Random inputs: half within the example's range, half standard normal."""
ROUNDINGS = 4096
"""Roundings of one sign that a difference is allowed to add up to, where the source computes in less than double."""
DOUBLE = 1e-9
"""The relative difference that is allowed in double precision."""


class Source(Protocol):
    """A module, or what computes as one."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs of one sample of each input."""

    def parameters(self) -> Iterable["torch.Tensor"]:
        """The weights, in the precision in which it computes."""

    def named_modules(self) -> Iterable[tuple[str, Any]]:
        """The modules inside, by path."""


def compared(
    module: Source,
    arguments: Sequence["torch.Tensor"],
    named: dict[str, "torch.Tensor"],
    reading: ProgramReading,
    network: Network,
    *,
    source: str,
    seed: int,
    batches: bool = True,
) -> ImportReport:
    """Compare the outputs for the example and for random inputs, one at a time and as one batch.

    Args:
        module: a copy of the user's, in the precision in which it was read.
        arguments, named: one sample of each input.
        network: what the reading was joined to.
        batches: whether the module may be given several samples at once.
    Raises: ModelError, with the first layer that differs by more than rounding explains; or where an output depends on
        the other samples of its batch.
    """
    import torch

    rng = np.random.default_rng(seed)
    inputs = [*arguments, *named.values()]
    kind = next((one.dtype for one in [*module.parameters(), *inputs] if one.is_floating_point()), torch.float32)
    allowed = DOUBLE if kind == torch.float64 else ROUNDINGS * torch.finfo(kind).eps
    if reading.assumed or reading.single:
        allowed = max(allowed, ROUNDINGS * torch.finfo(torch.float32).eps)
    unit = max(torch.finfo(kind).eps, 0.0 if allowed == DOUBLE else torch.finfo(torch.float32).eps) / 2
    samples = [inputs, *([_drawn(one, index, rng) for one in inputs] for index in range(SAMPLES))]
    rights = []
    for sample in samples:
        result = _run(module, sample, arguments, named)
        rights.append(_leaves(result))
    x = tuple(np.concatenate([_numbers(sample[k]) for sample in samples]) for k in range(len(inputs)))
    found = network.evaluate(x)
    heads = found if isinstance(found, tuple) else (found,)
    noise = RoundingNoise(reading.network, x, unit)
    worst, singles, limits = 0.0, [], []
    for index, (head, values) in enumerate(zip(network.outputs, heads, strict=True)):
        right = np.concatenate([one[index] for one in rights])
        singles.append(right)
        limits.append(allowed)
        if right.shape != values.shape:
            raise ModelError(f"output {head.name} has shape {values.shape}, not {right.shape}; report this as a bug")
        if head.function == "argmax" and _tied(network, x, index):
            limits[-1] = np.inf
            continue
        apart = difference(values, right)
        if apart > allowed:
            apart = difference(values, right, noise.of(index))
        if apart > allowed and head.function == "argmax" and _tied(network, x, index, noise.of(index)):
            limits[-1] = np.inf
            continue
        if apart > allowed:
            place = _first_apart(module, samples, arguments, named, reading, noise, allowed) or f"output {head.name}"
            raise ModelError(
                f"{place} differs from the source by {apart:.1e} of its greatest value, and rounding explains "
                f"{allowed:.0e}; report this as a bug"
            )
        worst = max(worst, apart)
    whole = _batch(module, samples, arguments, named) if batches else None
    if whole is not None:
        names = [head.name for head in network.outputs]
        spared = len(samples) // 2  # in a few, the order of a sum may move a value across a step
        check_batch(len(samples), names, singles, whole, limits, spared=spared, explained=noise.of)
    reference = f"PyTorch {torch.__version__.split('+')[0]} in {str(kind).removeprefix('torch.')}"
    return ImportReport(source, reference, worst, len(samples), reading.assumed)


def _run(
    module: Source,
    sample: Sequence["torch.Tensor"],
    arguments: Sequence["torch.Tensor"],
    named: dict[str, "torch.Tensor"],
) -> Any:
    """What the module returns; it gets copies, as it may write to its inputs."""
    import torch

    given = [one.clone() for one in sample]
    with quiet(), torch.no_grad():
        return module(*given[: len(arguments)], **dict(zip(named, given[len(arguments) :], strict=True)))


def _batch(
    module: Source,
    samples: Sequence[Sequence["torch.Tensor"]],
    arguments: Sequence["torch.Tensor"],
    named: dict[str, "torch.Tensor"],
) -> list[npt.NDArray[np.float64]] | None:
    """The outputs for all samples as one batch; None for a module that computes one sample at a time."""
    import torch

    try:
        return _leaves(_run(module, [torch.cat(parts) for parts in zip(*samples, strict=True)], arguments, named))
    except Exception:  # whatever PyTorch raises for a shape that the module does not take
        return None


def _drawn(like: "torch.Tensor", index: int, rng: np.random.Generator) -> "torch.Tensor":
    """A random input like the example: of its range, or standard normal."""
    import torch

    example = _numbers(like)
    low, high = float(example.min()), float(example.max())
    shape = tuple(like.shape)
    if like.dtype == torch.bool:
        drawn = rng.integers(0, 2, shape).astype(np.float64)
    elif not like.is_floating_point():
        drawn = rng.integers(int(low), int(high) + 1, shape).astype(np.float64)
    elif index % 2:
        drawn = rng.normal(size=shape)
    else:
        drawn = rng.uniform(low, high, shape)
    return torch.from_numpy(drawn).to(like.dtype)


def _numbers(tensor: "torch.Tensor") -> npt.NDArray[np.float64]:
    """A tensor in double precision."""
    return np.asarray(tensor.double().numpy())


def _leaves(result: Any) -> list[npt.NDArray[np.float64]]:
    """The tensors of a model's result, in the order of the network's heads."""
    import torch
    from torch.utils import _pytree

    return [_numbers(one) for one in _pytree.tree_leaves(result) if isinstance(one, torch.Tensor)]


def _tied(network: Network, x: tuple[Any, ...], index: int, noise: npt.ArrayLike = 0.0) -> bool:
    """Whether the greatest two scores of an arg-max are closer than rounding, or than their noise, in some sample."""
    head = network.outputs[index]
    axis = head.axis if head.axis < 0 else head.axis + 1
    for values in network.values(x):
        scores = np.sort(values[:, head.neuron], axis=axis)
        ends = np.take(scores, [-1, -2] if scores.shape[axis] > 1 else [-1, -1], axis=axis)
        gap = np.abs(np.diff(ends, axis=axis))
        if scores.shape[axis] > 1 and (gap <= np.maximum(DOUBLE * np.abs(scores).max(), noise)).any():
            return True
    return False


def _first_apart(
    module: Source,
    samples: Sequence[Sequence["torch.Tensor"]],
    arguments: Sequence["torch.Tensor"],
    named: dict[str, "torch.Tensor"],
    reading: ProgramReading,
    noise: RoundingNoise,
    allowed: float,
) -> str | None:
    """The path of the first module whose result differs, of those that give one tensor."""
    import torch

    results: dict[str, list[npt.NDArray[np.float64]]] = {}

    def keep(path: str) -> Any:
        def hook(_module: Any, _given: Any, result: Any) -> None:
            if isinstance(result, torch.Tensor):
                results.setdefault(path, []).append(_numbers(result))

        return hook

    parts = dict(module.named_modules())
    hooks = [parts[path].register_forward_hook(keep(path)) for path in reading.results if path in parts]
    try:
        for sample in samples:
            _run(module, sample, arguments, named)
    finally:
        for hook in hooks:
            hook.remove()
    values = np.concatenate(list(reading.network.values(noise.x)))
    for path, signals in reading.results.items():
        right = results.get(path, [])
        if len(right) != len(samples):
            continue
        explained = np.where(signals.neuron < 0, 0.0, noise.neurons[np.maximum(signals.neuron, 0)])
        if difference(_values_of(signals, values), np.concatenate(right), explained) > allowed:
            return f"layer {path}"
    return None


def _values_of(signals: Signals, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(samples, *shape) what the elements of a tensor are."""
    known = signals.neuron < 0
    found = np.where(known[None], signals.value[None], values[:, np.where(known, 0, signals.neuron)])
    return np.asarray(found.reshape(len(values), *signals.shape[1:]))
