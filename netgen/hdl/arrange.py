"""Yosys's Verilog in the order in which a person reads it: neuron by neuron, each result where it is declared.

Yosys sorts declarations by name and writes assignments far from them. Nothing is computed here: right-hand sides stay
as they are, but for input words, which get their neurons' names.
"""

import re
import textwrap
from collections.abc import Sequence

from netgen.hdl.sheet import Section

_DECLARATION = re.compile(r"  (input|output|wire|reg)((?: signed)?(?: \[\d+:0\])?) (\w+)((?: = \S+)?);")
_ASSIGNMENT = re.compile(r"  assign (\w+) = (.*);")
_FIELD_OF_PORT = re.compile(r"  (wire|assign).* \\[io]__payload[^ ]+ .*;")
_INPUT_WORD = re.compile(r"i__payload(?:\[[\d:]+\])?")
_NAME = re.compile(r"(?<!['\w])[A-Za-z_]\w*")
_PORTS = ("clk", "rst", "i__payload", "i__valid", "i__ready", "o__payload", "o__valid", "o__ready")


def arrange(text: str, sections: Sequence[Section]) -> str:
    """Write the one module of `text` again, section by section; its streams become `i_payload`, `o_valid` and so on."""
    parts = _Parts(text)
    lines = []
    for section in sections:
        lines += ["", f"  // {section.comment}", *parts.take(section.names)]
    lines += ["", "  // output", *parts.take(_PORTS), "endmodule", ""]
    ports = ",\n".join(
        f"  {parts.directions[name]} {parts.kinds[name]} {name}{parts.initials[name]}" for name in _PORTS
    )
    return re.sub(r"\b([io])__", r"\1_", f"module top (\n{ports}\n);" + "\n".join(lines))


class _Parts:
    """The statements of a module by the name that they declare or drive, to be taken out in any order."""

    def __init__(self, text: str) -> None:
        self.directions: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.initials: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._blocks: dict[str, list[str]] = {}
        self._taken: set[str] = set()
        block: list[str] = []
        for line in text.splitlines():
            if match := _DECLARATION.fullmatch(line):
                kind, width, name, initial = match.groups()
                if kind in ("input", "output"):
                    self.directions[name] = kind
                else:
                    self.kinds[name], self.initials[name] = kind + width, initial
            elif match := _ASSIGNMENT.fullmatch(line):
                self._values[match[1]] = match[2]
            elif line.startswith("  always"):
                block = [line]
            elif line.startswith("    "):
                block.append(line)
                if match := re.search(r"(\w+) <=", line):
                    self._blocks[match[1]] = block
            else:
                known = not line or line.startswith(("/*", "module", "endmodule")) or _FIELD_OF_PORT.fullmatch(line)
                assert known, f"cannot arrange: {line}"
        words = {value: name for name, value in self._values.items() if _INPUT_WORD.fullmatch(value)}
        for name, value in self._values.items():
            if value not in words:
                self._values[name] = _INPUT_WORD.sub(lambda match: words.get(match[0], match[0]), value)
        for block in self._blocks.values():
            block[1:] = [_INPUT_WORD.sub(lambda match: words.get(match[0], match[0]), line) for line in block[1:]]

    def take(self, names: Sequence[str]) -> list[str]:
        """The statements of these names and of all they need: declarations, then what happens at the clock."""
        declarations: list[str] = []
        blocks: list[str] = []
        for name in names:
            self._take(name, declarations, blocks)
        return declarations + blocks

    def _take(self, name: str, declarations: list[str], blocks: list[str]) -> None:
        if name in self._taken or name not in self.kinds:
            return
        self._taken.add(name)
        value, block = self._values.get(name), self._blocks.get(name, [])
        if block and name not in _PORTS:
            declarations.append(f"  {self.kinds[name]} {name}{self.initials[name]};")
        for needed in _NAME.findall("\n".join([value or "", *block])):
            if needed not in _PORTS:
                self._take(needed, declarations, blocks)
        if value is not None:
            start = "assign" if name in _PORTS else self.kinds[name]
            declarations += textwrap.wrap(
                f"{start} {name} = {value};", 118, initial_indent="  ", subsequent_indent="    "
            )
        blocks += block
