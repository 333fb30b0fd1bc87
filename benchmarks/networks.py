"""Build networks by others, as a Markdown table: wires, wire length, seconds and peak memory, agreement.

Usage: python benchmarks/networks.py FOLDER [--only resnet8 tfc1 tfc2 large] [--out OUT]
FOLDER holds `pretrainedResnet.onnx`, `TFC_1W1A.onnx` and `TFC_2W2A.onnx`; `NETGEN_DATA` names the folder with `mnist`.

- resnet8: the residual network at 5 % of each layer's weights, by magnitude; 16 random images.
- tfc1, tfc2: binary and 2-bit perceptrons, as they are; all 10,000 test images of MNIST. The accuracy of ONNX's own
  quantizers, as netgen.importer defines them from QONNX's specification, stands beside that of the Verilog.
- large: a circuit of 25,000 neurons and 840,000 wires, not built: ranges, and 1,000 samples evaluated.

Each runs in a process of its own, so that peak memory is its own.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import netgen
from netgen.importer.fuse import live
from netgen.ir.activation import Rescale
from netgen.ir.circuit import CircuitLayer, evaluate, ranges_of
from netgen.ir.fixed import FixedPoint
from netgen.ir.network import Layer, Network
from netgen.spec.sections import DataSpec

SHARE = 0.05
"""Weights of each layer that are kept."""
LARGE = (4, 40, 16, 7)
"""Channels and side of the input of the large convolution, its output channels, and the side of its kernel."""


def pruned(network: Network, share: float) -> Network:
    """Keep the largest parameters of each layer that has more than one; averages stay whole."""
    layers = []
    for layer in network.layers:
        numbers = np.arange(layer.wires) if layer.parameter is None else layer.parameter
        _, first = np.unique(numbers, return_index=True)
        magnitude = np.abs(layer.weight)
        least = np.quantile(magnitude[first], 1 - share) if len(first) > 1 else 0.0
        layers.append(_with_wires(layer, magnitude >= least))
    return live(Network(network.inputs, tuple(layers), network.outputs))


def _with_wires(layer: Layer, kept: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Layer:
    starts = np.concatenate([[0], np.cumsum(np.bincount(layer.target[kept], minlength=len(layer)))])
    parameter = None if layer.parameter is None else layer.parameter[kept]
    return replace(layer, starts=starts, source=layer.source[kept], weight=layer.weight[kept], parameter=parameter)


def resnet8(folder: Path, out: Path) -> str:
    """Read, prune, compile and simulate the residual network."""
    network = pruned(netgen.read(folder / "pretrainedResnet.onnx"), SHARE)
    images = np.random.default_rng(0).integers(0, 256, (16, 3, 32, 32)).astype(np.uint8)
    emit = {"sharing": "csd", "argmax": True, "vectors": 4}
    build = netgen.compile(network, inputs=images, name="resnet8", out=out, emit=emit, progress=told)
    return _row(build)


def tfc(name: str) -> Callable[[Path, Path], str]:
    """A function that compiles a quantized perceptron and checks it on MNIST."""

    def run(folder: Path, out: Path) -> str:
        data = netgen.load_dataset(DataSpec(source="idx", path="mnist"), seed=1)
        images = np.rint(data.test.features.astype(np.float64) / data.scale).astype(np.uint8).reshape(-1, 1, 28, 28)
        model = folder / f"{name}.onnx"
        build = netgen.compile(
            model, inputs=images, labels=data.test.labels, scale=1 / 255, name=name, out=out, progress=told
        )
        return _row(build)

    return run


def large(folder: Path, out: Path) -> str:
    """Ranges and words of a convolution with random weights."""
    del folder, out
    channels, side, filters, kernel = LARGE
    rng, at = np.random.default_rng(0), side - kernel + 1
    rows, columns = np.meshgrid(np.arange(at), np.arange(at), indexing="ij")
    window = np.array(
        [(c * side + i) * side + j for c in range(channels) for i in range(kernel) for j in range(kernel)]
    )
    read = (rows.ravel() * side + columns.ravel())[:, None] + window
    kept = rng.random((filters, len(window))) < 0.232
    weight = rng.integers(1, 32, kept.shape)
    source = np.concatenate([read[:, kept[k]].ravel() for k in range(filters)])
    fan_in = np.repeat(kept.sum(axis=1), at * at)
    values = np.concatenate([np.tile(weight[k][kept[k]], at * at) for k in range(filters)])
    layer = CircuitLayer(
        name="conv",
        starts=np.concatenate([[0], np.cumsum(fan_in)]),
        source=source,
        weight=values,
        bias=np.zeros(len(fan_in), dtype=np.int64),
        frac=8,
        activation=Rescale(shift=6, lo=0),
        output=FixedPoint(8, 2, signed=False),
    )
    began = time.perf_counter()
    circuit = netgen.Circuit(FixedPoint(8, 8, signed=False), np.ones(channels * side * side), (layer,))
    ranges_of(circuit)
    words = evaluate(circuit, rng.integers(0, 256, (1000, circuit.features)))
    seconds, memory = time.perf_counter() - began, _peak()
    return (
        f"{circuit.first[-1]:,} | {circuit.wires:,} | | {words.shape[0]:,} evaluated | | {seconds:.0f} | {memory:.2f}"
    )


def told(text: str, share: float) -> None:
    """Print the beginning and end of each stage."""
    if share in {0.0, 1.0}:
        print(f"{time.process_time():7.0f} s  {_peak():.2f} GB  {text}", file=sys.stderr, flush=True)


def _row(build: netgen.Build) -> str:
    report = build.report
    check, wires = report.check, report.wires
    own, hardware = (
        f"{value:.2%}" if value is not None else "" for value in (check.model_accuracy, check.hardware_accuracy)
    )
    agreement = f"{check.agreement} ({check.samples:,}, {check.simulator})"
    accuracy = f"{own} / {hardware}" if own else ""
    return (
        f"{wires.neurons:,} | {wires.wires:,} | {wires.total:,} | {agreement} | {accuracy} | "
        f"{time.perf_counter() - BEGAN:.0f} | {_peak():.2f}"
    )


def _peak() -> float:
    """Peak memory of this process, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


BEGAN = time.perf_counter()
TASKS = {"resnet8": resnet8, "tfc1": tfc("TFC_1W1A"), "tfc2": tfc("TFC_2W2A"), "large": large}


def main() -> None:
    """Run each task in a process of its own and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--out", type=Path, default=Path("hdl_out"))
    parser.add_argument("--task", choices=list(TASKS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        print(TASKS[given.task](given.folder, given.out))
        return
    print("| network | neurons | wires | wire length | agreement | accuracy, model / Verilog | seconds | peak GB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in given.only:
        words = [sys.executable, __file__, str(given.folder), "--out", str(given.out), "--task", name]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - this script
        print(f"| {name} | {done.stdout.strip() or 'failed'} |", flush=True)


if __name__ == "__main__":
    main()
