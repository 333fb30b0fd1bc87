"""YAML text of a spec to a tree of plain values, and back: mappings, lists, text, numbers, true, false and null.

Anyone may have written the text. Whatever it holds, parsing ends within seconds and in one line.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from netgen.errors import SpecError
from netgen.text import shown

LIMIT = 256 << 10
"""Bytes that a spec may have; PyYAML parses 200 kB a second."""

DEPTH = 20
"""Lists and mappings that may lie inside one another."""

NODES = 20_000
"""Values that a spec may hold, those of aliases counted at each use."""

DIGITS = 100
"""Characters that a number may have."""

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
    """Parse YAML 1.1 by PyYAML's safe loader, without dates and other tags, with YAML 1.2's numbers (1e-4).

    Anchors, aliases and merge keys are expanded.

    Raises: SpecError, one line with the line, what was found and the fix.
    """
    if len(text) > LIMIT:
        raise SpecError(f"{len(text):,} characters; a spec has at most {LIMIT:,}")
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        return loader.get_single_data()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpecError(f"line {line}: character U+{int(error.character):04X}; remove it") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = " ".join(f"{error.problem or error.context}".split())
        problem = problem if len(problem) < 160 else f"{problem[:157]}..."
        raise SpecError(f"{place}{problem}; correct the YAML") from error
    except (ValueError, OverflowError) as error:  # chr() of an escape such as \U00110000
        line = loader.line + 1 if loader else 1
        raise SpecError(f"line {line}: an escape that is no character; correct the YAML") from error


def dump_yaml(tree: Any) -> str:
    """Write a tree of plain values as YAML, from which `parse_yaml` reads an equal tree."""
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False)
    return text


def _fail(node: yaml.Node, reason: str) -> SpecError:
    return SpecError(f"line {node.start_mark.line + 1}: {reason}")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with limits; keys are text, whatever they look like, and stand once."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own way to name them)
        first: [(tag, pattern) for tag, pattern in found if tag in _KINDS or tag == _MERGE]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
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
            reason = f"more than {DEPTH} lists and mappings inside one another; write a flat spec"
            raise SpecError(f"line {self._line()}: {reason}")

    def _line(self) -> int:
        """The line, from 1, on which the next event begins."""
        line: int = self.peek_event().start_mark.line  # type: ignore[no-untyped-call]
        return line + 1

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


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, which quotes whatever text `_Loader` would read as something else."""


for _yaml in (_Loader, _Dumper):  # 1e-4 is a number, as in YAML 1.2; PyYAML's YAML 1.1 reads text
    _yaml.add_implicit_resolver(
        f"{_YAML}float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$"), list("-+.0123456789")
    )
