"""A sparse linear layer with gradients, compiled by numba: its work is proportional to the number of wires.

Each wire needs about 0.1 us for a batch of 256 samples, forward and backward together. A matrix product would multiply
all the zeros of a pruned layer.
"""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor, nn

from netgen.ir.fixed import Words

Array = NDArray[Any]
Compiled = TypeVar("Compiled", bound=Callable[..., object])

CODE = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()
"""Digest of the code that is compiled, and of all files beside it."""
SPARSE_SHARE = 0.25
"""Share of non-zero weights up to which the sparse layer is faster than a matrix product."""


@dataclass(frozen=True, eq=False)
class Wires:
    """Positions of the wires of a layer, row by row.

    Attributes:
        shape: (n_out, n_in).
        starts: (n_out + 1,) int64, first wire of each row, and the number of wires at the end (CSR form).
        columns: (m,) int64, column of each wire.
        flat: (m,) int64, index of each wire in the flattened matrix.
    """

    shape: tuple[int, int]
    starts: Words
    columns: Words
    flat: Tensor

    @classmethod
    def of(cls, mask: Tensor) -> "Wires":
        """The wires of a mask, (n_out, n_in), on its device."""
        row, column = np.nonzero(mask.cpu().numpy())
        flat = torch.from_numpy(row * mask.shape[1] + column).to(mask.device)
        shape = mask.shape[0], mask.shape[1]
        return cls(shape, np.searchsorted(row, np.arange(len(mask) + 1)), column.astype(np.int64), flat)

    @property
    def is_sparse(self) -> bool:
        """Whether the sparse layer is faster than a matrix product; never on a GPU."""
        return not self.flat.is_cuda and len(self.flat) <= SPARSE_SHARE * self.shape[0] * self.shape[1]

    @cached_property
    def is_whole(self) -> bool:
        """Whether there is a wire at every position, in order."""
        size = self.shape[0] * self.shape[1]
        return len(self.flat) == size and bool((self.flat == torch.arange(size, device=self.flat.device)).all())

    def matrix(self, values: Tensor) -> Tensor:
        """Put the values of the wires, (m,), into a matrix (n_out, n_in) of zeros; differentiable."""
        n_out, n_in = self.shape
        if self.is_whole:
            return values.view(n_out, n_in)
        found: Tensor = _Matrix.apply(values, self.flat, n_out * n_in)  # type: ignore[no-untyped-call]
        return found.view(n_out, n_in)


def linear(x: Tensor, values: Tensor, bias: Tensor, wires: Wires) -> Tensor:
    """Map (n, n_in) to (n, n_out) by the weights of the wires, (m,), and biases, (n_out,); differentiable."""
    if not wires.is_sparse:
        return nn.functional.linear(x, wires.matrix(values), bias)
    result: Tensor = _Linear.apply(x, values, bias, wires)  # type: ignore[no-untyped-call]
    return result


class _Matrix(torch.autograd.Function):
    """Values at their places in a flat matrix of zeros; twice as fast as `index_copy`, which copies the zeros too."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, flat: Tensor, size: int) -> Tensor:
        """(m,) to (size,)."""
        ctx.save_for_backward(flat)
        found = values.detach().new_zeros(size)
        if flat.is_cuda:
            return found.index_copy_(0, flat, values.detach())
        _scatter(flat.numpy(), values.detach().numpy(), found.numpy())
        return found

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        """Gradient of the values."""
        (flat,) = ctx.saved_tensors
        return grads[0].index_select(0, flat), None, None


class _Linear(torch.autograd.Function):
    """Arrays are kept transposed, so that the samples of a batch are contiguous in memory."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, values: Tensor, bias: Tensor, wires: Wires) -> Tensor:
        """(n, n_in) to (n, n_out)."""
        across = x.detach().t().contiguous()
        ctx.save_for_backward(across, values)
        ctx.wires = wires
        out = np.repeat(bias.detach().numpy()[:, None], across.shape[1], axis=1)
        _forward(wires.starts, wires.columns, values.detach().numpy(), across.numpy(), out)
        return torch.from_numpy(out).t()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        """Gradients of x, the wires' weights and the biases."""
        across, values = ctx.saved_tensors
        back = grads[0].t().contiguous()
        by_values = ctx.needs_input_grad[1]
        gradient = np.zeros(len(values) if by_values else 0, dtype=back.numpy().dtype)
        by_x = np.zeros(tuple(across.shape) if ctx.needs_input_grad[0] else (0, 0), dtype=gradient.dtype)
        _backward(ctx.wires.starts, ctx.wires.columns, values.numpy(), across.numpy(), back.numpy(), gradient, by_x)
        x_gradient = torch.from_numpy(by_x).t() if ctx.needs_input_grad[0] else None
        by_bias = back.sum(dim=1) if ctx.needs_input_grad[2] else None
        return x_gradient, torch.from_numpy(gradient) if by_values else None, by_bias, None


def compiled(function: Compiled) -> Compiled:
    """Compile on the first call and, where a cache can be written, keep the result; the compiler may reorder sums.

    numba compares the date of the function's own file only, although the machine code contains all that it calls. So
    the name, by which the cache knows it, includes the code of all files here: a change to one compiles all again.
    """
    function.__qualname__ += f"-{CODE[:12]}"
    made = njit(nogil=True, fastmath={"contract", "nsz", "reassoc"})(function)
    with contextlib.suppress(RuntimeError):  # neither netgen's folder nor the user's cache folder can be written
        made.enable_caching()
    return cast(Compiled, made)


@compiled
def _scatter(flat: Words, values: Array, out: Array) -> None:
    """Set the entries `flat`, (m,), of `out` to `values`, (m,)."""
    for e in range(len(flat)):
        out[flat[e]] = values[e]


@compiled
def _forward(starts: Words, columns: Words, values: Array, x: Array, out: Array) -> None:
    """Add to `out`, (n_out, n), the weighted inputs `x`, (n_in, n)."""
    for i in range(len(out)):
        row = out[i]
        for e in range(starts[i], starts[i + 1]):
            w, entered = values[e], x[columns[e]]
            for k in range(len(row)):
                row[k] += w * entered[k]


@compiled
def _backward(
    starts: Words, columns: Words, values: Array, x: Array, back: Array, gradient: Array, by_x: Array
) -> None:
    """Set `gradient`, (m,) or empty, and add to `by_x`, (n_in, n) or empty, from `back`, (n_out, n)."""
    for i in range(len(back)):
        row = back[i]
        for e in range(starts[i], starts[i + 1]):
            j = columns[e]
            if len(gradient):
                entered, total = x[j], row[0] * 0
                for k in range(len(row)):
                    total += row[k] * entered[k]
                gradient[e] = total
            if len(by_x):
                w, target = values[e], by_x[j]
                for k in range(len(row)):
                    target[k] += w * row[k]


def wire_products(wires: Wires, x: Tensor, back: Tensor) -> Tensor:
    """The sum over the samples of the products of each wire's two ends, (m,), from (n_in, n) and (n_out, n)."""
    if not wires.is_sparse:
        return (back @ x.t()).view(-1).index_select(0, wires.flat)
    entered, by_sums = x.contiguous().numpy(), back.contiguous().numpy()
    found, none = np.zeros(len(wires.columns), dtype=by_sums.dtype), np.zeros((0, 0), dtype=by_sums.dtype)
    _backward(wires.starts, wires.columns, np.zeros_like(found), entered, by_sums, found, none)
    return torch.from_numpy(found)


@compiled
def squares_by_parameter(starts: Words, rows: Words, columns: Words, back: Array, x: Array) -> Array:
    """Sum up, over classes and samples, the squares of the derivatives by parameters that several wires share.

    Args:
        starts: (p + 1,) where the wires of each parameter begin; rows, columns: (m,) of these wires.
        back: (classes, n_out, n) derivatives by the sums.
        x: (n_in, n).
    Returns: (p,) float64.
    """
    found = np.zeros(len(starts) - 1)
    total = np.zeros(x.shape[1], dtype=x.dtype)
    for c in range(len(back)):
        for k in range(len(found)):
            total[:] = 0
            for e in range(starts[k], starts[k + 1]):
                row, entered = back[c, rows[e]], x[columns[e]]
                for s in range(len(total)):
                    total[s] += row[s] * entered[s]
            square = total[0] * 0
            for s in range(len(total)):
                square += total[s] * total[s]
            found[k] += square
    return found
