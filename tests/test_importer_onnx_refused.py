"""What is not read of ONNX is refused in one line, with the node and what could stand in its place."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import Array, node, numbers, write

from netgen.errors import ModelError
from netgen.importer import onnx_operations
from netgen.importer.onnx_file import read_onnx
from netgen.importer.onnx_node import Node, Value
from netgen.importer.operations import apply_functions
from netgen.ir.functions import Affine, LeakyRelu

IMAGE = (1, 3, 4, 4)
ONES = np.ones(3, np.float32)


def refused(path: Path) -> str:
    """The message, without the file's name."""
    with pytest.raises(ModelError) as found:
        read_onnx(path)
    message = str(found.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


OPERATORS: list[tuple[str, int, tuple[Array, ...], dict[str, Any], str]] = [
    (
        "Exp",
        13,
        (),
        {},
        "Exp it: not an operator that netgen reads; use weighted sums, maxima and functions of single values in its ",
    ),
    (
        "InstanceNormalization",
        13,
        (ONES, ONES),
        {},
        "InstanceNormalization it: not an operator that netgen reads; use BatchNormalization with stored statistics",
    ),
    (
        "BatchNormalization",
        14,
        (ONES, ONES, ONES, ONES),
        {"training_mode": 1},
        "BatchNormalization it: normalizes by the batch (training_mode = 1); export the model in evaluation mode",
    ),
    (
        "BatchNormalization",
        7,
        (ONES, ONES, ONES, ONES),
        {"spatial": 0},
        "BatchNormalization it: statistics for each element (spatial = 0); use a Mul and an Add",
    ),
    (
        "BatchNormalization",
        9,
        (ONES, ONES, ONES, -ONES),
        {},
        "BatchNormalization it: a variance of -1.0; variances must be positive",
    ),
    (
        "ArgMax",
        13,
        (),
        {"axis": 1, "select_last_index": 1},
        "ArgMax it: takes the last of equal values (select_last_index = 1); netgen takes the first",
    ),
    ("TopK", 11, (np.array([2]),), {}, "TopK it: the 2 greatest values; netgen reads k = 1"),
    (
        "TopK",
        11,
        (np.array([1]),),
        {"largest": 0},
        "TopK it: takes the least values (largest = 0); negate the signals before it",
    ),
    (
        "Softmax",
        7,
        (),
        {},
        "Softmax it: over the axes [1, 2, 3] together (before opset 13); flatten its input first",
    ),
    ("Pow", 13, (np.asarray(3, np.float32),), {}, "Pow it: the exponent 3 of a signal; netgen reads only 2"),
    (
        "Cast",
        13,
        (),
        {"to": TensorProto.INT32},
        "Cast it: casts a signal to int32; use floating-point types, or QuantizeLinear",
    ),
    ("Div", 13, (np.zeros(1, np.float32),), {}, "it: division by 0"),
    ("Einsum", 13, (), {"equation": "bcii->bci"}, "it: a diagonal of signals; use slices"),
    (
        "AveragePool",
        19,
        (),
        {"kernel_shape": [2, 2], "dilations": [2, 2]},
        "AveragePool it: dilations of [2, 2]; average pools with dilation are not supported",
    ),
    (
        "Resize",
        13,
        (np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32)),
        {"mode": "linear"},
        "Resize it: mode linear; use nearest, or a transposed convolution",
    ),
    (
        "Conv",
        13,
        (numbers(4, 2, 3, 3),),
        {},
        "Conv it: weights of shape (4, 2, 3, 3) in 1 groups for an input of shape (1, 3, 4, 4)",
    ),
    (
        "MatMul",
        13,
        (numbers(5, 2),),
        {},
        "MatMul it: Incompatible dimensions for matrix multiplication; export the model again",
    ),
    (
        "PRelu",
        13,
        (numbers(5),),
        {},
        "PRelu it: slopes of shape (5,) for an input of shape (1, 3, 4, 4)",
    ),
]


@pytest.mark.parametrize(
    ("op", "opset", "stored", "attributes", "message"),
    OPERATORS,
    ids=[f"{one[0]}-{k}" for k, one in enumerate(OPERATORS)],
)
def test_an_operator_that_is_not_read_is_refused_by_name(
    tmp_path: Path, op: str, opset: int, stored: tuple[Array, ...], attributes: dict[str, Any], message: str
) -> None:
    arrays = {f"s{index}": one for index, one in enumerate(stored)}
    outputs = ["v", "y"] if op == "TopK" else ["y", "m", "v"] if "training_mode" in attributes else ["y"]
    nodes = [node(op, ["x", *arrays], outputs, name="it", **attributes)]
    assert refused(write(tmp_path / "model.onnx", nodes, IMAGE, arrays, opset=opset)).startswith(message)


CHOICES = {
    "two signals": (["Less x r y"], "Less it: compares two signals; subtract one from the other, and compare with 0"),
    "numbers": (["Less x many y"], "Less it: compares with more than one number; use one, or Max and Min"),
    "no comparison": (
        ["Cast x y"],
        "Cast it: casts a signal to bool; use floating-point types, or QuantizeLinear",
    ),
    "a known number": (
        ["Less x c t", "Where t c x y"],
        "it: chooses a known number by values of the data; only signals, and 0 where the condition is false, can be "
        "chosen; use maximum, minimum or clamp",
    ),
    "a comparison of comparisons": (
        ["Less x c t", "And t t y"],
        "And it: not an operator that netgen reads; use weighted sums, maxima and functions of single values in its "
        "place",
    ),
    "an equality": (
        ["Equal x c y"],
        "Equal it: not an operator that netgen reads; use weighted sums, maxima and functions of single values in its "
        "place",
    ),
    "joined": (
        ["Less x c t", "Concat t t y"],
        "Concat it: reads a comparison; choose by it with Where, or make numbers of it with Cast",
    ),
}


@pytest.mark.parametrize(("nodes", "message"), CHOICES.values(), ids=CHOICES)
def test_a_choice_that_is_no_comparison_with_a_number_is_refused(
    nodes: list[str], message: str, tmp_path: Path
) -> None:
    attributes: dict[str, dict[str, Any]] = {"Cast": {"to": TensorProto.BOOL}, "Concat": {"axis": 1}}
    made = [node("Relu", ["x"], ["r"])]
    for op, *names, output in map(str.split, nodes):
        made.append(node(op, names, [output], name="it", **attributes.get(op, {})))
    stored = {"c": np.full(1, 0.5, np.float32), "many": numbers(4)}
    assert refused(write(tmp_path / "model.onnx", made, IMAGE, stored)) == message


def test_signals_cannot_be_multiplied(tmp_path: Path) -> None:
    turned = node("Transpose", ["x"], ["t"], perm=[0, 2, 1])
    path = write(tmp_path / "model.onnx", [turned, node("MatMul", ["x", "t"], ["y"], name="qk")], (1, 3, 3))
    assert refused(path) == "MatMul qk: a product of two signals (attention); multiply by a stored matrix"


def test_an_einsum_of_two_signals_is_refused(tmp_path: Path) -> None:
    nodes = [node("Einsum", ["x", "x"], ["y"], name="it", equation="bchw,bchw->bc")]
    assert refused(write(tmp_path / "model.onnx", nodes, IMAGE)).startswith("it: a product of two signals; ")


def test_a_softmax_within_the_network_is_refused(tmp_path: Path) -> None:
    nodes = [node("Softmax", ["x"], ["s"]), node("Add", ["s", "x"], ["y"], name="after")]
    path = write(tmp_path / "model.onnx", nodes, (1, 3))
    assert refused(path) == "Add after: reads a softmax, which netgen computes at outputs only; remove what follows it"


def test_a_kernel_that_depends_on_the_input_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", [node("Conv", ["x", "x"], ["y"], name="c")], (1, 1, 3, 3))
    assert refused(path) == "Conv c: its kernel depends on the model's inputs; it must be a stored tensor"


def test_a_graph_within_a_node_is_refused(tmp_path: Path) -> None:
    inner = helper.make_graph(
        [node("Identity", ["x"], ["o"])], "inner", [], [helper.make_tensor_value_info("o", 1, [1, 3])]
    )
    nodes = [node("If", ["c"], ["y"], name="gate", then_branch=inner, else_branch=inner)]
    path = write(tmp_path / "model.onnx", nodes, (1, 3), {"c": np.asarray(True)})
    assert refused(path) == "If gate: export the branch that is taken"


def test_an_unknown_domain_is_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path / "model.onnx", [node("Magic", ["x"], ["y"], name="m", domain="com.me")], (1, 3), domains=["com.me"]
    )
    assert refused(path) == (
        "Magic m: the domain com.me has no operator that netgen reads by this name; "
        "use weighted sums, maxima and functions of single values in its place"
    )


def test_an_unknown_attribute_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", [node("Relu", ["x"], ["y"], name="r", inplace=1)], (1, 3))
    assert refused(path).startswith("Unrecognized attribute: inplace for operator Relu")


def test_the_mask_of_a_dropout_is_refused(tmp_path: Path) -> None:
    nodes = [node("Dropout", ["x"], ["y", "mask"], name="d")]
    path = write(tmp_path / "model.onnx", nodes, (1, 3), outputs=("y", "mask"))
    assert refused(path) == "Dropout d: its output 'mask' is not read by netgen; use its first output only"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((8, 3), "input x: a batch of 8; export the model with a batch of 1"),
        ((1, "width"), "input x: axis 1 has the length 'width'; export the model with a number"),
        ((1, None), "input x: axis 1 has the length '?'; export the model with a number"),
        ((3,), "input x: 1 axes; give it a batch axis, and one more at least"),
        ((1, 5000, 5000), "input x: [1, 5000, 5000] has over 2,097,152 values; netgen reads smaller models"),
    ],
)
def test_an_input_without_a_batch_or_a_size_is_refused(
    tmp_path: Path, shape: tuple[int | str | None, ...], message: str
) -> None:
    assert refused(write(tmp_path / "model.onnx", [node("Relu", ["x"], ["y"])], shape)) == message


@pytest.mark.parametrize("batch", ["N", None])
def test_an_open_batch_is_taken_for_one_and_told(tmp_path: Path, batch: str | None) -> None:
    nodes = [node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"]), node("Unsqueeze", ["n", "axes"], ["m"])]
    nodes += [node("Concat", ["m", "rest"], ["shape"], axis=0), node("Reshape", ["x", "shape"], ["y"])]
    stored = {"zero": np.asarray(0), "axes": np.array([0]), "rest": np.array([-1])}
    network, report = read_onnx(write(tmp_path / "model.onnx", nodes, (batch, 2, 3), stored))
    assert report.assumed == ("the first axis of input x is the batch",)
    x = numbers(4, 2, 3)
    np.testing.assert_array_equal(network.evaluate(x), x.reshape(4, 6).astype(np.float64))


def test_a_wrong_reading_is_refused_with_the_first_node_that_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(builder: Any, of: Node) -> list[Value | None]:
        return [apply_functions(builder, of.name, of.tensor(0), (LeakyRelu(1e-3),))]

    monkeypatch.setitem(onnx_operations.OPERATIONS, "Relu", wrong)
    nodes = [node("MatMul", ["x", "w"], ["a"]), node("Relu", ["a"], ["b"], name="second"), node("Neg", ["b"], ["y"])]
    message = refused(write(tmp_path / "model.onnx", nodes, (1, 9), {"w": numbers(9, 9)}))
    assert message.startswith("Relu second: what netgen read differs from ONNX Runtime by ")
    assert message.endswith("netgen would build another function; report the file as an error of netgen")


def test_a_scale_that_is_wrong_by_a_hundred_thousandth_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(builder: Any, of: Node) -> list[Value | None]:
        return [apply_functions(builder, of.name, of.tensor(0), (Affine(-1.00001),))]

    monkeypatch.setitem(onnx_operations.OPERATIONS, "Neg", wrong)
    message = refused(write(tmp_path / "model.onnx", [node("Neg", ["x"], ["y"], name="n")], (1, 9)))
    assert message.startswith("Neg n: what netgen read differs from ONNX Runtime by 1.0e-05 of its greatest value")


@pytest.mark.parametrize("size", [10**5, 10**12])
@pytest.mark.parametrize("op", ["ConstantOfShape", "Expand", "Tile", "Range"])
def test_a_node_that_would_fill_the_memory_is_refused(tmp_path: Path, op: str, size: int) -> None:
    stored: dict[str, Array] = {"n": np.array([size, size]), "c": np.ones((1, 1), np.float32)}
    inputs = {"ConstantOfShape": ["n"], "Expand": ["c", "n"], "Tile": ["c", "n"], "Range": ["a", "b", "d"]}[op]
    stored |= {"a": np.asarray(0), "b": np.asarray(min(size * size, 2**62)), "d": np.asarray(1)}
    nodes = [node(op, inputs, ["big"], name="bomb"), node("Identity", ["x"], ["y"])]
    message = refused(write(tmp_path / "model.onnx", nodes, (1, 3), stored))
    assert message.startswith(f"{op} bomb: ")


@pytest.mark.parametrize(
    ("nodes", "stored", "width", "size"),
    [
        ([node("Expand", ["x", "to"], ["y"], name="m")], {"to": np.array([1, 1 << 20, 3])}, 3, 3 << 20),
        ([node("Tile", ["x", "to"], ["y"], name="m")], {"to": np.array([1, 1 << 20])}, 3, 3 << 20),
        ([node("Concat", ["x"] * 600, ["y"], name="m", axis=1)], {}, 4000, 2_400_000),
    ],
)
def test_moves_that_repeat_signals_without_end_are_refused(
    nodes: list[onnx.NodeProto], stored: dict[str, Array], width: int, size: int, tmp_path: Path
) -> None:
    path = write(tmp_path / "model.onnx", nodes, (1, width), stored)
    operator = nodes[0].op_type
    assert refused(path) == f"{operator} m: moves {size:,} numbers; netgen reads at most 2,097,152"


def test_an_operator_of_too_many_neurons_is_refused(tmp_path: Path) -> None:
    nodes = [node("ConstantOfShape", ["shape"], ["w"]), node("MatMul", ["x", "w"], ["y"], name="m")]
    path = write(tmp_path / "model.onnx", nodes, (1, 3), {"shape": np.array([3, 3 << 20])})
    assert refused(path) == "MatMul m: over 2,097,152 neurons; netgen reads smaller models"


def test_a_layer_of_too_many_wires_is_refused(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["y"], name="c", pads=[4, 4, 4, 4])]
    path = write(tmp_path / "model.onnx", nodes, (1, 8, 200, 200), {"w": numbers(32, 8, 9, 9)})
    assert refused(path) == "Conv c: 829,440,000 wires; netgen reads layers of at most 16,777,216"


def test_a_model_without_inputs_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", [node("Identity", ["c"], ["y"])], (1, 3), {"c": ONES})
    model = onnx.load(path)
    del model.graph.input[:]
    onnx.save(model, path)
    assert refused(path) == "a model without inputs; export it with one"


SPARSE = helper.make_sparse_tensor(
    helper.make_tensor("w", TensorProto.FLOAT, [1], [2.0]),
    helper.make_tensor("at", TensorProto.INT64, [1], [4]),
    [3, 2],
)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [node("MatMul", ["x", "none"], ["y"], name="m")],
            "MatMul m: gives an empty tensor; export the model without this operator",
        ),
        (
            [node("Constant", [], ["w"], name="c", sparse_value=SPARSE), node("MatMul", ["x", "w"], ["y"])],
            "Constant c: gives text, or a sparse tensor; store numbers as a dense tensor",
        ),
        (
            [node("Constant", [], ["w"], name="c", value_string="a"), node("Relu", ["x"], ["y"])],
            "Constant c: gives text, or a sparse tensor; store numbers as a dense tensor",
        ),
    ],
)
def test_tensors_without_numbers_are_refused(nodes: list[onnx.NodeProto], message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", nodes, (1, 3), {"none": np.zeros((3, 0), np.float32)})
    assert refused(path) == message


def test_numbers_that_are_not_finite_are_refused_with_the_file(tmp_path: Path) -> None:
    nodes = [node("Pad", ["x", "pads", "nan"], ["y"])]
    stored = {"pads": np.array([0, 1, 0, 0]), "nan": np.array(np.nan, np.float32)}
    assert "every weight must be finite" in refused(write(tmp_path / "model.onnx", nodes, (1, 3), stored))


def test_numbers_that_float32_rounds_to_0_are_no_difference(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["h"]), node("MatMul", ["h", "v"], ["y"])]
    stored = {"w": np.full((3, 2), 1e-30, np.float32), "v": np.full((2, 2), 1e-30, np.float32)}
    network, _ = read_onnx(write(tmp_path / "model.onnx", nodes, (1, 3), stored))
    np.testing.assert_allclose(np.asarray(network.evaluate(np.ones((1, 3)))), np.full((1, 2), 6e-60), rtol=1e-6)


def test_a_function_in_place_of_an_operator_of_onnx_is_refused(tmp_path: Path) -> None:
    """ONNX lets it replace the operator; ONNX Runtime computes the operator."""
    path = write(tmp_path / "model.onnx", [node("Relu", ["x"], ["y"])], (1, 3))
    model = onnx.load(path)
    sets = [helper.make_opsetid("", 13)]
    model.functions.append(helper.make_function("", "Relu", ["a"], ["b"], [node("Neg", ["a"], ["b"])], sets))
    path.write_bytes(model.SerializeToString())
    assert refused(path).startswith("a function in place of ONNX's own Relu, which programs read differently")
