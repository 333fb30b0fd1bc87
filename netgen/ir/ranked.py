"""The scores whose greatest one is the class."""

from netgen.errors import BuildError
from netgen.ir.circuit import Circuit

__all__ = ["ranked"]


def ranked(circuit: Circuit) -> slice:
    """Which of the scores decide the class: those of the output with function `argmax`, or of the only output.

    Raises: BuildError, when no one output is the class, or when it is a class for each of several positions.
    """
    heads = circuit.heads
    found = [k for k, head in enumerate(heads) if head.function == "argmax"] or list(range(len(heads)))
    if len(found) != 1:
        raise BuildError(f"emit.argmax: {len(found)} of {len(heads)} outputs could be the class; set argmax to false")
    (chosen,) = found
    head, first = heads[chosen], sum(head.neuron.size for head in heads[:chosen])
    if head.neuron.ndim and head.neuron.shape[head.axis] != head.neuron.size:
        raise BuildError(f"emit.argmax: {head.name} has a class for each of several positions; set argmax to false")
    return slice(first, first + head.neuron.size)
