"""A bitstream of iCE40 read back as Verilog, by the tools of Project IceStorm, which know nothing of the netlist."""

import shutil
from collections.abc import Sequence
from os.path import abspath
from pathlib import Path

from netgen.errors import SynthError, refused
from netgen.fpga.boards import Board
from netgen.progress import Progress, silent
from netgen.tools import Finished, Processes, scratch_folder

__all__ = ["read_back"]


def read_back(bitstream: bytes, board: Board, name: str, *, progress: Progress = silent) -> str:
    """Unpack a bitstream and write what it makes of the FPGA as Verilog, a module with the ports `clk`, `rx` and `tx`.

    Args:
        board: for which the bitstream was packed; it has an iCE40.
        name: of the module.
    Raises: SynthError, when IceStorm is not installed, or refuses the bitstream.
    """
    with scratch_folder(SynthError) as folder, Processes(SynthError) as processes:
        try:
            progress("read the bitstream back by icebox_vlog", 0.0)
            (folder / "bits").write_bytes(bitstream)
            pins = (("clk", board.clk), ("rx", board.rx), ("tx", board.tx))
            (folder / "pins").write_text("".join(f"set_io {port} {pin}\n" for port, pin in pins), encoding="utf-8")
            _call(processes, ["iceunpack", "bits", "config"], folder)
            words = ["icebox_vlog", "-s", "-n", name, "-p", "pins", "-d", board.device.package, "config"]
            return _call(processes, words, folder).out
        except OSError as error:
            raise SynthError(refused(error, error.filename or folder, "set TMPDIR to another folder")) from error


def _call(processes: Processes, words: Sequence[str], folder: Path) -> Finished:
    path = shutil.which(words[0])
    if path is None:
        raise SynthError(f"{words[0]} not found; install it (Debian: apt-get install fpga-icestorm)")
    done = processes.run([abspath(path), *words[1:]], folder)
    if done.status:
        raise SynthError(f"{words[0]} fails: {done.reason}; run netgen fpga again")
    return done
