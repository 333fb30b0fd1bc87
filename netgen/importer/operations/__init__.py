"""What models compute, for every kind of file: each operation moves elements or adds layers to a `Builder`.

Tensors keep the batch axis, of length 1, so axes mean what they mean in the model. An operation of known numbers only
is computed at once. What layers cannot express is refused with a `ModelError`.
"""

from netgen.importer.operations.contract import contract
from netgen.importer.operations.einsum import einsum
from netgen.importer.operations.elementwise import (
    apply_functions,
    batch_norm,
    divide,
    maximum,
    minimum,
    multiply,
)
from netgen.importer.operations.reductions import greatest, mean, total
from netgen.importer.operations.selections import Comparison, comparison, select
from netgen.importer.operations.sums import add, multiply_matrix
from netgen.importer.operations.windows import (
    adaptive_pool,
    average_pool,
    convolve,
    convolve_transposed,
    max_pool,
)

__all__ = [
    "Comparison",
    "adaptive_pool",
    "add",
    "apply_functions",
    "average_pool",
    "batch_norm",
    "comparison",
    "contract",
    "convolve",
    "convolve_transposed",
    "divide",
    "einsum",
    "greatest",
    "max_pool",
    "maximum",
    "mean",
    "minimum",
    "multiply",
    "multiply_matrix",
    "select",
    "total",
]
