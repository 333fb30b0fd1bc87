"""FPGA boards as data: the device, the clock, and the pins of the serial line.

Source: amaranth-boards 0.0.21, with which a test compares every entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class Device:
    """An FPGA.

    Attributes:
        family: `ecp5` or `ice40`; also the target of synthesis.
        name: as its maker writes it.
        option: of nextpnr, which chooses it, without the dashes.
        package: as nextpnr writes it.
        speed: grade; empty where the family has none.
    """

    family: Literal["ecp5", "ice40"]
    name: str
    option: str
    package: str
    speed: str = ""


@dataclass(frozen=True)
class Board:
    """A board with an FPGA.

    Attributes:
        about: its full name.
        hertz: frequency of its clock.
        clk, rx, tx: pins of the clock and the serial line; rx is an input of the FPGA.
        pads: attributes of these three pins, in nextpnr's file of pins.
    """

    about: str
    device: Device
    hertz: int
    clk: str
    rx: str
    tx: str
    pads: tuple[str, str, str]

    @property
    def pins(self) -> str:
        """The file that tells nextpnr the pins and the clock: LPF for ECP5, PCF for iCE40."""
        ports = list(zip(("clk", "rx", "tx"), (self.clk, self.rx, self.tx), self.pads, strict=True))
        if self.device.family == "ice40":
            lines = [" ".join(("set_io", *pad.split(), name, pin)) for name, pin, pad in ports]
            return "\n".join([*lines, f"set_frequency clk {self.hertz / 1e6:g}", ""])
        lines = [line for name, pin, pad in ports for line in _located(name, pin, pad)]
        return "\n".join([*lines, f'FREQUENCY PORT "clk" {self.hertz / 1e6:g} MHZ;', ""])


def _located(name: str, pin: str, pad: str) -> tuple[str, str]:
    return f'LOCATE COMP "{name}" SITE "{pin}";', f'IOBUF PORT "{name}" {pad};'


_UP = "IO_TYPE=LVCMOS33 PULLMODE=UP"
_ULX3S = ("IO_TYPE=LVCMOS33",) * 3
_PULLED_UP = ("", "-pullup yes", "-pullup yes")


def _ulx3s(size: int) -> Board:
    device = Device("ecp5", f"LFE5U-{size}F", f"{size}k", "CABGA381", "6")
    return Board(f"Radiona ULX3S, LFE5U-{size}F", device, 25_000_000, "G2", "M1", "L4", _ULX3S)


def _ecpix5(size: int) -> Board:
    device = Device("ecp5", f"LFE5UM5G-{size}F", f"um5g-{size}k", "CABGA554", "8")
    pads = ("IO_TYPE=LVCMOS33", _UP, _UP)
    return Board(f"LambdaConcept ECPIX-5, LFE5UM5G-{size}F", device, 100_000_000, "K23", "R26", "R24", pads)


BOARDS: Mapping[str, Board] = MappingProxyType(
    {
        **{f"ulx3s-{size}f": _ulx3s(size) for size in (12, 25, 45, 85)},
        **{f"ecpix5-{size}f": _ecpix5(size) for size in (45, 85)},
        "icebreaker": Board(
            "1BitSquared iCEBreaker, iCE40UP5K",
            Device("ice40", "iCE40UP5K", "up5k", "sg48"),
            12_000_000,
            "35",
            "6",
            "9",
            _PULLED_UP,
        ),
        "hx8k": Board(
            "Lattice iCE40-HX8K breakout board",
            Device("ice40", "iCE40HX8K", "hx8k", "ct256"),
            12_000_000,
            "J3",
            "B10",
            "B12",
            _PULLED_UP,
        ),
        "icestick": Board(
            "Lattice iCEstick, iCE40HX1K",
            Device("ice40", "iCE40HX1K", "hx1k", "tq144"),
            12_000_000,
            "21",
            "9",
            "8",
            _PULLED_UP,
        ),
    }
)
