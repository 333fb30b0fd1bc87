"""The energy of routed nets, worked by hand on a circuit of five neurons."""

import pytest
from five_neurons import five_neurons

from netgen.energy.routed import routed_energy
from netgen.ir.routed_length import RoutedLength, RoutedNet


def test_a_net_spends_its_length_times_the_toggles_of_its_bit() -> None:
    """Three samples, so two transitions; bits from the highest on.

    | word | values | toggles of each bit |
    |---|---|---|
    | b, 3 bits | 010, 010, 101 | 1, 1, 1 |
    | h1, 4 bits | 0011, 0101, 1000 | 1, 2, 1, 1 |
    | y, 5 bits | 00111, 01001, 10010 | 1, 2, 1, 1, 2 |

    The register behind h1's bit 2 toggles 2 / 2 times a sample: 10 tiles make 10. Bit 0 of b: 4 tiles make 2. A net
    inside h1 toggles as the mean of its bits, 5 / 4 / 2: 8 tiles make 5. The carry chain of y: 5 x 7 / 5 / 2.
    """
    work = five_neurons()
    assert work.activity is not None
    nets = (
        RoutedNet("n1_0_d1[2]", "core", "n1_0", 10, False),
        RoutedNet("n0_1[0]$SB_IO_IN", "input", "n0_1", 4, False),
        RoutedNet("n1_0/3.O", "core", "n1_0", 8, True),
        RoutedNet("n2_0/1.CO", "carry", "n2_0", 5, True),
        RoutedNet("i_ready", "control", "flow", 50, False),
        RoutedNet("clk", "global", "wrapper", 70, False),
        RoutedNet("wrapper/2.O", "wrapper", "wrapper", 90, True),
    )
    found = routed_energy(RoutedLength(nets, (), about="a board; nextpnr, seed 1"), work.graph, work.activity)
    assert {(part.layer, part.kind, part.data): part.amount for part in found.parts} == {
        (0, "nets", "between neurons"): 2,
        (1, "nets", "between neurons"): 10,
        (1, "nets", "inside neurons"): pytest.approx(5),
        (2, "carry chains", "inside neurons"): pytest.approx(3.5),
    }
    assert found.unit == "tiles x bits"
    assert found.conditions[1:] == (
        "routed on a board; nextpnr, seed 1",
        "14 of 27 tiles belong to nets with a name in top.v; the others toggle as the mean bit of their owner",
    )
