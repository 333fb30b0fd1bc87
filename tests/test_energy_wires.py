"""The energy of wires, vias, operators and registers."""

from dataclasses import replace

import numpy as np
import pytest
from five_neurons import five_neurons

from netgen.energy import EnergySettings, energy_of
from netgen.errors import DataError
from netgen.ir.grid import Grid, Placement


def test_five_neurons_cost_what_they_cost_on_paper() -> None:
    """Three samples, so two transitions.

    | word | values | toggles |
    |---|---|---|
    | a, 3 bits | 001, 011, 011 | 1 |
    | b, 3 bits | 010, 010, 101 | 3 |
    | h1, 4 bits | 0011, 0101, 1000 | 2 + 3 = 5 |
    | h2, 4 bits | 0100, 0100, 1010 | 3 |
    | y, 5 bits | 00111, 01001, 10010 | 3 + 4 = 7 |

    | wire | steps in the tier | between tiers | toggles x steps | and vias |
    |---|---|---|---|---|
    | a to h1 | 1 | 0 | 1 | 0 |
    | b to h1 | 2 | 0 | 6 | 0 |
    | b to h2 | 0 | 1 | 0 | 3 |
    | h1 to y | 1 | 1 | 5 | 5 |
    | h2 to y | 1 | 0 | 3 | 0 |

    For one sample, half of that: layer 1 wires 3.5, vias 1.5; layer 2 wires 4, vias 2.5. Operators: the adders h1 and
    y, 2.5 and 3.5 bits (h2 is b shifted, which is wiring). Registers behind h1 and h2, 4 bits, and behind y, 3.5.
    """
    found = energy_of("wires", five_neurons())
    assert {(part.kind, part.layer): part.amount for part in found.parts} == {
        ("wires", 1): 3.5,
        ("wires", 2): 4.0,
        ("vias", 1): 1.5,
        ("vias", 2): 2.5,
        ("operators", 1): 2.5,
        ("operators", 2): 3.5,
        ("registers", 1): 4.0,
        ("registers", 2): 3.5,
    }
    assert found.amount == 11.5
    assert found.unit == "grid steps x bits"
    assert found.picojoules is None


def test_with_a_pitch_five_neurons_cost_picojoules_as_on_paper() -> None:
    """Steps of 10 um at 40 nm, 240 fJ for a toggle and mm: 2.4 fJ a step, so the 7.5 of wires 18 fJ; vias of 5 um:
    1.2 fJ each, so 4 of them 4.8 fJ. Operators: 6 bits of 3.125 to 7.5 fJ. Registers: 7.5 bits of 3.125 to 53.125 fJ.
    """
    found = energy_of("wires", five_neurons(), EnergySettings(pitch=10, tier=5, node="40nm"))
    assert found.picojoules_of(kind="wires") == pytest.approx((0.018, 0.018))
    assert found.picojoules_of(kind="vias") == pytest.approx((0.0048, 0.0048))
    assert found.picojoules_of(kind="operators") == pytest.approx((0.01875, 0.045))
    assert found.picojoules_of(kind="registers") == pytest.approx((0.0234375, 0.3984375))
    assert found.picojoules == pytest.approx((0.0649875, 0.4662375))


def test_a_via_is_as_long_as_a_grid_step_unless_told_otherwise() -> None:
    found = energy_of("wires", five_neurons(), EnergySettings(pitch=10, node="40nm"))
    assert found.picojoules_of(kind="vias") == pytest.approx((4 * 0.0024, 4 * 0.0024))


def test_without_a_node_the_range_spans_all_published_wires() -> None:
    """From 50 fJ (5 nm) to 240 fJ (40 nm) for a toggle and mm: 7.5 steps of 1 mm."""
    found = energy_of("wires", five_neurons(), EnergySettings(pitch=1000))
    assert found.picojoules_of(kind="wires") == pytest.approx((0.375, 1.8))


def test_a_longer_step_of_one_axis_lengthens_wires_along_it() -> None:
    """Steps of 3 along y: a to h1 3, b to h1 4, h1 to y 1, h2 to y 3, so (3 + 12 + 5 + 9) / 2."""
    work = five_neurons()
    stretched = replace(work, placement=Placement(Grid((2, 2, 2), (1, 3, 1)), work.placement.site))
    assert energy_of("wires", stretched).amount_of(kind="wires") == 14.5


def test_samples_that_do_not_change_cost_nothing() -> None:
    work = five_neurons()
    assert work.activity is not None
    still = replace(
        work.activity, wires=np.zeros_like(work.activity.wires), operators=np.zeros_like(work.activity.operators)
    )
    assert energy_of("wires", replace(work, activity=still)).parts == ()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (EnergySettings(pitch=0), "pitch: 0 micrometres; give a positive length"),
        (EnergySettings(pitch=float("nan")), "pitch: nan micrometres; give a positive length"),
        (EnergySettings(pitch=1, tier=-2), "tier: -2 micrometres; give a positive length"),
        (EnergySettings(node="3nm"), "node '3nm'; choose one of any, 45nm, 40nm, 14nm, 10nm, 5nm"),
    ],
)
def test_lengths_and_nodes_that_do_not_exist_are_refused(settings: EnergySettings, message: str) -> None:
    with pytest.raises(DataError) as error:
        energy_of("wires", five_neurons(), settings)
    assert str(error.value) == message


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(DataError, match=r"^model 'magic' of energy; choose one of wires, eyeriss, fpga$"):
        energy_of("magic", five_neurons())
