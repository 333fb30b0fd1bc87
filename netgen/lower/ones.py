"""Sums of single bits: how many of up to six are ones takes two or three look-up tables, fewer than adders do."""

from collections.abc import Iterable
from dataclasses import dataclass

FEWEST, MOST = 3, 6
"""Bits that are counted together: two are added as cheaply, seven have more than one look-up table takes in."""


@dataclass(frozen=True)
class Ones:
    """One bit of each of some words, all of the same place in a sum.

    Attributes:
        members: the terms whose words they are, by number.
        bit: which one; shift: its place.
        inverted: which members are subtracted; their zeros are counted.
    """

    members: tuple[int, ...]
    bit: int
    shift: int
    inverted: tuple[bool, ...]


def grouped(terms: Iterable[tuple[int, int, int, bool]]) -> list[Ones]:
    """Put bits of the same place together, up to six; of what is left over up to two stay terms.

    Args:
        terms: number, bits, shift, and whether it is taken away.
    """
    alike: dict[tuple[int, int], list[tuple[int, bool]]] = {}
    for number, bits, shift, negative in terms:
        alike.setdefault((shift, bits), []).append((number, negative))
    found: list[Ones] = []
    for (shift, bits), members in sorted(alike.items()):
        chunks = (members[k : k + MOST] for k in range(0, len(members), MOST))
        for chunk in (chunk for chunk in chunks if len(chunk) >= FEWEST):
            numbers = tuple(number for number, _ in chunk)
            inverted = tuple(negative for _, negative in chunk)
            found.extend(Ones(numbers, bit, shift + bit, inverted) for bit in range(bits))
    return found
