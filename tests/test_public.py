"""The public names of the package: sorted, documented, and the same however modules are imported."""

import ast
import subprocess
import sys
from pathlib import Path

import netgen


def test_public_names_are_sorted_and_each_has_a_home() -> None:
    assert netgen.__all__ == sorted(netgen.__all__)
    assert {*netgen._HOMES, "__version__"} == set(netgen.__all__) == set(dir(netgen))


def test_every_public_name_is_loaded_documented_and_named_in_the_docstring() -> None:
    for name in netgen._HOMES:
        found = getattr(netgen, name)
        assert found.__doc__, name
        assert found.__name__ == name
        assert f"`{name}`" in str(netgen.__doc__), name


def test_type_checkers_see_the_same_homes() -> None:
    tree = ast.parse(Path(netgen.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        (alias.name, str(node.module))
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {(name, f"netgen.{home}") for name, home in netgen._HOMES.items()}


def test_build_is_a_function_however_modules_are_imported() -> None:
    code = (
        "import netgen.flow.build, netgen.flow.stages, netgen.report.build, netgen.cli.build, netgen\n"
        "from netgen import build\n"
        "print(callable(netgen.build), build is netgen.build is netgen.flow.build.build)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"
