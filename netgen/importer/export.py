"""A user's module as a graph of PyTorch operators, by `torch.export`; the module itself is never changed."""

import contextlib
import copy
import io
import logging
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from netgen.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

__all__ = ["export", "own_copy", "quiet", "reason_of"]


def own_copy(module: "torch.nn.Module", name: str) -> "torch.nn.Module":
    """A copy on the CPU in evaluation mode.

    Weights that hooks compute, from pruning masks for instance, are computed anew when the copy runs. Wrappers of
    `torch.compile` and of data parallelism are taken off.

    Raises: ModelError, for parameters that are no dense tensors of real numbers, or a module that cannot be copied.
    """
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError(f"{name}: a TorchScript module; give the nn.Module that it was made from")
    if isinstance(module, torch.nn.DataParallel | torch.nn.parallel.DistributedDataParallel):
        module = module.module
    original = getattr(module, "_orig_mod", module)
    assert isinstance(original, torch.nn.Module)
    _check_tensors(original, name)
    derived = {
        id(value): value.detach().clone()
        for part in original.modules()
        for value in vars(part).values()
        if isinstance(value, torch.Tensor) and not value.is_leaf
    }
    try:
        with quiet():
            return copy.deepcopy(original, derived).cpu().eval().requires_grad_(False)
    except Exception as found:
        raise ModelError(f"{name}: the module cannot be copied: {reason_of(found)}") from found


def _check_tensors(module: "torch.nn.Module", name: str) -> None:
    """Refuse parameters and buffers of which no plain numbers can be had."""
    import torch

    for path, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if torch.nn.parameter.is_lazy(tensor):
            raise ModelError(f"{name}: {path} has no shape yet; run the module once before it is read")
        if tensor.is_meta:
            raise ModelError(f"{name}: {path} is on the meta device, without numbers; load the weights first")
        if tensor.layout != torch.strided:
            raise ModelError(f"{name}: {path} is stored as {tensor.layout}; convert it by to_dense()")
        if tensor.is_quantized:
            raise ModelError(f"{name}: {path} is a quantized tensor; read the network as QONNX or QDQ ONNX instead")
        if isinstance(tensor, torch.nn.Parameter) and not tensor.is_floating_point() and not tensor.is_complex():
            kind = str(tensor.dtype).removeprefix("torch.")
            raise ModelError(f"{name}: {path} has {kind} numbers; give real weights, as weight.float() * its scale")
        if tensor.is_complex():
            raise ModelError(f"{name}: {path} has complex numbers; netgen computes with real ones")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"{name}: {path} has numbers that are not finite; train or load it again")
    if any(type(part).__module__.startswith("torch.ao.nn.quantized") for part in module.modules()):
        raise ModelError(f"{name}: a module with quantized weights; read the network as QONNX or QDQ ONNX instead")


def export(module: "torch.nn.Module", arguments: tuple[Any, ...], named: dict[str, Any]) -> "ExportedProgram":
    """Trace a module to operators that stay whole: linear layers, convolutions, pools.

    Raises: whatever `torch.export` raises.
    """
    import torch

    with quiet(), torch.no_grad():
        program: ExportedProgram = torch.export.export(module, arguments, named).run_decompositions({})
        return program


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what PyTorch warns, logs and prints to itself, and its loading of files to weights."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        if before is None:
            del os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"]
        else:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = before


def reason_of(error: BaseException) -> str:
    """The first line of an error that is not PyTorch's own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
