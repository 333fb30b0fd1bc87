"""End a program when netgen ends without doing so, as when SIGKILL or a lack of memory ends it."""

import contextlib
import subprocess

_SCRIPT = 'read -r line || kill -s KILL -- "-$1"'
"""The line tells that the program has ended; without one, the end of netgen has closed the pipe."""


class Watch:
    """A shell that waits for the end of netgen, and then kills a program with all that it started.

    The kernel could kill the program by itself (`PR_SET_PDEATHSIG` of Linux), but not the programs that it started.

    Args:
        group: the program's process group.
    """

    def __init__(self, group: int) -> None:
        self._shell: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):  # without it, programs only outlive a netgen that is killed
            self._shell = subprocess.Popen(  # noqa: S603 - the script is a constant
                ["/bin/sh", "-c", _SCRIPT, "sh", str(group)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def end(self) -> None:
        """End the watch, as the program has ended."""
        if self._shell is not None:
            with contextlib.suppress(BrokenPipeError):
                self._shell.communicate(b"\n")
