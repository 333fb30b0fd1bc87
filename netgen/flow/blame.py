"""Which layer's rounding costs a network that was read its accuracy, and which widths are enough: both are measured."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netgen.errors import QuantizeError
from netgen.flow.classes import decoded
from netgen.flow.imported import Features, RawSamples
from netgen.flow.quality import OutputQuality, quality_of
from netgen.flow.remedies import remedies, width_of
from netgen.ir.circuit import evaluate
from netgen.ir.fixed import Reals
from netgen.ir.network import Network
from netgen.progress import Progress, silent
from netgen.spec.sections import QuantizeSpec

if TYPE_CHECKING:
    from netgen.quantize.partly_rounded import Part
    from netgen.report import CheckReport, HeadFidelity

__all__ = ["FALL", "Blame", "Loss", "blame", "loss_of"]

FALL = 0.01
"""Loss from the model to the hardware, of accuracy, of equal classes, or of the power that is no noise, 0 to 1, that a
user should know of."""
TINY = 1e-9
"""Beyond what rounding of a difference of two shares explains."""
MOST_SAMPLES = 1_000
"""Samples, at most, on which parts and remedies are measured; fewer where a network has many neurons or wires."""
MOST_VALUES = 4_000_000
"""Values of all neurons of these samples: 130 MB."""
MOST_PRODUCTS = 4_000_000_000
"""Weights times samples times layers, about 10 s; and weights times calibration samples of each remedy."""
FEWEST = 32
"""Samples that are used however large the network is."""


@dataclass(frozen=True)
class Blame:
    """The part of a network whose rounding costs most, and what to write in the spec.

    Attributes:
        kind: `inputs`, `weights` or `activations`.
        layer: its name; empty for inputs.
        width: bits of these words.
        cost: its share of the loss, 0 to 1 and more where other parts make up for it.
        remedy: keys of the spec; empty when none is better.
        before, after: what was measured in float, and with the remedy, as text; `before` is empty where it is the
            measure itself.
        enough: whether the remedy leaves a loss of at most `FALL`.
        samples: on which parts and remedies were measured.
        tried: number of remedies that were tried.
    """

    kind: str
    layer: str
    width: int
    cost: float
    remedy: str
    before: str
    after: str
    enough: bool
    samples: int
    tried: int

    def __str__(self) -> str:
        """The layer, the remedy and what it gives, on one line."""
        what = f"the {self.width}-bit {self.kind}" + (f" of layer {self.layer}" if self.layer else "")
        cost, seen = f"{what} cost most ({min(self.cost, 1):.0%} of it)", f"on {self.samples:,} samples"
        if not self.remedy:
            return f"{cost}, {seen}"
        verdict = "is enough" if self.enough else f"is the best of {self.tried} settings tried, and not enough"
        return f"{cost}; {self.remedy} {verdict}: {self.after}{self.before and f', {self.before} in float'}, {seen}"


@dataclass(frozen=True)
class Loss:
    """What hardware lost against the float network.

    Attributes:
        text: as a sentence without its end.
        head: the place of the output with the greatest loss.
    """

    text: str
    head: int = 0


def loss_of(check: "CheckReport") -> Loss | None:
    """What rounding lost: the hardware against the float network that was quantized; None for at most `FALL`.

    Pruning is not counted: a pruned network is quantized as pruning left it. Without labels it is the share of the
    samples whose class changed, or the noise's share of an output's power.
    """
    (name, model), hardware = check.rounded, check.hardware_accuracy
    if model is not None and hardware is not None:
        fall = f"accuracy fell from {model:.1%} ({name}, in float) to {hardware:.1%} (hardware)"
        return Loss(fall) if model - hardware > FALL + TINY else None
    losses = [_lost(head) for head in check.heads]
    worst = max(range(len(losses)), key=losses.__getitem__, default=0)
    if not losses or losses[worst] <= FALL + TINY:
        return None
    head, named = check.heads[worst], f" of output {check.heads[worst].name}" if len(losses) > 1 else ""
    if head.same_class is not None:
        return Loss(f"the class{named} is not {name}'s for {losses[worst]:.1%} of the samples", worst)
    return Loss(f"signal to noise{named} is {head.snr:.1f} dB", worst)


def _lost(head: "HeadFidelity") -> float:
    """The loss of one output, 0 to 1 and more."""
    if head.same_class is not None:
        return 1 - head.same_class
    return 0.0 if head.snr is None else float(10 ** (-head.snr / 10))


def blame(
    network: Network,
    samples: RawSamples,
    spec: QuantizeSpec,
    *,
    head: int = 0,
    count: int | str = "all",
    progress: Progress = silent,
) -> Blame | None:
    """Find the part whose rounding costs most, and try what widens it.

    The parts are rounded one after the other, from the inputs on, and the loss of each is measured. Then the network is
    quantized again with a step for each channel, or with wider words, first of that part and then of all, until the
    loss is at most `FALL`.

    Args:
        samples: with at least one test sample.
        head: the place of the output that is measured without labels.
        count: number of test samples, from the first, that were checked; or `all`.
    Returns: None, where the loss does not show on the samples that are measured.
    """
    from netgen.quantize.partly_rounded import partly_rounded
    from netgen.quantize.read_networks import round_read

    raw, labels = _measured_on(network, samples, count)
    calibration = _spread(samples.calibration, max(MOST_PRODUCTS // max(network.wires, 1) // 4, 8 * FEWEST))
    progress("check: the loss of each layer", 0.0)
    rounded = round_read(network, calibration, spec)
    steps = partly_rounded(rounded, raw)
    _, right = next(steps)
    quality = quality_of(network, right, labels, head)
    best, left, noise = quality.share(right), quality.share(right), 0.0
    costs: list[tuple[float, float, Part]] = []
    for part, values in steps:
        assert part is not None
        share, louder = quality.share(values), quality.noise(values)
        costs.append((left - share, louder - noise, part))
        left, noise = share, louder
    if best <= left:
        return None
    cost, _, part = max(costs, key=lambda one: one[:2])
    entering = rounded.inputs[0].width
    trials, enough = {"": left}, best - min(FALL, (best - left) / 2) - TINY
    for remedy, wider in remedies(network, part, spec, entering, raw):
        progress(f"check: whether {remedy} is enough", 0.0)
        try:
            trials[remedy] = _share_of(network, calibration, wider, raw, quality)
        except QuantizeError:  # sums would pass 60 bits
            continue
        if trials[remedy] >= enough:
            break
    remedy = max(trials, key=trials.__getitem__)
    return Blame(
        kind=part.kind,
        layer=part.layer,
        width=width_of(network, part, spec, entering),
        cost=cost / (best - left),
        remedy=remedy,
        before=quality.text(best) if quality.kind == "accuracy" else "",
        after=quality.text(trials[remedy]),
        enough=trials[remedy] >= enough,
        samples=len(raw),
        tried=len(trials) - 1,
    )


def _measured_on(network: Network, samples: RawSamples, count: int | str) -> tuple[Reals, Any]:
    """Some of the samples that were checked, and their labels."""
    tested = len(samples.test) if count == "all" else min(int(count), len(samples.test))
    products = MOST_PRODUCTS // max(network.wires * len(network.layers), 1)
    most = max(min(MOST_SAMPLES, MOST_VALUES // network.neurons, products), FEWEST)
    raw = _spread(samples.test[:tested], most).reshape(min(tested, most), -1).astype(np.float64)
    return raw, None if samples.labels is None else _spread(samples.labels[:tested], most)


def _spread(rows: Features, most: int) -> Features:
    """At most so many rows, evenly spaced."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _share_of(network: Network, calibration: Features, spec: QuantizeSpec, raw: Reals, quality: OutputQuality) -> float:
    """The share that the circuit of a spec keeps."""
    from netgen.quantize import quantize_read

    circuit = quantize_read(network, calibration, spec).circuit
    return quality.share(decoded(circuit, evaluate(circuit, circuit.encode(raw))))
