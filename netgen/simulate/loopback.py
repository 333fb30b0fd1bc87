"""A board program simulated in Icarus with a host on its serial line: the very bytes, and the very clock cycles."""

import shutil
from collections.abc import Callable, Sequence
from os.path import abspath
from pathlib import Path

import numpy as np

from netgen.errors import SimulatorError, refused
from netgen.operators.board import GREETING, BoardProgram, Exchange, Octets
from netgen.progress import Progress, silent
from netgen.simulate.recipe import text_of
from netgen.tools import Processes, scratch_folder

__all__ = ["exchange_simulated"]


def exchange_simulated(
    program: BoardProgram, top: str, samples: Octets, *, latency: int = 0, progress: Progress = silent
) -> Exchange:
    """Send samples to a simulated board, and read its answers.

    Args:
        top: text of `top.v`.
        samples: (n, sample_bytes).
        latency: of `top`, in clock cycles.
    Raises: SimulatorError, when Icarus is not installed or fails, the board does not answer, or it answers as another
        circuit.
    """
    iverilog, vvp = _found("iverilog"), _found("vvp")
    sizes = {
        "DIVIDER": program.divider,
        "SAMPLES": len(samples),
        "SAMPLE_BYTES": program.sample_bytes,
        "ANSWER_BYTES": program.answer_bytes,
        "WINDOW": program.window,
        "PATIENCE": 100 + latency,  # bits: longer than a break, a byte, or the circuit
    }
    defined = (f"-Ploopback.{name}={value}" for name, value in sizes.items())
    texts = {"loopback.v": text_of("loopback.v"), "board.v": program.verilog, "top.v": top}
    texts["sent"] = "".join(f"{byte:02x}\n" for byte in samples.ravel().tolist())
    with scratch_folder(SimulatorError) as scratch, Processes(SimulatorError) as processes:
        try:
            for name, text in texts.items():
                (scratch / name).write_text(text, encoding="utf-8")
            progress("compile the board for Icarus", 0.0)
            words = ["-g2005-sv", "-s", "loopback", *defined, "-o", "loopback.vvp", "loopback.v", "board.v", "top.v"]
            _call(processes, [iverilog, *words], scratch)
            what = f"simulate {len(samples):,} samples on the board"
            progress(what, 0.0)
            least = GREETING + samples.size // max(program.sample_bytes, 1) * program.answer_bytes

            def tick() -> None:
                heard = scratch / "received"
                done = heard.stat().st_size / 3 / least if heard.exists() else 0.0
                progress(what, min(max(done, 0.01), 0.99))  # 0 and 1 are its ends

            said = _call(processes, [vvp, "-n", "loopback.vvp"], scratch, tick)
            received = np.array([int(line, 16) for line in (scratch / "received").read_text().split()], dtype=np.uint8)
        except OSError as error:
            place = f"icarus: {error.filename or scratch}"
            raise SimulatorError(refused(error, place, "set TMPDIR to another folder")) from error
    progress(what, 1.0)
    identity = int.from_bytes(received[:GREETING].tobytes(), "little")
    if identity != program.identity:
        raise SimulatorError(
            f"the board answers as {identity:08x}, not as {program.identity:08x}; report this as a bug"
        )
    cycles = int(said.split()[-1])
    return Exchange(received[GREETING:].reshape(len(samples), program.answer_bytes), cycles / program.hertz)


def _found(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise SimulatorError(f"{tool} not found; install it (Debian: apt-get install iverilog)")
    return abspath(path)


def _call(processes: Processes, command: Sequence[str], folder: Path, tick: Callable[[], None] = lambda: None) -> str:
    """Run a tool of Icarus, and return what it prints."""
    done = processes.run(command, folder, tick=tick)
    if done.status:
        raise SimulatorError(f"icarus, simulating the board: {done.reason}; report this as a bug")
    return done.out
