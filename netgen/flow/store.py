"""A build folder: the files of each stage, and in the ledger `build.json` a fingerprint of what they depend on.

A stage writes into a scratch folder. When it ends, its ledger entry is removed, its files move into place one by one,
and the new entry is written. A build that is killed at any moment leaves the old entry or none, never a wrong one.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from netgen.errors import BuildError, refused
from netgen.text import parse_json, read_text

LEDGER = "build.json"
LOCK = ".lock"
SCRATCH = ".partial"

MOST_FILES = 100
"""Files of a build that a ledger may record; one with more is damaged."""

LARGEST = 1 << 32
"""Bytes that a file of a stage may have; a larger one is damaged, and is made again."""


def digest_of(*parts: bytes) -> str:
    """SHA-256 of byte strings, each with its length, as hex."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def digest_of_file(path: Path) -> str:
    """The digest of a regular file; opening another, such as a pipe, could wait for ever.

    Raises: OSError, when there is none, or one of more than `LARGEST` bytes.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    size = path.stat().st_size
    if size > LARGEST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    digest = hashlib.sha256(size.to_bytes(8, "big"))  # as of `digest_of`, but in little memory
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _remove(path: Path) -> None:
    """Remove a file or folder, whatever it is; it need not be there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _read_ledger(folder: Path) -> dict[str, Any]:
    """The ledger's entries; none when it is missing or damaged, so that everything is built again."""
    try:
        tree = parse_json(read_text(folder / LEDGER, BuildError), BuildError)
    except BuildError:
        return {}
    return tree if isinstance(tree, dict) else {}


def recorded_files(folder: Path) -> dict[str, str]:
    """The digest of each file of a build by the file's name, as the ledger records it; nothing of a damaged ledger."""
    try:
        found = {name: digest for entry in _read_ledger(folder).values() for name, digest in entry["files"].items()}
    except (AttributeError, KeyError, TypeError):
        return {}
    return found if len(found) <= MOST_FILES and all(re.fullmatch(r"[\w.-]{1,64}", name) for name in found) else {}


@contextlib.contextmanager
def as_build_error(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into one line."""
    try:
        yield
    except OSError as error:
        raise BuildError(refused(error, error.filename or folder, "choose another --out")) from error


def _locked(lock: IO[str], path: Path) -> bool:
    """Try to lock an open file without waiting; returns whether it is locked now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # it names no file
        fix = "choose another --out, on a file system that can lock files"
        raise BuildError(refused(error, path, fix)) from error
    return True


class Store:
    """The folder of one build, locked while it is open.

    Raises: BuildError, when the folder cannot be written or another build is at work in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries: dict[str, Any] = {}

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: Path, *, wait: float = 0.0) -> Iterator["Store"]:
        """Lock a folder for building, create it if need be, and remove what a killed build left unfinished.

        Args:
            wait: seconds to wait for another process to leave the folder.
        """
        store = cls(folder)
        with as_build_error(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.fdopen(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK), "w")
        with lock:
            deadline = time.monotonic() + wait
            while not _locked(lock, folder / LOCK):
                if time.monotonic() >= deadline:
                    raise BuildError(f"{folder}: another build is at work here; wait for it or choose another --out")
                time.sleep(0.05)
            with as_build_error(folder):
                _remove(folder / SCRATCH)
                store._entries = _read_ledger(folder)
            yield store

    def run(self, stage: str, depends: Mapping[str, object], make: Callable[[Path], None]) -> bool:
        """Make a stage's files, unless they are there, whole, and nothing they depend on has changed.

        Args:
            depends: everything that the stage's result depends on, as plain values.
            make: writes the stage's files into the folder that it is given.
        Returns: whether the stage was made anew.
        """
        fingerprint = digest_of(stage.encode(), json.dumps(depends, sort_keys=True).encode())
        if self._is_current(stage, fingerprint):
            return False
        scratch = self.folder / SCRATCH
        with as_build_error(self.folder):
            _remove(scratch)
            try:
                scratch.mkdir()
                make(scratch)
                files = sorted(path.name for path in scratch.iterdir())
                digests = {name: digest_of_file(scratch / name) for name in files}
                self._forget(stage, files)
                self._write_ledger()
                for name in files:
                    (scratch / name).replace(self.folder / name)
                self._entries[stage] = {"fingerprint": fingerprint, "files": digests}
                self._write_ledger()
            finally:
                _remove(scratch)
        return True

    def _forget(self, stage: str, files: Sequence[str]) -> None:
        """Remove the entry of a stage, and of others whose files it replaces, as a build of another kind left them."""
        for other, entry in list(self._entries.items()):
            theirs = entry.get("files") if isinstance(entry, dict) else None
            if other == stage or (isinstance(theirs, dict) and not theirs.keys().isdisjoint(files)):
                del self._entries[other]

    def _is_current(self, stage: str, fingerprint: str) -> bool:
        entry = self._entries.get(stage)
        if not isinstance(entry, dict) or entry.get("fingerprint") != fingerprint:
            return False
        try:
            return all(digest_of_file(self.folder / name) == digest for name, digest in entry["files"].items())
        except (OSError, KeyError, AttributeError, ValueError):  # a damaged ledger, or a file that is no longer there
            return False

    def _write_ledger(self) -> None:
        beside = self.folder / f"{LEDGER}.new"
        _remove(beside)
        try:
            beside.write_text(json.dumps(self._entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            os.replace(beside, self.folder / LEDGER)
        finally:
            _remove(beside)

    def digest(self, stage: str) -> str:
        """A digest of the files that a stage made, for the fingerprints of stages that read them."""
        return digest_of(json.dumps(self._entries[stage]["files"], sort_keys=True).encode())
