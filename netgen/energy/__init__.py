"""What a classification costs: how often signals toggle, and what that takes by different models of energy.

| file | content |
|---|---|
| `activity`, `order` | toggles of every bit for a stream of samples, and the order of these samples |
| `carried` | which operator gives what a wire carries: a word, what a gate holds of it, or one bit of a gate |
| `constants` | published energies, each with node, year and source |
| `wires`, `eyeriss` | the models, one file each |
| `gating` | how often gates are on, which wires that computes, and the energy that they save |
| `shapes` | what `eyeriss` needs to know of a layer |
| `models` | the models by name, all of one signature |
| `weights` | placement weights by toggles |
"""

from netgen.energy.activity import Activity, activity_of, register_toggles
from netgen.energy.constants import NODES
from netgen.energy.eyeriss import accelerated, accesses_of
from netgen.energy.gating import MOST_GATES, gate_report, held_by, savings_of
from netgen.energy.models import MODELS, EnergySettings, Workload, energy_of
from netgen.energy.order import SampleOrder, arranged
from netgen.energy.shapes import LayerCounts, dense_shapes, shapes_of
from netgen.energy.weights import toggle_weights
from netgen.energy.wires import wired

__all__ = [
    "MODELS",
    "MOST_GATES",
    "NODES",
    "Activity",
    "EnergySettings",
    "LayerCounts",
    "SampleOrder",
    "Workload",
    "accelerated",
    "accesses_of",
    "activity_of",
    "arranged",
    "dense_shapes",
    "energy_of",
    "gate_report",
    "held_by",
    "register_toggles",
    "savings_of",
    "shapes_of",
    "toggle_weights",
    "wired",
]
