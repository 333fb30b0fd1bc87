"""netgen.report.saturation: which saturated values a user is warned of."""

from dataclasses import replace

from report_samples import check_report

from netgen.report.saturation import saturation


def test_one_input_in_a_hundred_may_saturate_and_more_are_told_with_the_numbers() -> None:
    check = replace(check_report(), inputs=1_000, input_overflows=10)
    assert saturation(check, layers=True) == ()
    assert saturation(replace(check, input_overflows=11), layers=True) == (
        "check: 11 of 1,000 input values of the test samples are outside the input format and saturate; they "
        "differ from the training data, or quantize.input_range is too narrow: check their scale",
    )


def test_a_layer_is_blamed_only_when_layers_are_asked_for() -> None:
    check = replace(check_report(), saturated=(10, 11, 0), words=(1_000, 1_000, 100))
    assert saturation(check, layers=False) == ()
    assert saturation(check, layers=True) == (
        "quantize: layer 2: 11 of 1,000 output words saturate; widen quantize.activation_width of this layer",
    )
