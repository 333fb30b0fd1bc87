"""The rows of a whole network, as the compiled training step reads them: one neuron after the other, across layers."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from netgen.ir.fixed import Words
from netgen.ir.functions import Clip, Composition, Quantize
from netgen.nn.sparse import Array

__all__ = ["RowLayer", "RowPlan", "Wiring", "is_faster"]

NAMES = ("limited", "lo", "hi", "step", "zero", "least", "most")
NEURON_WIRES = 20
"""What a neuron costs more outside the compiled step, in wires: about 2 us and 0.1 us for 256 samples."""


class Wiring(NamedTuple):
    """What each neuron reads and what it does with it. Rows of values are those of the inputs, then of the neurons.

    Attributes:
        starts: (n + 1,) first wire of each neuron, and the number of wires at the end.
        columns: (m,) the row of values that each wire reads.
        target: (m,) the neuron that it leads into.
        parameter: (m,) its weight; 0 in a maximum.
        bias: (n,) its bias; -1 in a maximum.
        maximum: (n,) its row of winners; -1 in a sum.
        selects: (n,) whether it selects by a gate; the bypass or the word then wins, or neither, -1.
        norm: (n,) its normalization; -1 for none.
        held: (n,) the row that keeps its sums, normalized if they are; -1 for none.
        epsilon: (g,) added to the variance of each normalization.
        bent: (n,) its trained function; -1 for none.
        limited: (n,) whether its values are limited; lo, hi: (n,) by what.
        step: (n,) by which its values are rounded; 0 for not; zero, least, most: (n,) of its words.
        reader_starts, readers: the wires that read each row of values, by their number; those of sums first.
        reader_middle: (rows,) where the readers of each row that are maxima begin.
        score: (rows,) the score that each row is; -1 for none.
    """

    starts: Words
    columns: Array
    target: Array
    parameter: Array
    bias: Words
    maximum: Words
    selects: Array
    norm: Words
    held: Words
    epsilon: Array
    bent: Words
    limited: Array
    lo: Array
    hi: Array
    step: Array
    zero: Array
    least: Array
    most: Array
    reader_starts: Words
    reader_middle: Words
    readers: Array
    score: Words


@dataclass(frozen=True, eq=False)
class RowLayer:
    """A layer of sums, maxima or selections.

    Attributes:
        reads: the blocks of values that it reads, by index: 0 for the inputs, 1 for the first layer.
        starts: (n + 1,) first wire of each neuron, and the number of wires at the end.
        columns: (m,) the row that each wire reads, among those of these blocks, one block after the other.
        parameter: (m,) of sums the index of the weight of each wire; None for maxima and selections.
        activation: functions that its values pass through.
        trained: whether they pass through trained functions instead.
        epsilon: added to the variances by which its sums are normalized; None where they are not.
        dense: wires beyond the number from which a matrix product is faster.
        selects: whether it selects by gates.
    """

    reads: tuple[int, ...]
    starts: Words
    columns: Words
    parameter: Words | None
    activation: Composition
    trained: bool
    epsilon: float | None
    dense: int
    selects: bool = False


class Memory:
    """Arrays that are used again once nothing refers to them: to zero new pages takes as long as the step itself."""

    def __init__(self) -> None:
        self._arrays: dict[str, list[tuple[Tensor, weakref.ref[Array]]]] = {}

    def __deepcopy__(self, memo: dict[int, object]) -> "Memory":
        return Memory()

    def take(self, name: str, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Lend memory of any contents until the tensor, and all that shares its storage, is gone."""
        size = shape[0] * shape[1]
        known = self._arrays.get(name, [])
        busy = [entry for entry in known if entry[1]() is not None]
        fits = [whole for whole, lent in known if lent() is None and len(whole) >= size and whole.dtype == dtype]
        whole = fits[0] if fits else torch.empty(size, dtype=dtype)
        lent = whole.numpy()[:size]  # a new object, which lives as long as the tensor that is lent
        self._arrays[name] = [*busy, (whole, weakref.ref(lent))]
        return torch.from_numpy(lent).view(shape)


@dataclass(frozen=True, eq=False)
class RowPlan:
    """A network of rows, and the memory that it computes in.

    Attributes:
        inputs, neurons: rows of values.
        sums: neurons that are sums; maxima: those that are not; held: rows of sums that are kept.
        scores: the rows of the scores, each once; places: (classes,) which of them each score is.
        own: (n,) whether a neuron reads other neurons, so that its gradient must be kept.
    """

    wiring: Wiring
    inputs: int
    neurons: int
    sums: int
    maxima: int
    held: int
    scores: Tensor
    places: Tensor
    own: Words
    memory: Memory = field(default_factory=Memory)

    def slots(self, *, by_inputs: bool) -> tuple[Words, int]:
        """The row of gradients of each neuron, (n,), and their number; those that are not kept share row 0.

        Args:
            by_inputs: whether the gradient by the inputs is wanted, so that all are kept.
        """
        kept = np.ones_like(self.own) if by_inputs else self.own
        return np.cumsum(kept) * kept, int(kept.sum()) + 1

    @classmethod
    def of(cls, inputs: int, layers: list[RowLayer], scores: Words, dtype: torch.dtype) -> "RowPlan":
        """Put layers together.

        Args:
            scores: (classes,) rows of values.
            dtype: in which the network computes.
        """
        sizes = [inputs, *(len(layer.starts) - 1 for layer in layers)]
        first = np.cumsum([0, *sizes])
        wires = np.cumsum([0, *(len(layer.columns) for layer in layers)])
        weights = np.cumsum([0, *(0 if layer.parameter is None else _count(layer.parameter) for layer in layers)])
        n, m = int(first[-1]) - inputs, int(wires[-1])
        starts = np.concatenate([layer.starts[:-1] + own for layer, own in zip(layers, wires, strict=False)] + [[m]])
        columns = np.concatenate([_rows_of(layer, first)[layer.columns] for layer in layers])
        target = np.repeat(np.arange(n), np.diff(starts))
        parameter = np.concatenate(
            [
                np.zeros(len(layer.columns), dtype=np.int64) if layer.parameter is None else layer.parameter + own
                for layer, own in zip(layers, weights, strict=False)
            ]
        )
        is_sum = _by_neuron(layers, [layer.parameter is not None for layer in layers])
        is_normalized = _by_neuron(layers, [layer.epsilon is not None for layer in layers])
        limits = _limits(layers, np.dtype(np.float32 if dtype == torch.float32 else np.float64))
        is_bent = _by_neuron(layers, [layer.trained for layer in layers])
        is_held = is_normalized | is_bent | (limits["step"] > 0)
        order = np.lexsort((np.arange(m), ~is_sum[target], columns))
        reader_starts = np.searchsorted(columns[order], np.arange(n + inputs + 1))
        score = np.full(n + inputs, -1)
        unique, places = np.unique(scores, return_inverse=True)
        score[unique] = np.arange(len(unique))
        epsilon = [layer.epsilon for layer in layers if layer.epsilon is not None for _ in layer.starts[1:]]
        wiring = Wiring(
            starts=starts,
            columns=columns.astype(np.int32),
            target=target.astype(np.int32),
            parameter=parameter.astype(np.int32),
            bias=_numbers(is_sum),
            maximum=_numbers(~is_sum),
            selects=_by_neuron(layers, [layer.selects for layer in layers]),
            norm=_numbers(is_normalized),
            held=_numbers(is_held),
            epsilon=np.array(epsilon, dtype=limits["lo"].dtype),
            bent=_numbers(is_bent),
            **limits,
            reader_starts=reader_starts,
            reader_middle=reader_starts[:-1] + np.bincount(columns[is_sum[target]], minlength=n + inputs),
            readers=order.astype(np.int32),
            score=score,
        )
        return cls(
            wiring=wiring,
            inputs=inputs,
            neurons=n,
            sums=int(is_sum.sum()),
            maxima=int((~is_sum).sum()),
            held=int(is_held.sum()),
            scores=torch.from_numpy(unique),
            places=torch.from_numpy(places),
            own=(np.bincount(target[columns >= inputs], minlength=n) > 0).astype(np.int64),
        )


def is_faster(layers: Sequence[RowLayer]) -> bool:
    """Whether the compiled step computes all functions of the layers, and faster than PyTorch layer by layer."""
    neurons = sum(len(layer.starts) - 1 for layer in layers)
    few_dense = sum(layer.dense for layer in layers) <= NEURON_WIRES * neurons
    return few_dense and all(_is_limited(layer.activation) for layer in layers)


def _count(parameter: Words) -> int:
    """Number of weights: every one has a wire."""
    return int(parameter.max(initial=-1)) + 1


def _is_limited(activation: Composition) -> bool:
    """Whether the functions are at most limits, followed by rounding halves up."""
    kinds = tuple(type(function) for function in activation)
    halves_up = all(function.rounding == "half_up" for function in activation if isinstance(function, Quantize))
    return kinds in {(), (Clip,), (Quantize,), (Clip, Quantize)} and halves_up


def _rows_of(layer: RowLayer, first: Words) -> Words:
    """The rows of values that a layer can read, in its own order."""
    return np.concatenate([np.arange(first[block], first[block + 1]) for block in layer.reads])


def _numbers(which: Array) -> Words:
    """Count what is marked, (n,): 0, 1, 2, and -1 elsewhere."""
    return np.where(which, np.cumsum(which) - 1, -1)


def _by_neuron(layers: list[RowLayer], values: list[bool]) -> Array:
    return np.repeat(values, [len(layer.starts) - 1 for layer in layers])


def _limits(layers: list[RowLayer], dtype: np.dtype[np.floating]) -> dict[str, Array]:
    """Of each neuron the limits, and the step, zero, least and greatest word to which it is rounded."""
    found: dict[str, list[Array]] = {name: [] for name in NAMES}
    for layer in layers:
        values: dict[str, Array | float] = {**dict.fromkeys(NAMES, 0.0), "lo": -np.inf, "hi": np.inf}
        for function in layer.activation:
            if isinstance(function, Clip):
                values |= {"limited": 1.0, "lo": function.lo, "hi": function.hi}
            elif isinstance(function, Quantize):
                values |= {"step": function.step, "zero": function.zero, "least": function.lo, "most": function.hi}
        for name, own in found.items():
            own.append(np.broadcast_to(values[name], len(layer.starts) - 1))
    made = {name: np.concatenate(own).astype(dtype) for name, own in found.items()}
    return made | {"limited": made["limited"] > 0}
