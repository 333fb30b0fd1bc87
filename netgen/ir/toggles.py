"""How often the signals of a circuit toggle while test samples pass, as data for the report."""

from dataclasses import dataclass

__all__ = ["Glitches", "LayerToggles", "ToggleCheck", "ToggleReport"]


@dataclass(frozen=True)
class LayerToggles:
    """Toggles in one layer, over all transitions.

    Attributes:
        layer: 0 for the inputs, 1 for the first layer after them; one above the last for the arg-max.
        neurons: how many toggle.
        words, operators, registers: toggles of the bits of neurons' words, of operators and of registers.
    """

    layer: int
    neurons: int
    words: int
    operators: int
    registers: int


@dataclass(frozen=True)
class ToggleCheck:
    """What was compared with the simulated Verilog, and found equal.

    Attributes:
        samples: in the stream.
        registers: that hold values; bits: of all of them.
        toggles: of these bits, in all.
    """

    samples: int
    registers: int
    bits: int
    toggles: int


@dataclass(frozen=True)
class Glitches:
    """Toggles of all nets that cells drive, in a mapped netlist whose cells all have a delay of one unit.

    Attributes:
        cells: `gates` or `luts`.
        samples: in the stream, one in each clock cycle.
        gates, registers: number of cells; each drives one net of one bit.
        every: toggles of all these nets, on the way to their settled values too.
        settled: toggles from the settled value of a cycle to that of the next.
    """

    cells: str
    samples: int
    gates: int
    registers: int
    every: int
    settled: int

    @property
    def ratio(self) -> float:
        """All toggles, divided by those of settled values; 1 without glitches, and where nothing toggles."""
        return self.every / self.settled if self.settled else float("inf" if self.every else 1)


@dataclass(frozen=True)
class ToggleReport:
    """Toggles of a circuit, over all transitions of a stream of samples.

    Attributes:
        name: of the build.
        samples: n in the stream, between which there are n - 1 transitions; order: of the samples, in words.
        neurons: toggles of each neuron's word, by its name in the Verilog.
        wires: toggles of what each wire carries, by the names of its two neurons, `n0_3 n1_7`: the word of the first,
            or what a gate holds of it, or the one bit of a gate.
        check, glitches: None where they were not asked for.
    """

    name: str
    samples: int
    order: str
    layers: tuple[LayerToggles, ...]
    neurons: dict[str, int]
    wires: dict[str, int]
    check: ToggleCheck | None = None
    glitches: Glitches | None = None
