"""Write the generated part of docs/api.md: what every room of netgen offers, from the docstrings.

The code is read as text and never imported, so that no heavy library loads. `make docs` runs it.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = (
    "ir",
    "importer",
    "spec",
    "data",
    "learn",
    "train",
    "quantize",
    "place",
    "graph",
    "operators",
    "lower",
    "hdl",
    "simulate",
    "fpga",
    "report",
    "flow",
    "search",
    "experiment",
)
"""The rooms in the order in which a build uses them."""

WIDTH = 110
"""Characters of the longest line that a signature may have."""

Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


PAGE = ROOT / "docs" / "api.md"
MARK = re.compile(r"^<!-- Below this line: .* -->$", re.MULTILINE)


def main() -> None:
    """Write the page anew, its handwritten head kept."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def page(text: str) -> str:
    """Return the page with everything below its mark generated anew."""
    mark = MARK.search(text)
    assert mark, f"{PAGE.name} has lost its mark"
    parts = [text[: mark.end()]]
    for package in ("netgen", *(f"netgen.{room}" for room in ROOMS)):
        entries = [_entry(module, name) for module in _modules(package) for name in _offered(module)]
        if entries:
            parts.append(f"## `{package}`\n\n{ast.get_docstring(_tree(package)) or ''}")
            parts += entries
    return "\n\n".join(parts) + "\n"


@cache
def _tree(module: str) -> ast.Module:
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def _modules(package: str) -> list[str]:
    """The package itself if it says what it offers, else the modules in it."""
    if package == "netgen" or _listed(package) is not None:
        return [package]
    folder = ROOT / package.replace(".", "/")
    return [f"{package}.{path.stem}" for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]


def _listed(module: str) -> list[str] | None:
    """The names in a module's `__all__`, or None when it has none."""
    for node in _tree(module).body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets):
            return list(ast.literal_eval(node.value))
    return None


def _offered(module: str) -> list[str]:
    """The public functions, classes and constants of a module or package; modules that it lists are left out."""
    listed = _listed(module)
    if listed is None:
        defined = (node for node in _tree(module).body if isinstance(node, ast.FunctionDef | ast.ClassDef))
        listed = [node.name for node in defined if not node.name.startswith("_")]
    modules = {alias.name for node in _imports(_tree(module)) if node.module == module for alias in node.names}
    return [name for name in listed if not name.startswith("__") and name not in modules]


def _definition(module: str, name: str) -> tuple[str, Definition, str]:
    """(module, node, docstring) of a name, followed through imports."""
    body = _tree(module).body
    for number, node in enumerate(body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return module, node, ast.get_docstring(node) or ""
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return module, node, _text_of(body[number + 1 : number + 2])
    for import_ in _imports(_tree(module)):
        for alias in import_.names:
            if (alias.asname or alias.name) == name and import_.module:
                return _definition(import_.module, alias.name)
    message = f"{module}: {name} is neither defined nor imported there"
    raise LookupError(message)


def _text_of(following: list[ast.stmt]) -> str:
    """The docstring of a constant: the string that stands below it."""
    match following:
        case [ast.Expr(value=ast.Constant(value=str(text)))]:
            return text
    return ""


def _imports(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    """The imports of a module, those for the type checker included, those inside functions left out."""
    for node in tree.body:
        inside = node.body if isinstance(node, ast.If) else [node]
        yield from (found for found in inside if isinstance(found, ast.ImportFrom))


def _entry(package: str, name: str) -> str:
    """One public name: heading, signature, docstring, and the public methods of a class."""
    module, node, doc = _definition(package, name)
    parts = [f"### `{name}`", f"*{module}*", "```text\n" + _signature(node, name) + "\n```", _markdown(doc)]
    if isinstance(node, ast.ClassDef):
        methods = (method for method in node.body if isinstance(method, ast.FunctionDef))
        parts += [
            f"- `{_one_line(_signature(method, f'.{method.name}'))}`: {_first(ast.get_docstring(method) or '')}"
            for method in methods
            if not method.name.startswith("_") and ast.get_docstring(method)
        ]
    return "\n\n".join(part for part in parts if part)


def _signature(node: Definition, name: str) -> str:
    """A signature as it stands in the code, on several lines where it is long; of a dataclass its fields."""
    if isinstance(node, ast.FunctionDef):
        arguments = re.sub(r"^(self|cls)(, |$)", "", ast.unparse(node.args))
        if any(ast.unparse(decorator).endswith("property") for decorator in node.decorator_list):
            return f"{name}: {_unquoted(node.returns)}"
        given = f" -> {_unquoted(node.returns)}" if node.returns else ""
        short = f"{name}({arguments}){given}"
        return short if len(short) <= WIDTH else _long(name, node, given)
    if isinstance(node, ast.ClassDef):
        fields = [ast.unparse(field) for field in node.body if isinstance(field, ast.AnnAssign) and field.simple]
        return f"class {name}" + ("".join(f"\n    {field}" for field in fields if not field.startswith("_")))
    return ast.unparse(node) if len(ast.unparse(node)) <= WIDTH else name


def _long(name: str, node: ast.FunctionDef, given: str) -> str:
    """A signature with one argument on each line."""
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults)) + [*arguments.defaults]
    lines = [_argument(*pair) for pair in zip(plain, defaults, strict=True) if pair[0].arg not in {"self", "cls"}]
    if arguments.kwonlyargs:
        lines.append("*" if arguments.vararg is None else f"*{ast.unparse(arguments.vararg)}")
        lines += [_argument(*pair) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return f"{name}(\n" + "".join(f"    {line},\n" for line in lines) + f"){given}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(argument).replace("'", "") + (f" = {ast.unparse(default)}" if default else "")


def _unquoted(node: ast.expr | None) -> str:
    return ast.unparse(node).replace("'", "") if node else "None"


def _one_line(signature: str) -> str:
    return re.sub(r",?\n *", " ", signature.replace("(\n    ", "(").replace(",\n)", ")").replace(",\n    ", ", "))


def _first(doc: str) -> str:
    return " ".join(doc.split("\n\n", maxsplit=1)[0].split())


def _markdown(doc: str) -> str:
    """A docstring as Markdown: `Args:` and its kin become lists."""
    lines, listing = [], False
    for line in doc.splitlines():
        if re.fullmatch(r"(Args|Attributes):", line):
            lines += [f"**{line}**", ""]
            listing = True
        elif listing and re.match(r"    \S", line):
            lines.append(re.sub(r"^    ([^:]+):", r"- `\1`:", line))
        elif listing and line.startswith("     "):
            lines[-1] += " " + line.strip()
        elif match := re.match(r"(Raises|Returns|Source|Yields|Latency): ?(.*)", line):
            lines += ([""] if listing else []) + [f"**{match[1]}:** {match[2]}"]
            listing = False
        else:
            listing = listing and not line
            lines.append(line)
    return "\n".join(lines).strip()


if __name__ == "__main__":
    main()
