"""Lines, and rows of comma-separated values."""

import csv
from collections.abc import Callable, Iterator

_REASONS = {
    "unexpected end of data": "a quote is not closed",
    "field larger than field limit (131072)": "a cell is longer than 131,072 characters",
}
"""Plain words for what the csv module says."""


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a text one by one, each with its line feed, in little memory."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def csv_rows(text: str, error: Callable[[str], Exception], *, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Read CSV (RFC 4180): cells may be quoted, and quoted cells may contain line breaks.

    Spaces after a delimiter are left out.

    Returns: the number of the line on which each row begins, from 1, and its cells; blank lines are left out.
    Raises: `error`, for a quote that is not closed or is followed by text, and for a cell longer than 131,072
        characters.
    """
    reader = csv.reader(lines_of(text), strict=True, delimiter=delimiter, skipinitialspace=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as found:
            reason = _REASONS.get(str(found), str(found))
            raise error(f"line {line}: {reason}; correct the row") from found
        if row:
            yield line, row
        line = reader.line_num + 1
