"""Recount the wire lengths of a trained perceptron's build from `placement.csv` and `circuit.json` alone.

Shares no code with netgen, on purpose. Prints one line per layer, then the sum: wires, total length, longest, and the
bit wire length. Usage: python tests/recount.py hdl_out/digits
"""

import csv
import json
import sys
from pathlib import Path

LayerCount = tuple[int, int, int, int]


def _width(low: int, high: int) -> int:
    """Bits of the narrowest word that holds every integer from low to high."""
    width = 1
    while not (low >= 0 and high < 2**width) and not (low >= -(2 ** (width - 1)) and high < 2 ** (width - 1)):
        width += 1
    return width


def recount(folder: Path) -> list[LayerCount]:
    """Per layer from the first behind the inputs: (wires, total length, longest, bit wire length)."""
    with (folder / "placement.csv").open(newline="") as file:
        site = {row["neuron"]: (int(row["x"]), int(row["y"]), int(row["z"])) for row in csv.DictReader(file)}
    circuit = json.loads((folder / "circuit.json").read_text())
    form = {"width": 1, "frac": 1, "signed": False} if circuit.get("thresholds") else circuit["input"]
    low, high = (
        (-(2 ** (form["width"] - 1)), 2 ** (form["width"] - 1) - 1) if form["signed"] else (0, 2 ** form["width"] - 1)
    )
    ranges = [(low, high)] * (len(circuit["input_scale"]) * max(len(circuit.get("thresholds", [])), 1))
    widths = [form["width"]] * len(ranges)
    first = 0
    counts = []
    for depth, layer in enumerate(circuit["layers"], start=1):
        wires = total = longest = bits = 0
        output, results = layer["output"], []
        for index, neuron in enumerate(layer["neurons"]):
            least = most = neuron["bias"]
            for number, weight in neuron["weights"].items():
                source = int(number) - first
                a, b = site[f"n{depth - 1}_{source}"], site[f"n{depth}_{index}"]
                length = abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2])
                wires, total, longest = wires + 1, total + length, max(longest, length)
                bits += length * widths[source]
                ends = sorted(weight * end for end in ranges[source])
                least, most = least + ends[0], most + ends[1]
            results.append((least, most))
        counts.append((wires, total, longest, bits))
        if output is None:
            break
        shift, least_sum = layer["activation"]["shift"], layer["activation"]["lo"]
        assert shift == layer["frac"] - output["frac"]
        first += len(ranges)
        floor_, ceiling = (
            (-(2 ** (output["width"] - 1)), 2 ** (output["width"] - 1) - 1)
            if output["signed"]
            else (0, 2 ** output["width"] - 1)
        )
        ranges = []
        for pair in results:
            ends = [value if least_sum is None else max(value, least_sum) for value in pair]
            ends = [(end + 2 ** (shift - 1)) // 2**shift if shift > 0 else end * 2**-shift for end in ends]
            ranges.append((min(max(ends[0], floor_), ceiling), min(max(ends[1], floor_), ceiling)))
        widths = [_width(*pair) for pair in ranges]
    return counts


if __name__ == "__main__":
    per_layer = recount(Path(sys.argv[1]))
    for number, (wires, total, longest, bits) in enumerate(per_layer, start=1):
        print(f"layer {number}: {wires} wires, {total} long, longest {longest}, {bits} bit steps")
    print(f"sum: {sum(c[0] for c in per_layer)} wires, {sum(c[1] for c in per_layer)} long")
