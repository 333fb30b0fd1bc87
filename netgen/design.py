"""A circuit that has become hardware: what is emitted, simulated and checked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netgen.circuit import Circuit
from netgen.fixed import FixedPoint

if TYPE_CHECKING:
    from amaranth.lib.wiring import Component


@dataclass(frozen=True, eq=False)
class Design:
    """One piece of hardware in its two forms, with what a user of its ports needs to know.

    Ports: `clk`, `rst`, an input stream `i` and an output stream `o` (`payload`, `valid`, `ready`). The input payload
    packs word k of a sample at bits `k * width` upwards. The output payload packs the scores likewise; when `argmax`
    is true, the class lies above them.

    Attributes:
        score: format of each score.
        class_width: bits of the class in the output payload; 0 without arg-max.
        latency: clock cycles from an accepted sample to its valid output, when nothing stalls.
        component: the Amaranth component, for Amaranth's own simulator.
        verilog: the text of `top.v`, for all other simulators.
    """

    circuit: Circuit
    score: FixedPoint
    class_width: int
    latency: int
    component: "Component"
    verilog: str

    @property
    def output_width(self) -> int:
        """Bits of the output payload."""
        return self.circuit.sizes[-1] * self.score.width + self.class_width
