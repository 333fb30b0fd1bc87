"""The entry point: run a command, and turn whatever ends it into one line and an exit status.

Exit status: 0 success; 1 a `NetgenError`, a failed check, or an output that cannot be written; 2 wrong usage;
130 interrupted.
"""

import contextlib
import io
import os
import re
import sys
from typing import TYPE_CHECKING

from netgen.cli.interrupt import STATUS, end_interrupted, handle_interrupts
from netgen.cli.streams import PLAIN, open_closed_streams
from netgen.errors import NetgenError, printable, refused

if TYPE_CHECKING:
    from typer import TyperException

USAGE = 2
"""Exit status of a command line that does not parse."""


def main() -> None:
    """Run the command line and exit."""
    open_closed_streams()
    handle_interrupts()
    if isinstance(sys.stdout, io.TextIOWrapper):  # what its encoding lacks, such as a file name of other bytes
        sys.stdout.reconfigure(errors=PLAIN)
    try:
        status = _run()
    except KeyboardInterrupt:
        end_interrupted()
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        status = 1
    except OSError as error:  # without a name: stdout
        fix = "choose a file or folder that can be read and written"
        status = _fail(refused(error, error.filename or "stdout", fix))
    except MemoryError:
        status = _fail("out of memory; free some, or make what the spec asks for smaller")
    _abandon_stdout()
    sys.exit(status)


def _run() -> int:
    """Parse, call, and write out what is printed; gives the exit status."""
    from typer import TyperException

    from netgen.cli.commands import app

    try:
        status = app(prog_name="netgen", standalone_mode=False)
    except NetgenError as error:
        status = _fail(str(error))
    except TyperException as error:
        status = _misused(error)
    if status == STATUS:
        raise KeyboardInterrupt
    if sys.stdout is not None:
        sys.stdout.flush()
    return int(status or 0)


def _misused(error: "TyperException") -> int:
    """Say in one line what is wrong with the command line; without a command, print the help."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "netgen"
    text = re.sub(r"^Invalid value for '?([^':]+)'?: ", r"\1: ", " ".join(error.format_message().split()))
    text = text.replace(" Value error, ", " ")  # Typer's checker, pydantic, puts it before a wrong choice
    option, colon, reason = text.partition(": ")
    if reason.startswith("Input should"):
        from netgen.spec.message import fix_of

        text = option + colon + fix_of(reason)
    if len(sys.argv) == 1:
        print(error.format_message(), file=sys.stderr)
        return USAGE
    return _fail(f"{text.rstrip('.?')}; see {command} --help", error.exit_code)


def _fail(line: str, status: int = 1) -> int:
    """Print the one line that says what went wrong, as far as stderr can be written; gives the status."""
    with contextlib.suppress(OSError):
        print(f"netgen: {printable(line)}", file=sys.stderr, flush=True)
    return status


def _abandon_stdout() -> None:
    """Give up text that could not be written, so that Python does not complain of it when it exits."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
