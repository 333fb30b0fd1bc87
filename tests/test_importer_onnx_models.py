"""Trained networks by others, read and compared with the outputs that stand beside them."""

import numpy as np
import pytest
from model_files import model_file

from netgen.importer.onnx_file import read_onnx

MODELS = {  # neurons, of which some join, and wires in the file: its README's `unroll`
    "TFC_1W1A": 60_808,
    "TFC_2W2A": 24_155,
    "ad01_fp32": 264_192,
    "finn_build_dataflow": 61_794,
    "mnist-conv": 679_914 + 8_576,
    "mnist-conv_qdq": 674_848 + 8_576,
    "mtcnn_pnet": 44_760 + 1_000,
    "pretrainedResnet": 11_636_032,
    "residual_block_clean": 10_460_324 + 32_256,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_network_by_others_gives_the_outputs_that_its_own_tool_gave(name: str) -> None:
    path = model_file(f"{name}.onnx")
    network, report = read_onnx(path)
    right = np.load(path.with_suffix(".npz"))
    inputs = right["inputs"].transpose(0, 3, 1, 2) if name == "pretrainedResnet" else right["inputs"]
    found = network.evaluate(inputs)
    heads = found if isinstance(found, tuple) else (found,)
    expected = [right[key] for key in right if key != "inputs"]
    assert len(heads) == len(expected)
    for ours, theirs in zip(heads, expected, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()
    assert report.worst <= 1e-5
    assert network.wires <= MODELS[name]


@pytest.mark.parametrize("name", ["TFC_1W1A", "TFC_2W2A", "mnist-conv_qdq"])
def test_weights_that_arrive_quantized_are_whole_multiples_of_their_steps(name: str) -> None:
    network, _ = read_onnx(model_file(f"{name}.onnx"))
    quantized = [layer for layer in network.layers if layer.step is not None]
    assert len(quantized) >= 3
    for layer in quantized:
        assert layer.step is not None
        integers = layer.weight / layer.step[layer.target]
        assert np.abs(integers - np.rint(integers)).max() < 1e-9
        assert np.abs(integers).max() < 256
