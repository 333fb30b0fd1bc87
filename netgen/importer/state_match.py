"""Match the tensors of a `state_dict` with the layers of a multilayer perceptron, by name and by shape.

Each module of the file is known by the part of the names before the last dot. Its entries say what it is: a linear
layer, or a batch normalization. Numbers in the names give the order of modules whose names are otherwise alike
(`0`, `2`, or `fc1`, `fc2`); shapes must decide the rest. The order of the entries in the file says nothing, because
it is the order in which a model defines its modules, not in which it calls them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from netgen.errors import WeightsError
from netgen.importer.state_file import dense_of

FIX = "network.hidden and network.batch_norm must match the weights"
LINEAR = ("weight", "bias", "mask", "weight_orig", "weight_mask", "bias_orig", "bias_mask")
NORM = ("weight", "bias", "running_mean", "running_var")
MOST_MODULES = 1000
"""Modules of a file, at most; far more than any network here has layers."""


@dataclass(frozen=True)
class Module:
    """One module of a file.

    Attributes:
        name: the part of its entries' names before the last dot; empty for a bare layer.
        entries: its tensors by the last part of their names.
        shape: (n_out, n_in) of a linear layer, (n,) of a batch normalization.
        position: place among the modules of the file.
    """

    path: Path
    name: str
    entries: dict[str, Tensor]
    shape: tuple[int, ...]
    position: int

    @property
    def series(self) -> str:
        """The name without its numbers: modules of one series are ordered by their numbers."""
        return re.sub(r"\d+", "#", self.name)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers in the name."""
        return tuple(int(digits[:18]) for digits in re.findall(r"\d+", self.name))

    def tensor(self, key: str) -> Tensor | None:
        """One entry, dense, in single precision; None when the module has none of this name."""
        entry = self.entries.get(key)
        return None if entry is None else dense_of(self.path, f"{self.name}.{key}".lstrip("."), entry)

    def pruned(self, key: str) -> Tensor | None:
        """A weight or bias with the mask applied that `torch.nn.utils.prune`, or netgen, keeps beside it."""
        values, mask = self.tensor(f"{key}_orig"), self.entries.get(f"{key}_mask")
        if values is None:
            values, mask = self.tensor(key), self.entries.get("mask") if key == "weight" else None
        if values is None or mask is None:
            return values
        whole = mask.dtype in {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
        ones = dense_of(self.path, f"{self}: mask of {key}", mask.float() if whole else mask)
        if not ((ones == 0) | (ones == 1)).all():
            raise WeightsError(f"{self.path}: the mask of {self} holds other numbers than 0 and 1; save it again")
        return values * ones

    def __str__(self) -> str:
        return self.name or "the layer"


def modules_of(path: Path, state: dict[str, Tensor]) -> tuple[list[Module], list[Module]]:
    """Sort the entries of a file into linear layers and batch normalizations.

    Raises: WeightsError, naming the first module that is neither.
    """
    grouped: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        name, _, entry = key.rpartition(".")
        grouped.setdefault(name, {})[entry] = value
    if len(grouped) > MOST_MODULES:
        raise WeightsError(f"{path}: holds {len(grouped):,} modules; give one multilayer perceptron")
    linears: list[Module] = []
    norms: list[Module] = []
    for position, (name, entries) in enumerate(grouped.items()):
        norm = "running_mean" in entries
        _check_entries(path, name, entries, NORM if norm else LINEAR)
        key = "running_mean" if norm else "weight_orig" if "weight_orig" in entries else "weight"
        (norms if norm else linears).append(Module(path, name, entries, tuple(entries[key].shape), position))
    return linears, norms


def _check_entries(path: Path, name: str, entries: dict[str, Tensor], known: Sequence[str]) -> None:
    """Refuse a module with unknown or missing entries, or with entries whose shapes do not belong together."""
    what = name or "the layer"
    only = "only Linear layers and BatchNorm1d between them can be read"
    unknown = next((entry for entry in entries if entry not in known), None)
    if unknown is not None:
        raise WeightsError(f"{path}: {what} has an entry {unknown[:60]!r}; {only}")
    wanted: dict[str, tuple[int, ...]] = {}
    if known is NORM:
        missing = "running_var" if "running_var" not in entries else None
        size = tuple(entries["running_mean"].shape)
        wanted = dict.fromkeys(NORM, size)
        dimensions = len(size) == 1
    else:
        key = "weight_orig" if "weight_orig" in entries else "weight"
        missing = "weight" if key not in entries else f"{key[:-4]}mask" if _half(entries, "weight") else None
        missing = missing or ("bias_orig and bias_mask" if _half(entries, "bias") else None)
        size = tuple(entries[key].shape) if key in entries else ()
        wanted = {entry: size[:1] if entry.startswith("bias") else size for entry in LINEAR}
        dimensions = len(size) == 2
    if missing is not None:
        raise WeightsError(f"{path}: {what} has no {missing}; {only}")
    if not dimensions:
        raise WeightsError(f"{path}: {what} has a weight of shape {size}; {only}")
    wrong = next((entry for entry, value in entries.items() if tuple(value.shape) != wanted[entry]), None)
    if wrong is not None:
        found, need = tuple(entries[wrong].shape), wanted[wrong]
        raise WeightsError(f"{path}: {what} has a {wrong} of shape {found} beside a weight of {size}; need {need}")


def _half(entries: dict[str, Tensor], key: str) -> bool:
    """Whether only one of `_orig` and `_mask` is there, or `_orig` beside the plain entry."""
    orig, mask = f"{key}_orig" in entries, f"{key}_mask" in entries
    return orig != mask or (orig and key in entries)


def linears_in_order(path: Path, linears: Sequence[Module], sizes: Sequence[int]) -> list[Module]:
    """Order the linear layers of a file so that their shapes are those of the network.

    Args:
        sizes: number of inputs, then of neurons in each layer.
    Raises: WeightsError, when no order fits or several do.
    """
    shapes = [(n_out, n_in) for n_in, n_out in pairwise(sizes)]
    if len(linears) != len(shapes):
        raise WeightsError(f"{path}: holds {len(linears)} Linear for the {len(shapes)} of the spec's network; {FIX}")
    found = list(_orders(linears, shapes, limit=2))
    if not found:
        raise _no_order(path, linears, shapes)
    if len(found) > 1:
        one, other = next((a, b) for a, b in zip(*found, strict=True) if a is not b)
        raise WeightsError(
            f"{path}: {one} and {other} fit the same layer; name them so that numbers give their order, as fc1 and fc2"
        )
    return found[0]


def _orders(modules: Sequence[Module], shapes: Sequence[tuple[int, ...]], limit: int) -> Iterator[list[Module]]:
    """At most `limit` orders in which modules have the wanted shapes and numbers rise within each series."""
    series: dict[str, list[Module]] = {}
    for module in modules:
        series.setdefault(module.series, []).append(module)
    queues = [sorted(one, key=lambda module: module.numbers) for one in series.values()]
    left = limit

    def extend(chosen: list[Module], used: tuple[int, ...]) -> Iterator[list[Module]]:
        nonlocal left
        if len(chosen) == len(shapes):
            left -= 1
            yield chosen
            return
        for k, queue in enumerate(queues):
            if left and used[k] < len(queue) and queue[used[k]].shape == shapes[len(chosen)]:
                yield from extend([*chosen, queue[used[k]]], (*used[:k], used[k] + 1, *used[k + 1 :]))

    yield from extend([], (0,) * len(queues))


def _no_order(path: Path, linears: Sequence[Module], shapes: Sequence[tuple[int, ...]]) -> WeightsError:
    """The first layer whose shape differs, with modules ordered by their numbers."""
    ordered = sorted(linears, key=lambda module: module.numbers)
    module, shape = next(
        ((m, s) for m, s in zip(ordered, shapes, strict=True) if m.shape != s), (ordered[0], shapes[0])
    )
    return WeightsError(
        f"{path}: the weight of {module} has shape {module.shape}, the spec's network {shape}; "
        "network.hidden must match the weights"
    )


def norms_in_order(path: Path, norms: Sequence[Module], linears: Sequence[Module], *, wanted: bool) -> list[Module]:
    """Order the batch normalizations of a file, one directly after each hidden layer.

    Args:
        linears: in order.
        wanted: whether the network has batch normalization.
    Raises: WeightsError, when they are others than the network needs, or may stand in another place.
    """
    hidden = linears[:-1]
    need = len(hidden) if wanted else 0
    if len(norms) != need:
        raise WeightsError(f"{path}: holds {len(norms)} BatchNorm1d for the {need} of the spec's network; {FIX}")
    found = list(_orders(norms, [(linear.shape[0],) for linear in hidden[:need]], limit=2))
    if len(found) != 1:
        what = "do not fit" if not found else "fit in more than one way"
        raise WeightsError(f"{path}: batch normalizations {what} after the hidden layers; {FIX}")
    for norm, linear in zip(found[0], hidden, strict=False):
        if not _directly_after(norm, linear, linears):
            raise WeightsError(
                f"{path}: batch normalization {norm} may stand elsewhere than directly after layer {linear}; "
                "fold it into the weights, or number it like its layer"
            )
    return found[0]


def _directly_after(norm: Module, linear: Module, linears: Sequence[Module]) -> bool:
    """Whether the names, or else the sizes, say that a batch normalization follows a layer directly.

    In one series, as in `nn.Sequential`, its last number is the next one. In a series of its own its size fits nowhere
    else, neither the inputs nor another layer; or its numbers are those of the layer (`fc1`, `bn1`), and the model
    defines it after the layer.
    """
    if any(other.series == norm.series for other in linears):
        follows = norm.numbers == (*linear.numbers[:-1], linear.numbers[-1] + 1) if linear.numbers else False
        return norm.series == linear.series and follows
    places = [linears[0].shape[1], *(one.shape[0] for one in linears)]
    numbered = norm.numbers != () and norm.numbers == linear.numbers and norm.position > linear.position
    return numbered or places.count(norm.shape[0]) == 1
