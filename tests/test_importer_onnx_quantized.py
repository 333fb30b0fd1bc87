"""Quantizers of ONNX files; the values of QONNX's operators were computed by the package qonnx 1.0.0."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_models import Array, node, numbers, runtime, write

from netgen.errors import ModelError
from netgen.importer.onnx_file import read_onnx
from netgen.ir.functions import MultiThreshold, Quantize

QONNX = "qonnx.custom_op.general"
X: Array = (np.arange(-12, 13) / 4).astype(np.float32)
"""With ties at every second quarter."""
GOLDEN: list[tuple[str, list[Any], dict[str, Any], tuple[int, ...], str]] = [
    (
        "Quant",
        [1.0, 0.0, 3],
        {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"},
        (1, 25),
        "-3 -3 -2 -2 -2 -2 -2 -1 -1 -1 0 0 0 0 0 1 1 1 2 2 2 2 2 3 3",
    ),
    (
        "Quant",
        [1.0, 0.0, 2],
        {"signed": 1, "narrow": 1, "rounding_mode": "ROUND"},
        (1, 25),
        "-1 -1 -1 -1 -1 -1 -1 -1 -1 -1 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1",
    ),
    (
        "Quant",
        [1.0, 0.0, 2],
        {"signed": 0, "narrow": 0, "rounding_mode": "ROUND"},
        (1, 25),
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 1 1 2 2 2 2 2 3 3",
    ),
    (
        "Quant",
        [1.0, 0.0, 2],
        {"signed": 0, "narrow": 1, "rounding_mode": "ROUND"},
        (1, 25),
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 1 1 2 2 2 2 2 2 2",
    ),
    (
        "Quant",
        [1.0, 0.0, 1],
        {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"},
        (1, 25),
        "-1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    ),
    (
        "Quant",
        [1.0, 0.0, 8],
        {"signed": 1, "narrow": 0, "rounding_mode": "CEIL"},
        (1, 25),
        "-3 -2 -2 -2 -2 -1 -1 -1 -1 0 0 0 0 1 1 1 1 2 2 2 2 3 3 3 3",
    ),
    (
        "Quant",
        [1.0, 0.0, 8],
        {"signed": 1, "narrow": 0, "rounding_mode": "FLOOR"},
        (1, 25),
        "-3 -3 -3 -3 -2 -2 -2 -2 -1 -1 -1 -1 0 0 0 0 1 1 1 1 2 2 2 2 3",
    ),
    (
        "Quant",
        [1.0, 0.0, 8],
        {"signed": 1, "narrow": 0, "rounding_mode": "DOWN"},
        (1, 25),
        "-3 -2 -2 -2 -2 -1 -1 -1 -1 0 0 0 0 0 0 0 1 1 1 1 2 2 2 2 3",
    ),
    (
        "Quant",
        [1.0, 0.0, 8],
        {"signed": 1, "narrow": 0, "rounding_mode": "HALF_UP"},
        (1, 25),
        "-3 -3 -3 -2 -2 -2 -2 -1 -1 -1 -1 0 0 0 1 1 1 1 2 2 2 2 3 3 3",
    ),
    (
        "Quant",
        [1.0, 0.0, 8],
        {"signed": 1, "narrow": 0, "rounding_mode": "HALF_EVEN"},
        (1, 25),
        "-3 -3 -2 -2 -2 -2 -2 -1 -1 -1 0 0 0 0 0 1 1 1 2 2 2 2 2 3 3",
    ),
    (
        "Quant",
        [0.5, 2.0, 3],
        {"signed": 0, "narrow": 0, "rounding_mode": "ROUND"},
        (1, 25),
        "-1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -0.5 0 0 0 0.5 1 1 1 1.5 2 2 2 2.5 2.5 2.5",
    ),
    (
        "Quant",
        [0.5, 1.0, 1],
        {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"},
        (1, 25),
        "-1 -1 -1 -1 -1 -1 -1 -1 -1 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    ),
    (
        "BipolarQuant",
        [0.5],
        {},
        (1, 25),
        "-0.5 -0.5 -0.5 -0.5 -0.5 -0.5 -0.5 -0.5 -0.5 -0.5 -0.5 -0.5 "
        "0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5",
    ),
    (
        "Trunc",
        [0.25, 0.0, 8, 6],
        {"rounding_mode": "FLOOR"},
        (1, 25),
        "-0.75 -0.75 -0.75 -0.75 -0.5 -0.5 -0.5 -0.5 -0.25 -0.25 -0.25 -0.25 "
        "0 0 0 0 0.25 0.25 0.25 0.25 0.5 0.5 0.5 0.5 0.75",
    ),
    (
        "Trunc",
        [0.25, 4.0, 8, 7],
        {"rounding_mode": "ROUND"},
        (1, 25),
        "-2 -2 -1.75 -1.5 -1.5 -1.5 -1.25 -1 -1 -1 -0.75 -0.5 -0.5 -0.5 -0.25 0 0 0 0.25 0.5 0.5 0.5 0.75 1 1",
    ),
    (
        "Trunc",
        [0.25, 0.0, 8, 1.0, 3],
        {"rounding_mode": "FLOOR", "signed": 1, "narrow": 1},
        (1, 25),
        "-3 -3 -3 -3 -2 -2 -2 -2 -1 -1 -1 -1 0 0 0 0 1 1 1 1 2 2 2 2 3",
    ),
    (
        "Trunc",
        [0.25, 4.0, 8, 0.5, 4],
        {"rounding_mode": "ROUND", "signed": 1, "narrow": 0},
        (1, 25),
        "-3 -3 -2.5 -2 -2 -2 -1.5 -1 -1 -1 -0.5 0 0 0 0.5 1 1 1 1.5 2 2 2 2.5 2.5 2.5",
    ),
    (
        "MultiThreshold",
        [[[-2.0, 0.0, 1.0], [-1.5, 0.25, 2.0]]],
        {"out_dtype": "INT3", "out_scale": 2.0, "out_bias": -1.0},
        (1, 2, 3, 4),
        "-1 -1 -1 -1 1 1 1 1 1 1 1 1 1 3 3 3 3 3 3 3 5 5 5 5",
    ),
    (
        "MultiThreshold",
        [[[-2.0, 0.0, 1.0], [-1.5, 0.25, 2.0]]],
        {"out_dtype": "UINT2", "data_layout": "NHWC"},
        (1, 3, 4, 2),
        "0 0 0 0 1 0 1 1 1 1 1 1 2 2 2 2 3 2 3 2 3 3 3 3",
    ),
    (
        "MultiThreshold",
        [[[-2.0, 0.0, 1.0], [-1.5, 0.25, 2.0]]],
        {"out_dtype": "UINT2"},
        (1, 12, 2),
        "0 0 0 0 1 0 1 1 1 1 1 1 2 2 2 2 3 2 3 2 3 3 3 3",
    ),
    (
        "MultiThreshold",
        [[[-2, 0, 1]]],
        {"out_dtype": "FLOAT32", "out_scale": 0.5},
        (1, 25),
        "0 0 0 0 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 1 1 1 1 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5 1.5",
    ),
]
IDS = [f"{op}-{index}" for index, (op, *_) in enumerate(GOLDEN)]
DOMAINS = ["qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"]


def quantizer(
    path: Path, op: str, stored: list[Any], attributes: dict[str, Any], shape: tuple[int, ...], domain: str = QONNX
) -> Path:
    arrays = {f"s{index}": np.asarray(one, dtype=np.float32) for index, one in enumerate(stored)}
    nodes = [node(op, ["x", *arrays], ["y"], name="q", domain=domain, **attributes)]
    return write(path, nodes, shape, arrays, domains=[domain])


@pytest.mark.parametrize(("op", "stored", "attributes", "shape", "right"), GOLDEN, ids=IDS)
def test_a_quantizer_gives_what_qonnx_gives_ties_included(
    tmp_path: Path, op: str, stored: list[Any], attributes: dict[str, Any], shape: tuple[int, ...], right: str
) -> None:
    path = quantizer(tmp_path / "model.onnx", op, stored, attributes, shape)
    network, _ = read_onnx(path)
    x = X[: int(np.prod(shape))].reshape(shape)
    expected = np.array([float(number) for number in right.split()]).reshape(shape)
    np.testing.assert_array_equal(np.asarray(network.evaluate(x)), expected)


@pytest.mark.parametrize(("op", "stored", "attributes", "shape", "right"), GOLDEN, ids=IDS)
def test_known_numbers_are_quantized_as_signals_are_and_keep_their_step(
    tmp_path: Path, op: str, stored: list[Any], attributes: dict[str, Any], shape: tuple[int, ...], right: str
) -> None:
    arrays = {f"s{index}": np.asarray(one, dtype=np.float32) for index, one in enumerate(stored)}
    arrays["w"] = X[: int(np.prod(shape))].reshape(shape)
    nodes = [
        node(op, ["w", *arrays][: 1 + len(stored)], ["q"], domain=QONNX, **attributes),
        node("Reshape", ["q", "flat"], ["column"]),
        node("MatMul", ["x", "column"], ["y"]),
    ]
    arrays["flat"] = np.array([-1, 1])
    size = int(np.prod(shape))
    network, _ = read_onnx(write(tmp_path / "model.onnx", nodes, (1, size), arrays, domains=[QONNX]))
    expected = np.array([float(number) for number in right.split()])
    np.testing.assert_array_equal(np.asarray(network.evaluate(np.eye(size)))[:, 0], expected)
    (layer,) = network.layers
    assert layer.step is not None
    integers = layer.weight / layer.step[0]
    np.testing.assert_array_equal(integers, np.rint(integers))


@pytest.mark.parametrize("domain", DOMAINS)
def test_all_domains_of_qonnx_are_one(tmp_path: Path, domain: str) -> None:
    network, report = read_onnx(quantizer(tmp_path / "model.onnx", "BipolarQuant", [0.5], {}, (1, 25), domain))
    assert np.asarray(network.evaluate(X[None]))[0, [0, 12, 24]].tolist() == [-0.5, 0.5, 0.5]
    (layer,) = network.layers
    assert [type(function) for function in layer.activation] == [MultiThreshold]
    assert report.worst == 0


def test_scales_for_each_channel_become_steps_for_each_neuron(tmp_path: Path) -> None:
    scale = np.array([0.5, 0.25], np.float32).reshape(1, 2, 1)
    path = quantizer(tmp_path / "model.onnx", "Quant", [scale, 0.0, 4.0], {"signed": 1, "narrow": 0}, (1, 2, 3))
    network, _ = read_onnx(path)
    (quantize,) = network.layers[0].activation
    assert isinstance(quantize, Quantize)
    assert np.asarray(quantize.step).tolist() == [0.5] * 3 + [0.25] * 3


def qdq(path: Path, kind: type, zero: int, *, channels: bool = False, opset: int = 13) -> Path:
    """A dense layer between quantizers, with weights of int8."""
    scale = np.array([0.05, 0.02, 0.01], np.float32) if channels else np.float32(0.05)
    stored: dict[str, Array] = {
        "s": np.asarray(0.1, np.float32),
        "z": np.asarray(zero, kind),
        "w": (numbers(5, 3) * 50).astype(np.int8),
        "ws": np.asarray(scale),
        "wz": np.zeros(3 if channels else (), np.int8),
    }
    axis: dict[str, Any] = {"axis": 1} if channels else {}
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["xq"]),
        node("DequantizeLinear", ["w", "ws", "wz"], ["wq"], **axis),
        node("MatMul", ["xq", "wq"], ["sum"]),
        node("QuantizeLinear", ["sum", "s", "z"], ["sq"]),
        node("DequantizeLinear", ["sq", "s", "z"], ["y"]),
    ]
    return write(path, nodes, (1, 5), stored, opset=opset)


@pytest.mark.parametrize(("kind", "zero"), [(np.uint8, 0), (np.uint8, 128), (np.uint8, 121), (np.int8, -5)])
@pytest.mark.parametrize("channels", [False, True])
def test_qdq_keeps_integers_and_gives_what_onnx_runtime_gives(
    tmp_path: Path, kind: type, zero: int, *, channels: bool
) -> None:
    path = qdq(tmp_path / "model.onnx", kind, zero, channels=channels)
    network, report = read_onnx(path)
    x = numbers(200, 5, seed=3) * np.float32(5)
    found, right = np.asarray(network.evaluate(x)), runtime(path, x)[0]
    steps = np.abs(found - right) / np.float32(0.1)
    assert (steps > 0.5).mean() < 0.01  # float32 may round a tie to the other side
    dense = next(layer for layer in network.layers if layer.step is not None)
    assert dense.step is not None
    assert dense.step.tolist() == pytest.approx([0.05, 0.02, 0.01] if channels else [0.05] * 3)
    assert report.samples == 8


def test_halves_go_to_even_before_an_odd_zero_point_is_added(tmp_path: Path) -> None:
    stored: dict[str, Array] = {"s": np.asarray(1, np.float32), "z": np.asarray(3, np.uint8)}
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    path = write(tmp_path / "model.onnx", nodes, (1, 4), stored)
    network, _ = read_onnx(path)
    x = np.array([[-1.5, -0.5, 0.5, 1.5]], np.float32)
    assert np.asarray(network.evaluate(x)).tolist() == [[-2.0, 0.0, 0.0, 2.0]]
    assert runtime(path, x)[0].tolist() == [[-2.0, 0.0, 0.0, 2.0]]


def test_integers_pass_through_moves_and_maxima_and_may_be_outputs(tmp_path: Path) -> None:
    stored: dict[str, Array] = {
        "s": np.asarray(0.25, np.float32),
        "z": np.asarray(7, np.uint8),
        "pads": np.array([0, 0, 1, 1, 0, 0, 0, 0]),
    }
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("MaxPool", ["q"], ["m"], kernel_shape=[2, 2]),
        node("Pad", ["m", "pads"], ["p"]),
        node("Transpose", ["p"], ["t"], perm=[0, 2, 3, 1]),
        node("DequantizeLinear", ["t", "s", "z"], ["y"]),
    ]
    path = write(tmp_path / "model.onnx", nodes, (1, 2, 4, 4), stored, outputs=("y", "p"))
    network, report = read_onnx(path)
    x = numbers(3, 2, 4, 4, seed=5)
    found = network.evaluate(x)
    assert isinstance(found, tuple)
    for ours, theirs in zip(found, runtime(path, x), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert report.worst == 0


def test_weights_of_four_bits_keep_their_integers(tmp_path: Path) -> None:
    weight = np.array([[1, -2], [3, 4], [5, -8]])
    stored = {"s": np.asarray(0.5, np.float32), "w": weight.astype(helper.tensor_dtype_to_np_dtype(TensorProto.INT4))}
    nodes = [node("DequantizeLinear", ["w", "s"], ["wq"]), node("MatMul", ["x", "wq"], ["y"])]
    network, _ = read_onnx(write(tmp_path / "model.onnx", nodes, (1, 3), stored, opset=21))
    np.testing.assert_array_equal(network.evaluate(np.eye(3)), weight / 2)
    assert network.layers[0].step is not None
    assert network.layers[0].step.tolist() == [0.5, 0.5]


def test_an_input_of_integers_is_dequantized(tmp_path: Path) -> None:
    stored: dict[str, Array] = {"s": np.asarray(0.25, np.float32), "z": np.asarray(7, np.uint8)}
    nodes = [node("DequantizeLinear", ["x", "s", "z"], ["y"])]
    network, _ = read_onnx(write(tmp_path / "model.onnx", nodes, (1, 3), stored, kind=TensorProto.UINT8))
    assert np.asarray(network.evaluate(np.array([[0, 7, 255]]))).tolist() == [[-1.75, 0.0, 62.0]]


def test_tensors_that_finn_annotates_as_integers_have_a_step_of_1(tmp_path: Path) -> None:
    import onnx

    path = write(
        tmp_path / "model.onnx", [node("MatMul", ["x", "w"], ["y"])], (1, 3), {"w": np.eye(3, dtype=np.float32)}
    )
    model = onnx.load(path)
    note = onnx.TensorAnnotation(tensor_name="w")
    note.quant_parameter_tensor_names.append(onnx.StringStringEntryProto(key="finn_datatype", value="INT2"))
    model.graph.quantization_annotation.append(note)
    onnx.save(model, path)
    network, _ = read_onnx(path)
    assert network.layers[0].step is not None
    assert network.layers[0].step.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("op", "stored", "attributes", "message"),
    [
        ("Quant", [1.0, 0.0, 4.0], {"signed": 1, "narrow": 0, "rounding_mode": "UP"}, "rounding mode UP; use one of "),
        ("Quant", [1.0, 0.0, 4.0], {"signed": 1}, "attributes signed and narrow must both be given; export the model"),
        ("Quant", [1.0, 0.0, 2.5], {"signed": 1, "narrow": 0}, "a bit width of 2.5; use 1 to 32"),
        ("Quant", [-1.0, 0.0, 4.0], {"signed": 1, "narrow": 0}, "a scale of -1.0; scales must be positive numbers"),
        ("BipolarQuant", [1.0], {"extra": 3}, "attribute extra is not read; remove it, or use the operator without"),
        ("FloatQuant", [1.0], {}, "the domain qonnx.custom_op.general has no operator that netgen reads by this name"),
        ("MultiThreshold", [[[0.0]] * 7], {}, "thresholds of shape (7, 1) for an input of shape (1, 25)"),
    ],
)
def test_a_quantizer_that_is_not_read_is_refused_by_name(
    tmp_path: Path, op: str, stored: list[Any], attributes: dict[str, Any], message: str
) -> None:
    path = quantizer(tmp_path / "model.onnx", op, stored, attributes, (1, 25))
    with pytest.raises(ModelError) as found:
        read_onnx(path)
    assert str(found.value).startswith(f"{path}: {op} q: {message}")


def test_flips_at_ties_are_counted_and_not_called_an_error(tmp_path: Path) -> None:
    """0.3 is no float32: 0.15 / 0.3 lies beside one half, on a side that the precision decides."""
    scale = np.float32(0.3)
    arrays: dict[str, Array] = {
        "half": np.asarray(0.5, np.float32),
        "s": np.asarray(scale),
        "z": np.asarray(0, np.uint8),
    }
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["a"]),
        node("DequantizeLinear", ["a", "s", "z"], ["b"]),
        node("Mul", ["b", "half"], ["c"]),
        node("QuantizeLinear", ["c", "s", "z"], ["d"]),
        node("DequantizeLinear", ["d", "s", "z"], ["y"]),
    ]
    _, report = read_onnx(write(tmp_path / "model.onnx", nodes, (1, 400), arrays))
    assert report.flips > 0
