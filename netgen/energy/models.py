"""The models of energy by name, all of one signature: a placed circuit with its activity, and settings, to `Energy`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from netgen.energy.activity import Activity
from netgen.energy.eyeriss import accelerated
from netgen.energy.routed import routed_energy
from netgen.energy.shapes import dense_shapes, shapes_of
from netgen.energy.wires import wired
from netgen.errors import DataError
from netgen.ir.circuit import Circuit
from netgen.ir.energy import Energy
from netgen.ir.grid import Placement
from netgen.ir.network import Network
from netgen.ir.routed_length import RoutedLength
from netgen.operators.graph import OperatorGraph
from netgen.operators.schedule import Schedule

__all__ = ["MODELS", "EnergySettings", "Model", "Workload", "ZeroWeights", "energy_of"]

ZeroWeights = Literal["left out", "included"]
"""Whether an accelerator stores and multiplies the weights that are zero."""


@dataclass(frozen=True, eq=False)
class Workload:
    """What a model measures.

    Attributes:
        graph, timing: the circuit's operators, and their pipeline.
        activity: toggles for a stream of samples; None where no model needs them.
        network: the float network that the circuit was rounded from, where there is one.
        before: that network before it was pruned, where it is known.
        routed: the nets of the circuit on an FPGA, where it has been routed.
    """

    circuit: Circuit
    placement: Placement
    graph: OperatorGraph
    timing: Schedule
    activity: Activity | None = None
    network: Network | None = None
    before: Network | None = None
    routed: RoutedLength | None = None


@dataclass(frozen=True)
class EnergySettings:
    """What a model is told; each reads what concerns it.

    Attributes:
        pitch, tier: length of a grid step and of a via, in micrometres; see `wired`.
        node: whose wires; see `constants.NODES`.
        zeros: of `eyeriss`.
        batch: of `eyeriss`, samples that share one reading of the weights.
    """

    pitch: float | None = None
    tier: float | None = None
    node: str = "any"
    zeros: ZeroWeights = "left out"
    batch: int = 1

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise DataError(f"batch of {self.batch} samples; use 1 or more")
        if self.zeros not in get_args(ZeroWeights):
            raise DataError(f"zeros {self.zeros!r}; use one of {', '.join(get_args(ZeroWeights))}")


Model = Callable[[Workload, EnergySettings], Energy]


def _eyeriss(work: Workload, settings: EnergySettings) -> Energy:
    if settings.zeros == "included":
        return accelerated(dense_shapes(work.circuit, work.network, work.before), batch=settings.batch)
    return accelerated(shapes_of(work.circuit, work.network), batch=settings.batch)


def _wires(work: Workload, settings: EnergySettings) -> Energy:
    if work.activity is None:
        raise DataError("model 'wires' needs the toggles of a stream of samples; give their activity")
    return wired(
        work.circuit,
        work.placement,
        work.graph,
        work.timing,
        work.activity,
        pitch=settings.pitch,
        tier=settings.tier,
        node=settings.node,
    )


def _fpga(work: Workload, _settings: EnergySettings) -> Energy:
    if work.activity is None or work.routed is None:
        raise DataError("model 'fpga' needs the toggles of a stream of samples, and a routed design; give both")
    return routed_energy(work.routed, work.graph, work.activity)


MODELS: Mapping[str, Model] = MappingProxyType({"wires": _wires, "eyeriss": _eyeriss, "fpga": _fpga})


def energy_of(model: str, work: Workload, settings: EnergySettings | None = None) -> Energy:
    """The energy of one sample by a model.

    Raises: DataError, for an unknown model, or settings that the model refuses.
    """
    if model not in MODELS:
        raise DataError(f"model {model!r} of energy; choose one of {', '.join(MODELS)}")
    return MODELS[model](work, settings or EnergySettings())
