"""A neuron as one look-up table, which is cheaper than adders when few bits enter it."""

from collections.abc import Mapping, Sequence

import numpy as np

from netgen.ir.activation import activated
from netgen.ir.circuit import CircuitLayer, saturated
from netgen.ir.fixed import Words
from netgen.lower.builder import Builder
from netgen.operators.kinds import Table


def bits_into(builder: Builder, weight: Words, inputs: Sequence[int]) -> Words:
    """The number of bits that enter each neuron of a layer, (n_out,).

    Args:
        weight: (n_out, n_in), 0 where there is no wire.
        inputs: the operator of each input.
    """
    widths = np.array([builder.operators[number].width for number in inputs], dtype=np.int64)
    entering: Words = (weight != 0) @ widths
    return entering


def add_table(builder: Builder, weight: Mapping[int, int], bias: int, layer: CircuitLayer, index: int) -> int:
    """Add a table of a neuron's word for every combination of input bits; return its operator.

    Bits that no value of a source has are read as the nearest value that it can have.

    Args:
        weight: by operator; none is 0, and no operator is a constant.
    Source: a neuron of few inputs as a truth table, as in LogicNets (Umuroglu et al. 2020); ours keeps the weights.
    """
    sources = sorted(weight)
    at = [builder.operators[source] for source in sources]
    address = np.arange(1 << sum(operator.width for operator in at))
    total = np.full(len(address), bias)
    for source, operator in zip(sources, at, strict=True):
        bits, address = address & ((1 << operator.width) - 1), address >> operator.width
        value = bits - ((bits >> (operator.width - 1)) << operator.width if operator.signed else 0)
        total = total + weight[source] * np.clip(value, operator.lo, operator.hi)
    entries = saturated(layer, activated(layer.activation, total, index))
    return builder.add(Table(tuple(entries.tolist())), *sources, index=index)
