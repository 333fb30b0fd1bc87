"""Quantized networks by others: the circuit gives their executors' integers."""

import numpy as np
import pytest
from model_files import model_file
from qonnx_reference import qonnx_outputs

from netgen.importer.onnx_file import read_onnx
from netgen.ir.circuit import evaluate
from netgen.quantize import quantize_exactly


def test_a_qdq_network_by_others_gives_onnx_runtimes_outputs_bit_for_bit() -> None:
    ort = pytest.importorskip("onnxruntime")
    path = model_file("mnist-conv_qdq.onnx")
    circuit = quantize_exactly(read_onnx(path)[0])
    rng = np.random.default_rng(5)
    images = rng.uniform(0, 255, (400, 1, 28, 28)) * (rng.random((400, 1, 28, 28)) < 0.2)
    halves = rng.integers(0, 511, (300, 1, 28, 28)) / 2
    x = np.concatenate([rng.uniform(-20, 300, (300, 1, 28, 28)), halves, images]).astype(np.float32)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    expected = np.concatenate([session.run(None, {"Input3": one[None]})[0] for one in x])
    found = circuit.heads[0].decode(evaluate(circuit, circuit.encode(x.reshape(len(x), -1).astype(np.float64))))
    assert np.array_equal(found.astype(np.float32), expected)


@pytest.mark.parametrize("name", ["TFC_1W1A", "TFC_2W2A", "finn_build_dataflow"])
def test_qonnx_networks_by_others_give_their_executors_integers(name: str) -> None:
    """The executor's scores are float32: of integers, times one scale, plus one offset, within its rounding."""
    path = model_file(f"{name}.onnx")
    circuit = quantize_exactly(read_onnx(path)[0])
    head = circuit.heads[0]
    rng = np.random.default_rng(6)
    x = rng.random((1000, 784)) * (rng.random((1000, 784)) < rng.random((1000, 1)))
    x = np.rint(x * 255) if name == "finn_build_dataflow" else x
    stored = np.load(path.with_suffix(".npz"))
    x = np.concatenate([x, stored["inputs"].reshape(-1, 784)]).astype(np.float32)
    words = evaluate(circuit, circuit.encode(x.astype(np.float64)))
    expected = qonnx_outputs(path, np.asarray(x, dtype=np.float32).reshape(-1, 1, 1, 28, 28))
    assert np.array_equal(expected[-8:], stored["outputs"].reshape(8, -1))
    if head.function == "argmax":
        assert np.array_equal(np.argmax(words, axis=1), expected.ravel())
        return
    steps = (expected.astype(np.float64) - head.offset) / head.scale
    assert np.abs(steps - np.rint(steps)).max() < 1e-4
    assert np.array_equal(words, np.rint(steps).astype(np.int64))
