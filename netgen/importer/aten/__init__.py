"""PyTorch's operators, as `torch.export` names them, by the operations that are shared with other kinds of files."""

from netgen.importer.aten.call import Call, Handler, Headed
from netgen.importer.aten.functions import FUNCTIONS
from netgen.importer.aten.heads import HEADS
from netgen.importer.aten.moves import COPIES, MOVES
from netgen.importer.aten.refused import HINTS
from netgen.importer.aten.sums import SUMS
from netgen.importer.aten.windows import WINDOWS

__all__ = ["COPIES", "HANDLERS", "HINTS", "Call", "Handler", "Headed"]

HANDLERS: dict[str, Handler] = FUNCTIONS | HEADS | MOVES | SUMS | WINDOWS
"""What computes each operator, by its name in PyTorch's schema without namespace and overload."""
