"""A neuron as one look-up table, which is cheaper than adders when few bits enter it."""

from collections.abc import Mapping

import numpy as np

from netgen.ir.activation import activated
from netgen.ir.circuit import CircuitLayer, saturated
from netgen.lower.builder import OperatorBuilder
from netgen.operators.kinds import Table


def add_table(
    builder: OperatorBuilder, weight: Mapping[int, int], constant: int, layer: CircuitLayer, index: int
) -> int:
    """Add a table of a neuron's word for every combination of input bits; return its operator.

    Bits that no value of a source has are read as the nearest value that it can have.

    Args:
        weight: by operator; none is 0, and no operator is a constant.
        constant: the bias, or a word that a maximum is never less than; both include words that are constants.
    Source: a neuron of few inputs as a truth table, as in LogicNets (Umuroglu et al. 2020); ours keeps the weights.
    """
    sources = sorted(weight)
    at = [builder.operators[source] for source in sources]
    address = np.arange(1 << sum(operator.width for operator in at))
    total = np.full(len(address), constant)
    for source, operator in zip(sources, at, strict=True):
        bits, address = address & ((1 << operator.width) - 1), address >> operator.width
        value = bits - ((bits >> (operator.width - 1)) << operator.width if operator.signed else 0)
        value = np.clip(value, operator.lo, operator.hi)
        total = np.maximum(total, value) if layer.gather == "max" else total + weight[source] * value
    entries = saturated(layer, activated(layer.activation, total, index))
    return builder.add(Table(tuple(entries.tolist())), *sources, index=index)
