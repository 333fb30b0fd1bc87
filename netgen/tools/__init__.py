"""External programs: where they work, how they are run, and that none outlives the work; files written whole or not."""

from netgen.tools.process import Finished, Processes
from netgen.tools.scratch import scratch_folder
from netgen.tools.whole import whole_file
from netgen.tools.yosys import WHEEL

__all__ = ["WHEEL", "Finished", "Processes", "scratch_folder", "whole_file"]
