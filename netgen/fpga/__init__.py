"""FPGAs: the resources that a circuit uses, estimated by synthesis."""

from netgen.fpga.synthesize import synthesize
from netgen.fpga.targets import TARGETS

__all__ = ["TARGETS", "synthesize"]
