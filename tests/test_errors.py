import re

from netgen import errors
from netgen.errors import NetgenError


def test_the_tree_of_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert drawn == [kind.__name__ for kind in NetgenError.__subclasses__()]
