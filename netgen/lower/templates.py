"""Templates: operators that were added for one neuron, repeated for others that compute the same from other sources.

All neurons of a convolution's channel have the same weights, so their sums are worked out once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from netgen.operators.graph import Operator
from netgen.operators.kinds import Constant, Operation

__all__ = ["Template", "template_of"]


@dataclass(frozen=True, slots=True)
class Template:
    """Operators in an order in which each comes after its sources.

    Attributes:
        constants: operators that are constants; they are not repeated.
        steps: for each operator its operation, sources, least and greatest value, and level. Sources are numbered:
            first those of the neuron, then `constants`, then the operators of the template.
        root: the number, counted likewise, of the operator that gives the result.
    """

    constants: tuple[int, ...]
    steps: tuple[tuple[Operation, tuple[int, ...], int, int, int], ...]
    root: int

    def repeat(self, operators: list[Operator], levels: list[int], sources: Sequence[int], layer: int, k: int) -> int:
        """Add the operators for other sources, for neuron `k` of a layer; return the number of the result."""
        numbers = [*sources, *self.constants]
        for operation, chosen, lo, hi, level in self.steps:
            numbers.append(len(operators))
            operators.append(Operator(operation, tuple([numbers[c] for c in chosen]), lo, hi, layer, k))
            levels.append(level)
        return numbers[self.root]


def template_of(
    operators: Sequence[Operator], levels: Sequence[int], sources: Sequence[int], first: int, root: int
) -> Template:
    """The template of a result.

    Args:
        sources: the operators of other neurons that it depends on; distinct.
        first: the number of the first operator that was added for it.
    """
    needed = set[int]()
    left = [root]
    while left:
        number = left.pop()
        if number not in needed:
            needed.add(number)
            if number >= first:
                left.extend(operators[number].sources)
    constants = [n for n in sorted(needed) if isinstance(operators[n].operation, Constant)]
    own = [n for n in sorted(needed) if n >= first and not isinstance(operators[n].operation, Constant)]
    place = {number: k for k, number in enumerate((*sources, *constants, *own))}
    steps = tuple(
        (op.operation, tuple(place[s] for s in op.sources), op.lo, op.hi, levels[n])
        for n in own
        for op in (operators[n],)
    )
    return Template(tuple(constants), steps, place[root])
