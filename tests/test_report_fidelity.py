"""How closely a circuit follows its network: worked by hand."""

import numpy as np
import pytest

from netgen.errors import CheckError
from netgen.ir.fixed import FixedPoint
from netgen.ir.network import Head, HeadFunction, Layer, Network, Port
from netgen.quantize import quantize_network
from netgen.report.fidelity import fidelity


def doubled(function: HeadFunction = "none") -> Network:
    """y = (2 a, 2 b)."""
    layer = Layer("fc", np.arange(3), np.arange(2), np.full(2, 2.0), np.zeros(2))
    return Network((Port("x", (2,)),), (layer,), (Head("y", np.array([2, 3]), function),))


def test_errors_are_those_of_inputs_that_round_and_saturate() -> None:
    """Words of 3 bits are whole numbers up to 7: 1.25 becomes 1, and 9 becomes 7, so y is wrong by 0.5 and by 4.

    Squares of y are 6.25, 324, 0 and 0, of errors 0.25, 16, 0 and 0: the ratio is 330.25 / 16.25.
    """
    circuit = quantize_network(doubled(), input_format=FixedPoint(3, 0, signed=False))
    (found,) = fidelity(doubled(), circuit, np.array([[1.25, 9.0], [0.0, 0.0]]))
    assert (found.name, found.worst, found.mean, found.samples) == ("y", 4.0, 4.5 / 4, 2)
    assert found.snr == pytest.approx(10 * np.log10(330.25 / 16.25))
    assert found.saturated == 0.25
    assert found.same_class is None


def test_classes_are_compared_with_the_network_and_with_labels() -> None:
    """9 and 8 are both 7: the circuit gives class 0, where the network gives 1."""
    circuit = quantize_network(doubled("argmax"), input_format=FixedPoint(3, 0, signed=False))
    x = np.array([[8.0, 9.0], [1.0, 0.0], [0.0, 1.0]])
    (found,) = fidelity(doubled("argmax"), circuit, x, labels=np.array([1, 0, 0]))
    assert found.same_class == pytest.approx(2 / 3)
    assert found.network_accuracy == pytest.approx(2 / 3)
    assert found.accuracy == pytest.approx(1 / 3)


def test_an_exact_circuit_has_no_ratio() -> None:
    circuit = quantize_network(doubled(), input_format=FixedPoint(3, 0, signed=False))
    (found,) = fidelity(doubled(), circuit, np.array([[1.0, 2.0]]))
    assert (found.worst, found.snr) == (0.0, None)


def test_a_circuit_of_another_network_is_refused() -> None:
    circuit = quantize_network(doubled(), input_format=FixedPoint(3, 0, signed=False))
    other = Network((Port("x", (3,)),), (Layer("fc", [0, 1], [0], [1.0], [0.0]),), (Head("z", np.array([3])),))  # type: ignore[arg-type]
    with pytest.raises(CheckError, match="compare a circuit with the network it was quantized from"):
        fidelity(other, circuit, np.zeros((1, 3)))
