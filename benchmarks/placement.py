"""Placers side by side: QAPLIB, graphs with a known optimum, pruned networks, scale. Prints Markdown tables.

Usage: python benchmarks/placement.py [--family qaplib|optimum|pruned|warm|scale] [--seeds N] [--quick]
QAPLIB is read from the folder `qaplib` under NETGEN_DATA's sibling `benchmarks`, or from --qaplib; pruned networks from
the build folders given by --build. Processor seconds are of this process and its children.
"""

import argparse
import json
import os
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from graphs import Case, conv_network, grid_graph, hypercube, pruned_mlp, rewired
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import netgen
from netgen.graph import read_graph
from netgen.ir.grid import Placement, wire_lengths
from netgen.ir.netlist import Netlist
from netgen.ir.regions import free_regions
from netgen.place import place
from netgen.place.bounds import best
from netgen.place.qap import problem_of


@dataclass(frozen=True)
class Run:
    """One placement: its wire length, and what it cost."""

    length: int
    seconds: float


def cpu_seconds() -> float:
    """Processor seconds of this process and of its children so far."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def length_of(netlist: Netlist, placement: Placement) -> int:
    """What the wires measure, each times its weight."""
    return int(wire_lengths(netlist, placement) @ netlist.weights)


def measure(case: Case, method: str, *, moves: int, seed: int, start: Placement | None = None) -> Run:
    """Place once, and count again what the wires measure."""
    began = cpu_seconds()
    placement = place(case.netlist, case.grid, method=method, moves=moves, seed=seed, start=start)
    seconds = cpu_seconds() - began
    return Run(length_of(case.netlist, placement), seconds)


def table(title: str, header: list[str], rows: Iterator[list[str]]) -> None:
    """Print a table, row by row as they come."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{' --- |' * len(header)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def efforts_of(neurons: int, seeds: int) -> list[tuple[int, int]]:
    """Moves and seeds for an instance of QAPLIB: from 72 neurons within a minute, and within five, on two cores."""
    if neurons <= 36:
        return [(3_000_000, seeds)]
    if neurons <= 64:
        return [(40_000_000, seeds)]
    return [(330_000_000, min(seeds, 3)), (1_600_000_000, min(seeds, 3))]


def qaplib(folder: Path, *, seeds: int, names: list[str]) -> None:
    """How often the best-known value is met, how far off the worst seed is."""
    known = {entry["name"]: entry for entry in json.loads((folder / "instances.json").read_text())}

    def rows() -> Iterator[list[str]]:
        for name in sorted(known, key=lambda n: (known[n]["n"], n)):
            if names and name not in names:
                continue
            graph = read_graph(folder / f"{name}.dat")
            assert graph.grid is not None
            best_known = known[name]["wire_length_half"]
            case = Case(name, graph.netlist, graph.grid, optimum=best_known)
            n = case.netlist.neurons
            for method in ("auto", "anneal", "matching") if n <= 36 else ("auto",):
                for effort, count in efforts_of(n, seeds):
                    runs = [measure(case, method, moves=effort, seed=seed) for seed in range(count)]
                    worst = max(run.length for run in runs)
                    yield [
                        name,
                        method,
                        f"{effort:.1e}",
                        f"{best_known:,}",
                        f"{min(run.length for run in runs):,}",
                        f"{sum(run.length == best_known for run in runs)} of {count}",
                        f"{100 * (worst / best_known - 1):.3f} %",
                        f"{sum(run.seconds for run in runs) / count:.1f}",
                    ]

    table(
        "QAPLIB",
        ["instance", "method", "moves", "best known", "best", "met", "worst seed above", "processor s a run"],
        rows(),
    )


def against(title: str, cases: list[Case], *, methods: list[str], moves: int, seeds: int) -> None:
    """Methods on cases at equal work, against the optimum or the natural layout where there is one."""

    def rows() -> Iterator[list[str]]:
        for case in cases:
            reference = case.optimum
            if case.natural is not None:
                reference = length_of(case.netlist, case.natural)
            for method in methods:
                runs = [measure(case, method, moves=moves, seed=seed) for seed in range(seeds)]
                lengths = sorted(run.length for run in runs)
                yield [
                    case.name,
                    f"{case.netlist.neurons:,}",
                    f"{case.netlist.wires:,}",
                    method,
                    " ".join(f"{length:,}" for length in lengths),
                    "" if reference is None else f"{lengths[0] / reference:.3f} of {reference:,}",
                    f"{sum(run.seconds for run in runs) / seeds:.1f}",
                    f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f}",
                ]

    table(
        f"{title}, {moves:,} moves",
        ["graph", "neurons", "wires", "method", "wire length, by seed", "ratio", "processor s", "peak GB so far"],
        rows(),
    )


def warm(cases: list[Case], *, per_neuron: Sequence[int], moves: int, seeds: int) -> None:
    """Few moves from the old placement, after 7 % of the wires have been cut and 1 % put elsewhere."""

    def rows() -> Iterator[list[str]]:
        for case in cases:
            old = place(case.netlist, case.grid, moves=moves, seed=1)
            new = replace(case, netlist=rewired(case.netlist, cut=0.07, added=0.01))
            place(new.netlist, new.grid, start=old, moves=1000)  # compiles
            before = length_of(new.netlist, old)
            anew = min(measure(new, "auto", moves=moves, seed=seed).length for seed in range(seeds))
            for each in per_neuron:
                effort = each * case.netlist.neurons
                runs = [measure(new, "auto", moves=effort, seed=seed, start=old) for seed in range(seeds)]
                mean = sum(run.length for run in runs) / seeds
                yield [
                    case.name,
                    f"{case.netlist.neurons:,}",
                    f"{each:,}",
                    f"{before:,}",
                    f"{mean:,.0f}",
                    f"{anew:,}",
                    f"{100 * (before / anew - 1):.2f} %",
                    f"{100 * (mean / anew - 1):.2f} %",
                    f"{sum(run.seconds for run in runs) / seeds:.2f}",
                ]

    header = ["graph", "neurons", "moves a neuron", "before", "after", "anew", "before above anew", "after above anew"]
    table(f"After a small change, against {moves:,} moves anew", [*header, "processor s"], rows())


def certificates(cases: list[Case], *, moves: int) -> None:
    """The proven lower bound beside the wire length of `auto`."""

    def rows() -> Iterator[list[str]]:
        for case in cases:
            run = measure(case, "auto", moves=moves, seed=1)
            began = cpu_seconds()
            found = best(problem_of(case.netlist, case.grid, free_regions(case.netlist, case.grid)))
            yield [
                case.name,
                f"{run.length:,}",
                f"{found.bound:,}",
                found.method,
                f"{run.length / max(found.bound, 1):.3f}",
                f"{cpu_seconds() - began:.0f}",
            ]

    table("Certificates", ["graph", "wire length", "lower bound", "by", "at most x optimal", "processor s"], rows())


def build_cases(folders: list[Path]) -> list[Case]:
    """Real pruned networks, from build folders."""
    builds = [netgen.load_build(folder) for folder in folders]
    return [Case(build.spec.name, build.netlist, build.placement.grid) for build in builds]


@dataclass(frozen=True)
class Scaled:
    """A placement in a process of its own: sizes, lengths, seconds of the processor, and the most memory in GB."""

    name: str
    neurons: int
    wires: int
    length: int
    reference: int
    seconds: float
    memory: float


def alone(make: Callable[[], Case], moves_per_neuron: int) -> Scaled:
    """Make a case and place it by `auto`; for a process that does nothing else, so that its memory can be told."""
    case = make()
    run = measure(case, "auto", moves=moves_per_neuron * case.netlist.neurons, seed=1)
    reference = case.optimum or 0
    if case.natural is not None:
        reference = length_of(case.netlist, case.natural)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return Scaled(case.name, case.netlist.neurons, case.netlist.wires, run.length, reference, run.seconds, memory)


def scale(makers: Sequence[tuple[Callable[[], Case], int]], plot: Path | None) -> None:
    """Time and memory as graphs grow, each in a process of its own."""
    results: list[Scaled] = []

    def rows() -> Iterator[list[str]]:
        for make, moves in makers:
            with get_context("spawn").Pool(1) as pool:
                found = pool.apply(alone, (make, moves))
            results.append(found)
            yield [
                found.name,
                f"{found.neurons:,}",
                f"{found.wires:,}",
                f"{moves:,}",
                f"{found.length:,}",
                f"{found.length / found.reference:.4f}",
                f"{found.seconds:.0f}",
                f"{found.memory:.2f}",
            ]

    header = ["graph", "neurons", "wires", "moves a neuron", "wire length", "of optimum or natural layout"]
    table("Scale, by `auto`", [*header, "processor s", "peak GB"], rows())
    if plot is not None:
        nets = [result for result in results if result.name.startswith("conv")]
        neurons = [result.neurons for result in nets]
        figure = Figure(figsize=(8, 4), layout="constrained")
        for axes, name in zip(figure.subplots(1, 2), ("seconds", "memory"), strict=True):
            axes.loglog(neurons, [getattr(result, name) for result in nets], "o-")
            axes.set(xlabel="neurons", ylabel={"seconds": "processor seconds", "memory": "peak GB"}[name])
            axes.grid(which="both", alpha=0.3)
        figure.savefig(plot, metadata={"Software": None})


def against_work(cases: list[Case], methods: list[str], *, most: int, plot: Path | None) -> None:
    """Wire length against work: a table by moves, a plot by processor seconds, since not all methods count in moves."""
    figure = Figure(figsize=(4.2 * len(cases), 3.8), layout="constrained")
    efforts = [effort for effort in (10**5, 3 * 10**5, 10**6, 3 * 10**6, 10**7, 3 * 10**7) if effort <= most]
    for case, axes in zip(cases, figure.subplots(1, len(cases), squeeze=False)[0], strict=True):

        def rows(case: Case = case, axes: Axes = axes) -> Iterator[list[str]]:
            for method in methods:
                measure(case, method, moves=1000, seed=1)  # compiles
                counted = [1] if method in ("matching", "spectral", "index") else efforts
                runs = [measure(case, method, moves=moves, seed=1) for moves in counted]
                axes.plot([run.seconds for run in runs], [run.length for run in runs], "o-", label=method)
                yield [
                    method,
                    *(f"{run.length:,} ({run.seconds:.1f} s)" for run in runs),
                    *("same" for _ in efforts[len(runs) :]),
                ]

        table(
            f"Wire length against moves (processor seconds), {case.name}",
            ["method", *(f"{moves:.0e}" for moves in efforts)],
            rows(),
        )
        axes.set(xscale="log", xlabel="processor seconds", ylabel="wire length", title=case.name)
        axes.grid(alpha=0.3)
        axes.legend()
    if plot is not None:
        figure.savefig(plot, metadata={"Software": None})


def main() -> None:
    """Run the families that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=["qaplib", "optimum", "pruned", "warm", "scale"], action="append")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--moves", type=int, default=10_000_000)
    parser.add_argument("--quick", action="store_true", help="small cases only")
    parser.add_argument(
        "--qaplib", type=Path, default=Path(os.environ.get("NETGEN_DATA", "."), "..", "benchmarks/qaplib")
    )
    parser.add_argument("--only", action="append", default=[], help="QAPLIB instances by name")
    parser.add_argument("--build", type=Path, action="append", default=[], help="a build folder of a pruned network")
    parser.add_argument("--plots", type=Path, help="folder for the plots of length against work, and of growth")
    options = parser.parse_args()
    families = options.family or ["qaplib", "optimum", "pruned", "warm", "scale"]
    if "qaplib" in families:
        if (options.qaplib / "instances.json").is_file():
            qaplib(options.qaplib, seeds=options.seeds, names=options.only)
        else:
            print(f"QAPLIB skipped: no {options.qaplib}/instances.json; name the folder with --qaplib", file=sys.stderr)
    if "optimum" in families:
        cases = [hypercube(9), grid_graph((10, 10, 10)), *([] if options.quick else [hypercube(10)])]
        methods = ["auto", "anneal", "embed"]
        against("Known optimum", cases, methods=methods, moves=options.moves, seeds=min(options.seeds, 3))
        for case in [] if options.quick else [hypercube(11), hypercube(12)]:  # several runs of embed each
            moves = 100_000 * case.netlist.neurons
            against("Known optimum", [case], methods=["auto"], moves=moves, seeds=min(options.seeds, 3))
    if "pruned" in families:
        cases = [*build_cases(options.build), pruned_mlp(name="synthetic 784-300-100-10")]
        methods = ["auto", "anneal", "embed", "tabu", "matching", "spectral", "index"]
        against("Pruned networks", cases, methods=methods, moves=options.moves, seeds=min(options.seeds, 3))
        certificates(cases, moves=options.moves)
        plot = options.plots / "placement_work.png" if options.plots else None
        against_work(cases, ["auto", "anneal", "embed", "tabu", "matching"], most=options.moves, plot=plot)
    if "warm" in families:
        cases = [pruned_mlp(), pruned_mlp((300, 200, 90, 10), wires=4000), pruned_mlp((150, 100, 40, 10), wires=1000)]
        warm(cases, per_neuron=[100, 300, 1000, 3000], moves=options.moves, seeds=min(options.seeds, 3))
    if "scale" in families:
        grids = [(partial(grid_graph, (side, side, side)), 1000) for side in ([22] if options.quick else [22, 31, 46])]
        nets = [(10, 1000), (16, 1000)] if options.quick else [(10, 1000), (16, 1000), (32, 300), (100, 100)]
        makers = [*grids, *((partial(conv_network, side), moves) for side, moves in nets)]
        scale(makers, options.plots / "placement_scale.png" if options.plots else None)


if __name__ == "__main__":
    main()
