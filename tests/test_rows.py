"""Compressed rows, which the layers of float networks and of integer circuits share."""

import numpy as np
import pytest

from netgen.errors import QuantizeError, WeightsError
from netgen.ir.circuit import CircuitLayer
from netgen.ir.network import Layer

STARTS = np.array([0, 2, 3])
SOURCE = np.array([0, 1, 1])
ONES = np.ones(3, dtype=np.int64)
NONE = np.zeros(2, dtype=np.int64)
LAYERS = Layer("a", STARTS, SOURCE, np.ones(3), np.zeros(2)), CircuitLayer("a", STARTS, SOURCE, ONES, NONE, frac=0)


def test_a_wire_leads_into_the_neuron_whose_row_holds_it() -> None:
    """Two wires of the first neuron, one of the second."""
    for layer in LAYERS:
        assert (len(layer), layer.wires, layer.target.tolist()) == (2, 3, [0, 0, 1])


@pytest.mark.parametrize(
    ("gather", "starts", "weight", "bias", "message"),
    [
        ("mean", STARTS, ONES, NONE, "gather 'mean'; use sum or max"),
        ("max", np.array([0, 3, 3]), ONES, NONE, "a maximum reads at least one value, by weight 1 and without bias"),
        ("max", STARTS, 2 * ONES, NONE, "a maximum reads at least one value, by weight 1 and without bias"),
        ("max", STARTS, ONES, NONE + 1, "a maximum reads at least one value, by weight 1 and without bias"),
    ],
)
def test_values_that_cannot_be_gathered_are_refused(
    gather: str, starts: np.ndarray, weight: np.ndarray, bias: np.ndarray, message: str
) -> None:
    source = np.array([0, 1, 2])
    with pytest.raises(WeightsError, match=f"^layer a: {message}$"):
        Layer("a", starts, source, weight, bias, gather=gather)  # type: ignore[arg-type]  # the type checker sees it
    with pytest.raises(QuantizeError, match=f"^layer a: {message}$"):
        CircuitLayer("a", starts, source, weight, bias, 0, gather=gather)  # type: ignore[arg-type]
