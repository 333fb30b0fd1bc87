"""Published energies of wires, arithmetic and memories: each with its node, year and source.

A figure is `confirmed` where its source, or a work that quotes it with page or table, was read; the others stand as the
issue that asked for these models gives them.

Energies of wires are for one toggle of one bit. Keckler et al. give 240 fJ for a transition and 310 pJ for 256 random
bits over 10 mm, which is 121 fJ for a bit moved, as a random bit toggles half of the time. Other sources say `per bit`
without the share of bits that toggle: their range goes from every bit toggling to half of the bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from netgen.errors import DataError
from netgen.ir.energy import Picojoules

__all__ = [
    "ADDER_BIT",
    "INDEX_BITS",
    "LEVELS",
    "MAC_BITS",
    "NODES",
    "REGISTER_BIT",
    "WIRES",
    "EnergyConstant",
    "Level",
    "wire_of",
]


@dataclass(frozen=True)
class EnergyConstant:
    """A published energy.

    Attributes:
        low, high: its range; equal where one figure is published.
        unit: of the two.
        node: the process.
        source: author, year and place; what was derived from it, and how.
        confirmed: whether the source, or a work that quotes it, was read.
    """

    low: float
    high: float
    unit: str
    node: str
    year: int
    source: str
    confirmed: bool


PER_MM = "fJ per toggle and mm"

WIRES: tuple[EnergyConstant, ...] = (
    EnergyConstant(
        160, 160, PER_MM, "45nm", 2015, "Das, Aamodt and Dally, ISCA 2015, table 1: 0.16 pJ per transition", True
    ),
    EnergyConstant(240, 240, PER_MM, "40nm", 2011, "Keckler et al., IEEE Micro 31(5), table 1, at 0.9 V", True),
    EnergyConstant(
        100, 200, PER_MM, "14nm", 2020, "Dally, Turakhia and Han, CACM 63(7), page 56: 100 fJ per bit", True
    ),
    EnergyConstant(
        115, 150, PER_MM, "10nm", 2011, "Keckler et al., IEEE Micro 31(5), table 1, projected, 0.65 and 0.75 V", True
    ),
    EnergyConstant(50, 100, PER_MM, "5nm", 2022, "Dally, keynote at NOCS: about 50 fJ per bit", True),
)
"""Full-swing wires on a chip, repeaters included. Ho (2008) gives 0.44 to 0.25 pF/mm from 180 to 13 nm, which at
Keckler's 0.9 V is 178 to 101 fJ for a toggle (half of C V^2); its voltages were not confirmed, so picojoules do not
use it."""

NODES: tuple[str, ...] = ("any", *(wire.node for wire in WIRES))
"""The nodes that a wire's energy can be asked for; `any` spans all of them."""

_HOROWITZ = "Horowitz, ISSCC 2014, 0.9 V"
_ADD_8, _ADD_16, _ADD_32 = 0.03, 0.05, 0.1
_MULTIPLY_8 = 0.2

ADDER_BIT = EnergyConstant(
    1000 * _ADD_32 / 32,
    2 * 1000 * _ADD_8 / 8,
    "fJ per toggle of an operator's bit",
    "45nm",
    2014,
    f"{_HOROWITZ}: an addition of 32 bits 0.1 pJ, of 8 bits 0.03 pJ; from all bits toggling to half of them",
    True,
)
"""What an operator spends for each bit of its value that toggles; also for comparisons and selections, which have no
figure of their own."""

_MAC = _MULTIPLY_8 * (16 / 8) ** 2 + _ADD_16
"""A multiplication of 16 bits, as the square of the width, and an addition: 0.85 pJ."""

REGISTER_BIT = EnergyConstant(
    ADDER_BIT.low,
    1000 * _MAC / 16,
    "fJ per toggle of a register's bit",
    "45nm to 65nm",
    2016,
    "no figure of a flip-flop was found: from a bit of an adder (Horowitz 2014) to a bit of a register file of 0.5 kB, "
    "16 of which cost a multiplication and addition (Chen, Emer and Sze 2016)",
    False,
)
"""What a register spends for each bit that toggles; its clock is not counted."""


@dataclass(frozen=True)
class Level:
    """A level of an accelerator's memory.

    Attributes:
        relative: energy of moving 16 bits, in multiplications and additions of 16 bits.
        picojoules: of moving 16 bits.
    """

    name: str
    relative: float
    picojoules: Picojoules
    node: str
    year: int
    source: str
    confirmed: bool


_EYERISS = "Chen, Emer and Sze, ISCA 2016, table IV, commercial 65 nm"

LEVELS: Mapping[str, Level] = MappingProxyType(
    {
        level.name: level
        for level in (
            Level("MAC", 1, (_MAC, _MAC), "45nm to 65nm", 2016, f"{_EYERISS}; pJ from {_HOROWITZ}", True),
            Level("register file", 1, (_MAC, _MAC), "45nm to 65nm", 2016, f"{_EYERISS}; pJ as a MAC", True),
            Level("array", 2, (2 * _MAC, 2 * _MAC), "45nm to 65nm", 2016, f"{_EYERISS}; pJ as two MACs", True),
            Level(
                "buffer",
                6,
                (6 * _MAC, 100 / 4),
                "45nm to 65nm",
                2016,
                f"{_EYERISS}; pJ from six MACs to a cache of 1 MB, 100 pJ for 64 bits ({_HOROWITZ})",
                True,
            ),
            Level(
                "DRAM",
                200,
                (200 * _MAC, 2600 / 4),
                "45nm to 65nm",
                2016,
                f"{_EYERISS}; pJ from 200 MACs to 2,600 pJ for 64 bits ({_HOROWITZ})",
                True,
            ),
        )
    }
)
"""Relative energies 200 : 6 : 2 : 1 : 1."""

MAC_BITS = 16
"""Width of the words that `LEVELS` moves and multiplies."""
INDEX_BITS = 5
"""Bits that a stored weight needs beside its value where zeros are left out: the run of zeros before it, as in the code
of Eyeriss (Chen, Krishna, Emer and Sze, JSSC 2017)."""


def wire_of(node: str) -> Picojoules:
    """The range of a wire's energy, in pJ for each toggle and mm.

    Args:
        node: one of `NODES`.
    Raises: DataError, for another node.
    """
    if node not in NODES:
        raise DataError(f"node {node!r}; choose one of {', '.join(NODES)}")
    found = [wire for wire in WIRES if node in {"any", wire.node}]
    return min(wire.low for wire in found) / 1000, max(wire.high for wire in found) / 1000
