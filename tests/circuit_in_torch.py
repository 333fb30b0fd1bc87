"""What a circuit is defined to compute, in PyTorch's integers: another program than `evaluate`, layer by layer."""

import numpy as np
import torch
from torch import Tensor

from netgen.ir.activation import Rescale, Scale, Steps
from netgen.ir.circuit import Circuit, CircuitLayer
from netgen.ir.fixed import Words


def evaluate_in_torch(circuit: Circuit, inputs: Words) -> Words:
    """The scores, (samples, scores), of a circuit without thresholds, for input words, (samples, features)."""
    words = torch.from_numpy(np.array(inputs))
    for layer in circuit.layers:
        words = torch.cat([words, _limited(layer, _activated(layer, _gathered(layer, words)))], 1)
    return words[:, torch.from_numpy(np.array(circuit.scores))].numpy()


def _gathered(layer: CircuitLayer, words: Tensor) -> Tensor:
    if layer.gather == "select":
        return torch.stack([_selected(words[:, torch.tensor(layer.row(k)[0])]) for k in range(len(layer))], 1)
    target, source, weight = (torch.from_numpy(np.array(a)) for a in (layer.target, layer.source, layer.weight))
    terms, into = words[:, source] * weight, target.expand(len(words), -1)
    start = torch.from_numpy(np.array(layer.bias)).repeat(len(words), 1)
    if layer.gather == "max":
        return start.scatter_reduce(1, into, terms, "amax", include_self=False)
    return start.scatter_add(1, into, terms)


def _selected(read: Tensor) -> Tensor:
    """Bypass, gate and word, (samples, 3), or gate and word, (samples, 2)."""
    bypass = read[:, 0] if read.shape[1] == 3 else torch.zeros_like(read[:, 0])
    return torch.where(read[:, -2] > 0, read[:, -1], bypass)


def _activated(layer: CircuitLayer, total: Tensor) -> Tensor:
    match layer.activation:
        case Rescale(shift, lo, hi, rounding):
            total = total.clamp(lo, hi) if lo is not None or hi is not None else total
            if shift <= 0:
                return total * (1 << -shift)
            whole, rest = total >> shift, total & (2**shift - 1)
            half = 2 ** (shift - 1)
            up = (rest > half) | ((rest == half) & ((whole & 1 == 1) | (rounding == "up")))
            rounded: Tensor = whole + up.long()
            return rounded
        case Scale(multiplier, offset, shift):
            return (total * torch.tensor(multiplier.tolist()) + torch.tensor(offset.tolist())) >> shift
        case Steps() as steps:
            columns = []
            for k in range(len(layer)):
                function = steps.of(k)
                reached = (total[:, k, None] >= torch.tensor(function.at.tolist(), dtype=torch.int64)).sum(1)
                columns.append(torch.tensor(function.value.tolist())[reached])
            return torch.stack(columns, 1)
    raise AssertionError(layer.activation)


def _limited(layer: CircuitLayer, word: Tensor) -> Tensor:
    return word if layer.output is None else word.clamp(layer.output.lo, layer.output.hi)
