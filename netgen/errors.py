"""Every exception that netgen raises on purpose, in one tree.

    NetgenError
    ├── SpecError        reading: a spec
    ├── DataError                 a data set
    ├── WeightsError              trained weights
    ├── ModelError                a model that is read: a module, an ONNX file
    ├── GraphError                a graph for the placer
    ├── BuildError                a build folder, or a file in it
    ├── TrainError       making:  a target that training or pruning cannot reach
    ├── QuantizeError             formats in which arithmetic cannot be exact
    ├── FitError                  a grid with too few sites
    ├── SearchError               a search without a usable trial
    ├── SimulatorError   tools:   a simulator
    ├── SynthError                a synthesizer or router
    ├── BoardError                a board, or the line to it
    └── CheckError       result:  two of PyTorch, integers and hardware differ

A message is one line: the place, the value found and the fix. The command line prints it and exits with status 1. Any
other exception that reaches the user is a bug of netgen.
"""

import errno

_FULL = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EFBIG: "the file would become larger than ulimit -f or the file system allows; raise the limit",
}
"""What is wrong, and a fix, where a file could be written but for its size."""


def refused(error: OSError, place: object, fix: str) -> str:
    """Say in one line what the file system refused.

    Args:
        place: the file or folder.
        fix: what the user should do, such as to choose another folder.
    """
    full = _FULL.get(error.errno or 0)
    return f"{place}: {full} or {fix}" if full else f"{place}: {error.strerror or error}; {fix}"


def printable(text: str) -> str:
    """Escape the characters of a text that would break its line or that no terminal shows, as Python writes them."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class NetgenError(Exception):
    """A problem that the user can solve; `str()` of it is one complete line.

    Line breaks and other control characters, such as those of a file's name, are escaped.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*map(printable, lines))


class SpecError(NetgenError):
    """A spec cannot be read, or its keys contradict each other."""


class DataError(NetgenError):
    """A data set is missing, damaged, too large, or unfit for training."""


class WeightsError(NetgenError):
    """Trained weights cannot be read, or do not fit the network of the spec."""


class ModelError(NetgenError):
    """A user's model cannot be read, or computes what layers of weighted connections cannot express."""


class GraphError(NetgenError):
    """A graph file cannot be read."""


class BuildError(NetgenError):
    """A build folder is missing, in use, not writable or damaged."""


class TrainError(NetgenError):
    """Training or pruning cannot reach the target of the spec."""


class QuantizeError(NetgenError):
    """The widths of the spec do not allow exact arithmetic."""


class FitError(NetgenError):
    """A grid, or the part of it that is allowed, has fewer sites than neurons."""


class SearchError(NetgenError):
    """A search cannot continue, or none of its trials succeeded."""


class SimulatorError(NetgenError):
    """A simulator is not installed or failed."""


class SynthError(NetgenError):
    """A synthesizer or router is not installed, failed, or rejected the circuit."""


class BoardError(NetgenError):
    """A board does not answer, or runs another circuit."""


class CheckError(NetgenError):
    """Two of PyTorch, integers and hardware differ."""
