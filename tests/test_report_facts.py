"""netgen.report.facts: figures of a report with what they count."""

from report_samples import placements, random_netlist, sample_report

from netgen.report.facts import logic_facts


def test_the_operators_of_all_kinds_are_named_and_sum_to_their_number() -> None:
    """2,345 - 1,230 - 7 - 420 = 688; there is no multiplication, so none is named."""
    netlist = random_netlist((4, 3, 2), 6, seed=1)
    facts = {fact.name: fact for fact in logic_facts(sample_report(netlist, *placements(netlist, seed=1)).logic)}
    assert facts["Operators"][1:] == (
        "2,345",
        "in all: 1,230 adders; 7 tables; 420 comparisons, selections and limits; 688 inputs, constants and shifts",
    )
    assert facts["Operator wire length"][1:] == ("54,321", "over 4,321 wires; sharing: shared")
