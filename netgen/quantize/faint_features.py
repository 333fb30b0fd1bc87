"""Features that vary by so few steps of the input word that the hardware hardly sees them."""

import numpy as np

from netgen.ir.fixed import FixedPoint, Reals, Words

__all__ = ["FEW_STEPS", "faint", "told"]

FEW_STEPS = 2.0
"""A feature that varies by fewer steps of the input word than this is hardly visible to the hardware."""
SMALL = 1 / 16
"""Variation, as a share of the word's range, below which a feature is small also where words have few bits."""
SOME = 1 / 32
"""Share of the features that must be small for a warning; a few pixels at the border of images are always."""
MIDDLE = (5, 95)
"""Percentiles between which a feature's variation is measured, so that rare values do not count."""
OBSERVED = 5_000
"""Samples, at most, that this is measured on."""


def faint(features: Reals, form: FixedPoint) -> Words:
    """The numbers of the features that vary by fewer than `FEW_STEPS` steps of the word, in nine of ten samples.

    Features that the word holds exactly lose nothing, and are not counted.

    Args:
        features: (n, features) as the word encodes them.
    Returns: none where fewer than `SOME` of the features are faint.
    """
    seen = features[:OBSERVED]
    low, high = np.percentile(seen, MIDDLE, axis=0)
    rounded = (form.decode(form.encode(seen)) != seen).any(axis=0)
    most = min(FEW_STEPS * form.step, SMALL * (form.hi + 1) * form.step)
    found = np.flatnonzero(rounded & (high > low) & (high - low < most))
    return found if found.size >= SOME * seen.shape[1] else found[:0]


def told(found: Words, features: int, form: FixedPoint, fix: str) -> tuple[str, ...]:
    """One line on faint features and what to do; none where there are none."""
    if not found.size:
        return ()
    few = ", ".join(map(str, found[:8])) + (", ..." if found.size > 8 else "")
    return (
        f"data: {found.size:,} of {features:,} features vary by less than {FEW_STEPS:g} steps of the {form.width}-bit "
        f"input word in 9 of 10 samples (numbers {few}, from 0), so the hardware hardly sees them; {fix}, or raise "
        f"quantize.input_width ({form.width})",
    )
