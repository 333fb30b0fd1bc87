"""Placers side by side: QAPLIB, graphs with a known optimum, pruned networks, scale. Prints Markdown tables.

Usage: python benchmarks/placement.py [--family qaplib|optimum|pruned|scale] [--seeds N] [--quick]
QAPLIB is read from the folder `qaplib` under NETGEN_DATA's sibling `benchmarks`, or from --qaplib; pruned networks from
the build folders given by --build. Processor seconds are of this process and its children.
"""

import argparse
import json
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from graphs import Case, conv_network, grid_graph, hypercube, pruned_mlp

import netgen
from netgen.graph import read_graph
from netgen.grid import free_regions, wire_lengths
from netgen.place import place
from netgen.place.bounds import best
from netgen.place.problem import problem_of


@dataclass(frozen=True)
class Run:
    """One placement: its wire length, and what it cost."""

    length: int
    seconds: float


def cpu_seconds() -> float:
    """Processor seconds of this process and of its children so far."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def measure(case: Case, method: str, *, moves: int, seed: int) -> Run:
    """Place once, and count again what the wires measure."""
    began = cpu_seconds()
    placement = place(case.netlist, case.grid, method=method, moves=moves, seed=seed)
    seconds = cpu_seconds() - began
    return Run(int(wire_lengths(case.netlist, placement) @ case.netlist.weights), seconds)


def table(title: str, header: list[str], rows: Iterator[list[str]]) -> None:
    """Print a table, row by row as they come."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{' --- |' * len(header)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def qaplib(folder: Path, *, seeds: int, moves: int, names: list[str]) -> None:
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
            for method in ("auto", "anneal", "matching"):
                runs = [measure(case, method, moves=moves, seed=seed) for seed in range(seeds)]
                worst = max(run.length for run in runs)
                yield [
                    name,
                    method,
                    f"{best_known:,}",
                    f"{min(run.length for run in runs):,}",
                    f"{sum(run.length == best_known for run in runs)} of {seeds}",
                    f"{100 * (worst / best_known - 1):.3f} %",
                    f"{sum(run.seconds for run in runs) / seeds:.1f}",
                ]

    table(
        f"QAPLIB, {moves:,} moves",
        ["instance", "method", "best known", "best", "met", "worst seed above", "processor s a run"],
        rows(),
    )


def against(title: str, cases: list[Case], *, methods: list[str], moves: int, seeds: int) -> None:
    """Methods on cases at equal work, against the optimum or the natural layout where there is one."""

    def rows() -> Iterator[list[str]]:
        for case in cases:
            reference = case.optimum
            if case.natural is not None:
                reference = int(wire_lengths(case.netlist, case.natural).sum())
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


def main() -> None:
    """Run the families that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=["qaplib", "optimum", "pruned", "scale"], action="append")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--moves", type=int, default=10_000_000)
    parser.add_argument("--quick", action="store_true", help="small cases only")
    parser.add_argument(
        "--qaplib", type=Path, default=Path(os.environ.get("NETGEN_DATA", "."), "..", "benchmarks/qaplib")
    )
    parser.add_argument("--only", action="append", default=[], help="QAPLIB instances by name")
    parser.add_argument("--build", type=Path, action="append", default=[], help="a build folder of a pruned network")
    options = parser.parse_args()
    families = options.family or ["qaplib", "optimum", "pruned", "scale"]
    if "qaplib" in families:
        if (options.qaplib / "instances.json").is_file():
            qaplib(options.qaplib, seeds=options.seeds, moves=options.moves, names=options.only)
        else:
            print(f"QAPLIB skipped: no {options.qaplib}/instances.json; name the folder with --qaplib", file=sys.stderr)
    if "optimum" in families:
        cases = [hypercube(9), grid_graph((10, 10, 10))]
        cases += [] if options.quick else [hypercube(10), hypercube(11), hypercube(12)]
        methods = ["auto", "anneal", "multilevel", "matching"]
        against("Known optimum", cases, methods=methods, moves=options.moves, seeds=min(options.seeds, 3))
    if "pruned" in families:
        cases = [*build_cases(options.build), pruned_mlp(name="synthetic 784-300-100-10")]
        methods = ["auto", "anneal", "multilevel", "matching", "spectral", "index"]
        against("Pruned networks", cases, methods=methods, moves=options.moves, seeds=min(options.seeds, 3))
        certificates(cases, moves=options.moves)
    if "scale" in families:
        sides = [22, 31] if options.quick else [22, 31, 46]
        cases = [*(grid_graph((side, side, side)) for side in sides), conv_network()]
        against("Scale", cases, methods=["auto"], moves=options.moves, seeds=1)


if __name__ == "__main__":
    main()
