"""Operators on windows of the spatial axes: convolutions and pools."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from netgen.importer.aten.call import Call, Handler
from netgen.importer.operations import adaptive_pool, average_pool, convolve, convolve_transposed, max_pool
from netgen.importer.signals import Signals

__all__ = ["WINDOWS"]


def _batched(call: Call, name: str, axes: int, operation: Callable[[Signals], Signals]) -> Signals:
    """Apply to (1, channels, *spatial); a tensor without the batch axis gets one for the time."""
    x = call.signals(name)
    if len(x.shape) == axes + 2:
        if x.shape[0] != 1:
            raise call.refusal(f"{x.shape[0]} samples from one; the first axis must stay the batch's")
        return operation(x)
    return operation(x.moved(lambda array: array[None])).moved(lambda array: array[0])


def _convolution(call: Call) -> Any:
    """Convolutions, transposed ones too, of one axis or more."""
    weight, bias = call.constant("weight"), call.constant("bias")
    assert weight is not None
    axes = weight.value.ndim - 2
    stride, dilation = call.sizes("stride", axes), call.sizes("dilation", axes)
    groups = int(call["groups"])
    padding: list[tuple[int, int]]
    if call["padding"] == "same":
        reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        padding = [(r // 2, r - r // 2) for r in reach]
    elif call["padding"] == "valid":
        padding = [(0, 0)] * axes
    else:
        padding = [(p, p) for p in call.sizes("padding", axes)]

    def plain(x: Signals) -> Signals:
        return convolve(
            call.builder, call.name, x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups
        )

    def transposed(x: Signals) -> Signals:
        more = call.sizes("output_padding", axes)
        return convolve_transposed(
            call.builder,
            call.name,
            x,
            weight,
            bias,
            stride=stride,
            padding=padding,
            output_padding=more,
            dilation=dilation,
            groups=groups,
        )

    turned = call.operator.startswith("conv_transpose") or bool(call["transposed"])
    return _batched(call, "input", axes, transposed if turned else plain)


def _max_pool(axes: int, call: Call) -> Any:
    kernel = call.sizes("kernel_size", axes)
    padding = [(p, p) for p in call.sizes("padding", axes)]
    stride = call.sizes("stride", axes) if call["stride"] else kernel

    def pool(x: Signals) -> Signals:
        dilation, ceil_mode = call.sizes("dilation", axes), bool(call["ceil_mode"])
        return max_pool(
            call.builder,
            call.name,
            x,
            kernel=kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
        )

    found = _batched(call, "self", axes, pool)
    return [found] if call.operator.endswith("_with_indices") else found


def _average_pool(axes: int, call: Call) -> Any:
    kernel = call.sizes("kernel_size", axes)
    padding = [(p, p) for p in call.sizes("padding", axes)]
    stride = call.sizes("stride", axes) if call["stride"] else kernel

    def pool(x: Signals) -> Signals:
        return average_pool(
            call.builder,
            call.name,
            x,
            kernel=kernel,
            stride=stride,
            padding=padding,
            ceil_mode=bool(call["ceil_mode"]),
            count_include_pad=bool(call["count_include_pad"]),
            divisor=call["divisor_override"],
        )

    return _batched(call, "self", axes, pool)


def _adaptive_pool(kind: Literal["average", "max"], axes: int, call: Call) -> Any:
    size = call.sizes("output_size", axes)
    found = _batched(call, "self", axes, lambda x: adaptive_pool(call.builder, call.name, x, size, kind))
    return [found] if kind == "max" else found


WINDOWS: dict[str, Handler] = {
    **{f"adaptive_avg_pool{n}d": partial(_adaptive_pool, "average", n) for n in (1, 2, 3)},
    **{f"_adaptive_avg_pool{n}d": partial(_adaptive_pool, "average", n) for n in (2, 3)},
    **{f"adaptive_max_pool{n}d": partial(_adaptive_pool, "max", n) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": partial(_average_pool, n) for n in (1, 2, 3)},
    **{f"max_pool{n}d": partial(_max_pool, n) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": partial(_max_pool, n) for n in (1, 2, 3)},
    **{f"conv{n}d": _convolution for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": _convolution for n in (1, 2, 3)},
    "convolution": _convolution,
}
