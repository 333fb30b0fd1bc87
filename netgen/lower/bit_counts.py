"""Sums of single bits: two or three look-up tables count up to six bits, and need fewer than adders do."""

from collections.abc import Iterable
from dataclasses import dataclass

FEWEST, MOST = 3, 6
"""Bits that one count adds. An adder sums two bits as cheaply; a 6-input look-up table has no seventh input."""


@dataclass(frozen=True)
class BitGroup:
    """One bit of each of several words, all of the same weight in a sum.

    Attributes:
        members: the terms whose words the bits belong to, by number.
        bit: which bit of each word; shift: its weight in the sum, as a power of two.
        inverted: which members are subtracted; their zeros are counted.
    """

    members: tuple[int, ...]
    bit: int
    shift: int
    inverted: tuple[bool, ...]


def group_bits(terms: Iterable[tuple[int, int, int, bool]]) -> list[BitGroup]:
    """Group bits of the same weight, 3 to 6 in a group; terms that are left over, two at most, are in no group.

    Args:
        terms: the number, bits, shift and sign (True: subtracted) of each term whose bits are independent.
    """
    alike: dict[tuple[int, int], list[tuple[int, bool]]] = {}
    for number, bits, shift, negative in terms:
        alike.setdefault((shift, bits), []).append((number, negative))
    found: list[BitGroup] = []
    for (shift, bits), members in sorted(alike.items()):
        chunks = (members[k : k + MOST] for k in range(0, len(members), MOST))
        for chunk in (chunk for chunk in chunks if len(chunk) >= FEWEST):
            numbers = tuple(number for number, _ in chunk)
            inverted = tuple(negative for _, negative in chunk)
            found.extend(BitGroup(numbers, bit, shift + bit, inverted) for bit in range(bits))
    return found
