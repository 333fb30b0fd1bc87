"""Random PyTorch modules, exported to ONNX by PyTorch, compute what PyTorch computes, or are refused by name."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from random_modules import SHAPE, Batch, Drawn
from strategies import FUZZ_CASES
from test_importer_random import GRAPHS, TOGETHER, batch_of

from netgen.errors import ModelError
from netgen.importer.onnx_file import read_onnx

FIRST = 3 if FUZZ_CASES < GRAPHS else TOGETHER
"""Graphs of each module that are exported: 60 in CI, 5,000 by `make fuzz`."""
REFUSED = (
    "Log: not an operator that netgen reads",  # of LogSigmoid
    "a product of two signals",  # GELU by tanh, as it is written before opset 20
    "scale is NaN",  # PyTorch's exporter writes linspace(-1, 2, 1) so
)
"""Reasons for which a file is refused, by the text of the message."""


def _exported(graph: Drawn, path: Path) -> bool:
    """Write a graph as a file; whether PyTorch's exporter can."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        try:
            torch.onnx.export(graph, (torch.zeros(1, *SHAPE),), str(path), dynamo=False, opset_version=17)
        except torch.onnx.errors.SymbolicValueError:
            return False
    return True


@pytest.mark.parametrize("number", range(GRAPHS // TOGETHER))
def test_fuzz_random_graphs_exported_to_onnx_compute_what_pytorch_computes(number: int, tmp_path: Path) -> None:
    module: Batch = batch_of(number).float()
    x, read = np.random.default_rng(number).normal(size=(4, *SHAPE)).astype(np.float32), 0
    for index, graph in enumerate(module.graphs[:FIRST]):
        assert isinstance(graph, Drawn)
        if not _exported(graph, tmp_path / "net.onnx"):
            continue
        try:
            network, report = read_onnx(tmp_path / "net.onnx")
        except ModelError as refusal:
            if not any(text in str(refusal) for text in REFUSED):
                raise
            continue
        read += 1
        assert report.worst < 1e-3
        graph.double()
        with torch.no_grad():
            right = [[one.numpy() for one in graph(sample[None])] for sample in torch.from_numpy(x).double()]
        found = network.evaluate(x.astype(np.float64))
        assert isinstance(found, tuple)
        for ours, head, expected in zip(found, network.outputs, zip(*right, strict=True), strict=True):
            theirs = np.concatenate(expected)
            if head.function == "argmax":
                scores = np.sort(np.concatenate(list(network.values(x)))[:, head.neuron], axis=-1)
                sure = scores[:, -1] - scores[:, -2] > 1e-4
                assert np.array_equal(np.asarray(ours)[sure], theirs[sure]), f"graph {index}"
            else:
                atol = 1e-5 * np.abs(theirs).max() + 1e-6  # of weights that the exporter folds in float32
                np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-5, atol=atol, err_msg=f"graph {index}")
    assert read
