"""Circuits side by side with alkaid's: look-up tables, levels, wires between operators, seconds to Verilog.

Usage: python benchmarks/circuit.py [--family lut|wire|compile] [--build hdl_out/mnist_98 ...] [--quick]
Random matrices take 8-bit inputs. Both sides' Verilog goes through the same Yosys, `netgen synth --target xcup`, and
holds no registers. Both graphs are checked on 10,000 random vectors, ours by `prove` besides.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from alkaid.codegen.rtl.verilog.comb import comb_logic_gen
from alkaid.trace import FVArray, HWConfig, trace

from netgen.flow import files
from netgen.flow.folder import load_circuit, load_spec_of
from netgen.fpga import synthesize
from netgen.hdl import design_of
from netgen.ir.chain import ChainLayer, chain, chain_layers
from netgen.ir.circuit import Circuit
from netgen.ir.circuit import evaluate as scores_of
from netgen.ir.fixed import FixedPoint, Words
from netgen.ir.grid import Grid, Placement
from netgen.ir.netlist import netlist_of
from netgen.lower import lower
from netgen.operators.cost import cost_of
from netgen.operators.graph import OperatorGraph, evaluate
from netgen.operators.prove import prove
from netgen.operators.schedule import schedule
from netgen.operators.wiring import operator_wire_lengths, sites_along_wires, sites_at_neurons, sites_of
from netgen.spec.board import board_of

VECTORS = 10_000
BYTES = FixedPoint(8, 0, signed=False)
MATRICES = [
    *((f"16x16, {bits} bit", 16, 16, bits, 1.0) for bits in (4, 6, 8)),
    *((f"64x64, {bits} bit", 64, 64, bits, 1.0) for bits in (4, 6, 8)),
    *((f"256x64, 90 % zeros, {bits} bit", 256, 64, bits, 0.1) for bits in (4, 6, 8)),
]
"""Name, inputs, outputs, bits of the weights, density."""


def matrix_of(inputs: int, outputs: int, bits: int, density: float, *, seed: int) -> Words:
    """Whole numbers of so many bits, all as likely, the most negative left out."""
    rng = np.random.default_rng(seed)
    most = (1 << (bits - 1)) - 1
    weight: Words = rng.integers(-most, most + 1, (outputs, inputs)) * (rng.random((outputs, inputs)) < density)
    return weight


def layer_of(weight: Words, bits: int) -> Circuit:
    """A matrix as a circuit of one layer."""
    layer = ChainLayer(weight, np.zeros(len(weight), np.int64), FixedPoint(bits, 0, signed=True), "identity", None)
    return chain(BYTES, np.ones(weight.shape[1]), (layer,))


def vectors_of(inputs: int) -> Words:
    """Random inputs, (n, inputs)."""
    return np.random.default_rng(1).integers(0, BYTES.hi + 1, (VECTORS, inputs))


def ours(circuit: Circuit, graph: OperatorGraph) -> str:
    """A graph's Verilog without registers, proved and checked first."""
    prove(graph, circuit)
    vectors = vectors_of(circuit.features)
    assert np.array_equal(evaluate(graph, vectors)[0], scores_of(circuit, vectors)), "ours computes the product"
    netlist = netlist_of(circuit)
    grid = Grid((max(netlist.neurons, 1), 1, 1))
    placement = Placement(grid, grid.coordinates[: netlist.neurons])
    return design_of(circuit, graph, schedule(graph, "none"), netlist, placement, title="benchmark").verilog


def alkaids(weight: Words) -> tuple[str, int, float, int]:
    """The Verilog that alkaid itself writes for a matrix, its adders, the seconds that it took, and its levels."""
    import alkaid

    began = time.process_time()
    inputs = weight.shape[1]
    # signed, integer and fractional bits of each input; every adder costs its width, none is too long
    unsigned, whole, none = np.zeros(inputs, bool), np.full(inputs, BYTES.width), np.zeros(inputs, int)
    values = FVArray.from_kif(unsigned, whole, none, HWConfig(1, -1, -1))
    program = trace(values, values @ weight.T.astype(np.float64))
    seconds = time.process_time() - began
    vectors = vectors_of(inputs)
    assert np.array_equal(program.predict(vectors.astype(np.float64)), vectors @ weight.T), "alkaid, too"
    sources = sorted((Path(alkaid.__file__).parent / "codegen/rtl/verilog/source").glob("*.v"))
    text = comb_logic_gen(program, "top") + "".join(path.read_text(encoding="utf-8") for path in sources)
    adders = [op for op in program.ops if op.opcode in (0, 1, 11)]
    level: dict[int, int] = {}
    for number, op in enumerate(program.ops):
        level[number] = max((level[a] for a in op.addr), default=0) + (op.opcode in (0, 1, 11))
    return text, len(adders), seconds, max(level.values())


def table(title: str, header: list[str], rows: Iterator[list[str]]) -> None:
    """Print a table, row by row as they come."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{' --- |' * len(header)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def lut(builds: list[Path], *, quick: bool) -> None:
    """Look-up tables of every sharing and of alkaid's own Verilog."""

    def cases() -> Iterator[tuple[str, Circuit]]:
        for name, inputs, outputs, bits, density in MATRICES[: 2 if quick else None]:
            yield name, layer_of(matrix_of(inputs, outputs, bits, density, seed=0), bits)
        for folder in builds:
            circuit = load_circuit(folder)
            for depth, layer in enumerate(chain_layers(circuit)):
                if layer.weight.any(axis=0).sum() > 1:
                    used = np.flatnonzero(layer.weight.any(axis=0))
                    filled = np.flatnonzero(layer.weight.any(axis=1))
                    name = f"{folder.name}, layer {depth + 1}"
                    yield name, layer_of(layer.weight[np.ix_(filled, used)], layer.weight_format.width)

    def rows() -> Iterator[list[str]]:
        for name, circuit in cases():
            graph = lower(circuit, sharing="shared", argmax=False)
            cost = cost_of(graph, schedule(graph, "none"))
            text, adders, _, levels = alkaids(circuit.layers[0].weight)
            found, peer = (synthesize(verilog, target="xcup") for verilog in (ours(circuit, graph), text))
            yield [
                name,
                f"{cost.adders:,} / {cost.levels}",
                f"{adders:,} / {levels}",
                f"{found.lut:,}",
                f"{peer.lut:,}",
                f"{100 * (found.lut / peer.lut - 1):+.1f} %",
                f"{cost.lut:,} ({100 * (cost.lut / found.lut - 1):+.0f} %)",
            ]

    header = ["matrix", "shared: adders / levels", "alkaid: adders / levels", "shared: LUT", "alkaid: LUT"]
    table("Look-up tables", [*header, "difference", "our estimate"], rows())


def wire(builds: list[Path]) -> None:
    """Wires between operators by sharing."""

    def rows() -> Iterator[list[str]]:
        for folder in builds:
            circuit = load_circuit(folder)
            netlist = netlist_of(circuit)
            board, _ = board_of(load_spec_of(folder).place, netlist)
            sites = sites_of(netlist, files.read_placement(folder / "placement.csv", netlist, board))
            pitch = board.pitch
            for sharing in ("none", "csd", "shared", "local"):
                graph = lower(circuit, sharing=sharing, argmax=True, sites=sites)
                prove(graph, circuit)
                cost = cost_of(graph, schedule(graph, "layer"))
                home = sum(operator_wire_lengths(graph, sites_at_neurons(graph, sites), pitch))
                way = sum(operator_wire_lengths(graph, sites_along_wires(graph, sites), pitch))
                figures = (cost.adders, cost.adder_bits, cost.lut, cost.levels, home, way)
                yield [folder.name, sharing, *(f"{figure:,}" for figure in figures)]

    header = [
        "build",
        "sharing",
        "adders",
        "bits of adders",
        "LUT, estimated",
        "levels",
        "wire, adders at home",
        "wire, adders on the way",
    ]
    table("Wires between operators", header, rows())


def compiled(density: float) -> tuple[int, int, float, float, float, int]:
    """Weights, operators, processor seconds of lowering, proof and Verilog, and MB, in this process."""
    sizes = (784, 300, 100, 10)
    layers = []
    for depth, (n_in, n_out) in enumerate(pairwise(sizes)):
        weight = matrix_of(n_in, n_out, 6, density, seed=depth)
        last = depth == len(sizes) - 2
        output = None if last else FixedPoint(6, -8, signed=False)
        format_ = FixedPoint(6, 0, signed=True)
        layers.append(ChainLayer(weight, np.zeros(n_out, np.int64), format_, "identity" if last else "relu", output))
    circuit = chain(BYTES, np.ones(sizes[0]), tuple(layers))
    times = [time.process_time()]
    graph = lower(circuit, sharing="csd", argmax=True)
    times.append(time.process_time())
    prove(graph, circuit)
    times.append(time.process_time())
    netlist = netlist_of(circuit)
    grid = Grid((netlist.neurons, 1, 1))
    placement = Placement(grid, grid.coordinates[: netlist.neurons])
    design_of(circuit, graph, schedule(graph, "layer"), netlist, placement, title="benchmark")
    times.append(time.process_time())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    weights = sum(int(np.count_nonzero(layer.weight)) for layer in circuit.layers)
    a, b, c, d = times
    return weights, len(graph.operators), b - a, c - b, d - c, memory


def compile_speed(plot: Path | None, *, quick: bool) -> None:
    """Seconds and memory from weights to Verilog, as networks grow; alkaid's solver on first layers beside it."""
    grown: list[tuple[int, float]] = []

    def rows() -> Iterator[list[str]]:
        for density in (0.004, 0.01, 0.04, *(() if quick else (0.1, 0.2, 0.38))):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                weights, operators, lowering, proof, verilog, memory = pool.submit(compiled, density).result()
            seconds = lowering + proof + verilog
            grown.append((weights, seconds))
            yield [
                f"{weights:,}",
                f"{operators:,}",
                *(f"{value:.1f}" for value in (lowering, proof, verilog)),
                f"{1e6 * seconds / weights:.0f}",
                f"{memory:,}",
            ]

    header = ["weights", "operators", "lower s", "prove s", "Verilog s", "us a weight", "MB"]
    table("From weights to Verilog, sharing csd, one core", header, rows())
    peers: list[tuple[int, float]] = []

    def solved() -> Iterator[list[str]]:
        for density in (0.001, 0.002, *(() if quick else (0.004,))):  # the next takes many minutes
            weight = matrix_of(784, 300, 6, density, seed=0)
            peers.append((int(np.count_nonzero(weight)), alkaids(weight)[2]))
            yield [f"{peers[-1][0]:,}", f"{peers[-1][1]:.1f}"]

    table("alkaid's solver, 784 x 300, one core", ["weights", "seconds"], solved())
    if plot is not None:
        draw_growth(plot, grown, peers)


def draw_growth(path: Path, grown: list[tuple[int, float]], peers: list[tuple[int, float]]) -> None:
    """Seconds against weights, both on logarithmic axes, with a line of slope 1."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    weights, seconds = grown[-1]
    axes.loglog([w for w, _ in grown], [w * seconds / weights for w, _ in grown], "--", color="gray", label="linear")
    axes.loglog(*zip(*grown, strict=True), "o-", label="netgen, weights to proved Verilog")
    axes.loglog(*zip(*peers, strict=True), "s-", label="alkaid's solver, first layer alone")
    axes.set(xlabel="weights", ylabel="processor seconds")
    axes.legend()
    figure.savefig(path, dpi=120, metadata={"Software": None})


def main() -> None:
    """Print the tables that were asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--family", choices=["lut", "wire", "compile"], action="append")
    parser.add_argument("--build", type=Path, action="append", default=[], help="a build folder of a pruned network")
    parser.add_argument("--quick", action="store_true", help="small cases only")
    parser.add_argument("--plot", type=Path, help="where the picture of family compile goes")
    args = parser.parse_args()
    families = args.family or ["lut", "wire", "compile"]
    if "compile" in families:
        compile_speed(args.plot, quick=args.quick)
    if "wire" in families:
        wire(args.build)
    if "lut" in families:
        lut(args.build, quick=args.quick)


if __name__ == "__main__":
    main()
