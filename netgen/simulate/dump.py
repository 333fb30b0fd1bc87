"""Value change dumps (VCD, IEEE 1364-2005, clause 18): read as a stream, and the toggles of every bit counted.

The reader is our own: a dump of 1,000 samples has millions of changes. `pyvcd`, which comes with Amaranth, takes 19 us
for each, and `vcdvcd` holds all of them in memory; this reader takes 0.9 us, in bounded memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from netgen.errors import SimulatorError
from netgen.ir.fixed import Words
from netgen.operators.design import Bits

__all__ = ["SignalToggles", "toggles_in"]

_PENDING = 200_000
"""Changes that are kept until they are counted together."""


@dataclass(frozen=True, eq=False)
class SignalToggles:
    """How often the bits of a signal changed.

    Attributes:
        register: whether the Verilog declares it as `reg`.
        every: (width,) int64, all changes of each bit, the lowest bit first.
        settled: (width,) int64, those of the values that the bits have at the end of each period.
    """

    register: bool
    every: Words
    settled: Words


class _Declared(NamedTuple):
    """A signal of the module, as its dump declares it."""

    name: str
    code: str
    width: int
    register: bool


def toggles_in(lines: Iterable[str], scope: str, *, period: int | None = None) -> Mapping[str, SignalToggles]:
    """Count the toggles of every signal of a module, from the first values in a dump to its end or to `$dumpoff`.

    Args:
        lines: of the dump.
        scope: the module's instances, from the outermost, with dots between them.
        period: units of time at whose end signals have settled; with None, at the end of each instant.
    Raises: SimulatorError, when a signal has an unknown bit.
    """
    stream = iter(lines)
    declared = _declarations(stream, scope)
    signals = {signal.code: _Changes(signal) for signal in declared}
    now, pending = 0, 0
    for line in stream:
        first = line[0]
        if first == "b":
            bits, code = line[1:].split()
        elif first in "01xXzZ":
            bits, code = first, line[1:].rstrip()
        elif first == "#":
            now = int(line[1:]) // (period or 1)
            continue
        elif line.startswith("$dumpoff"):
            break
        else:
            continue
        if code in signals:
            signals[code].bits.append(bits)
            signals[code].when.append(now)
            pending += 1
            if pending == _PENDING:
                _count(signals.values())
                pending = 0
    _count(signals.values())
    found = {code: changes.total() for code, changes in signals.items()}
    return {signal.name: SignalToggles(signal.register, *found[signal.code]) for signal in declared}


def _declarations(stream: Iterable[str], scope: str) -> list[_Declared]:
    """Read up to the end of the declarations; those of one module."""
    found, inside = [], list[str]()
    for line in stream:
        words = line.split()
        if words[:1] == ["$scope"]:
            inside.append(words[2])
        elif words[:1] == ["$upscope"]:
            inside.pop()
        elif words[:1] == ["$var"] and ".".join(inside) == scope:
            found.append(_Declared(words[4], words[3], int(words[2]), words[1] == "reg"))
        elif words[:1] == ["$enddefinitions"]:
            break
    return found


class _Changes:
    """The changes of a signal, and its toggles so far.

    Attributes:
        bits: its next values, the highest bit first, without leading zeros.
        when: the period of each.
    """

    def __init__(self, signal: _Declared) -> None:
        self.signal = signal
        self.bits: list[str] = []
        self.when: list[int] = []
        self._every, self._settled = np.zeros((2, signal.width), dtype=np.int64)
        self._old: Bits = np.zeros((0, signal.width), dtype=np.uint8)

    def count(self) -> None:
        """Count what is waiting, but for the last value, which may not have settled."""
        if len(self.bits) < 2:
            return
        text = "".join([bits.zfill(self.signal.width) for bits in self.bits])
        values = np.frombuffer(text.encode("ascii"), dtype=np.uint8).reshape(-1, self.signal.width) - ord("0")
        if values.max() > 1:
            name = self.signal.name
            raise SimulatorError(f"signal {name} has unknown bits while samples pass; build the hardware again")
        when = np.array(self.when)
        last = np.concatenate([self._old, values[:-1][when[:-1] != when[1:]]])
        self._every += _changed(values)
        self._settled += _changed(last)
        self._old = last[-1:]
        self.bits, self.when = self.bits[-1:], self.when[-1:]

    def total(self) -> tuple[Words, Words]:
        """All toggles and those of settled values, the lowest bit first, at the end of the dump."""
        if self.bits:  # the last value has settled
            self.bits, self.when = [*self.bits, self.bits[-1]], [*self.when, self.when[-1] + 1]
            self.count()
        return self._every[::-1], self._settled[::-1]


def _count(signals: Iterable[_Changes]) -> None:
    for changes in signals:
        changes.count()


def _changed(values: Bits) -> Words:
    """How often each bit, (width,), differs between values that follow each other, (n, width)."""
    found: Words = (values[1:] != values[:-1]).sum(axis=0, dtype=np.int64)
    return found
