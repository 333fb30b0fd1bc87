import errno
import os
import pickle
import re

import pytest

from netgen import errors
from netgen.errors import NetgenError


def test_a_message_is_one_line_whatever_is_in_the_name_of_a_file() -> None:
    found = errors.BuildError("a\nb\x1b[31m\udc93/\u2028ä.json: not found")
    assert str(found) == "a\\nb\\x1b[31m\\udc93/\\u2028ä.json: not found"
    assert str(pickle.loads(pickle.dumps(found))) == str(found)  # noqa: S301 - its own bytes


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (errno.ENOSPC, "the disk is full; free some space or choose another --out"),
        (errno.EDQUOT, "the disk quota is used up; free some space or choose another --out"),
        (
            errno.EFBIG,
            "the file would become larger than ulimit -f or the file system allows; raise the limit or choose",
        ),
        (errno.EACCES, "Permission denied; choose another --out"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_gives_a_fix_that_helps(number: int, line: str) -> None:
    error = OSError(number, os.strerror(number))
    assert errors.refused(error, "a/b", "choose another --out").startswith(f"a/b: {line}")


def test_a_refusal_without_an_error_number_says_what_the_error_says() -> None:
    assert errors.refused(OSError("no disk"), "a", "mend it") == "a: no disk; mend it"


def test_the_tree_of_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert drawn == [kind.__name__ for kind in NetgenError.__subclasses__()]
