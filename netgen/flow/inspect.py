"""What building a trained model will take, before anything long."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netgen.importer.read import Model
    from netgen.report import Inspection

__all__ = ["inspect"]


def inspect(model: "Model", example: Any = None) -> "Inspection":
    """Read a trained model as `read` does, and tell its layers, wires, and what a build of it takes; print it to see.

    Args:
        example: as for `read`.
    Raises: ModelError, as `read`.
    """
    from netgen.importer.read import read_with_report
    from netgen.report import inspection_of

    return inspection_of(*read_with_report(model, example))
