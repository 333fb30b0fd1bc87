"""Find where a Verilog text was edited."""

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def first_edit(text: str, written: str) -> int | None:
    """Find the first line of a text whose code is not that of what netgen has written; comments and spaces are no code.

    Returns: its number, from 1; that of the last line when code is missing at the end; None when the code is the same.
    """
    ours = [code for _, code in _code(written)]
    theirs = list(_code(text))
    for (line, code), wanted in zip(theirs, ours, strict=False):
        if code != wanted:
            return line
    if len(theirs) > len(ours):
        return theirs[len(ours)][0]
    return max(len(text.splitlines()), 1) if len(theirs) < len(ours) else None


def _code(text: str) -> Iterator[tuple[int, str]]:
    """Lines with code, numbered from 1, without comments and with single spaces."""
    bare = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n") or " ", text)
    for line, code in enumerate(bare.split("\n"), start=1):
        if code.split():
            yield line, " ".join(code.split())
