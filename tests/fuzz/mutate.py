"""Mutations: of bytes, of the tokens of a text, of a tree of values, of arrays, and of what a path stands for."""

import contextlib
import copy
import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from nasty import DEEP_WORDS, VALUES, WORDS, YAML_VALUES, Random, pick

_TOKEN = re.compile(rb"[A-Za-z_][\w.]*|[-+]?[\d.][\w.+-]*|\s+|[^\w\s]|[\x80-\xff]+|\w")
_WHOLE = 0.06
"""Share of the mutants that begin with a nasty piece, so that a parser meets it first."""
_SPARSE = 1 << 40
"""Bytes of a file of zeros, of which none is on the disk."""


def mutated(blob: bytes, rng: Random, other: bytes = b"") -> bytes:
    """Change a few places of a file's bytes, or all of it; `other` is what pieces may be spliced from."""
    if rng.random() < _WHOLE:
        return pick(rng, pick(rng, (WORDS, DEEP_WORDS))) + pick(rng, (b"", blob))
    for _ in range(pick(rng, (1, 1, 1, 2, 3, 6))):
        blob = pick(rng, (_bytes, _tokens, _tokens, _lines))(blob, rng, other or blob)
    return blob


def _bytes(blob: bytes, rng: Random, other: bytes) -> bytes:
    at, end = sorted(int(k) for k in rng.integers(0, len(blob) + 1, 2))
    short = min(end, at + int(rng.integers(1, 9)))
    match int(rng.integers(9)):
        case 0 if blob:  # flip a bit
            at = min(at, len(blob) - 1)
            return blob[:at] + bytes([blob[at] ^ (1 << int(rng.integers(8)))]) + blob[at + 1 :]
        case 1:  # truncate
            return blob[:at]
        case 2:  # behead
            return blob[at:]
        case 3:  # delete
            return blob[:at] + blob[short:]
        case 4:  # duplicate
            return blob[:end] + blob[at:end] + blob[end:]
        case 5:  # splice
            start = int(rng.integers(0, len(other) + 1))
            return blob[:at] + other[start : start + int(rng.integers(1, 200))] + blob[short:]
        case 6:  # random bytes
            return blob[:at] + rng.bytes(short - at + 1) + blob[short:]
        case 7:  # overwrite with a nasty piece
            word: bytes = pick(rng, WORDS)
            return blob[:at] + word + blob[at + len(word) :]
        case _:
            return blob[:at] + pick(rng, WORDS) + blob[at:]


def _tokens(blob: bytes, rng: Random, other: bytes) -> bytes:
    tokens = _TOKEN.findall(blob)
    if not tokens:
        return blob + pick(rng, WORDS)
    at, to = (int(k) for k in rng.integers(0, len(tokens), 2))
    match int(rng.integers(6)):
        case 0:
            tokens[at], tokens[to] = tokens[to], tokens[at]
        case 1:
            del tokens[at]
        case 2:
            tokens.insert(at, tokens[to])
        case 3:
            tokens[at] = pick(rng, _TOKEN.findall(other) or [b""])
        case 4:
            tokens.insert(at, pick(rng, WORDS))
        case _:
            tokens[at] = pick(rng, WORDS)
    return b"".join(tokens)


def _lines(blob: bytes, rng: Random, other: bytes) -> bytes:
    lines = blob.split(b"\n")
    at, to = (int(k) for k in rng.integers(0, len(lines), 2))
    match int(rng.integers(6)):
        case 0:
            lines[at], lines[to] = lines[to], lines[at]
        case 1:
            del lines[at]
        case 2:
            lines.insert(at, lines[to])
        case 3:
            lines[at] = b" " * int(rng.integers(1, 5)) + lines[at]
        case 4:
            lines.insert(at, pick(rng, WORDS))
        case _:
            lines.insert(at, pick(rng, other.split(b"\n")))
    return b"\n".join(lines)


def _slots(tree: Any) -> list[tuple[Any, Any]]:
    """Every place of a tree, as its container and its key or number."""
    found: list[tuple[Any, Any]] = []
    left = [tree]
    while left and len(found) < 5_000:
        node = left.pop()
        items = list(node.items() if isinstance(node, dict) else enumerate(node))
        found += [(node, key) for key, _ in items]
        left += [value for _, value in items if isinstance(value, dict | list)]
    return found


def mutated_tree(tree: Any, rng: Random, values: tuple[Any, ...] = VALUES) -> Any:
    """Replace, delete, repeat or exchange a few values of a tree."""
    holder = [copy.deepcopy(tree)]
    for _ in range(pick(rng, (1, 1, 1, 2, 4))):
        slots = _slots(holder)
        (node, key), (other, name) = pick(rng, slots), pick(rng, slots)
        match int(rng.integers(7)):
            case 0 if node is not holder:
                del node[key]
            case 1:
                node[key], other[name] = copy.deepcopy(other[name]), copy.deepcopy(node[key])
            case 2 if isinstance(node, dict):
                node[pick(rng, ("", "x", "seed", "\n", "a" * 500, str(name)))] = copy.deepcopy(node[key])
            case 3 if isinstance(node, list):
                node.insert(key, copy.deepcopy(node[key]))
            case 4 if isinstance(node[key], int | float):
                node[key] = pick(rng, (-1, 2, 10**3, 10**6, 2**31, 2**62)) * node[key] + pick(rng, (0, 1, -1, 0.5))
            case _:
                node[key] = copy.deepcopy(pick(rng, values))
    return holder[0]


def mutated_json(blob: bytes, rng: Random, other: bytes = b"") -> bytes:
    """Change the tree of a JSON text, or its bytes."""
    if rng.random() < 0.5:
        with contextlib.suppress(RecursionError, OverflowError):
            return json.dumps(mutated_tree(json.loads(blob), rng)).encode()
    return mutated(blob, rng, other)


@cache
def _tree_of(blob: bytes) -> Any:
    """The tree of a YAML text, which `mutated_tree` copies."""
    return yaml.load(blob, Loader=yaml.CSafeLoader) or {}


def mutated_yaml(blob: bytes, rng: Random, other: bytes = b"") -> bytes:
    """Change the tree of a YAML text, or its bytes."""
    if rng.random() < 0.5:
        with contextlib.suppress(RecursionError, yaml.YAMLError):
            tree = mutated_tree(_tree_of(blob), rng, YAML_VALUES)
            unicode = bool(rng.integers(2))
            return yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=unicode).encode()
    return mutated(blob, rng, other)


_TYPES = ("?", "i1", "u1", "i8", "u8", "f2", "f4", "f8", ">i4", ">f8", "g", "c8", "S3", "U3", "M8[s]", "V4")
_NUMBERS = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e39, 1e-50, 5e-324, -1, 2**53, 1e19, 0.5, 255, 256, 10_000)


def mutated_array(array: "np.ndarray[Any, Any]", rng: Random) -> "np.ndarray[Any, Any]":
    """Change an array's type, its shape or a value."""
    match int(rng.integers(9)):
        case 0:
            with contextlib.suppress(ValueError, TypeError), np.errstate(all="ignore"):
                return array.astype(pick(rng, _TYPES))
            return array
        case 1:
            return array[: int(rng.integers(0, len(array) + 1))] if array.ndim else array
        case 2:
            return array[..., None]
        case 3:
            return array.reshape(-1)
        case 4:
            return array.T
        case 5:
            return np.array(pick(rng, (*_NUMBERS, "text", [], [[]], [[1.0]], True)))
        case 6:
            return np.concatenate([array, array]) if array.ndim else array
        case 7 if array.dtype.kind != "U" and array.size:
            changed = array.copy()
            changed.flat[int(rng.integers(array.size))] = rng.integers(0, 2 if array.dtype.kind == "b" else 100)
            return changed
        case _:
            changed = np.array(array, dtype=np.float64 if array.dtype.kind in "biuf" else array.dtype)
            if changed.size and changed.dtype.kind == "f":
                changed.flat[int(rng.integers(changed.size))] = pick(rng, _NUMBERS)
            return changed


_HEADERS = (
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (8589934592,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 3), }",
    b"{'descr': '<f8', 'fortran_order': True, 'shape': (-1, 3), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
    b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (), }",
    b"{'descr': '<f8', 'shape': (3L, 2L), 'fortran_order': False}",
    b"(" * 500,
    b"__import__('os')",
    b"{}",
    b"",
)


def _member(blob: bytes, rng: Random) -> bytes:
    """Change one array file of a .npz."""
    match int(rng.integers(4)):
        case 0:
            head = pick(rng, _HEADERS) + b"\n"
            return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + blob[128:]
        case 1:
            return mutated(blob[:128], rng) + blob[128:]
        case 2:
            return mutated(blob, rng)
        case _:
            saved = io.BytesIO()
            np.save(saved, mutated_array(np.load(io.BytesIO(blob)), rng), allow_pickle=False)
            return saved.getvalue()


_PACKED = (*[zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED] * 5, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)  # the last are slow


def mutated_zip(blob: bytes, rng: Random, member: Callable[[bytes, Random], bytes] = _member) -> bytes:
    """Change one file of an archive, the list of its files, or the archive's bytes."""
    choice = int(rng.integers(8))
    if choice < 2:
        return mutated(blob, rng)
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        files = [(name, archive.read(name)) for name in archive.namelist()]
    at = int(rng.integers(len(files)))
    name, content = files[at]
    packed = pick(rng, _PACKED)
    if choice == 2:
        del files[at]
    elif choice == 3:
        files[at] = pick(rng, ("x.npy", "../x.npy", "/", name[:-1], f"{name}\n", files[0][0])), content
    elif choice == 4:
        files[at] = name, bytes(5_000_000)
    else:
        files[at] = name, member(content, rng)
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", packed) as archive:
        known: set[str] = set()
        for key, value in files:
            if key not in known:  # zipfile warns of a name that stands twice
                archive.writestr(key, value)
            known.add(key)
    blob = found.getvalue()
    if choice == 7:  # an unknown compression, encryption, or odd sizes, in the list of files
        at = blob.find(b"PK\x01\x02") + int(rng.integers(4, 46))
        blob = blob[:at] + rng.bytes(1) + blob[at + 1 :]
    return blob


def misplace(path: Path, rng: Random) -> str:
    """Put something else than a regular file of sensible size where a file was; says what."""
    path.unlink()
    match int(rng.integers(7)):
        case 0:
            return "missing"
        case 1:
            path.mkdir()
            return "a folder"
        case 2:
            os.mkfifo(path)
            return "a pipe"
        case 3:
            device = pick(rng, ("/dev/zero", "/dev/null", "/dev/full"))
            path.symlink_to(device)
            return f"a link to {device}"
        case 4:
            path.symlink_to(path.name)
            return "a link to itself"
        case 5:
            path.touch()
            os.truncate(path, _SPARSE)
            return "zeros without end"
        case _:
            path.touch()
            return "empty"
