"""All simulators side by side on the same samples of a build's test set, as a Markdown table; checks that they agree.

Usage: python benchmarks/simulators.py hdl_out/digits [hdl_out/mnist ...] [--data FOLDER] [--jobs N] [--only NAME ...]
Each simulator runs in a process of its own, with an empty cache. Slow ones run fewer samples; then their seconds for
10,000 are extrapolated and marked ~. Memory is that of the largest process of the build.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from netgen.data import DATA_VARIABLE, load_dataset
from netgen.flow.built import Build, load_build
from netgen.flow.design import load_design
from netgen.ir.circuit import evaluate
from netgen.ir.fixed import Words
from netgen.operators.design import Design, Simulated
from netgen.simulate import SIMULATORS, simulate

SAMPLES = 10_000
WIRE_SAMPLES = {"amaranth": 400_000, "icarus": 1_000_000}
"""Wires times samples for slow simulators, which run about 10 s; the others run all samples."""


def opened(folder: Path) -> tuple[Build, Design]:
    """Read a build, and its design with the Verilog on disk."""
    build = load_build(folder)
    return build, load_design(folder, build.spec, build.circuit)


def words_of(folder: Path, build: Build) -> Words:
    """10,000 input words of a build's test set, from the first again where it is smaller."""
    data = load_dataset(build.spec.data, seed=build.spec.seed, base=folder)
    words = build.circuit.input.encode(data.test.features)
    return np.resize(words, (SAMPLES, words.shape[1]))


def measure(folder: Path, words: Words, simulator: str, jobs: int) -> dict[str, float]:
    """Seconds and memory of one simulator, in this process.

    Raises: AssertionError, when it differs from `evaluate`.
    """
    build, design = opened(folder)
    words = words[: WIRE_SAMPLES.get(simulator, sys.maxsize) // build.netlist.wires + 1]
    with tempfile.TemporaryDirectory() as cache:

        def run(words: Words) -> tuple[float, Simulated]:
            began = time.perf_counter()
            found = simulate(design, words, simulator=simulator, jobs=jobs, cache=Path(cache))
            return time.perf_counter() - began, found

        used = processor_seconds()
        first, _ = run(words[:0])
        used = processor_seconds() - used
        own = peak()
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        again = 0.0 if simulator == "amaranth" else run(words[:0])[0]
        whole, found = run(words)
    assert np.array_equal(found.scores, evaluate(design.circuit, words)), f"{simulator} differs from evaluate"
    build_s = first - again
    return {
        "samples": len(words),
        "build": build_s,
        "processor": used,
        "run": max(whole - (first if simulator == "amaranth" else again), 1e-9),
        "memory": own if simulator == "amaranth" else children,
        "least": own,
    }


def peak() -> float:
    """Peak memory of this program in GB; `getrusage` would include its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e6


def processor_seconds() -> float:
    """Of this process and of those that it waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def row_of(simulator: str, found: dict[str, float]) -> str:
    """A row of the table. Linux counts a child's memory from its parent's size, so a smaller one is written as `<`."""
    speed = found["samples"] / found["run"]
    hidden = "< " if simulator != "amaranth" and found["memory"] <= 1.02 * found["least"] else ""
    return (
        f"| {simulator} | {found['build']:.1f} | {found['processor']:.1f} | {hidden}{found['memory']:.2f} "
        f"| {speed:,.{0 if speed > 10 else 1}f} | {'~' if found['samples'] < SAMPLES else ''}"
        f"{found['build'] + SAMPLES / speed:,.1f} |"
    )


def main() -> None:
    """Print a table for each build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+", help="build folders")
    parser.add_argument("--data", help=f"folder of data sets, instead of {DATA_VARIABLE}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="+", choices=sorted(SIMULATORS), default=sorted(SIMULATORS))
    parser.add_argument("--words", type=Path, help="measure one simulator in this process; used by the script itself")
    options = parser.parse_args()
    if options.data:
        os.environ[DATA_VARIABLE] = options.data
    if options.words:
        print(json.dumps(measure(options.folder[0], np.load(options.words), options.only[0], options.jobs)))
        return
    for folder in options.folder:
        build, _ = opened(folder)
        print(f"\n{build.spec.name}, {build.netlist.wires:,} wires\n")
        print(f"| simulator | build s | processor s of it | peak GB | samples/s | s for {SAMPLES:,} samples |")
        print("| --- | --- | --- | --- | --- | --- |", flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            words = Path(scratch) / "words.npy"
            np.save(words, words_of(folder, build))
            for simulator in options.only:
                how = ["--words", str(words), "--only", simulator, "--jobs", str(options.jobs)]
                command = [sys.executable, __file__, str(folder), *how]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - this script
                print(row_of(simulator, json.loads(done.stdout)), flush=True)


if __name__ == "__main__":
    main()
