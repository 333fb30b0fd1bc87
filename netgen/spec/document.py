"""YAML text of a spec to a tree of plain values, and back: mappings, lists, text, numbers, true, false and null.

Anyone may have written the text. Whatever it holds, parsing ends within seconds and in one line.
"""

import re
from collections.abc import Callable, Hashable
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

from netgen.errors import SpecError
from netgen.text import shown

LIMIT = 256 << 10
"""Characters that a spec may have."""

DEPTH = 20
"""Lists and mappings that may lie inside one another."""

NODES = 20_000
"""Values that a spec may hold, those of aliases counted at each use.

20,000 take 0.2 s by libyaml, 0.6 s by PyYAML's own parser.
"""

DIGITS = 100
"""Characters that a number may have."""

_TOO_DEEP = f"more than {DEPTH} lists and mappings inside one another"
_YAML = "tag:yaml.org,2002:"
_KINDS = {
    f"{_YAML}{tag}": kind
    for tag, kind in {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "true or false",
        "null": "null",
        "seq": "list",
        "map": "mapping",
    }.items()
}
_MERGE = f"{_YAML}merge"


def parse_yaml(text: str) -> Any:
    """Parse YAML 1.1 by PyYAML, without dates and other tags, with YAML 1.2's numbers (1e-4).

    Anchors, aliases and merge keys are expanded.

    Raises: SpecError, one line with the line, what was found and the fix.
    """
    if len(text) > LIMIT:
        raise SpecError(f"{len(text):,} characters; a spec has at most {LIMIT:,}")
    if odd := Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise SpecError(f"line {line}: character U+{ord(odd[0]):04X}; remove it")
    loader = _loader(text)
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        place = _place_of(error, text)
        problem = " ".join(f"{error.problem or error.context}".split())
        if problem == "exceeded maximum nesting depth":  # libyaml's own limit, 1,000
            problem = _TOO_DEEP
        problem = problem if len(problem) < 160 else f"{problem[:157]}..."
        raise SpecError(f"{place}{problem}; correct the YAML") from error
    except (ValueError, OverflowError) as error:  # chr() of an escape such as \U00110000
        line = getattr(loader, "line", 0) + 1
        raise SpecError(f"line {line}: an escape that is no character; correct the YAML") from error


def _place_of(error: yaml.MarkedYAMLError, text: str) -> str:
    """Where an error is; libyaml takes the end of a text for a line of its own."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return ""
    line, column = mark.line, mark.column
    if line > (last := text.count("\n")):
        line, column = last, len(text) - text.rfind("\n") - 1
    return f"line {line + 1}, column {column + 1}: "


def dump_yaml(tree: Any) -> str:
    """Write a tree of plain values as YAML, from which `parse_yaml` reads an equal tree."""
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False)
    return text


def _fail(node: yaml.Node, reason: str) -> SpecError:
    return SpecError(f"line {node.start_mark.line + 1}: {reason}")


class _Loader(Composer, SafeConstructor, Resolver):
    """PyYAML's safe loader with limits; keys are text, whatever they look like, and stand once.

    It makes values of the events of a parser, which a subclass brings.
    """

    check_event: Callable[..., bool]
    peek_event: Callable[[], yaml.Event]

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own way to name them)
        first: [(tag, pattern) for tag, pattern in found if tag in _KINDS or tag == _MERGE]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self) -> None:
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self.depth, self.count = 0, 0
        self.sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node, counting its depth and its values."""
        alias, line = self.check_event(yaml.AliasEvent), self._line()
        before = self.count
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if alias:
            if id(node) not in self.sizes:
                raise SpecError(f"line {line}: an alias inside of what it stands for; write the value out")
            self.count += self.sizes[id(node)]
        else:
            self.count += 1
            self.sizes[id(node)] = self.count - before
        if self.count > NODES:
            raise SpecError(f"line {line}: more than {NODES:,} values, aliases expanded; write a shorter spec")
        return node

    def compose_sequence_node(self, anchor: Any) -> yaml.SequenceNode:
        """Compose a list that is not too deep."""
        self._check_depth()
        return super().compose_sequence_node(anchor)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping that is not too deep."""
        self._check_depth()
        return super().compose_mapping_node(anchor)

    def _check_depth(self) -> None:
        if self.depth > DEPTH:
            raise SpecError(f"line {self._line()}: {_TOO_DEEP}; write a flat spec")

    def _line(self) -> int:
        """The line, from 1, on which the next event begins."""
        mark = self.peek_event().start_mark
        assert mark is not None
        return mark.line + 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make a plain value of a node."""
        kind = _KINDS.get(node.tag)
        if kind is None:
            tag = node.tag.replace(_YAML, "!!")
            raise _fail(node, f"tag {shown(tag)[1:-1]}; use plain numbers, text, lists and mappings")
        if kind.endswith("number") and len(node.value) > DIGITS:
            raise _fail(node, f"a number of {len(node.value):,} characters; a number has at most {DIGITS}")
        try:
            value = super().construct_object(node, deep)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise _fail(node, f"{shown(node.value)} is no {kind}; correct the value or remove the tag") from error
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode("utf-8")
            except UnicodeEncodeError as error:
                raise _fail(node, "half a surrogate pair, which is no character; correct the escape") from error
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Make a mapping whose keys are text, each standing once."""
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode):
                raise _fail(key, f"a {_KINDS.get(key.tag, 'value')} for a key; a key is a word")
            if key.value in seen:
                raise _fail(key, f"key {shown(key.value)} stands twice; remove one")
            seen.add(key.value)
            if key.tag != _MERGE:
                key.tag = f"{_YAML}str"
        return super().construct_mapping(node, deep)


class _PythonLoader(_Loader, Parser, Scanner, Reader):
    """Reads events by PyYAML's own parser."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        super().__init__()


def _loader(text: str) -> _Loader:
    """A loader by libyaml, six times as fast as PyYAML's own parser, where PyYAML was built with it."""
    return _LibyamlLoader(text) if yaml.__with_libyaml__ else _PythonLoader(text)


if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _LibyamlLoader(_Loader, CParser):
        """Reads events by libyaml; composes values as PyYAML does, with the limits of `_Loader`."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            super().__init__()


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, which quotes whatever text `_Loader` would read as something else."""


for _yaml in (_Loader, _Dumper):  # 1e-4 is a number, as in YAML 1.2; PyYAML's YAML 1.1 reads text
    _yaml.add_implicit_resolver(
        f"{_YAML}float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$"), list("-+.0123456789")
    )
