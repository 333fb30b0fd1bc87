"""Canonical signed digits: a number as the sum and difference of the fewest powers of two."""

from collections.abc import Iterator

import numpy as np

from netgen.ir.fixed import FixedPoint, Words


def signed_digits(number: int) -> Iterator[tuple[int, int]]:
    """The exponents and signs of the powers of two whose sum is a number; no two exponents are neighbors.

    Source: Reitwiesner 1960 (the non-adjacent form, of least weight).
    """
    exponent = 0
    while number:
        if number & 1:
            digit = 2 - (number & 3)  # 1 or -1, so that the rest ends in two zeros
            yield exponent, digit
            number -= digit
        number >>= 1
        exponent += 1


def count_digits(words: Words) -> Words:
    """The number of signed digits of each word, of any shape: the bits in which it differs from three times itself."""
    magnitude = np.abs(words)
    counts: Words = np.bitwise_count(magnitude ^ (3 * magnitude)).astype(np.int64)
    return counts


def few_digits(form: FixedPoint, digits: int) -> Words:
    """For each word of a format, the nearest word that has at most `digits` signed digits.

    Of two equally near words the one of smaller magnitude is chosen. With one digit all weights are powers of two; with
    one digit and a width of 2 they are ternary.

    Returns: (2**width,) int64, for the words of the format in ascending order.
    """
    words = np.arange(form.lo, form.hi + 1)
    allowed = np.array(sorted((w for w in words.tolist() if len(list(signed_digits(w))) <= digits), key=abs))
    nearest: Words = allowed[np.abs(words[:, None] - allowed).argmin(axis=1)]
    return nearest
