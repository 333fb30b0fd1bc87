"""Say what a PyTorch file is that is no exported program, without loading it: its pickle is only looked through."""

import io
import pickletools
from pathlib import Path
from zipfile import BadZipFile, ZipFile

__all__ = ["kept_in"]

LONGEST = 1 << 22
"""Bytes of a pickle, at most, that are looked through; names stand at its start."""
MOST_OPCODES = 1_000_000
PICKLES = 8
"""Pickles of a file in PyTorch's old format that are looked through; the fourth holds the tensors."""
OWN = frozenset({"__builtin__", "_codecs", "builtins", "collections", "torch", "torch.storage"})
"""Modules that the pickle of plain tensors names; those below torch._ and numpy beside them."""


def kept_in(path: Path) -> str | None:
    """What a file of PyTorch holds: TorchScript, a pickled module, a training checkpoint or a state_dict.

    Returns: a phrase such as `a pickled module of class __main__.Net`; None for other or damaged files.
    """
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if any("/code/" in name or name.endswith("constants.pkl") for name in names):
                return "a TorchScript file"
            first = next((name for name in names if name.rpartition("/")[2] == "data.pkl"), None)
            if first is None:
                return None
            with archive.open(first) as file:
                pickles = file.read(LONGEST)
    except (BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        try:
            with path.open("rb") as file:
                pickles = file.read(LONGEST)
        except OSError:
            return None
    return _named(*_names_in(pickles))


def _names_in(data: bytes) -> tuple[list[str], list[str]]:
    """The texts in the pickles of a file, and the classes that they name as `module.name`."""
    texts: list[str] = []
    classes: list[str] = []
    stream, count = io.BytesIO(data), 0
    try:
        for _ in range(PICKLES):
            for operation, argument, _ in pickletools.genops(stream):
                count += 1
                if count > MOST_OPCODES:
                    return texts, classes
                if "UNICODE" in operation.name:
                    texts.append(str(argument))
                elif operation.name == "GLOBAL":
                    classes.append(str(argument).replace(" ", "."))
                elif operation.name == "STACK_GLOBAL" and len(texts) > 1:
                    classes.append(".".join(texts[-2:]))
    except Exception:  # noqa: S110 - a damaged or cut pickle can raise anything; what was read before tells enough
        pass
    return texts, classes


def _named(texts: list[str], classes: list[str]) -> str | None:
    """What holds these texts and classes."""
    foreign = [one for one in classes if not _is_plain(one)]
    if {"_modules", "_parameters"} <= set(texts) and foreign:
        return f"a pickled module of class {_short(foreign[0])}, which is code and is not loaded"
    if not any("_rebuild" in one for one in classes):
        return None
    keys = [text for text in texts if text not in {"little_endian", "protocol_version", "type_sizes"}]
    keys = [text for text in keys if text not in {"short", "int", "long"}]
    first = next(iter(keys), "")
    if foreign or not any(first.endswith(end) for end in ("weight", "bias", "mask", "weight_orig", "_mean", "_var")):
        beside = f" and a {_short(foreign[0])}" if foreign else ""
        return f"a training checkpoint that begins with {_short(first)!r}{beside}: weights without a network"
    return f"a state_dict that begins with {_short(first)!r}: weights without a network"


def _is_plain(name: str) -> bool:
    module = name.rpartition(".")[0]
    return module in OWN or module.startswith(("torch._", "numpy"))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
