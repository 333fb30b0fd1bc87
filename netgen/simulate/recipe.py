"""How a simulator's program is made of a design, as data."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

_HOME = Path(__file__).parent


@dataclass(frozen=True)
class ProgramRecipe:
    """Everything that a program depends on, and how to start it.

    The program reads the file `inputs` in the folder where it is started, and writes the file `outputs` there. Both
    hold a row of 32-bit words for each sample, the lowest word first.

    Attributes:
        name: of the simulator.
        version: of its tools, as they print it.
        files: name and text of each file in the folder where the program is made; `top.v` is one of them.
        steps: the commands that make it, in this order, each with the name of its tool.
        made: name of the file that is the program.
        starter: command that starts the program, before its path; empty when it starts by itself.
        slice: samples for each run of the program. It does not depend on `jobs`, so results cannot either.
    """

    name: str
    version: str
    files: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, tuple[str, ...]], ...]
    made: str
    starter: tuple[str, ...] = ()
    slice: int = 2500

    @property
    def digest(self) -> str:
        """Names the program: recipes that differ in anything it depends on have different digests."""
        depends = repr((self.version, self.files, self.steps, self.made))
        return f"{self.name}-{hashlib.sha256(depends.encode()).hexdigest()[:16]}"


def words_of(width: int) -> int:
    """32-bit words that hold a payload of `width` bits."""
    return -(-width // 32)


def text_of(name: str) -> str:
    """The text of a file of this package, such as a harness."""
    return (_HOME / name).read_text(encoding="utf-8")
