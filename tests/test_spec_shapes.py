"""Layers of small networks, a line each."""

import pytest

from netgen.errors import SpecError
from netgen.spec.shapes import Conv, Dense, Exit, Gate, Max, Skip, is_gated, parse_layer, sizes_through
from netgen.spec.spec import parse_spec


def test_every_form_of_a_layer_is_read() -> None:
    assert parse_layer("conv 8 5x3 stride 2 pad 1") == Conv(8, (5, 3), 2, 1)
    assert parse_layer("conv 8 3x3  pad 2") == Conv(8, (3, 3), 1, 2)
    assert parse_layer(" local 4 2x2 stride 2") == Conv(4, (2, 2), 2, 0, shared=False)
    assert parse_layer("max 2") == Max(2)
    assert parse_layer("dense 32") == Dense(32)
    assert parse_layer("skip 2") == Skip(2)
    assert parse_layer("gate 3") == Gate(3)
    assert parse_layer(" exit") == Exit()


@pytest.mark.parametrize(
    "text",
    ["", "conv", "conv 8", "conv 8 3", "conv 0 3x3", "conv 8 3x3 stride 0", "conv 8 3x3 pad 1 stride 2", "conv -1 3x3",
     "max 2x2", "dense", "dense 99999", "dense 1e3", "pool 2", "skip 0", "gate", "gate 0", "exit 1",
     "conv 8 3x3\nmax 2 1", "conv 9999999999 3x3"],
)  # fmt: skip
def test_other_text_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"write one of: conv CHANNELS HxW"):
        parse_layer(text)
    with pytest.raises(SpecError, match=r"network\.layers"):
        parse_spec(f"network: {{layers: [{text!r}]}}")


def test_shapes_are_those_that_pytorch_gives() -> None:
    """Conv2d, MaxPool2d and Linear on 1 x 28 x 28, worked out by PyTorch's formulas by hand."""
    layers = tuple(map(parse_layer, ["conv 8 5x5 stride 2", "conv 8 3x3 pad 1", "skip 1", "max 2", "dense 30"]))
    assert sizes_through(layers, (1, 28, 28)) == [
        (1, 28, 28), (8, 12, 12), (8, 12, 12), (8, 12, 12), (8, 6, 6), (30,)
    ]  # fmt: skip


def test_behind_an_exit_layers_begin_at_the_inputs_again() -> None:
    layers = tuple(map(parse_layer, ["dense 9", "exit", "conv 2 3x3", "conv 2 3x3 pad 1", "gate 1", "dense 5"]))
    assert sizes_through(layers, (1, 8, 8)) == [(1, 8, 8), (9,), (1, 8, 8), (2, 6, 6), (2, 6, 6), (2, 6, 6), (5,)]
    assert is_gated(layers)
    assert not is_gated(layers[:1])


@pytest.mark.parametrize(
    ("layers", "problem"),
    [
        (["dense 3", "conv 1 1x1"], "convolution after a dense layer"),
        (["conv 2 9x9"], "layer 1: a kernel of 9x9 on 8x8"),
        (["max 2", "max 5"], "layer 2: a maximum of 5x5 of 1x4x4"),
        (["dense 4", "max 2"], "layer 2: a maximum of 2x2 of 4"),
        (["conv 2 3x3", "skip 1"], "layer 2: skip 1 adds 1x8x8 to 2x6x6"),
        (["skip 3"], "layer 1: skip 3 adds nothing"),
        (["dense 4", "dense 5", "gate 1"], "layer 3: gate 1 passes on 4 or 5; shapes must be equal"),
        (["dense 4", "gate 5"], "layer 2: gate 5 passes on nothing or 4"),
        (["dense 64", "exit", "conv 1 1x1", "gate 2"], "layer 4: gate 2 passes on 64 or 1x8x8"),
    ],
)
def test_layers_that_do_not_fit_each_other_are_refused(layers: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        sizes_through(tuple(map(parse_layer, layers)), (1, 8, 8))


@pytest.mark.parametrize("other", ["source: a.onnx", "weights: a.pt"])
def test_two_descriptions_of_a_network_are_refused(other: str) -> None:
    with pytest.raises(SpecError, match="both describe a network; remove one"):
        parse_spec(f"network: {{layers: [dense 3], {other}}}")


def test_layers_and_thresholds_are_refused() -> None:
    with pytest.raises(SpecError, match=r"data\.thresholds: network\.layers read numbers, not bits"):
        parse_spec("{network: {layers: [dense 3]}, data: {thresholds: [0.5]}}")
