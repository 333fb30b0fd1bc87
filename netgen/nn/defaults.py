"""PyTorch's own defaults while netgen computes, and the user's settings before and after."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

__all__ = ["torch_defaults"]


@contextmanager
def torch_defaults(threads: int | None = 1) -> Iterator[None]:
    """Compute as in a new process; as a `with` block or as a decorator.

    Results then depend on no setting of the user's process: default type and device, gradient and inference modes,
    autocast, precision of products, or state of the random generator. All of them are restored, also when an exception
    leaves the block.

    Args:
        threads: of torch; as many as the process has when None. One is far faster than two for networks of some
            thousand weights, and sums are computed in one order only.
    """
    with ExitStack() as stack:
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        stack.callback(torch.set_default_dtype, torch.get_default_dtype())
        stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
        torch.set_num_threads(threads or torch.get_num_threads())
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":  # only then: the block below slows every operation
            stack.enter_context(torch.device("cpu"))
        yield
