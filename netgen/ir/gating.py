"""How often the gates of a circuit are on, which wires are computed for that, and what energy it saves."""

from dataclasses import dataclass

from netgen.ir.energy import Energy, Picojoules

__all__ = ["ClassUse", "EnergyReport", "GateReport", "GateUse", "Saving"]


@dataclass(frozen=True)
class ClassUse:
    """How often a gate is on for samples of one class.

    Attributes:
        label: the class.
        samples: of this class.
        on: of them, those for which the gate decides, and is on.
    """

    label: int
    samples: int
    on: int


@dataclass(frozen=True)
class GateUse:
    """What one gate decided for some samples.

    A gate within the block of another one decides only where that one is on.

    Attributes:
        name: of its neuron, in the Verilog.
        layer: name of its layer.
        on, off: samples for which it decides, and is on or off.
        right_on, right_off: of those, the samples that the circuit classifies rightly; None without labels.
        block: wire length that is needed only where the gate is on: every path from such a wire to an output passes the
            word of a selection by the gate. In units of the pitch, as placed.
        held: wire length of the wires that stand still where the gate is off, as registers hold what they carry.
        classes: for each class among the labels, ascending; none without labels.
    """

    name: str
    layer: str
    on: int
    off: int
    right_on: int | None
    right_off: int | None
    block: int
    held: int
    classes: tuple[ClassUse, ...]


@dataclass(frozen=True)
class Saving:
    """One kind of energy by the model of wires, for one sample: as built, and with nothing held.

    Attributes:
        kind, unit: those of `EnergyPart`.
        amount, picojoules: of the circuit as built, whose blocks keep their values; see `EnergyPart`.
        free, free_picojoules: of the same circuit and placement without the registers that gates hold.
    """

    kind: str
    unit: str
    amount: float
    free: float
    picojoules: Picojoules | None
    free_picojoules: Picojoules | None

    @property
    def ratio(self) -> float | None:
        """How many times as much nothing held takes; None where nothing is spent."""
        return self.free / self.amount if self.amount else None


@dataclass(frozen=True)
class GateReport:
    """The gates of a circuit, over test samples.

    Attributes:
        samples: for which the gates were evaluated, on the integer circuit; `origin` says what they are.
        total: gates of the circuit. Where there are more than `gates` holds, the others count as always on.
        wire_length: of the placement.
        needed: mean wire length that a sample needs, by the paths of `GateUse.block`: what training prunes for.
        computed: mean wire length that is not held: the hardware's. More than `needed` where a block reads what is
            computed before its gate, less where operators keep their values that the paths do not tell.
        stream: the samples over which `savings` is, in words.
        savings: by kind; none where no two samples follow each other.
    """

    samples: int
    origin: str
    total: int
    gates: tuple[GateUse, ...]
    wire_length: int
    needed: float
    computed: float
    stream: str
    savings: tuple[Saving, ...]

    @property
    def labelled(self) -> bool:
        """Whether the classes of the samples are known."""
        return any(gate.classes for gate in self.gates)


@dataclass(frozen=True)
class EnergyReport:
    """The energy of a sample on one circuit, by one or more models.

    Attributes:
        gates: of the circuit; None where it has none, or no model reads samples.
    """

    name: str
    energies: tuple[Energy, ...]
    gates: GateReport | None = None
