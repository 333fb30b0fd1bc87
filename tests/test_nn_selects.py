"""Selections in PyTorch: values of the `Network`, gradients by hand, and pruning that leaves them."""

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from network_strategies import networks, samples_of

from netgen.errors import TrainError
from netgen.ir.fixed import Reals
from netgen.ir.network import Head, Layer, Network, Port
from netgen.nn.trainable import TrainableNetwork
from netgen.train.removal import remove_parameters

FUNCTIONS = ("relu", "clip", "identity")


def _select(name: str, *rows: tuple[int, ...]) -> Layer:
    starts, source = np.cumsum([0, *map(len, rows)]), np.concatenate([np.array(row) for row in rows])
    return Layer(name, starts, source, np.ones(len(source)), np.zeros(len(rows)), gather="select")


def test_gradients_pass_to_what_is_selected() -> None:
    """Inputs a, g, w; y = (w if g > 0 else a) + 2 (w if g > 0 else 0): dy/dw is 3 or 0, dy/da 0 or 1."""
    total = Layer("sum", np.array([0, 2]), np.array([3, 4]), np.array([1.0, 2.0]), np.zeros(1))
    network = Network((Port("x", (3,)),), (_select("s", (0, 1, 2), (1, 2)), total), (Head("y", np.array([5])),))
    made = TrainableNetwork(network).double()
    for training in (True, False):
        x = torch.tensor([[5.0, 1.0, 7.0], [5.0, 0.0, 7.0]], dtype=torch.float64, requires_grad=True)
        y = made.train(training)(x)
        assert y.tolist() == [[21.0], [5.0]]
        (by_x,) = torch.autograd.grad(y.sum(), x)
        assert by_x.tolist() == [[0.0, 0.0, 3.0], [1.0, 0.0, 0.0]]


@settings(max_examples=60)
@given(networks(functions=FUNCTIONS), st.integers(0, 2**32 - 1), st.sampled_from([1.0, 0.5, 0.2]))
def test_a_pruned_module_computes_what_the_network_computes_with_weights_of_zero(
    network: Network, seed: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    samples = samples_of(network, 30, rng)
    x = torch.from_numpy(network.flat(samples))
    made = TrainableNetwork(network, torch.float64).eval()
    assert np.allclose(made(x).detach(), _scores(network, samples), atol=1e-9)
    kept = [rng.random(len(layer.weight)) < share for layer in made.sums]
    for layer, mask in zip(made.sums, kept, strict=True):
        layer.weight.data[torch.from_numpy(~mask)] = 0
    before = made(x).detach()
    try:
        remove_parameters(made, kept)
    except TrainError:
        assume(False)
    assert torch.allclose(made(x), before, atol=1e-12)
    assert np.allclose(_scores(made.network(), samples), before, atol=1e-9)


def _scores(network: Network, samples: tuple[Reals, ...]) -> Reals:
    return np.concatenate([values[:, network.outputs[0].neuron.ravel()] for values in network.values(samples)])
