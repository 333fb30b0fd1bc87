"""Synthesis: from Verilog to the number of FPGA cells that it uses."""

import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netgen.errors import SynthError, refused
from netgen.fpga.levels import depth_of
from netgen.fpga.targets import TARGETS, Target
from netgen.fpga.yosys import Yosys, find_yosys
from netgen.ir.utilization import Utilization
from netgen.progress import Progress, silent
from netgen.tools import Finished, scratch_folder

SECONDS, SECONDS_PER_LINE = 5, 0.04
"""Time on one core: 59 to 67 s for the 1,506 lines of `specs/digits.yaml`; 1 (gowin) to 7 s (xcup) for one line."""


def synthesize(
    verilog: str,
    *,
    target: str,
    top: str = "top",
    yosys: str = "auto",
    source: str = "top.v",
    progress: Progress = silent,
) -> Utilization:
    """Map Verilog to the cells of an FPGA family by Yosys and count them.

    The whole hierarchy is flattened; multiplications become logic. The same Verilog and Yosys give the same result.

    Args:
        target: xcup, ecp5, ice40 or gowin.
        top: the module that is the circuit.
        yosys: `wheel`, `native`, or `auto` for the newer of the two.
        source: the name of the Verilog in errors.
    Raises: SynthError, when the target is unknown, Yosys is missing, or Yosys refuses the Verilog.
    """
    return mapped(verilog, target=target, top=top, yosys=yosys, source=source, progress=progress).utilization


@dataclass(frozen=True)
class Mapped:
    """A netlist of an FPGA family's cells.

    Attributes:
        text: of the netlist, as JSON that nextpnr reads.
    """

    text: str
    utilization: Utilization


def mapped(
    verilog: str,
    *,
    target: str,
    top: str = "top",
    yosys: str = "auto",
    source: str = "top.v",
    progress: Progress = silent,
) -> Mapped:
    """Map Verilog as `synthesize` does, and keep the netlist.

    Args and errors: those of `synthesize`.
    """
    if target not in TARGETS:
        raise SynthError(f"target {target!r}; use one of {', '.join(TARGETS)}")
    if not re.fullmatch(r"[A-Za-z_]\w*", top, flags=re.ASCII):
        raise SynthError(f"top {top!r}; give the name of a module")
    with scratch_folder(SynthError) as folder:
        try:
            tool = find_yosys(yosys, folder, progress)
            (folder / "top.v").write_text(verilog, encoding="utf-8")
            command = f"{command_of(tool, TARGETS[target], folder)} -top {top}"
            script = f"read_verilog top.v; {command}; json -o netlist.json {top}"
            tick = Ticks(verilog, progress)
            progress(f"{tick.what}, by {tool}", 0.0)
            done = tool.run(script, folder, tick=tick)
            if done.status:
                raise refusal(tool, done, source)
            progress(tick.what, 1.0)
            text = (folder / "netlist.json").read_text(encoding="utf-8")
        except OSError as error:
            raise SynthError(refused(error, error.filename or folder, "set TMPDIR to another folder")) from error
    cells = list(json.loads(text)["modules"].get(top, {"cells": {}})["cells"].values())
    return Mapped(text, utilization_of(cells, target, tool))


class Ticks:
    """Progress by the clock, as Yosys prints none in its quiet mode."""

    def __init__(self, verilog: str, progress: Progress) -> None:
        lines = len(verilog.splitlines())
        self.seconds = SECONDS + SECONDS_PER_LINE * lines
        self.what = f"synthesize {lines:,} line{'s' * (lines != 1)} of Verilog, about {self.seconds:,.0f} s"
        self.progress = progress
        self.began = time.monotonic()

    def __call__(self) -> None:
        """Report the time that has passed; called every second."""
        self.progress(self.what, min((time.monotonic() - self.began) / self.seconds, 0.99))


def command_of(tool: Yosys, target: Target, folder: Path) -> str:
    """The mapping command of a target, with its option if this Yosys has it."""
    if not target.option:
        return target.command
    tool.run(f"tee -o help.txt help {target.command}", folder)
    known = f" {target.option}\n" in (folder / "help.txt").read_text(encoding="utf-8")
    return f"{target.command} {target.option}" if known else target.command


def refusal(tool: Yosys, done: Finished, source: str) -> SynthError:
    """One line from what Yosys printed: where the Verilog is wrong, and why."""
    for line in done.err.splitlines():
        found = re.match(r"\s*(?:top\.v(?P<at>:\d+): )?ERROR: *(?P<why>.+)", line)
        if found:
            return SynthError(
                f"{source}{found['at'] or ''}: {tool} refuses it: {found['why'].rstrip('.! ')}; build it again"
            )
    return SynthError(f"{source}: {tool} failed: {done.reason}; choose another by --yosys")


def utilization_of(cells: Sequence[Mapping[str, Any]], target: str, tool: Yosys) -> Utilization:
    """Count the cells of a netlist by class."""
    kind = TARGETS[target]
    types = Counter(cell["type"] for cell in cells)
    classes: Counter[str] = Counter()
    for cell, count in types.items():
        classes[kind.class_of(cell)] += count
    classes["lut"] += kind.luts_in_carry * classes["carry"]
    return Utilization(
        target=target,
        yosys=tool.version,
        lut=classes["lut"],
        registers=classes["registers"],
        carry=classes["carry"],
        mux=classes["mux"],
        dsp=classes["dsp"],
        memory=classes["memory"],
        pads=classes["pads"],
        other=classes["other"],
        depth=depth_of(cells, kind),
        cells=dict(sorted(types.items())),
    )
