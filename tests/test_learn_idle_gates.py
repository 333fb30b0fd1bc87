"""Gates that are always on or off become plain wires, or disappear."""

from dataclasses import replace

import numpy as np
import pytest
from gated_networks import cascade, skipping

from netgen.ir.network import Network
from netgen.learn.idle_gates import without_idle_gates

X = np.random.default_rng(2).normal(size=(60, 6))


def _biased(network: Network, bias: tuple[float, ...]) -> Network:
    """Shift the gates."""
    layers = [
        replace(layer, bias=layer.bias + np.array(bias)) if layer.name == "gate" else layer for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))


@pytest.mark.parametrize(
    ("bias", "left"), [(1e3, ["hidden", "late", "scores"]), (-1e3, ["hidden", "early"])], ids=["on", "off"]
)
def test_an_exit_that_never_decides_leaves_one_classifier(bias: float, left: list[str]) -> None:
    network = _biased(cascade(), (bias,))
    found, told = without_idle_gates(network, X)
    assert [layer.name for layer in found.layers] == left
    assert np.allclose(found.evaluate(X), network.evaluate(X))
    state = "always on" if bias > 0 else "always off"
    assert told == (f"layer exit: its gate is {state} for all training samples, and was removed",)


def test_gates_that_decide_stay_and_so_does_one_whose_bypass_is_0() -> None:
    network = cascade()
    assert without_idle_gates(network, X) == (network, ())
    off = _biased(skipping(), (0.0, -1e3))
    assert without_idle_gates(off, X) == (off, ())


def test_where_a_neuron_would_read_another_twice_gates_stay() -> None:
    """The scores read the skipped block and the block or 0: with both gates on, both would be the block."""
    network = _biased(skipping(), (1e3, 1e3))
    assert without_idle_gates(network, X) == (network, ())
    one, told = without_idle_gates(_biased(skipping(), (-1e3, 1e3)), X)
    assert len(told) == 2
    assert np.allclose(one.evaluate(X), _biased(skipping(), (-1e3, 1e3)).evaluate(X))
    assert [layer.gather for layer in one.layers] == ["sum", "sum", "sum"]
