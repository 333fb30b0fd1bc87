"""The estimate of look-up tables: adder by adder as Yosys 0.70 maps each alone, `synth_xilinx -family xcup -abc9`."""

import pytest

from netgen.operators.cost import adder_lut, count_lut
from netgen.operators.kinds import Add, Subtract, range_of

BYTE, WORD = (0, 255), (0, 4095)
SIGNED = (-128, 127)
MAPPED: list[tuple[str, tuple[int, int], tuple[int, int], tuple[int, int], bool, int, int]] = [
    ("8 bits and 8 bits: the ninth is the carry", BYTE, BYTE, (0, 0), False, 0, 8),
    ("12 bits and 8: where one varies, its bit goes in as it is", WORD, BYTE, (0, 0), False, 0, 8),
    ("12 bits and 8 with a sign, which varies to the top", WORD, SIGNED, (0, 0), False, 0, 12),
    ("8 bits less 8: one more for the carry that begins", BYTE, BYTE, (0, 0), True, 0, 9),
    ("12 bits less 8: ones above turn 4 bits", WORD, BYTE, (0, 0), True, 0, 13),
    ("12 bits and 8 turned ones", WORD, BYTE, (0, 0), True, 255, 8),
    ("8 bits and 12 turned ones: 4 are turned alone", BYTE, WORD, (0, 0), True, 4095, 12),
    ("10 high bits of 12, and 8 turned ones", WORD, BYTE, (0, 2), True, 255 << 2, 8),
    ("12 bits, 8 turned ones, and 1010 above them", WORD, BYTE, (0, 0), True, (0b00101 << 8) + 255, 10),
    ("12 bits, and 8 with 0101 above them", WORD, BYTE, (0, 0), False, 5 << 8, 10),
    ("12 bits and 1370, which has six ones", WORD, (1370, 1370), (0, 0), False, 0, 6),
    ("0 less 8 bits", (0, 0), BYTE, (0, 0), True, 0, 8),
]
"""What; terms a and b; their left shifts; whether b is taken away; what is added; look-up tables that Yosys counts."""


@pytest.mark.parametrize(("a", "b", "left", "minus", "value", "lut"), [row[1:] for row in MAPPED], ids=lambda _: "")
def test_an_adder_takes_what_yosys_maps_it_to(
    a: tuple[int, int], b: tuple[int, int], left: tuple[int, int], *, minus: bool, value: int, lut: int
) -> None:
    reach = range_of(Subtract(left, value) if minus else Add(left, value), (a, b))
    assert adder_lut(a, b, left, reach, minus=minus, value=value) == lut


def test_counting_takes_a_look_up_table_for_each_bit_of_the_count() -> None:
    """Of six inputs each, as many as one has: 2 bits for 3 ones, 3 bits for 4 to 6."""
    assert [count_lut(bits) for bits in (2, 3, 4, 5, 6)] == [2, 2, 3, 3, 3]
