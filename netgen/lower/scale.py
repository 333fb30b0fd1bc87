"""A value times a constant, plus another, by shifts and additions."""

from netgen.ir.digits import signed_digits
from netgen.lower.builder import OperatorBuilder, Term
from netgen.lower.csd import constant_of, zero


def add_scaled(builder: OperatorBuilder, total: Term, multiplier: int, constant: int, index: int) -> Term:
    """Add `total * multiplier + constant`; return it, not negated."""
    digits = [Term(total.operator, total.shift + shift, sign < 0) for shift, sign in signed_digits(multiplier)]
    terms = [*digits, *constant_of(builder, constant)] or [zero(builder)]
    if builder.is_constant(total.operator):
        return builder.sum(terms, index, 0)

    def make() -> Term:
        if total.operator not in builder.neuron_of:
            builder.as_variable(total.operator)
        return builder.sum(terms, index, 0)

    key = "times", tuple((t.shift, t.negative) for t in digits), tuple(terms[len(digits) :])
    return builder.repeated(key, [total.operator], index, make)
