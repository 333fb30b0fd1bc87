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
    ("8 bits minus 8: one more for the initial carry", BYTE, BYTE, (0, 0), True, 0, 9),
    ("12 bits minus 8: the ones above invert 4 bits", WORD, BYTE, (0, 0), True, 0, 13),
    ("12 bits and 8 inverted ones", WORD, BYTE, (0, 0), True, 255, 8),
    ("8 bits and 12 inverted ones: 4 are inverted alone", BYTE, WORD, (0, 0), True, 4095, 12),
    ("10 high bits of 12, and 8 inverted ones", WORD, BYTE, (0, 2), True, 255 << 2, 8),
    ("12 bits, 8 inverted ones, and 1010 above them", WORD, BYTE, (0, 0), True, (0b00101 << 8) + 255, 10),
    ("12 bits, and 8 with 0101 above them", WORD, BYTE, (0, 0), False, 5 << 8, 10),
    ("12 bits and 1370, which has six ones", WORD, (1370, 1370), (0, 0), False, 0, 6),
    ("0 minus 8 bits", (0, 0), BYTE, (0, 0), True, 0, 8),
]
"""Case; ranges of the terms a and b; their left shifts; whether b is subtracted; offset; look-up tables by Yosys."""


@pytest.mark.parametrize(("a", "b", "left", "minus", "offset", "lut"), [row[1:] for row in MAPPED], ids=lambda _: "")
def test_an_adder_has_the_look_up_tables_that_yosys_maps_it_to(
    a: tuple[int, int], b: tuple[int, int], left: tuple[int, int], *, minus: bool, offset: int, lut: int
) -> None:
    operation = Subtract(left, offset) if minus else Add(left, offset)
    assert adder_lut(operation, a, b, range_of(operation, (a, b))) == lut


def test_a_count_has_one_look_up_table_for_each_bit_of_its_result() -> None:
    """Of six inputs each, as many as one has: 2 bits for 3 ones, 3 bits for 4 to 6."""
    assert [count_lut(bits) for bits in (2, 3, 4, 5, 6)] == [2, 2, 3, 3, 3]
