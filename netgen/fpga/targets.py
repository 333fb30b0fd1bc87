"""The FPGA families: the Yosys command for each, and the classes of its cells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType


@dataclass(frozen=True)
class Target:
    """A family of FPGAs.

    Attributes:
        about: its full name.
        command: the Yosys command that maps to it, without `-top`.
        option: an option of the command that only some versions of Yosys have; empty for none.
        classes: for each class of `Utilization`, a pattern that matches the full names of its cells.
        luts_in_carry: look-up tables that a cell of a carry chain occupies.
        carry_inputs: ports of such a cell that receive the carry.
    """

    about: str
    command: str
    option: str
    classes: Mapping[str, str]
    luts_in_carry: int
    carry_inputs: tuple[str, ...]

    def class_of(self, cell: str) -> str:
        """The class of `Utilization` that counts a cell."""
        return _class_of(tuple(self.classes.items()), cell)


@cache
def _class_of(classes: tuple[tuple[str, str], ...], cell: str) -> str:
    return next((name for name, pattern in classes if re.fullmatch(pattern, cell)), "other")


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "xcup": Target(
            about="AMD UltraScale+",
            command="synth_xilinx -family xcup -nodsp -abc9 -flatten",
            option="",
            classes={
                "lut": r"LUT[1-6]|INV",
                "registers": r"FD\w+|LD[CP]E",
                "carry": r"CARRY[48]",
                "mux": r"MUXF[789]",
                "dsp": r"DSP\w+",
                "memory": r"U?RAM\w+|SRL\w+",
                "pads": r"[IO]BUF\w*|IOBUF\w*|BUFG\w*|GND|VCC",
            },
            luts_in_carry=0,  # the LUT in front of it, which computes the propagate signal, is a cell of its own
            carry_inputs=("CI", "CYINIT"),
        ),
        "ecp5": Target(
            about="Lattice ECP5",
            command="synth_ecp5 -nodsp -abc9",
            option="",
            classes={
                "lut": r"LUT4|INV",
                "registers": r"TRELLIS_FF|DL\w+",
                "carry": r"CCU2C",
                "mux": r"PFUMX|L6MUX21",
                "dsp": r"MULT\w+|ALU\w+",
                "memory": r"DP16KD|PDPW16KD|TRELLIS_DPR16X4",
                "pads": r"TRELLIS_IO|DCCA|GSR|VHI|VLO",
            },
            luts_in_carry=2,
            carry_inputs=("CIN",),
        ),
        "ice40": Target(
            about="Lattice iCE40",
            command="synth_ice40 -abc9",  # multiplier blocks are used only on request
            option="",
            classes={
                "lut": r"SB_LUT4",
                "registers": r"SB_DFF\w*",
                "carry": r"SB_CARRY",
                "dsp": r"SB_MAC16",
                "memory": r"SB_RAM40\w+|SB_SPRAM\w+",
                "pads": r"SB_IO|SB_GB\w*",
            },
            luts_in_carry=0,  # the LUT beside it, which computes the sum, is a cell of its own
            carry_inputs=("CI",),
        ),
        "gowin": Target(
            about="Gowin GW1N",
            command="synth_gowin",  # 0.23 fails with -abc9; 0.70 uses abc9 without it
            option="-nodsp",  # 0.23 lacks it, and uses no multiplier blocks
            classes={
                "lut": r"LUT[1-4]|INV",
                "registers": r"DFF\w*|DL\w*",
                "carry": r"ALU",
                "mux": r"MUX2_LUT[5-8]",
                "dsp": r"MULT\w+|PADD\w+",
                "memory": r"X?SP\w*|S?DPB?\w*|p?ROM\w*|RAM16\w+",
                "pads": r"[IOT]BUF\w*|IOBUF\w*|GSR|GND|VCC",
            },
            luts_in_carry=1,
            carry_inputs=("CIN",),
        ),
    }
)
