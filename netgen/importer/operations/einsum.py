"""Einstein sums of one tensor of signals and any number of known tensors."""

from collections.abc import Sequence
from string import ascii_letters

import numpy as np

from netgen.errors import ModelError
from netgen.importer.builder import Builder
from netgen.importer.operations.contract import contract
from netgen.importer.operations.reductions import total
from netgen.importer.signals import ConstantTensor, Signals, Tensor

__all__ = ["einsum"]


def einsum(builder: Builder, name: str, equation: str, operands: Sequence[Tensor]) -> Signals:
    """Compute `numpy.einsum(equation, *operands)`; known tensors are multiplied first.

    Args:
        equation: with or without `->` and `...`.
    Raises: ModelError, for a product of signals, a diagonal, or an equation that does not fit the shapes.
    """
    signals = [k for k, one in enumerate(operands) if isinstance(one, Signals)]
    if len(signals) != 1:
        raise ModelError(f"{name}: a product of two signals; one factor must be a constant")
    terms, out = _written_out(name, equation.replace(" ", ""), operands)
    tensors = list(operands)
    x, x_term = tensors.pop(signals[0]), terms.pop(signals[0])
    assert isinstance(x, Signals)
    if not tensors:
        return _summed(builder, name, x, x_term, out)
    known = [one for one in tensors if isinstance(one, ConstantTensor)]
    weight, term = known[0], terms[0]
    for other, more in zip(known[1:], terms[1:], strict=True):
        joined = "".join(dict.fromkeys(term + more))
        weight, term = ConstantTensor(np.einsum(f"{term},{more}->{joined}", weight.value, other.value)), joined
    return contract(builder, name, f"{x_term},{term}->{out}", x, weight)


def _written_out(name: str, equation: str, operands: Sequence[Tensor]) -> tuple[list[str], str]:
    """The term of each operand and of the result, with letters in place of dots, and the result's written out."""
    given, arrow, out = equation.partition("->")
    terms = given.split(",")
    if len(terms) != len(operands):
        raise ModelError(f"{name}: {equation} names {len(terms)} tensors for {len(operands)}; export the model again")
    spare = [letter for letter in ascii_letters if letter not in equation][:20]
    hidden = [
        len(one.shape) - len(term.replace("...", "")) if "..." in term else 0
        for term, one in zip(terms, operands, strict=True)
    ]
    terms = [
        term.replace("...", "".join(spare[len(spare) - count :])) for term, count in zip(terms, hidden, strict=True)
    ]
    widest = "".join(spare[len(spare) - max(hidden) :])
    if not arrow:
        letters = "".join(terms)
        out = widest + "".join(sorted({c for c in letters if letters.count(c) == 1 and c not in spare}))
    return terms, out.replace("...", widest)


def _summed(builder: Builder, name: str, x: Signals, term: str, out: str) -> Signals:
    """An equation of one tensor: sums and a permutation."""
    if len(set(term)) != len(term):
        raise ModelError(f"{name}: a diagonal of signals; use slices")
    axes = [k for k, letter in enumerate(term) if letter not in out]
    left = "".join(letter for letter in term if letter in out)
    found = total(builder, name, x, axes) if axes else x
    assert isinstance(found, Signals)
    return found.moved(lambda array: array.transpose([left.index(letter) for letter in out]))
