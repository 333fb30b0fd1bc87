"""Networks by the layers of a spec, against PyTorch's own modules put together by hand."""

import pytest
import torch
from torch import nn

from netgen.spec.shapes import parse_layer
from netgen.train import Shaped
from netgen.train.shaped import Local


def _shaped(layers: list[str], *, batch_norm: bool = True, side: int = 8) -> Shaped:
    made = Shaped.seeded(tuple(map(parse_layer, layers)), (1, side, side), 5, batch_norm=batch_norm, seed=3)
    return made.double().eval()


def _x() -> torch.Tensor:
    return torch.rand(7, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_layers_are_those_of_pytorch_each_with_relu() -> None:
    made = _shaped(["conv 3 3x2 stride 2 pad 1", "max 2", "dense 6"])
    wanted = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 3, (3, 2), 2, 1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(12, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 5),
    ).double().eval()  # fmt: skip
    values = iter(made.state_dict().values())
    wanted.load_state_dict({name: next(values) for name in wanted.state_dict()})
    assert torch.equal(made(_x()), wanted(_x()))


def test_a_skip_adds_the_result_of_an_earlier_layer() -> None:
    made = _shaped(["conv 2 3x3 pad 1", "conv 2 3x3 pad 1", "skip 1", "dense 4"], batch_norm=False)
    inner = torch.relu(made.get_submodule("conv1")(_x().reshape(-1, 1, 8, 8)))
    outer = torch.relu(made.get_submodule("conv2")(inner)) + inner
    assert torch.allclose(made(_x()), made.scores(torch.relu(made.get_submodule("dense4")(outer.flatten(1)))))


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 2)])
def test_a_locally_connected_layer_with_equal_kernels_is_a_convolution(stride: int, padding: int) -> None:
    """Its weights are set, position by position, to those of one kernel."""
    made = _shaped([f"local 2 3x3 stride {stride} pad {padding}"], batch_norm=False)
    kernel = nn.Conv2d(1, 2, 3, stride, padding).double()
    eye = torch.eye(64, dtype=torch.float64).reshape(64, 1, 8, 8)
    bias = kernel(torch.zeros_like(eye[:1])).flatten(1)
    local = made.get_submodule("local1")
    assert isinstance(local, Local)
    assert ((local.mask > 0) == (((kernel(eye).flatten(1) - bias).t()) != 0)).all()
    with torch.no_grad():
        local.linear.weight.copy_((kernel(eye).flatten(1) - bias).t() + 5 * (1 - local.mask))
        local.linear.bias.copy_(bias[0])
    assert torch.allclose(local(_x().reshape(-1, 1, 8, 8)), kernel(_x().reshape(-1, 1, 8, 8)))


def test_the_seed_gives_the_weights_and_the_users_generator_stays() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b = (_shaped(["conv 2 3x3", "dense 4"]).state_dict() for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a[key], b[key]) for key in a)


def _shift(made: Shaped, gate: str, by: torch.Tensor) -> None:
    """Raise what a gate's sum must exceed."""
    linear = made.get_submodule(gate)
    assert isinstance(linear, nn.Linear)
    with torch.no_grad():
        linear.bias.sub_(by)


def test_an_exit_gives_the_early_scores_unless_its_gate_is_on() -> None:
    """The gate reads the greatest early score, the early scores and the result so far; the late layers all there is."""
    made = _shaped(["dense 6", "exit", "dense 4"], batch_norm=False)
    x = _x()
    hidden = torch.relu(made.get_submodule("dense1")(x))
    early = made.get_submodule("early2")(hidden)
    gate = made.get_submodule("gate2")(torch.cat([early.max(1, keepdim=True).values, early, hidden], 1))
    late = made.scores(torch.relu(made.get_submodule("dense3")(torch.cat([x, hidden], 1))))
    _shift(made, "gate2", gate.median())
    expected = torch.stack([late[k] if gate[k] >= gate.median() else early[k] for k in range(7)])
    assert torch.allclose(made(x), expected)
    assert not torch.allclose(expected, late)
    assert not torch.allclose(expected, early)


def test_a_gate_computes_the_layers_before_it_or_passes_on_what_they_read() -> None:
    made = _shaped(["conv 2 3x3", "conv 2 3x3 pad 1", "skip 1", "gate 2", "exit", "dense 4"], batch_norm=False)
    x = _x()
    inner = torch.relu(made.get_submodule("conv1")(x.reshape(-1, 1, 8, 8)))
    gate = made.get_submodule("gate4")(inner.flatten(1))
    _shift(made, "gate4", gate.median())
    block = torch.relu(made.get_submodule("conv2")(inner)) + inner
    passed = torch.stack([block[k] if gate[k] >= gate.median() else inner[k] for k in range(7)])
    early = made.get_submodule("early5")(passed.flatten(1))
    _shift(made, "gate5", torch.tensor(1e6))
    assert torch.allclose(made(x), early)
