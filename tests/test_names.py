"""Names of classes and types: each means one thing in all of netgen."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import netgen

HOME = Path(netgen.__file__).parent
SAME = {"Array"}
"""Aliases that mean the same wherever they stand."""


def _named(tree: ast.Module) -> Iterator[str]:
    """The public classes and aliases of types that a module defines, but no type variables."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not name.isupper():
                if not (isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar"):
                    yield name


def test_no_name_of_a_class_or_type_stands_for_two_things() -> None:
    places = defaultdict(list)
    for path in sorted(HOME.rglob("*.py")):
        for name in _named(ast.parse(path.read_text(encoding="utf-8"))):
            if name[0].isupper() and name not in SAME:
                places[name].append(path.relative_to(HOME).as_posix())
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
