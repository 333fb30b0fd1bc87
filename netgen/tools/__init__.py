"""External programs: where they work, how they are run, and that none of them outlives the work."""

from netgen.tools.process import Finished, Processes
from netgen.tools.scratch import scratch_folder
from netgen.tools.yosys import WHEEL, has_wheel

__all__ = ["WHEEL", "Finished", "Processes", "has_wheel", "scratch_folder"]
