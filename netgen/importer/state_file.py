"""Read a `state_dict` from a file that others wrote: plain, finite tensors by name, or one line that says why not."""

import io
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from netgen.errors import WeightsError
from netgen.importer.kept import kept_in

WRAPPERS = ("module.", "_orig_mod.", "model.", "net.")
"""Prefixes of every name: of DataParallel, torch.compile, and of modules that hold one model only."""
INSTALL = "install it by: pip install 'netgen[safetensors]'"
COUNTERS = "num_batches_tracked"
"""Last part of the names of counters that no result depends on."""


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a `state_dict` that `torch.save` or safetensors wrote.

    Sparse tensors become dense only in `dense_of`, after their shape is known to be wanted.

    Returns: tensors by name, without the prefixes of wrappers and without counters.
    Raises: WeightsError, for anything else than a mapping of names to tensors; nothing in the file is executed.
    """
    _check_file(path)
    if _is_safetensors(path):
        return _without_counters(_unwrapped(_safetensors(path)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that torch calls beta; they are refused by name below
            state = torch.load(_opened(path), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can make the unpickler raise anything
        kept = None if isinstance(error, MemoryError) else kept_in(path)
        if kept is not None and not kept.startswith("a state_dict"):
            raise WeightsError(f"{path}: {kept}; save model.state_dict() instead") from error
        raise WeightsError(f"{path}: not a state_dict of plain tensors ({_reason(error)}); torch.save one") from error
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path}: holds a {type(state).__name__}; save model.state_dict() instead")
    for key, value in state.items():
        if not isinstance(key, str):
            raise WeightsError(f"{path}: key {key!r:.60} is no name of a parameter; save model.state_dict() instead")
        if not isinstance(value, Tensor):
            what = f"{path}: {_short(key)} holds a {type(value).__name__}, not a tensor"
            inside = isinstance(value, Mapping) and any(isinstance(part, Tensor) for part in value.values())
            raise WeightsError(
                f"{what}; save {f'checkpoint[{key[:60]!r}]' if inside else 'model.state_dict()'} instead"
            )
        if value.is_nested:
            raise WeightsError(f"{path}: {_short(key)} is a nested tensor; save plain tensors instead")
    return _without_counters(_unwrapped(state))


def _without_counters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if key.rpartition(".")[2] != COUNTERS}


def dense_of(path: Path, name: str, tensor: Tensor) -> Tensor:
    """A tensor of a file in single precision, dense, on the processor.

    Raises: WeightsError, when its values are not there, not real floating-point numbers, or not finite in single
        precision.
    """
    place = f"{path}: {_short(name)}"
    if tensor.is_meta:
        raise WeightsError(f"{place} is a meta tensor without values; save the state_dict of an initialized model")
    if tensor.is_quantized or tensor.layout not in {torch.strided, torch.sparse_coo}:
        kind = "quantized" if tensor.is_quantized else f"of layout {str(tensor.layout).removeprefix('torch.')}"
        fix = "dequantize()" if tensor.is_quantized else "to_dense()"
        raise WeightsError(f"{place} is {kind}; save tensor.{fix} instead")
    if not tensor.is_floating_point():
        kind = str(tensor.dtype).removeprefix("torch.")
        raise WeightsError(f"{place} holds {kind} numbers; a weight needs a floating-point type")
    try:
        values = _filled(tensor) if tensor.layout == torch.sparse_coo else tensor.detach()
        single = values.to(torch.float32).contiguous()
    except Exception as error:  # a type that this version of torch cannot convert, or indices outside of the shape
        raise WeightsError(f"{place} cannot be read ({_reason(error)}); save it as float32") from error
    if not torch.isfinite(single).all():
        wrong = values[~torch.isfinite(single)].double()[0].item()
        what = "NaN or infinity" if wrong in {float("inf"), -float("inf")} or wrong != wrong else f"{wrong:g}"  # noqa: PLR0124 - NaN
        raise WeightsError(f"{place} holds {what}; every weight must be finite in single precision")
    return single


def _check_file(path: Path) -> None:
    """Refuse what is no regular file, and archives that unpack to more than the file holds."""
    try:
        if not path.exists():
            raise WeightsError(f"{path}: not found; correct network.weights")
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "no regular file"
            raise WeightsError(f"{path}: is {kind}; network.weights needs a file that torch.save or safetensors wrote")
        size = path.stat().st_size
        if not size:
            raise WeightsError(f"{path}: is empty; save model.state_dict() again")
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                files = archive.infolist()
            if sum(file.file_size for file in files) > size:
                raise WeightsError(f"{path}: its header states more data than its {size:,} bytes hold; save it again")
            if any(file.filename.endswith("constants.pkl") for file in files):
                raise WeightsError(f"{path}: is a TorchScript archive; save module.state_dict() instead")
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path}: not readable ({_reason(error)}); save model.state_dict() again") from error


def _opened(path: Path) -> Path | io.BytesIO:
    """What to read: a file that is no archive is held in memory, as texts of its pickle may claim any length."""
    return path if zipfile.is_zipfile(path) else io.BytesIO(path.read_bytes())


def _is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do: the length of a header, and the header, which is JSON."""
    with path.open("rb") as file:
        start = file.read(9)
    return path.suffix.lower() == ".safetensors" or (len(start) == 9 and start[8:] == b"{" and start[4:8] == bytes(4))


def _safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; none can claim more bytes than the file has."""
    try:
        from safetensors import safe_open
    except ImportError as error:
        raise WeightsError(f"{path}: reading safetensors needs safetensors; {INSTALL}") from error
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
    except Exception as error:  # a damaged file can make it raise anything
        raise WeightsError(f"{path}: not a safetensors file ({_reason(error)}); save it again") from error


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without the prefixes that wrappers have put before every name."""
    found = dict(state)
    while wrapper := next((w for w in WRAPPERS if found and all(key.startswith(w) for key in found)), None):
        found = {key.removeprefix(wrapper): value for key, value in found.items()}
    return found


def _filled(tensor: Tensor) -> Tensor:
    """A sparse COO tensor as a dense one; indices are checked, equal ones are added."""
    indices, values = tensor._indices(), tensor._values()
    if tensor.dense_dim() or values.dim() != 1 or indices.shape != (tensor.dim(), len(values)):
        raise ValueError("indices and values do not match")
    for axis, size in zip(indices, tensor.shape, strict=True):
        if len(axis) and not 0 <= int(axis.min()) <= int(axis.max()) < size:
            raise ValueError(f"an index outside of shape {tuple(tensor.shape)}")
    filled = torch.zeros(tuple(tensor.shape), dtype=torch.float64)
    return filled.index_put(tuple(indices), values.double(), accumulate=True)


def _short(name: str) -> str:
    """A name from the file, short enough for one line."""
    return name if len(name) <= 60 and name.isprintable() else f"{name[:60]!r}"


def _reason(error: Exception) -> str:
    """The first line of an error, without the advice on how to execute the file all the same."""
    if isinstance(error, pickle.UnpicklingError):
        return "it needs more than plain tensors"
    text = str(error).strip().splitlines()
    return text[0][:80] if text else type(error).__name__
