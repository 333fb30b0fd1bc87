"""What is drawn for a terminal, as plain text."""

from io import StringIO

from rich.console import Console, RenderableType

__all__ = ["as_text"]


def as_text(drawn: RenderableType) -> str:
    """Text without colours, 100 columns wide."""
    lines = StringIO()
    Console(file=lines, width=100, color_system=None).print(drawn)
    return lines.getvalue()
