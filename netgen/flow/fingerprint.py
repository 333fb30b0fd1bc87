"""What code a stage's result depends on, derived from imports: files of netgen, and the libraries under them.

An import counts wherever it stands in a module, inside functions too; only imports for type checkers do not. A module
that imports by a computed name, such as a placer by its method, depends on every module that the name may be.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from netgen.flow.store import digest_of

__all__ = ["code_digest", "files_under", "libraries_under"]

HOME = Path(__file__).parent.parent
"""The folder of the package netgen."""

BY_NAME = {"find_spec", "import_module"}
"""Functions that import, or look for, the module that their first argument names."""


@cache
def code_digest(*modules: str) -> str:
    """A digest of the code that some modules import, and of the versions of the libraries under it."""
    code = [part for path in files_under(*modules) for part in (_name(path).encode(), path.read_bytes())]
    versions = [f"{name} {version}".encode() for name, version in libraries_under(*modules).items()]
    return digest_of(*code, *versions)


@cache
def files_under(*modules: str) -> tuple[Path, ...]:
    """All files of netgen that some modules depend on, sorted: Python files, and data files beside them."""
    python = {path for module in _closure(modules) for path in [_path_of(module)] if path is not None}
    beside = {path for folder in {path.parent for path in python} - {HOME} for path in folder.iterdir()}
    data = {path for path in beside if path.is_file() and path.suffix not in {".py", ".pyc"}}
    return tuple(sorted(python | data))


@cache
def libraries_under(*modules: str) -> dict[str, str]:
    """Version by name of every installed distribution that some modules import, and of what those require."""
    names = {name for module in _closure(modules) for name in _imports(module) if not _is_ours(name)}
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    found: dict[str, str] = {}
    todo = [name for top in tops for name in _providers().get(top, [])]
    while todo:
        name, version, needs = _installed(todo.pop())
        if name not in found:
            found[name] = version
            todo += needs
    found.pop("", None)
    return dict(sorted(found.items()))


_providers = cache(metadata.packages_distributions)


@cache
def _installed(name: str) -> tuple[str, str, tuple[str, ...]]:
    """Normalized name, version and requirements of a distribution; nothing of one that is not installed."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:  # for another platform, say
        return "", "", ()
    needs = [line for line in distribution.requires or [] if "extra ==" not in line]
    names = tuple(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in needs)
    return re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower(), distribution.version, names


def _closure(modules: tuple[str, ...]) -> set[str]:
    """Modules of netgen that some modules import, directly or not, themselves included."""
    found: set[str] = set()
    todo = list(modules)
    while todo:
        module = todo.pop()
        if module not in found and _path_of(module) is not None:
            found.add(module)
            todo += [name for name in _imports(module) if _is_ours(name)]
            todo += [module.rpartition(".")[0]]  # a package's __init__ runs first
    return found


@cache
def _imports(module: str) -> frozenset[str]:
    """Names that a module imports; of `from a import b` both a and a.b, as b may be a module."""
    path = _path_of(module)
    assert path is not None
    text = path.read_text(encoding="utf-8")
    return frozenset(_names(ast.parse(text), calls=any(name in text for name in BY_NAME)))


def _names(tree: ast.AST, *, calls: bool) -> Iterator[str]:
    """Walk statements, and expressions only when `calls`: nine in ten nodes are parts of an expression."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.expr() if not calls:
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                yield from _names(ast.Module(orelse, []), calls=calls)
                continue
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(source), names=names):
                yield source
                yield from (f"{source}.{alias.name}" for alias in names)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[first, *_]) if name in BY_NAME:
                yield from _named(first)
        yield from _names(node, calls=calls)


def _named(argument: ast.expr) -> Iterator[str]:
    """Modules that an argument may name: a constant, or a package with a computed name behind it."""
    match argument:
        case ast.Constant(value=str(name)):
            yield name
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]) if start.endswith("."):
            package = _path_of(start[:-1])
            if package is not None:
                yield from (f"{start}{path.stem}" for path in package.parent.glob("*.py"))


@cache
def _path_of(module: str) -> Path | None:
    """The file of a module of netgen; None for other names."""
    if not _is_ours(module):
        return None
    inside = HOME.joinpath(*module.split(".")[1:])
    return next((path for path in (inside / "__init__.py", inside.with_suffix(".py")) if path.is_file()), None)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == HOME.name


def _name(path: Path) -> str:
    return path.relative_to(HOME).as_posix()
