"""Gates that are always on or off become plain wires, or disappear."""

from dataclasses import replace

import numpy as np
import pytest
from gated_networks import cascade, skipping

from netgen.ir.functions import RELU
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


def test_what_a_gate_replaces_by_0_stays_where_it_is_always_off() -> None:
    """The scores read only the neuron that gives the block or 0, so that no wire that replaces it would be double."""
    network = _biased(skipping(width=1), (0.0, -1e3))
    *before, scores = network.layers
    zero = network.first[-2] - 1
    only = replace(scores, starts=np.arange(4), source=np.full(3, zero), weight=np.ones(3))
    alone = replace(network, layers=(*before, only))
    assert without_idle_gates(alone, X) == (alone, ())


def test_what_is_selected_and_then_changed_stays() -> None:
    """A selection that gives the greater of its word and 0 is more than a wire, whatever its gate decides."""
    network = _biased(cascade(), (1e3,))
    *before, exit_ = network.layers
    limited = replace(network, layers=(*before, replace(exit_, activation=(RELU,))))
    assert not np.array_equal(limited.evaluate(X), network.evaluate(X))
    assert without_idle_gates(limited, X) == (limited, ())


def test_where_a_neuron_would_read_another_twice_gates_stay() -> None:
    """The scores read the skipped block and the block or 0: with both gates on, both would be the block."""
    network = _biased(skipping(), (1e3, 1e3))
    assert without_idle_gates(network, X) == (network, ())
    one, told = without_idle_gates(_biased(skipping(), (-1e3, 1e3)), X)
    assert len(told) == 2
    assert np.allclose(one.evaluate(X), _biased(skipping(), (-1e3, 1e3)).evaluate(X))
    assert [layer.gather for layer in one.layers] == ["sum", "sum", "sum"]
