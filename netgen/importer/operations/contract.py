"""Contract a tensor of signals with a known tensor, by the letters of an einsum equation."""

from typing import Any

import numpy as np

from netgen.errors import ModelError
from netgen.importer.builder import Builder
from netgen.importer.signals import ConstantTensor, Signals
from netgen.ir.fixed import Reals

__all__ = ["contract"]


def contract(
    builder: Builder, name: str, equation: str, x: Signals, weight: ConstantTensor, bias: ConstantTensor | None = None
) -> Signals:
    """Sum the products of signals and weights, as `numpy.einsum(equation, x, weight)` does, and add a bias.

    Each weight is one trained parameter, in whatever number of wires it stands.

    Args:
        equation: such as `bk,kn->bn`; letters only, none twice in one term.
        bias: broadcasts to the result.
    Raises: ModelError, for an equation that does not fit the shapes.
    """
    terms, out = equation.split("->")
    left, right = terms.split(",")
    size = dict(zip(left, x.shape, strict=False)) | dict(zip(right, weight.shape, strict=False))
    fits = all(
        len(set(term)) == len(term) == len(shape) and tuple(size[letter] for letter in term) == shape
        for term, shape in ((left, x.shape), (right, weight.shape))
    )
    if not fits or not set(out) <= set(size) or len(set(out)) != len(out):
        raise ModelError(f"{name}: {equation} of shapes {x.shape} and {weight.shape} cannot be contracted")
    both = [letter for letter in out if letter in left and letter in right]
    from_x = [letter for letter in out if letter in left and letter not in right]
    from_weight = [letter for letter in out if letter not in left]
    read = [letter for letter in left if letter not in out]
    lone = tuple(k for k, letter in enumerate(right) if letter not in out and letter not in left)
    if lone:
        weight = ConstantTensor(weight.value.sum(axis=lone))
        right = "".join(letter for letter in right if letter in out or letter in left)
    order = [*both, *from_x, *from_weight, *read]
    table = tuple(size[letter] for letter in order)
    builder.check_wires(name, int(np.prod(table, dtype=np.int64)))
    rows = int(np.prod(table[: len(order) - len(read)], dtype=np.int64))

    def arranged(array: np.ndarray[Any, Any], letters: str) -> np.ndarray[Any, Any]:
        """(rows, k), whatever of the rows and of k the array lacks repeated."""
        present = [letter for letter in order if letter in letters]
        moved = array.transpose([letters.index(letter) for letter in present])
        places = tuple(size[letter] if letter in letters else 1 for letter in order)
        return np.broadcast_to(moved.reshape(places), table).reshape(rows, -1)

    step = None
    if weight.step is not None:
        steps = arranged(np.broadcast_to(np.asarray(weight.step, dtype=np.float64), weight.shape), right)
        step = steps[:, 0] if (steps == steps[:, :1]).all() else None
    shape = tuple(size[letter] for letter in order[: len(order) - len(read)])
    axes = [order.index(letter) for letter in out]
    offsets: Reals = np.zeros(rows)
    if bias is not None:
        given = np.broadcast_to(bias.value.astype(np.float64), tuple(size[letter] for letter in out))
        offsets = given.transpose(np.argsort(axes)).reshape(-1)
    numbers = builder.parameters(weight.value.size).reshape(weight.shape)
    tied = weight.value.size < int(np.prod(table, dtype=np.int64))
    sums = builder.sums(
        name,
        x.moved(lambda array: arranged(array, left)),
        arranged(weight.value.astype(np.float64), right),
        offsets,
        parameter=arranged(numbers, right) if tied else None,
        step=step,
    )
    return sums.moved(lambda array: array.reshape(shape).transpose(axes))
