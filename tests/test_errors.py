import pickle
import re

from netgen import errors
from netgen.errors import NetgenError


def test_a_message_is_one_line_whatever_is_in_the_name_of_a_file() -> None:
    found = errors.BuildError("a\nb\x1b[31m\udc93/\u2028ä.json: not found")
    assert str(found) == "a\\nb\\x1b[31m\\udc93/\\u2028ä.json: not found"
    assert str(pickle.loads(pickle.dumps(found))) == str(found)  # noqa: S301 - its own bytes


def test_the_tree_of_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert drawn == [kind.__name__ for kind in NetgenError.__subclasses__()]
