"""Tables in Markdown."""

from collections.abc import Sequence

__all__ = ["markdown"]


def markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, of which the first row is the header."""
    header, *body = (f"| {' | '.join(row)} |" for row in rows)
    return [header, "|" + " --- |" * len(rows[0]), *body]
