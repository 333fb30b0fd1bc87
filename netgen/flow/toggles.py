"""The toggles that `netgen.energy` counts, compared with those of the simulated Verilog."""

from dataclasses import dataclass

from netgen.errors import CheckError
from netgen.ir.fixed import Words
from netgen.operators.design import Design
from netgen.progress import Progress, silent

__all__ = ["ToggleCheck", "check_toggles"]


@dataclass(frozen=True)
class ToggleCheck:
    """What was compared, and found equal.

    Attributes:
        samples: in the stream.
        registers: that hold values; bits: of all of them.
        toggles: of these bits, in all.
    """

    samples: int
    registers: int
    bits: int
    toggles: int


def check_toggles(design: Design, inputs: Words, *, progress: Progress = silent) -> ToggleCheck:
    """Compare the toggles of every bit of every register with those in a value change dump of the Verilog in Icarus.

    Args:
        inputs: (n, n_in) int64 input words, at least 2 samples, one in each clock cycle.
    Raises: CheckError, naming the first register that differs; SimulatorError, when Icarus is not installed or fails;
        DataError, for inputs that do not fit the circuit, or too few of them.
    """
    from netgen.energy import activity_of, register_toggles
    from netgen.simulate.toggles import simulated_toggles

    activity = activity_of(design.circuit, design.graph, inputs)
    expected = register_toggles(activity, design.graph, design.timing)
    signals = simulated_toggles(design, inputs, progress=progress)
    dumped = {name: signal.settled for name, signal in signals.items() if signal.register}
    dumped.pop("valid", None)
    for name in sorted(expected.keys() | dumped.keys()):
        ours, theirs = (
            ", ".join(map(str, bits.tolist())) if bits is not None else "no register"
            for bits in (expected.get(name), dumped.get(name))
        )
        if ours != theirs:
            raise CheckError(f"register {name}: toggles {ours} in integers, {theirs} in Verilog; report this as a bug")
    bits = sum(map(len, expected.values()))
    return ToggleCheck(activity.samples, len(expected), bits, int(sum(map(sum, expected.values()))))
