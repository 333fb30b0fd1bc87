"""Small reports and netlists that the report's tests share."""

import itertools

import numpy as np

from netgen.ir.energy import Energy, EnergyPart
from netgen.ir.fixed import FixedPoint
from netgen.ir.grid import Placement, auto_grid
from netgen.ir.netlist import Netlist
from netgen.operators.cost import LogicCost
from netgen.operators.prove import Proof
from netgen.report.agreement import CheckReport
from netgen.report.build import BuildReport, LayerFormats, ModulePort
from netgen.report.logic import LogicReport
from netgen.report.origin import Origin
from netgen.report.page import page
from netgen.report.wires import wire_report


def random_netlist(sizes: tuple[int, ...], wires: int, *, seed: int) -> Netlist:
    """About `wires` distinct wires, each between two neighbouring layers."""
    rng = np.random.default_rng(seed)
    first = np.cumsum([0, *sizes])
    everything = sum(a * b for a, b in itertools.pairwise(sizes))
    source, target = [], []
    for layer, (before, after) in enumerate(itertools.pairwise(sizes)):
        chosen = rng.choice(before * after, wires * before * after // everything, replace=False)
        source.append(chosen % before + first[layer])
        target.append(chosen // before + first[layer + 1])
    layer_of = np.repeat(np.arange(len(sizes)), sizes)
    ends = np.concatenate(source)
    return Netlist(
        layer=layer_of,
        index=np.concatenate([np.arange(size) for size in sizes]),
        source=ends,
        target=np.concatenate(target),
        width=np.where(layer_of[ends] == 0, 8, 5),
    )


def placements(netlist: Netlist, *, seed: int) -> tuple[Placement, Placement]:
    """Index order, and a random placement, on the same grid."""
    grid = auto_grid(netlist, slack=1.1, pitch=(1, 1, 1))
    sites = np.random.default_rng(seed).permutation(grid.sites)[: netlist.neurons]
    return Placement(grid, grid.coordinates[: netlist.neurons]), Placement(grid, grid.coordinates[sites])


def check_report() -> CheckReport:
    return CheckReport(
        samples=10_000,
        simulator="verilator",
        model_accuracy=None,
        finetuned_accuracy=0.9848,
        quantized_accuracy=0.9843,
        hardware_accuracy=0.9843,
        error=(0.125, 0.75, 0.5),
        mean_error=(0.03, 0.25, 0.125),
        noise=(40.0, 25.5, None),
        bound=(3.5, 4.25, 3.0),
        inputs=7_840_000,
        input_overflows=31,
        saturated=(12, 0, 0),
        words=(3_000_000, 1_000_000, 100_000),
        difference=None,
    )


def sample_energies() -> tuple[Energy, Energy]:
    """Of wires with picojoules, and of an accelerator without."""
    steps, macs = "grid steps x bits", "MACs of 16 bits"
    wires = (
        EnergyPart(1, "wires", "", steps, 1250.5, (12.5, 50.0)),
        EnergyPart(2, "wires", "", steps, 250.0, (2.5, 10.0)),
        EnergyPart(1, "registers", "", "bits", 40.0, (0.5, 2.0)),
    )
    memories = (
        EnergyPart(1, "DRAM", "weights", macs, 4000.0, None),
        EnergyPart(1, "DRAM", "inputs", macs, 1000.0, None),
    )
    return (
        Energy("wires", steps, wires, ("1,000 samples, in the order given",)),
        Energy("eyeriss", macs, memories, ("batch of 1",)),
    )


def sample_report(netlist: Netlist, before: Placement, after: Placement, *, name: str = "sample") -> BuildReport:
    score, step = FixedPoint(17, 11, signed=True), FixedPoint(6, 4, signed=False)
    layers = netlist.layers - 1
    sizes = tuple(np.bincount(netlist.layer).tolist())
    return BuildReport(
        name=name,
        netgen="0.1.0",
        warnings=(),
        origin=Origin(
            source="idx",
            path="mnist",
            digest="0123456789abcdef" * 4,
            features=sizes[0],
            classes=sizes[-1],
            train=54_000,
            validation=6_000,
            test=10_000,
            seed=7,
        ),
        imported=None,
        input_word="the raw feature, limited to 0 to 255; the network reads the number word / 256",
        sizes=sizes,
        weights_total=sum(a * b for a, b in itertools.pairwise(sizes)),
        weights_left=netlist.wires + 7,
        dense_accuracy=0.9823,
        pruned_accuracy=0.9817,
        circuit_accuracy=0.9808,
        input=FixedPoint(8, 8, signed=False),
        score=score,
        formats=tuple(
            LayerFormats(
                layer=layer,
                activation="relu" if layer < layers else "identity",
                inputs=(step if layer > 1 else FixedPoint(8, 8, signed=False),),
                weight=FixedPoint(5, 4 + layer, signed=True),
                bias=9,
                accumulator=(7, 13 + layer),
                output=step if layer < layers else score,
            )
            for layer in range(1, layers + 1)
        ),
        latency=layers + 1,
        ports=(ModulePort("clk", "input", 1), ModulePort("i_payload", "input", 8 * sizes[0])),
        wires=wire_report(netlist, before, after),
        logic=LogicReport(
            sharing="shared",
            cost=LogicCost(
                adders=1230,
                adder_bits=9870,
                multiplications=0,
                choices=420,
                tables=7,
                levels=21,
                registers=3210,
                lut=11_000,
            ),
            wires=4321,
            wire_length=54_321,
            proof=Proof(operators=2345, neurons=410, weights=netlist.wires),
        ),
        check=check_report(),
        energy=sample_energies(),
    )


def page_of(netlist: Netlist, *, name: str = "sample") -> str:
    before, after = placements(netlist, seed=2)
    return page(sample_report(netlist, before, after, name=name), netlist, before, after)
