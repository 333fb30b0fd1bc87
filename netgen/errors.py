"""Every exception that netgen raises on purpose, in one tree.

A message is one line: the place, the value found and the fix. The command line prints it and exits with status 1;
anything else that escapes is a bug of netgen.
"""


class NetgenError(Exception):
    """Something the user can mend; `str()` of it is one complete line."""


class SpecError(NetgenError):
    """A spec that cannot be read or does not hold together."""


class DataError(NetgenError):
    """A data set that is missing, truncated, misshapen or not finite."""


class WeightsError(NetgenError):
    """Trained weights that do not form the network that was asked for."""


class TrainError(NetgenError):
    """A training target out of reach."""


class QuantizeError(NetgenError):
    """Widths with which exact arithmetic is impossible."""


class GraphError(NetgenError):
    """A graph file that cannot be read."""


class FitError(NetgenError):
    """A grid (or the part of it that is allowed) with fewer sites than neurons."""


class SimulatorError(NetgenError):
    """A simulator that is missing or failed."""


class SynthError(NetgenError):
    """A synthesizer that is missing, failed, or refuses its Verilog."""


class SearchError(NetgenError):
    """A search that cannot go on, or whose trials all came to nothing."""


class BuildError(NetgenError):
    """A build folder that is missing, in use, unwritable or damaged."""


class CheckError(NetgenError):
    """Two of PyTorch, integers and hardware that differ."""
