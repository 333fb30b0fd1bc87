"""Read a trained network, whatever holds it."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netgen.errors import ModelError
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network
from netgen.text import shown_path

if TYPE_CHECKING:
    import torch

    Model = torch.nn.Module | str | PathLike[str]
    """What can be read."""

MODULE = (
    "load it into its nn.Module and read that, or export the module by torch.export.save to a .pt2 file; weights of a "
    "spec's own perceptron are network.weights"
)
"""What to do with weights alone."""

__all__ = ["example_of", "read", "read_with_report"]


def read(model: "Model", example: Any = None) -> Network:
    """Read a trained network, and compare it with its source on the example and on random inputs.

    Args:
        model: a PyTorch module, or the path of a `.pt2` or `.onnx` file.
        example: for a module: an input, its first axis the batch; a tuple for several inputs. Files tell their own.
    Returns: the float network; `evaluate` computes its outputs in double precision.
    Raises: ModelError, when the model cannot be read, computes what layers of weighted sums, maxima and functions of
        single values cannot express, or differs from the network.
    """
    return read_with_report(model, example)[0]


def read_with_report(model: "Model", example: Any = None, *, seed: int = 0) -> tuple[Network, ImportReport]:
    """Read a trained network as `read` does, and tell how closely it agrees with its source.

    Args:
        seed: of the random inputs.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is not finite is refused
        return _read(model, example, seed)


def _read(model: "Model", example: Any, seed: int) -> tuple[Network, ImportReport]:
    """Read what it is."""
    if isinstance(model, str | PathLike):
        return _read_file(Path(model), example, seed)
    import torch

    if not isinstance(model, torch.nn.Module):
        what = "a state_dict; give the nn.Module that it belongs to" if isinstance(model, dict) else "no module"
        raise ModelError(
            f"{type(model).__name__}: {what}; read takes an nn.Module, or the path of a .pt2 or .onnx file"
        )
    from netgen.importer.module import read_module

    return read_module(model, example, seed=seed)


def example_of(samples: "Sequence[np.ndarray[Any, Any]]") -> Any:
    """The first sample of each input, in single precision, as a module takes it; a tuple for several inputs."""
    import torch

    example = tuple(torch.tensor(one[:1], dtype=torch.float32) for one in samples)
    return example if len(example) > 1 else example[0]


def _read_file(path: Path, example: Any, seed: int) -> tuple[Network, ImportReport]:
    """Read a file by what its name ends with."""
    if not path.is_file():
        raise ModelError(f"{shown_path(path)}: no such file; give a .pt2 or .onnx file")
    match path.suffix.lower():
        case ".onnx":
            from netgen.importer.onnx_file import read_onnx

            return read_onnx(path, seed=seed)
        case ".pt2":
            from netgen.importer.program import read_program

            return read_program(path, example, seed=seed)
        case ".pt" | ".pth" | ".bin" | ".ckpt":
            raise ModelError(f"{shown_path(path)}: {_kept_in(path)}; {MODULE}")
        case ".safetensors":
            raise ModelError(f"{shown_path(path)}: weights without a network; {MODULE}")
        case suffix:
            raise ModelError(f"{shown_path(path)}: a file of kind {suffix!r}; give a .pt2 or .onnx file")


def _kept_in(path: Path) -> str:
    """What a PyTorch file that is no exported program is."""
    from netgen.importer.kept import kept_in

    return kept_in(path) or "weights, or a pickled module, which is code and is not loaded"
