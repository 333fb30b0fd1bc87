"""One stage of a build, as data, and the build under way that it works on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from netgen.flow.store import Store
from netgen.progress import Progress, silent
from netgen.spec.spec import Spec

__all__ = ["Stage", "Work"]

Noun = TypeVar("Noun")


@dataclass(eq=False)
class Work:
    """One build under way: what every stage may ask for.

    Attributes:
        store: of the build folder, locked.
        base: folder from which the spec's paths are seen.
        jobs: processes that simulate.
        given: what a Python program gave instead of files; see `netgen.flow.imported`.
    """

    spec: Spec
    store: Store
    base: Path
    jobs: int = 1
    progress: Progress = silent
    given: object = None
    _nouns: dict[Callable[..., Any], Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The build folder, with the files of all finished stages."""
        return self.store.folder

    def get(self, read: Callable[["Work"], Noun]) -> Noun:
        """Read a noun (see `nouns`) that an earlier stage has made, once for all stages."""
        if read not in self._nouns:
            self._nouns[read] = read(self)
        noun: Noun = self._nouns[read]
        return noun


@dataclass(frozen=True)
class Stage:
    """One stage of a build; it may import whatever its own code needs, but no other stage.

    Attributes:
        name: of the stage, in the ledger and in progress.
        depends: gives everything that its files depend on beside the code, as plain values.
        make: writes its files into a folder.
        describe: says what it will do, with the size of the work.
    """

    name: str
    depends: Callable[[Work], Mapping[str, object]]
    make: Callable[[Work, Path], None]
    describe: Callable[[Work], str]

    @property
    def module(self) -> str:
        """The module of its functions; what this imports is the code that its files depend on."""
        return self.make.__module__
