"""netgen.report.facts: figures of a report with what they count."""

from dataclasses import replace

from report_samples import check_report, placements, random_netlist, sample_report

from netgen.report.facts import check_facts, logic_facts
from netgen.report.fidelity import HeadFidelity


def test_the_errors_of_a_network_without_classes_are_those_of_its_outputs() -> None:
    classes = check_report()
    assert {"Mean score error", "Worst score error"} < {fact.name for fact in check_facts(classes)}
    values = replace(classes, model_accuracy=None, hardware_accuracy=None)
    assert {"Mean output error", "Worst output error"} < {fact.name for fact in check_facts(values)}


def test_the_noise_of_one_output_is_that_of_all_its_values() -> None:
    """The noisiest value, at 25.5 dB, may be one that is always near 0; all together have 33 dB."""
    head = HeadFidelity("pixels", worst=0.75, mean=0.1, snr=33.0, samples=10_000, saturated=0.0)
    facts = {fact.name: fact for fact in check_facts(replace(check_report(), heads=(head,)))}
    assert facts["Signal to noise"][1:] == ("33.0 dB", "over all outputs and samples")


def test_the_operators_of_all_kinds_are_named_and_sum_to_their_number() -> None:
    """2,345 - 1,230 - 7 - 420 = 688; there is no multiplication, so none is named."""
    netlist = random_netlist((4, 3, 2), 6, seed=1)
    facts = {fact.name: fact for fact in logic_facts(sample_report(netlist, *placements(netlist, seed=1)).logic)}
    assert facts["Operators"][1:] == (
        "2,345",
        "in all: 1,230 adders; 7 tables; 420 comparisons, selections and limits; 688 inputs, constants and shifts",
    )
    assert facts["Operator wire length"][1:] == (
        "54,321",
        "over 4,321 wires between operators on different sites; sharing: shared",
    )


def test_each_of_several_outputs_has_its_errors_and_classes() -> None:
    box = HeadFidelity("box", worst=0.25, mean=0.0625, snr=41.25, samples=10, saturated=0.0)
    face = HeadFidelity("face", worst=0.0, mean=0.0, snr=None, samples=10, saturated=0.0, same_class=1.0)
    facts = {fact.name: fact[1:] for fact in check_facts(replace(check_report(), heads=(box, face)))}
    assert facts["Output box"] == ("41.2 dB", "signal to noise; worst error 0.25, mean error 0.0625")
    assert facts["Output face"][0] == "exact"
    assert facts["Same class, face"][0] == "100.00 %"
    alone = {fact.name for fact in check_facts(replace(check_report(), heads=(face,)))}
    assert "Same class" in alone
    assert "Output face" not in alone


def test_a_circuit_without_a_float_network_has_no_distances_to_it() -> None:
    names = {fact.name for fact in check_facts(replace(check_report(), heads=(), bound=()))}
    assert names == {"Saturated inputs", "Saturated words"}
