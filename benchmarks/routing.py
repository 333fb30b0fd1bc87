"""Wire length in the grid beside the distance along the route on an iCE40-HX8K, by wire of the network.

Usage: python benchmarks/routing.py [--seeds 1 2 3] [--build hdl_out/NAME ...] [--yosys native] [--nextpnr native]
Random networks of 24-8-4 neurons, three wires of ten, are placed by netgen's placer, routed behind the serial line, and
measured; builds that `netgen fpga` has routed are measured as they are. The interval has the middle 95 of 100 rank
correlations for neurons that are dealt to the same sites at random.
"""

import argparse
import csv
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from netgen.fpga.along import rank_correlation, report_of
from netgen.fpga.boards import BOARDS
from netgen.fpga.lengths import routed_length
from netgen.fpga.nextpnr import place_and_route
from netgen.fpga.owners import map_owned
from netgen.fpga.routes import nets_of
from netgen.hdl import board_program, design_of
from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit
from netgen.ir.fixed import FixedPoint, Reals
from netgen.ir.grid import Placement, auto_grid, wire_lengths
from netgen.ir.netlist import Netlist, netlist_of
from netgen.lower import lower
from netgen.operators.schedule import schedule
from netgen.place import place

SIZES, DENSITY, SHUFFLES = (24, 8, 4), 0.3, 100
WORDS, WEIGHTS = FixedPoint(4, 2, signed=False), FixedPoint(4, 3, signed=True)


def random_network(seed: int) -> Circuit:
    """A network of random weights, most of which are zero."""
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in pairwise(SIZES):
        weight = rng.integers(WEIGHTS.lo, WEIGHTS.hi + 1, (n_out, n_in)) * (rng.random((n_out, n_in)) < DENSITY)
        bias = rng.integers(-20, 20, n_out)
        if n_out == SIZES[-1]:
            layers.append(ChainLayer(weight, bias, WEIGHTS, "identity", None))
        else:
            layers.append(ChainLayer(weight, bias, WEIGHTS, "relu", WORDS))
    return chain(WORDS, np.ones(SIZES[0]), tuple(layers))


def measured(seed: int, yosys: str, nextpnr: str, log: Path) -> tuple[Netlist, Placement, Reals, str]:
    """Place and route a random network: netlist, placement, (m,) distance of each wire, and its size in words."""
    circuit, board = random_network(seed), BOARDS["hx8k"]
    netlist = netlist_of(circuit)
    placed = place(netlist, auto_grid(netlist, slack=1.1, pitch=(1, 1, 1)), moves=300_000, seed=seed)
    graph = lower(circuit, sharing="shared", argmax=False)
    design = design_of(circuit, graph, schedule(graph, "layer"), netlist, placed, title="benchmark")
    program = board_program(design, hertz=board.hertz, baud=1_000_000)
    verilog = f"{design.verilog}\n{program.verilog}"
    mapped = map_owned(verilog, target="ice40", top="board", core="core", yosys=yosys)
    routing = place_and_route(mapped.text, board.device, log=log, pins=board.pins, megahertz=12, nextpnr=nextpnr)
    report, wires = report_of(routed_length(nets_of(routing.netlist)), netlist, placed, ["inputs"])
    between, inside = (sum(getattr(layer, part) for layer in report.layers) for part in ("between", "inside"))
    size = f"{mapped.utilization.lut:,} look-up tables, {between:,.0f} tiles between and {inside:,.0f} inside neurons"
    return netlist, placed, np.array([wire.distance for wire in wires]), size


def shuffled(netlist: Netlist, placed: Placement, distance: Reals) -> Iterator[float]:
    """Rank correlations for neurons that are dealt to the same sites at random."""
    for seed in range(SHUFFLES):
        order = np.random.default_rng(seed).permutation(netlist.neurons)
        length = wire_lengths(netlist, replace(placed, site=placed.site[order]))
        yield rank_correlation(length, distance) or 0.0


def main(words: Sequence[str] | None = None) -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--build", type=Path, nargs="*", default=[])
    parser.add_argument("--yosys", default="auto")
    parser.add_argument("--nextpnr", default="auto")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        for seed in given.seeds:
            found = measured(seed, given.yosys, given.nextpnr, Path(folder) / "log")
            netlist, placed, distance, size = found
            by_chance = np.percentile(list(shuffled(netlist, placed, distance)), (2.5, 97.5))
            rank = rank_correlation(wire_lengths(netlist, placed), distance)
            chance = " to ".join(f"{value:.2f}" for value in by_chance)
            print(f"seed {seed}: {netlist.wires} wires, {size}: {rank:.2f}, by chance {chance}", flush=True)
    for build in given.build:
        for path in sorted(build.glob("routed-*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            length, distance = (np.array([float(row[name]) for row in rows]) for name in ("length", "distance"))
            print(f"{path}: {len(rows)} wires: {rank_correlation(length, distance):.2f}")


if __name__ == "__main__":
    main()
