"""Sharing `alkaid`: alkaid decides which terms are added, and netgen derives ranges and widths."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from importlib.util import find_spec

import numpy as np

from netgen.errors import BuildError
from netgen.lower.builder import OperatorBuilder, Term
from netgen.lower.csd import add_digits, constant_of, zero

MOST_WEIGHTS = 1_000_000
"""Weights of the largest matrix, zeros included, that alkaid is given."""


class Code(IntEnum):
    """The operation codes of alkaid that occur in the product of a matrix and a vector."""

    NEGATE = -2
    INPUT = -1
    ADD = 0
    SUBTRACT = 1


def available() -> bool:
    """Whether alkaid is installed."""
    return find_spec("alkaid") is not None


def add_by_alkaid(
    builder: OperatorBuilder, rows: Sequence[Mapping[int, int]], bias: Sequence[int | None]
) -> list[Term]:
    """Share terms between neurons as alkaid's solver does.

    The ranges that alkaid states are ignored: they are wrong for some operations.

    Its matrix of words that are read times neurons has at most `MOST_WEIGHTS` weights, zeros included; the sums of
    larger layers share no terms.

    Raises: BuildError, when alkaid is not installed.
    Source: Sun et al. 2025, da4ml, and its successor alkaid.
    """
    if not available():
        raise BuildError("emit.sharing: alkaid is not installed; pip install 'netgen[alkaid]', or use shared")
    from alkaid.cmvm import cmvm_solve

    used = sorted({number for row in rows for number in row}, key=lambda number: builder.neuron_of[number])
    filled = [k for k, row in enumerate(rows) if row]
    sums: dict[int, Term] = {}
    if len(used) * len(filled) > MOST_WEIGHTS:
        return add_digits(builder, rows, bias)
    if used:
        kernel = np.zeros((len(used), len(filled)), dtype=np.float32)
        place = {number: k for k, number in enumerate(used)}
        for column, k in enumerate(filled):
            for number, weight in rows[k].items():
                kernel[place[number], column] = weight
        intervals = [(float(lo), float(hi), 1.0) for lo, hi in map(builder.range_of, used)]
        terms = [Term(number) for number in used]
        for stage in cmvm_solve(kernel, qintervals=intervals, latencies=[0.0] * len(used)):
            terms = _stage(builder, stage, terms)
        sums = dict(zip(filled, terms, strict=True))
    return builder.sums(
        [
            [*([sums[k]] if k in sums else []), *constant_of(builder, added)] or [zero(builder)]
            for k, added in enumerate(bias)
        ],
        [added is not None for added in bias],
    )


def _stage(builder: OperatorBuilder, stage: object, inputs: Sequence[Term]) -> list[Term]:
    """Add the operators of one of alkaid's programs.

    Terms on the way may have negative shifts; those that are returned have none.
    """
    terms: list[Term] = []
    for op in stage.ops:  # type: ignore[attr-defined]  # alkaid ships no types
        match op.opcode:
            case Code.INPUT:
                k = op.data[0]
                terms.append(_moved(inputs[k], stage.inp_shifts[k]))  # type: ignore[attr-defined]
            case Code.NEGATE:
                terms.append(_negated(terms[op.addr[0]]))
            case Code.ADD | Code.SUBTRACT:
                a, b = (terms[k] for k in op.addr)
                b = _moved(b, op.data[0])
                terms.append(builder.plus(a, _negated(b) if op.opcode == Code.SUBTRACT else b, None))
            case _:
                raise AssertionError(f"alkaid's operation {op.opcode} does not occur in a matrix product")
    outputs = zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True)  # type: ignore[attr-defined]
    return [
        Term(builder.constant(0)) if k < 0 else _moved(_negated(terms[k]) if negative else terms[k], shift)
        for k, shift, negative in outputs
    ]


def _moved(term: Term, shift: int) -> Term:
    return Term(term.operator, term.shift + int(shift), term.negative)


def _negated(term: Term) -> Term:
    return Term(term.operator, term.shift, not term.negative)
