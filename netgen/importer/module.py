"""PyTorch modules as a `Network`, compared with the module before anything else happens."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from netgen.errors import ModelError, NetgenError
from netgen.importer.compare import compared
from netgen.importer.export import export, own_copy, quiet
from netgen.importer.fuse import fuse
from netgen.importer.training_mode import in_training
from netgen.importer.untraceable import untraceable
from netgen.importer.walk import walk
from netgen.ir.imported import ImportReport
from netgen.ir.network import Network

if TYPE_CHECKING:
    import torch

__all__ = ["example_of", "read_module"]

FAR = 1 << 53
"""The greatest whole number of an example: double precision holds all up to it."""


def read_module(module: "torch.nn.Module", example: Any, *, seed: int = 0) -> tuple[Network, ImportReport]:
    """Read a module as it computes in evaluation mode, in double precision; the module is not changed.

    Args:
        example: an input, its first axis the batch; a tuple for several inputs, or a dictionary of named ones. One
            sample of it is used.
        seed: of the random inputs on which the network and the module are compared.
    Raises: ModelError, when the module computes what layers cannot express, cannot be traced, or computes something
        else than the network.
    """
    import torch

    name = f"module {type(module).__name__}"
    arguments, named = example_of(example, name)
    failure: Exception | None = None
    real, given_kind = torch.float64, _kind_of(module)
    for kind, whole in dict.fromkeys(((real, False), (given_kind, False), (real, True))):
        source = own_copy(module, name).to(kind)
        given = (
            [_in_kind(one, kind, whole=whole) for one in arguments],
            {key: _in_kind(one, kind, whole=whole) for key, one in named.items()},
        )
        try:
            program = export(source, tuple(given[0]), given[1])
            with quiet(), torch.no_grad():
                source(*(one.clone() for one in given[0]), **{key: one.clone() for key, one in given[1].items()})
        except Exception as found:  # whatever PyTorch raises: a module may need its own precision
            failure = failure or found
            continue
        inputs = [*given[0], *given[1].values()]
        try:
            reading = walk(program, [tuple(one.shape) for one in inputs])
            network = fuse(reading.network)
            report = compared(source, given[0], given[1], reading, network, source=name, seed=seed)
        except NetgenError as found:
            raise ModelError(f"{name}: {found}") from found
        return network, replace(report, assumed=(*in_training(module), *report.assumed))
    assert failure is not None
    source = own_copy(module, name).to(given_kind)
    samples = [_in_kind(one, given_kind, whole=False) for one in (*arguments, *named.values())]
    raise ModelError(f"{name}: {untraceable(source, samples, failure)}") from failure


def example_of(example: Any, name: str) -> tuple[list["torch.Tensor"], dict[str, "torch.Tensor"]]:
    """One sample of each input, as PyTorch's tensors on the CPU."""
    if example is None:
        raise ModelError(f"{name}: give an example input, such as example=x[:1]")
    if isinstance(example, dict):
        return [], {str(key): _sample(one, name) for key, one in example.items()}
    if isinstance(example, Sequence) and not isinstance(example, str) and len(example) and hasattr(example[0], "shape"):
        return [_sample(one, name) for one in example], {}
    return [_sample(example, name)], {}


def _sample(array: Any, name: str) -> "torch.Tensor":
    """The first sample, with the batch axis."""
    import torch

    try:
        tensor = array if isinstance(array, torch.Tensor) else torch.from_numpy(np.array(array))
    except TypeError as found:
        raise ModelError(f"{name}: an example of {type(array).__name__}; give an array of numbers") from found
    plain = tensor.layout == torch.strided and not (tensor.is_nested or tensor.is_quantized or tensor.is_complex())
    if not plain or tensor.is_meta:
        raise ModelError(f"{name}: an example that is no dense tensor of real numbers; give x[:1] of your samples")
    tensor = tensor.detach().cpu()
    if tensor.ndim < 1 or not len(tensor):
        raise ModelError(
            f"{name}: an example of shape {tuple(tensor.shape)}; its first axis is the batch: example=x[:1]"
        )
    limit = torch.finfo(torch.float32).max if tensor.is_floating_point() else FAR
    if not bool((tensor[:1].double().abs() <= limit).all()):
        raise ModelError(
            f"{name}: an example with NaN or numbers beyond {limit:.3g}; give samples as the model reads them"
        )
    return tensor[:1].clone()


def _in_kind(tensor: "torch.Tensor", kind: "torch.dtype", *, whole: bool) -> "torch.Tensor":
    """Real numbers in a precision, and whole numbers too where `whole` says so."""
    return tensor.to(kind) if whole or tensor.is_floating_point() else tensor


def _kind_of(module: "torch.nn.Module") -> "torch.dtype":
    """The precision of a module's first real parameter, or single."""
    import torch

    return next((one.dtype for one in module.parameters() if one.is_floating_point()), torch.float32)
