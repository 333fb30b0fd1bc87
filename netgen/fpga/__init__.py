"""FPGAs: what a circuit takes of one, estimated by synthesis."""

from netgen.fpga.synthesize import synthesize
from netgen.fpga.targets import TARGETS

__all__ = ["TARGETS", "synthesize"]
