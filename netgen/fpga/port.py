"""A board on a serial port of this computer, by pyserial, an extra."""

import time
from typing import Protocol

import numpy as np

from netgen.errors import BoardError
from netgen.operators.board import GREETING, BoardProgram, Exchange, Octets
from netgen.progress import Progress, silent

__all__ = ["Line", "exchange", "exchange_on_port"]

SILENCE = 3.0
"""Seconds without an answer after which a board is given up."""


class Line(Protocol):
    """What is used of pyserial's `Serial`."""

    @property
    def in_waiting(self) -> int:
        """Octets that were received and not yet read."""

    def reset_input_buffer(self) -> None:
        """Forget what was received."""

    def send_break(self, duration: float = 0.25) -> None:
        """Hold the line low for so many seconds."""

    def write(self, data: bytes, /) -> int | None:
        """Send bytes."""

    def read(self, size: int = 1, /) -> bytes:
        """Receive bytes; fewer after the time-out."""


def exchange_on_port(program: BoardProgram, port: str, samples: Octets, *, progress: Progress = silent) -> Exchange:
    """Send samples to the board on a port, and read its answers.

    Args:
        port: such as `/dev/ttyUSB0`.
        samples: (n, sample_bytes).
    Raises: BoardError, when pyserial or the port is missing, the board does not answer, or answers as another circuit.
    """
    try:
        import serial
    except ImportError as error:
        raise BoardError("pyserial not found; install it (pip install 'netgen[board]')") from error
    try:
        with serial.Serial(port, round(program.baud), timeout=SILENCE) as line:
            return exchange(program, line, port, samples, progress=progress)
    except (OSError, ValueError) as error:  # what pyserial raises for ports and rates
        reason = getattr(error, "strerror", None) or str(error)
        raise BoardError(f"{port}: {reason}; name the board's serial port, and see that you may use it") from error


def exchange(program: BoardProgram, line: Line, port: str, samples: Octets, *, progress: Progress = silent) -> Exchange:
    """Send samples over a line that is open; arguments and errors as those of `exchange_on_port`."""
    line.reset_input_buffer()
    line.send_break(0.01)
    greeting = line.read(GREETING)
    if len(greeting) < GREETING:
        raise BoardError(f"{port}: no answer; load the bitstream, and give the --baud that it was built for")
    identity = int.from_bytes(greeting, "little")
    if identity != program.identity:
        raise BoardError(
            f"{port}: answers as {identity:08x}, and this build is {program.identity:08x}; load its bitstream"
        )
    answers, sent, began = bytearray(), 0, time.monotonic()
    wanted = len(samples) * program.answer_bytes
    while len(answers) < wanted:
        while sent < len(samples) and sent < len(answers) // program.answer_bytes + program.window:
            line.write(samples[sent].tobytes())
            sent += 1
        received = line.read(max(min(line.in_waiting, wanted - len(answers)), 1))
        if not received:
            done = len(answers) // program.answer_bytes
            raise BoardError(f"{port}: no answer to sample {done} in {SILENCE:g} s; start again, at a lower --baud")
        answers += received
        progress("the board computes", len(answers) / wanted)
    seconds = time.monotonic() - began
    return Exchange(np.frombuffer(bytes(answers), np.uint8).reshape(len(samples), -1), seconds)
