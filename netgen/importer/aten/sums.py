"""Operators that are weighted sums: linear layers, matrix products, einsum, batch normalization, means."""

from functools import partial
from string import ascii_letters
from typing import Any

import numpy as np

from netgen.importer.aten.call import Call, Handler, Headed
from netgen.importer.operations import (
    add,
    batch_norm,
    contract,
    einsum,
    greatest,
    mean,
    multiply,
    multiply_matrix,
    total,
)
from netgen.importer.signals import ConstantTensor, Signals, Tensor

__all__ = ["SUMS"]


def _linear(call: Call) -> Any:
    weight = call.constant("weight")
    assert weight is not None
    flipped = ConstantTensor(weight.value.T)
    return multiply_matrix(call.builder, call.name, call.signals("input"), flipped, call.constant("bias"))


def _matmul(call: Call) -> Any:
    """A product of matrices, of which one is known; axes before the last two are broadcast."""
    other = next(call.arguments[name] for name in ("other", "mat2", "vec") if name in call.arguments)
    return _product(call, call["self"], other)


def _product(call: Call, a: Tensor, b: Tensor) -> Any:
    if isinstance(a, Signals) and isinstance(b, Signals):
        raise call.refusal("a product of two signals; one factor must be a constant")
    lone_a, lone_b = len(a.shape) == 1, len(b.shape) == 1
    rows = [] if lone_a else ["y"]
    columns = [] if lone_b else ["z"]
    batch_a, batch_b = a.shape[:-2], b.shape[:-2]
    count = max(len(batch_a), len(batch_b))
    shape = np.broadcast_shapes(batch_a, batch_b)
    letters = ascii_letters[:count]
    a, term_a = _without_ones(a, batch_a, letters)
    b, term_b = _without_ones(b, batch_b, letters)
    out = "".join([*(one for one in letters if one in term_a + term_b), *rows, *columns])
    terms = (term_a + "".join([*rows, "k"]), term_b + "".join(["k", *columns]))
    if isinstance(a, Signals):
        assert isinstance(b, ConstantTensor)
        found = contract(call.builder, call.name, f"{terms[0]},{terms[1]}->{out}", a, b)
    else:
        assert isinstance(b, Signals)
        found = contract(call.builder, call.name, f"{terms[1]},{terms[0]}->{out}", b, a)
    whole = (*shape, *found.shape[len(found.shape) - len(rows) - len(columns) :])
    return found.moved(lambda array: array.reshape(whole))


def _without_ones(x: Any, batch: tuple[int, ...], letters: str) -> tuple[Any, str]:
    """The tensor without batch axes of length 1, and the letters of the others."""
    own = letters[len(letters) - len(batch) :]
    kept = [(letter, size) for letter, size in zip(own, batch, strict=True) if size != 1]
    shape = (*(size for _, size in kept), *x.shape[len(batch) :])
    term = "".join(letter for letter, _ in kept)
    if isinstance(x, ConstantTensor):
        return ConstantTensor(x.value.reshape(shape)), term
    return x.moved(lambda array: array.reshape(shape)), term


def _with_product(first: str, second: str, call: Call) -> Any:
    """`beta * self + alpha * (first @ second)`."""
    product = _product(call, call[first], call[second])
    alpha, beta = (1 if call[name] is None else call[name] for name in ("alpha", "beta"))
    scaled = multiply(call.builder, call.name, call["self"], ConstantTensor(np.asarray(float(beta))))
    return add(call.builder, call.name, scaled, product, float(alpha))


def _einsum(call: Call) -> Any:
    return einsum(call.builder, call.name, call["equation"], call["tensors"])


def _batch_norm(call: Call) -> Any:
    statistics = [call.constant(name) for name in ("running_mean", "running_var")]
    if call["training"] or statistics[0] is None or statistics[1] is None:
        raise call.refusal("batch statistics of the data; give it running statistics and call eval()")
    scale, offset = call.constant("weight"), call.constant("bias")
    normed = batch_norm(
        call.builder,
        call.name,
        call.signals("input"),
        scale=None if scale is None else scale.value,
        offset=None if offset is None else offset.value,
        mean=statistics[0].value,
        variance=statistics[1].value,
        epsilon=float(call["eps"]),
    )
    return normed if call.operator == "batch_norm" else [normed]


def _axes(call: Call, x: Tensor) -> list[int]:
    """The axes of a reduction: all, if none are given."""
    given = call["dim"]
    if given is None or given == []:
        return list(range(len(x.shape)))
    return list(given) if isinstance(given, list | tuple) else [int(given)]


def _reduced(operation: Any, call: Call) -> Any:
    x = call.tensor("self")
    return operation(call.builder, call.name, x, _axes(call, x), keepdims=bool(call["keepdim"]))


def _lowest(call: Call) -> Any:
    """The minimum along some axes: minus the maximum of the negated."""
    minus = ConstantTensor(np.asarray(-1.0))
    negated = multiply(call.builder, call.name, call.tensor("self"), minus)
    found = greatest(call.builder, call.name, negated, _axes(call, negated), keepdims=bool(call["keepdim"]))
    return multiply(call.builder, call.name, found, minus)


def _max(call: Call) -> Any:
    """All, along an axis with the places, or of two tensors."""
    if "other" in call.arguments:
        raise call.refusal("use torch.maximum of two tensors")
    if "dim" not in call.arguments:
        return _reduced(greatest, call)
    place = Headed(call.tensor("self"), "argmax", int(call["dim"]), bool(call["keepdim"]))
    return [_reduced(greatest, call), place]


SUMS: dict[str, Handler] = {
    "_native_batch_norm_legit_no_training": _batch_norm,
    "addmm": partial(_with_product, "mat1", "mat2"),
    "addmv": partial(_with_product, "mat", "vec"),
    "amax": partial(_reduced, greatest),
    "amin": _lowest,
    "baddbmm": partial(_with_product, "batch1", "batch2"),
    "batch_norm": _batch_norm,
    "bmm": _matmul,
    "einsum": _einsum,
    "linear": _linear,
    "matmul": _matmul,
    "max": _max,
    "mean": partial(_reduced, mean),
    "mm": _matmul,
    "mv": _matmul,
    "sum": partial(_reduced, total),
}
