"""Warnings of values that saturate: where a format is too narrow for what it holds."""

from netgen.report.agreement import CheckReport

MANY = 0.01
"""Share of the values that a user should know of; fewer is the usual price of narrow formats."""


def saturation(check: CheckReport, *, layers: bool) -> tuple[str, ...]:
    """Warn of input values and, if wanted, of layers that saturate in more than `MANY` of all cases.

    Args:
        layers: whether to name the layers. They saturate by design where activations have few bits, so a warning
            makes sense only when accuracy fell.
    Returns: one line each: the stage, the numbers found and the fix.
    """
    found = []
    if check.input_overflows > MANY * check.inputs:
        found.append(
            f"check: {check.input_overflows:,} of {check.inputs:,} input values of the test samples are outside the "
            "input format and saturate; they differ from the training data, or quantize.input_range is too narrow: "
            "check their scale"
        )
    for layer, (saturated, words) in enumerate(zip(check.saturated, check.words, strict=True), start=1):
        if layers and saturated > MANY * words:
            found.append(
                f"quantize: layer {layer}: {saturated:,} of {words:,} output words saturate; widen "
                "quantize.activation_width of this layer"
            )
    return tuple(found)
