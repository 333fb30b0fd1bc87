"""Read every ONNX file of a folder, as a Markdown table: size, time, memory, and the difference to the right outputs.

Usage: python benchmarks/models.py FOLDER [--only NAME ...]
FOLDER holds `NAME.onnx`, and `NAME.npz` with the arrays `inputs` and one for each output, computed by the file's own
tool. Inputs that fit the network with their last axis in second place are taken for channels-last. Each file is read in
a process of its own. "unrolled" is what the folder's README.md counts (wires, and wires of maxima) when every use of a
weight becomes a wire.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from netgen.importer.onnx_file import read_onnx

HEADERS = [
    "file",
    "layers",
    "neurons",
    "wires",
    "unrolled",
    "seconds",
    "peak MB",
    "flips",
    "to ONNX Runtime",
    "to outputs",
]


def measure(path: Path) -> dict[str, float]:
    """Read one file in this process."""
    began = time.perf_counter()
    network, report = read_onnx(path)
    seconds = time.perf_counter() - began
    right = np.load(path.with_suffix(".npz"))
    inputs = right["inputs"]
    if inputs.shape[1:] != network.inputs[0].shape:
        inputs = np.moveaxis(inputs, -1, 1)
    found = network.evaluate(inputs)
    heads = found if isinstance(found, tuple) else (found,)
    expected = [right[name] for name in right if name != "inputs"]
    worst = max(
        float(np.abs(ours - theirs).max() / np.abs(theirs).max()) for ours, theirs in zip(heads, expected, strict=True)
    )
    return {
        "layers": len(network.layers),
        "neurons": network.neurons,
        "wires": network.wires,
        "seconds": seconds,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "flips": report.flips,
        "reference": report.worst,
        "outputs": worst,
    }


def unrolled_of(readme: Path) -> dict[str, str]:
    """The counts of wires in the folder's README, by the name of the file."""
    if not readme.exists():
        return {}
    found = re.findall(
        r"^## (\S+)\.onnx\n(?:- .*\n|\n)*?- unroll: [\d,]+ neurons, ([\d,]+ \+ [\d,]+)", readme.read_text(), re.M
    )
    return dict(found)


def row(name: str, unrolled: str, found: dict[str, float]) -> list[str]:
    """One line of the table."""
    counts = [f"{found[key]:,}" for key in ("layers", "neurons", "wires")]
    parts = [f"{found['seconds']:.1f}", f"{found['memory']:.0f}", f"{found['flips']}"]
    return [name, *counts, unrolled, *parts, f"{found['reference']:.1e}", f"{found['outputs']:.1e}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.folder)))
        return
    unrolled = unrolled_of(options.folder / "README.md")
    print("| " + " | ".join(HEADERS) + " |")
    print("|" + " --- |" * len(HEADERS))
    for path in sorted(options.folder.glob("*.onnx")):
        if options.only and path.stem not in options.only:
            continue
        command = [sys.executable, __file__, str(path), "--one"]
        result = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this script
        print(
            "| " + " | ".join(row(path.stem, unrolled.get(path.stem, ""), json.loads(result.stdout))) + " |", flush=True
        )


if __name__ == "__main__":
    main()
