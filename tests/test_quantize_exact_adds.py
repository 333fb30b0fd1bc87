"""Sums of two quantized words of any scales, against ONNX Runtime's addition of all pairs."""

import numpy as np
import pytest

from netgen.ir.fixed import FixedPoint
from netgen.ir.functions import Quantize
from netgen.quantize.exact_adds import Operand, add_of, executor_integers


@pytest.mark.parametrize("signed", [False, True])
def test_all_pairs_are_added_as_onnx_runtime_adds_them(signed: bool) -> None:
    ort = pytest.importorskip("onnxruntime")
    from onnx import helper, numpy_helper

    kind, least = (np.int8, -128) if signed else (np.uint8, 0)
    stored = np.arange(least, least + 256).astype(kind)
    a, b = np.meshgrid(stored, stored, indexing="ij")
    rng = np.random.default_rng(1)
    for _ in range(12):
        scales = rng.uniform(0.01, 0.1, 3).astype(np.float32)
        zeros = rng.integers(least, least + 256, 3).astype(kind)
        known = {"sa": scales[0], "za": zeros[0], "sb": scales[1], "zb": zeros[1], "sc": scales[2], "zc": zeros[2]}
        names = ["a", "sa", "za", "b", "sb", "zb", "sc", "zc"]
        tensor = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        ends = [helper.make_tensor_value_info(name, tensor, [256, 256]) for name in "aby"]
        node = helper.make_node("QLinearAdd", names, ["y"], domain="com.microsoft")
        weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in known.items()]
        graph = helper.make_graph([node], "add", ends[:2], ends[2:], weights)
        sets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=sets, ir_version=8)
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        expected = session.run(None, {"a": a, "b": b})[0].astype(np.int64) - int(zeros[2])
        lowest = [least - int(zero) for zero in zeros]
        operands = [Operand(float(scales[k]), lowest[k], 0, 255, lowest[k]) for k in range(2)]
        quantizer = Quantize(float(scales[2]), 0.0, float(lowest[2]), float(lowest[2] + 255))
        found = executor_integers(operands[0], operands[1], quantizer)
        assert 1 <= len(found) <= 4
        assert any(np.array_equal(one, expected) for one in found)


def test_integers_give_the_words_of_all_pairs() -> None:
    """a + 0.4 b of words from 0 to 15, rounded and limited to 15."""
    a, b = np.meshgrid(np.arange(16), np.arange(16), indexing="ij")
    words = np.clip(np.rint(0.999 * a + 0.4003 * b), 0, 15).astype(np.int64)
    operand = Operand(1.0, 0, 0, 15, 0)
    add = add_of(words, operand, operand, (0.999, 0.4003), FixedPoint(4, 0, signed=False))
    assert add is not None
    sums = add.weights[0] * a + add.weights[1] * b + add.bias
    assert np.array_equal(np.clip((sums + (1 << (add.shift - 1))) >> add.shift, 0, 15), words)


def test_words_that_no_integers_give_are_told() -> None:
    words = np.array([[0, 9], [9, 0]])
    operand = Operand(1.0, 0, 0, 1, 0)
    assert add_of(words, operand, operand, (9.0, 9.0), FixedPoint(5, 0, signed=True)) is None


def test_words_of_many_bits_are_left_out() -> None:
    wide = Operand(1.0, 0, 0, 1023, 0)
    assert executor_integers(wide, wide, Quantize(1.0, 0.0, 0.0, 255.0)) == []
