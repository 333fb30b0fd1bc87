"""Canonical signed digits: a number as the fewest powers of two, added and subtracted."""

from collections.abc import Iterator


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
