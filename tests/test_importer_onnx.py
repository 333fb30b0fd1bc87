"""Every operator of ONNX that is read, in every version that differs: ONNX Runtime computes the expected values."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from onnx_models import Array, node, numbers, runtime, write

from netgen.importer.onnx_file import read_onnx
from netgen.importer.onnx_functions import FUNCTIONS
from netgen.importer.onnx_moves import MOVES
from netgen.importer.onnx_operations import OPERATIONS
from netgen.importer.onnx_quantized import QUANTIZED
from netgen.ir.functions import Gelu

IMAGE = (1, 3, 6, 7)


class Case(NamedTuple):
    """An operator that reads x of a shape, and stored tensors behind it."""

    op: str
    opset: int
    shape: tuple[int, ...] = IMAGE
    stored: tuple[Any, ...] = ()
    attributes: Mapping[str, Any] = {}
    outputs: tuple[str, ...] = ("y",)
    first: tuple[Any, ...] = ()
    """Stored tensors before x."""


def ints(*values: int) -> Array:
    return np.array(values, dtype=np.int64)


KERNEL, SQUARE = numbers(4, 3, 3, 2, seed=2), {"kernel_shape": [3, 2]}
STATISTICS = (numbers(3), numbers(3, seed=3), numbers(3, seed=4), np.abs(numbers(3, seed=5)) + np.float32(0.1))
ONE = np.float32(1)

WINDOWS = [
    Case("Conv", 7, stored=(KERNEL,)),
    Case("Conv", 11, stored=(KERNEL, numbers(4)), attributes={"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    Case("Conv", 13, stored=(KERNEL,), attributes={"dilations": [2, 3], "kernel_shape": [3, 2]}),
    Case("Conv", 13, stored=(KERNEL,), attributes={"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    Case("Conv", 13, stored=(KERNEL,), attributes={"auto_pad": "SAME_LOWER"}),
    Case("Conv", 13, stored=(KERNEL,), attributes={"auto_pad": "VALID"}),
    Case("Conv", 13, stored=(numbers(6, 1, 3, 3),), attributes={"group": 3}),
    Case("Conv", 22, (1, 3, 9), stored=(numbers(4, 3, 3),), attributes={"pads": [1, 1]}),
    Case("Conv", 13, (1, 2, 4, 4, 4), stored=(numbers(3, 2, 2, 2, 2),)),
    Case("ConvTranspose", 7, stored=(numbers(3, 2, 3, 2), numbers(2)), attributes={"strides": [2, 3]}),
    Case("ConvTranspose", 11, stored=(numbers(3, 2, 3, 2),), attributes={"pads": [1, 0, 1, 1], "dilations": [2, 1]}),
    Case(
        "ConvTranspose",
        13,
        stored=(numbers(3, 1, 3, 3),),
        attributes={"group": 3, "strides": [2, 2], "output_padding": [1, 1], "pads": [1, 1, 1, 1]},
    ),
    Case("ConvTranspose", 13, stored=(numbers(3, 2, 3, 3),), attributes={"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    Case("ConvTranspose", 13, stored=(numbers(3, 2, 3, 3),), attributes={"strides": [2, 2], "output_shape": [12, 14]}),
    Case("MaxPool", 7, attributes=SQUARE),
    Case("MaxPool", 8, attributes={**SQUARE, "strides": [2, 2], "pads": [1, 0, 1, 1], "storage_order": 1}),
    Case("MaxPool", 10, attributes={**SQUARE, "strides": [2, 2], "ceil_mode": 1, "dilations": [1, 2]}),
    Case("MaxPool", 12, attributes={**SQUARE, "strides": [2, 3], "auto_pad": "SAME_UPPER"}),
    Case("MaxPool", 12, attributes={**SQUARE, "strides": [2, 3], "auto_pad": "SAME_LOWER"}),
    Case("MaxPool", 22, (1, 3, 9), attributes={"kernel_shape": [3], "pads": [1, 1]}),
    Case("AveragePool", 7, attributes=SQUARE),
    Case("AveragePool", 10, attributes={**SQUARE, "strides": [2, 2], "pads": [1, 0, 1, 1]}),
    Case("AveragePool", 11, attributes={**SQUARE, "pads": [1, 0, 1, 1], "count_include_pad": 1}),
    Case("AveragePool", 19, attributes={**SQUARE, "strides": [2, 2], "ceil_mode": 1}),
    Case("MaxPool", 12, (1, 3, 2), attributes={"kernel_shape": [3], "strides": [2], "ceil_mode": 1}),
    Case("AveragePool", 19, attributes={**SQUARE, "auto_pad": "SAME_UPPER"}),
    Case("GlobalAveragePool", 7),
    Case("GlobalMaxPool", 7),
]
SUMS = [
    Case("Gemm", 7, (1, 5), stored=(numbers(5, 4), numbers(4))),
    Case("Gemm", 11, (1, 5), stored=(numbers(4, 5),), attributes={"transB": 1, "alpha": 0.5}),
    Case("Gemm", 13, (1, 5), stored=(numbers(4, 5), numbers(1, 4)), attributes={"transB": 1, "beta": 2.0}),
    Case("MatMul", 7, (1, 5), stored=(numbers(5, 4),)),
    Case("MatMul", 9, (1, 2, 5), stored=(numbers(5, 4),)),
    Case("MatMul", 13, (1, 2, 5), stored=(numbers(1, 5, 4),)),
    Case("MatMul", 13, (1, 2, 3, 5), stored=(numbers(2, 5, 4),)),
    Case("MatMul", 13, (1, 5, 2), first=(numbers(4, 5),)),
    Case("Einsum", 12, stored=(numbers(7, 4),), attributes={"equation": "bchw, wk -> bkhc"}),
    Case("Einsum", 13, stored=(numbers(7, 4), numbers(3)), attributes={"equation": "...chw,wk,c->...hk"}),
    Case("Einsum", 13, (1, 3, 5), first=(numbers(4, 3),), attributes={"equation": "oc,bci"}),
    Case("Einsum", 13, attributes={"equation": "bchw->bwc"}),
    Case("Add", 7, stored=(numbers(3, 1, 1),)),
    Case("Add", 14, stored=(numbers(1),)),
    Case("Sub", 7, stored=(numbers(3, 1, 1),)),
    Case("Sub", 13, first=(numbers(3, 1, 1),)),
    Case("Mul", 7, stored=(numbers(3, 1, 1),)),
    Case("Mul", 14, first=(ONE * 3,)),
    Case("Div", 7, stored=(numbers(3, 1, 1) + 4,)),
    Case("Sum", 8, stored=(numbers(3, 1, 1), numbers(1))),
    Case("Mean", 13, stored=(numbers(3, 1, 1), numbers(1))),
    Case("Max", 8, stored=(numbers(3, 1, 1), numbers(1))),
    Case("Min", 13, stored=(numbers(3, 1, 1),)),
    Case("Pow", 7, stored=(ONE * 2,)),
    Case("BatchNormalization", 7, stored=STATISTICS, attributes={"spatial": 1}),
    Case("BatchNormalization", 9, stored=STATISTICS, attributes={"epsilon": 0.1}),
    Case("BatchNormalization", 14, stored=STATISTICS),
    Case("BatchNormalization", 15, (1, 3), stored=STATISTICS),
    Case("ReduceMean", 7, attributes={"axes": [2, 3]}),
    Case("ReduceMean", 13, attributes={"axes": [-1], "keepdims": 0}),
    Case("ReduceMean", 18, stored=(ints(2, 3),)),
    Case("ReduceMean", 18, attributes={"noop_with_empty_axes": 1}),
    Case("ReduceSum", 11, attributes={"axes": [1]}),
    Case("ReduceSum", 13, stored=(ints(1),), attributes={"keepdims": 0}),
    Case("ReduceMax", 12, attributes={"axes": [1]}),
    Case("ReduceMax", 18, stored=(ints(2, 3),), attributes={"keepdims": 0}),
]
SINGLE_VALUES = [
    Case("Abs", 13),
    Case("Celu", 12, attributes={"alpha": 0.7}),
    Case("Clip", 7, attributes={"min": -0.5}),
    Case("Clip", 10),
    Case("Clip", 11, stored=(ONE * 0, ONE * 6)),
    Case("Clip", 13, stored=(None, ONE)),
    Case("Elu", 7, attributes={"alpha": 0.3}),
    Case("Gelu", 20),
    Case("Gelu", 20, attributes={"approximate": "tanh"}),
    Case("HardSigmoid", 7),
    Case("HardSigmoid", 22, attributes={"alpha": 0.3, "beta": 0.4}),
    Case("HardSwish", 14),
    Case("LeakyRelu", 7),
    Case("LeakyRelu", 16, attributes={"alpha": 0.2}),
    Case("Mish", 18),
    Case("Neg", 13),
    Case("PRelu", 7, stored=(numbers(3, 1, 1),)),
    Case("PRelu", 16, stored=(numbers(1),)),
    Case("Relu", 7),
    Case("Relu", 14),
    Case("Selu", 7),
    Case("Selu", 22, attributes={"alpha": 1.5, "gamma": 1.2}),
    Case("Sigmoid", 7),
    Case("Sign", 9),
    Case("Softplus", 7),
    Case("Swish", 24, attributes={"alpha": 1.3}),
    Case("Tanh", 13),
]
MOVED = [
    Case("Concat", 7, stored=(numbers(1, 2, 6, 7),), attributes={"axis": 1}),
    Case("DepthToSpace", 11, (1, 8, 2, 3), attributes={"blocksize": 2, "mode": "CRD"}),
    Case("Expand", 8, (1, 3, 1), stored=(ints(1, 3, 4),)),
    Case("Flatten", 7),
    Case("Flatten", 13, attributes={"axis": 0}),
    Case("Gather", 7, stored=(ints(2, 0),), attributes={"axis": 1}),
    Case("GatherElements", 13, (1, 3), stored=(ints(2, 0, 2).reshape(1, 3),), attributes={"axis": 1}),
    Case("GatherND", 13, (1, 3, 2), stored=(ints(0, 2, 1).reshape(1, 3),)),
    Case("Identity", 7),
    Case("Pad", 7, attributes={"pads": [0, 0, 1, 2, 0, 0, 3, 0], "value": 0.5}),
    Case("Pad", 10, attributes={"pads": [0, 0, 1, 2, 0, 0, 3, 0], "mode": "reflect"}),
    Case("Pad", 11, stored=(ints(0, 0, 1, 2, 0, 0, 3, 0),)),
    Case("Pad", 13, stored=(ints(0, 0, 1, 2, 0, 0, 3, 0), ONE * 0.5), attributes={"mode": "constant"}),
    Case("Pad", 13, stored=(ints(0, 0, -1, 2, 0, 0, 3, 0),)),
    Case("Pad", 13, stored=(ints(0, 0, 1, 2, 0, 0, 3, 0),), attributes={"mode": "edge"}),
    Case("Pad", 18, stored=(ints(1, 2), ONE * 0.5, ints(3))),
    Case("Reshape", 7, stored=(ints(0, -1),)),
    Case("Reshape", 14, stored=(ints(1, 18, 7),), attributes={"allowzero": 1}),
    Case("Resize", 13, stored=(None, np.array([1, 1, 2, 3], np.float32)), attributes={"mode": "nearest"}),
    Case("Slice", 7, attributes={"starts": [1], "ends": [5], "axes": [2]}),
    Case("Slice", 9, attributes={"starts": [1], "ends": [-1], "axes": [-1]}),
    Case("Slice", 10, stored=(ints(5, 0), ints(-99, 9), ints(2, 3), ints(-2, 3))),
    Case("SpaceToDepth", 13, (1, 3, 4, 6), attributes={"blocksize": 2}),
    Case("Split", 7, attributes={"axis": 1, "split": [1, 2]}, outputs=("y", "z")),
    Case("Split", 13, stored=(ints(1, 2),), attributes={"axis": 1}, outputs=("y", "z")),
    Case("Split", 18, attributes={"axis": 1, "num_outputs": 2}, outputs=("y", "z")),
    Case("Squeeze", 7, (1, 3, 1, 2), attributes={"axes": [2]}),
    Case("Squeeze", 13, (1, 3, 1, 2), stored=(ints(2),)),
    Case("Tile", 7, stored=(ints(1, 2, 1, 1),)),
    Case("Transpose", 7, attributes={"perm": [0, 2, 3, 1]}),
    Case("Unsqueeze", 7, attributes={"axes": [2]}),
    Case("Unsqueeze", 13, stored=(ints(-1),)),
    Case("Upsample", 7, attributes={"scales": [1.0, 1.0, 2.0, 2.0]}),
    Case("Upsample", 9, stored=(np.array([1, 1, 2, 3], np.float32),)),
]
OTHERS = [
    Case("ArgMax", 7, attributes={"axis": 1}),
    Case("ArgMax", 13, attributes={"axis": -1, "keepdims": 0}),
    Case("Cast", 7, attributes={"to": 1}),
    Case("Cast", 13, attributes={"to": 11}),
    Case("Dropout", 7, attributes={"ratio": 0.5}),
    Case("Dropout", 12, stored=(ONE / 2, np.bool_(False))),
    Case("Dropout", 13, attributes={"seed": 3}),
    Case("LogSoftmax", 13, attributes={"axis": 1}),
    Case("Softmax", 7, (1, 5)),
    Case("Softmax", 11, (1, 5, 1, 1)),
    Case("Softmax", 13),
    Case("TopK", 7, attributes={"k": 1}, outputs=("y", "z")),
    Case("TopK", 10, stored=(ints(1),), attributes={"axis": 1}, outputs=("y", "z")),
    Case("TopK", 11, stored=(ints(1),), attributes={"sorted": 0}, outputs=("y", "z")),
]
MASK = np.arange(18).reshape(3, 6, 1) % 3 > 0
CHOICES = [
    Case("Greater", 7, stored=(ONE,)),
    Case("Greater", 13, first=(np.full((1, 1, 1, 1, 1), 0.25, np.float32),)),
    Case("GreaterOrEqual", 12, stored=(ONE * 0,)),
    Case("Less", 9, stored=(np.full(1, -0.5, np.float32),)),
    Case("LessOrEqual", 16, first=(ONE,)),
    Case("Where", 9, first=(MASK,), stored=(numbers(7),)),
    Case("Where", 16, first=(MASK, numbers(1, 3, 1, 1))),
]

CASES = [*WINDOWS, *SUMS, *SINGLE_VALUES, *CHOICES, *MOVED, *OTHERS]


def written(path: Path, case: Case) -> Path:
    stored = {f"s{index}": np.asarray(one) for index, one in enumerate(case.stored) if one is not None}
    before = {f"f{index}": np.asarray(one) for index, one in enumerate(case.first)}
    names = [*before, "x", *("" if one is None else f"s{index}" for index, one in enumerate(case.stored))]
    nodes = [node(case.op, names, list(case.outputs), name="it", **case.attributes)]
    return write(path, nodes, case.shape, before | stored, opset=case.opset, outputs=case.outputs)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.op}-{case.opset}-{k}" for k, case in enumerate(CASES)])
def test_an_operator_means_what_onnx_runtime_makes_of_it(tmp_path: Path, case: Case) -> None:
    path = written(tmp_path / "model.onnx", case)
    network, report = read_onnx(path)
    x = numbers(6, *case.shape[1:], seed=9) * np.float32(2)
    found = network.evaluate(x)
    heads = found if isinstance(found, tuple) else (found,)
    for ours, theirs in zip(heads, runtime(path, x), strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()
    assert report.samples == 8
    assert report.worst < 1e-5
    assert report.flips == 0


def test_the_page_names_every_operator_that_is_read_once() -> None:
    page = (Path(__file__).parents[1] / "docs/onnx.md").read_text()
    rows = [line.split("|")[2] for line in page.splitlines() if line.startswith("| ")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted({*FUNCTIONS, *OPERATIONS, *MOVES, *(op for _, op in QUANTIZED)})


def test_every_operator_that_is_read_has_a_case() -> None:
    assert {*FUNCTIONS, *OPERATIONS, *MOVES} - {"Erf"} == {case.op for case in CASES}


CHOSEN = {
    "channel": ["Slice x zero one axis g", "Greater g c t", "Relu x a", "Where t a x y"],
    "limit on the left": ["GreaterOrEqual c x t", "Tanh x a", "Where t x a y"],
    "or 0": ["LessOrEqual x c t", "Relu x a", "Where t a nothing y"],
    "gate before both": ["Less x c t", "Relu x a", "Tanh x b", "Where t a b y"],
    "moved": ["Greater x c t", "Transpose t u", "Transpose u v", "Where v x a y"],
    "numbers": ["Greater x c t", "Cast t u", "Add u x y"],
}


@pytest.mark.parametrize("nodes", CHOSEN.values(), ids=CHOSEN)
def test_a_choice_by_a_comparison_is_a_selection(tmp_path: Path, nodes: list[str]) -> None:
    """The nodes by operator, inputs and output; a, where no node gives it, is the tangent of x."""
    stored: dict[str, Any] = {
        "c": ONE * np.float32(0.3),
        "zero": ints(0),
        "one": ints(1),
        "axis": ints(1),
        "nothing": ONE * 0,
    }
    attributes: dict[str, dict[str, Any]] = {"Cast": {"to": TensorProto.FLOAT}, "Transpose": {"perm": [0, 1, 3, 2]}}
    made = [node("Tanh", ["x"], ["a"])] if nodes == CHOSEN["moved"] else []
    for op, *names, output in map(str.split, nodes):
        made.append(node(op, names, [output], **attributes.get(op, {})))
    path = write(tmp_path / "model.onnx", made, IMAGE, stored)
    network, report = read_onnx(path)
    x = numbers(6, *IMAGE[1:], seed=9)
    x[:, :, 0] = stored["c"]  # neither above nor below
    (expected,) = runtime(path, x)
    found = network.evaluate(x)
    assert isinstance(found, np.ndarray)
    assert np.abs(found - expected).max() <= 1e-6
    assert report.flips == 0
    selects = [layer for layer in network.layers if layer.gather == "select"]
    assert len(selects) == (nodes != CHOSEN["numbers"])


GELUS = {
    "torch": ["Div x root a", "Erf a b", "Add b one c", "Mul x c d", "Mul d half y"],
    "half first": ["Mul x half h", "Div x root a", "Erf a b", "Add one b c", "Mul c h y"],
    "half inside": ["Mul x inverse a", "Erf a b", "Add b one c", "Mul half c d", "Mul x d y"],
}


@pytest.mark.parametrize("nodes", GELUS.values(), ids=GELUS)
def test_a_gelu_written_with_the_error_function_is_a_gelu(tmp_path: Path, nodes: list[str]) -> None:
    stored = {"root": np.sqrt(ONE * 2), "inverse": np.sqrt(ONE / 2), "one": ONE, "half": ONE / 2}
    split = [text.split() for text in ["Neg in x", *nodes]]
    made = [node(op, names, [last]) for op, *names, last in split]
    made[0].input[0], made[0].output[0] = "x", "n"
    for one in made[1:]:
        one.input[:] = ["n" if name == "x" else name for name in one.input]
    path = write(tmp_path / "model.onnx", made, (1, 9), {k: np.asarray(v) for k, v in stored.items()})
    network, _ = read_onnx(path)
    x = numbers(40, 9)
    assert np.abs(network.evaluate(x) - runtime(path, x)[0]).max() < 1e-6
    assert sum(isinstance(f, Gelu) for layer in network.layers for f in layer.activation) == 1


def test_a_product_with_itself_may_hold_known_numbers(tmp_path: Path) -> None:
    """The rim of the padding is a number; SiLU of it too."""
    stored = {"pads": ints(0, 1, 0, 1), "v": np.asarray(ONE / 2)}
    nodes = [node("Pad", ["x", "pads", "v"], ["p"]), node("Sigmoid", ["p"], ["s"]), node("Mul", ["p", "s"], ["y"])]
    path = write(tmp_path / "model.onnx", nodes, (1, 4), stored)
    network, _ = read_onnx(path)
    x = numbers(20, 4)
    assert np.abs(network.evaluate(x) - runtime(path, x)[0]).max() < 1e-6


FLOATS = [(TensorProto.FLOAT16, "float16, 2**-11"), (TensorProto.BFLOAT16, "bfloat16, 2**-8"), (TensorProto.DOUBLE, "")]


@pytest.mark.parametrize(("kind", "told"), FLOATS, ids=["float16", "bfloat16", "float64"])
def test_other_floating_point_types_keep_their_numbers(tmp_path: Path, kind: int, told: str) -> None:
    """Also through casts, and operators of stored numbers that ONNX Runtime has for float32 only.

    That half precision is computed wider is told.
    """
    held = helper.tensor_dtype_to_np_dtype(kind)
    stored = {"w": numbers(1, 1, 3).astype(held), "b": (numbers(1, 4) / 3).astype(held)}
    nodes = [
        node("Cast", ["x"], ["a"], to=kind),
        node("Softplus", ["w"], ["p"]),
        node("Conv", ["a", "p"], ["c"], pads=[1, 1]),
        node("Flatten", ["c"], ["f"]),
        node("Add", ["f", "b"], ["y"]),
    ]
    network, report = read_onnx(write(tmp_path / "model.onnx", nodes, (1, 1, 4), stored, kind=kind))
    x = numbers(5, 1, 4)
    kernel = np.log1p(np.exp(stored["w"].astype(np.float64)))[0, 0]
    right = [np.correlate(np.pad(one[0].astype(np.float64), 1), kernel) for one in x] + stored["b"].astype(np.float64)
    assert np.abs(np.asarray(network.evaluate(x), dtype=np.float64) - right).max() < 1e-6
    name, _, rounding = told.partition(", ")
    line = f"the file computes in {name}; netgen computes wider: a value of the file has a relative error of {rounding}"
    assert report.assumed == ((line,) if told else ())


def test_channels_last_is_what_transposes_say(tmp_path: Path) -> None:
    nodes = [
        node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2]),
        node("Conv", ["first", "w"], ["c"]),
        node("Transpose", ["c"], ["last"], perm=[0, 2, 3, 1]),
        node("Reshape", ["last", "flat"], ["y"]),
    ]
    path = write(tmp_path / "model.onnx", nodes, (1, 5, 4, 3), {"w": numbers(2, 3, 2, 2), "flat": ints(1, -1)})
    network, _ = read_onnx(path)
    assert network.inputs[0].shape == (5, 4, 3)
    x = numbers(3, 5, 4, 3)
    assert np.abs(network.evaluate(x) - runtime(path, x)[0]).max() < 1e-5
    assert len(network.layers) == 1


def test_what_pytorch_exports_is_what_pytorch_computes(tmp_path: Path) -> None:
    """The exporter for TorchScript, with opset 13: SiLU, GELU and hardswish are written as several operators."""
    torch.manual_seed(1)
    norm = torch.nn.BatchNorm2d(4)
    norm.running_mean, norm.running_var = torch.randn(4), torch.rand(4) + 0.5
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1, stride=2),
        norm,
        torch.nn.SiLU(),
        torch.nn.Conv2d(4, 4, 3, groups=2),
        torch.nn.GELU(),
        torch.nn.Hardswish(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 3),
        torch.nn.LogSoftmax(1),
    ).eval()
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch deprecates this exporter; the other one needs another package
        torch.onnx.export(
            module,
            (torch.randn(1, 1, 9, 9),),
            str(path),
            dynamo=False,
            opset_version=13,
            input_names=["x"],
            dynamic_axes={"x": {0: "n"}},
        )
    network, report = read_onnx(path)
    x = numbers(20, 1, 9, 9)
    with torch.no_grad():
        right = module.double()(torch.from_numpy(x).double()).numpy()
    assert np.abs(network.evaluate(x) - right).max() < 1e-6
    assert report.assumed == ("the first axis of input x is the batch",)
