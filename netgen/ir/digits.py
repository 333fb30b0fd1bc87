"""Canonical signed digits: a number as the fewest powers of two, added and subtracted."""

from collections.abc import Iterator

import numpy as np

from netgen.ir.fixed import FixedPoint, Words


def signed_digits(number: int) -> Iterator[tuple[int, int]]:
    """The powers of two, as exponent and sign, that add up to a number; no two exponents are neighbors.

    Source: Reitwiesner 1960 (the non-adjacent form, of least weight).
    """
    exponent = 0
    while number:
        if number & 1:
            digit = 2 - (number & 3)  # 1 or -1, so that what is left ends in two zeros
            yield exponent, digit
            number -= digit
        number >>= 1
        exponent += 1


def count_digits(words: Words) -> Words:
    """How many signed digits each word has, of any shape: those bits in which it differs from three times itself."""
    magnitude = np.abs(words)
    counts: Words = np.bitwise_count(magnitude ^ (3 * magnitude)).astype(np.int64)
    return counts


def few_digits(form: FixedPoint, digits: int) -> Words:
    """For each word of a format, from the least on, the nearest one of at most so many signed digits, (2**width,).

    The lesser magnitude wins a tie. One digit is a power of two; one digit of a width of 2 makes weights ternary.
    """
    words = np.arange(form.lo, form.hi + 1)
    allowed = np.array(sorted((w for w in words.tolist() if len(list(signed_digits(w))) <= digits), key=abs))
    nearest: Words = allowed[np.abs(words[:, None] - allowed).argmin(axis=1)]
    return nearest
