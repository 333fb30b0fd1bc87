"""The sections of a spec about data and learning: each key with its type, its default and its meaning.

Keys are documented here, in `network`, `hardware` and `search`, and nowhere else; the reference page, the JSON Schema
and the commented starting spec are generated from these classes.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from netgen.spec.base import Epochs, FilePath, Moves, PositiveInt, Real, Section, Share, SmallCount

Width = Annotated[int, Field(ge=1, le=16)]
LayerWidths = (
    Width | Annotated[tuple[Width, ...], Field(min_length=1)] | Annotated[dict[str, Width], Field(min_length=1)]
)
Digits = Annotated[int, Field(ge=1, le=8)]

Setting = TypeVar("Setting")


def per_layer(values: Setting | tuple[Setting, ...], layers: int) -> tuple[Setting, ...]:
    """One value for each layer: the given ones, or the given one for every layer."""
    return values if isinstance(values, tuple) else (values,) * layers


class DataSpec(Section):
    """The data set and its three splits: training, validation and test."""

    source: Literal["digits", "idx", "npz", "csv", "given"] = Field(
        "digits",
        description="format of the data: digits, the 1,797 images of 8x8 pixels that come with scikit-learn; idx, a "
        "folder with the four files of MNIST, plain or .gz; npz, arrays x_train, y_train, x_test, y_test, or x and y; "
        "csv, a table with one sample a line, all columns but the label numbers; the distinct labels are numbered as "
        "classes, in ascending order; given, the arrays that a Python program gave to netgen.compile, or none at all",
    )
    path: FilePath | None = Field(
        None,
        description="file or folder, relative to the folder of the spec or, if nothing is there, to NETGEN_DATA; null "
        "for digits",
    )
    label: str | None = Field(
        None, max_length=1_000, description="csv: name of the label column in the first line; null for the last column"
    )
    scale: Literal["global", "feature"] = Field(
        "global",
        description="features are divided by a power of two that brings them below 1 in magnitude: one power for all "
        "features (global), as for pixels, or one for each (feature), as for the columns of a table",
    )
    thresholds: tuple[Share, ...] = Field(
        (),
        max_length=256,
        description="replace each scaled feature by one bit for each threshold, 1 where the feature is at least the "
        "threshold: one threshold makes images black and white, more make a thermometer code; [] for none",
    )
    validation: Share = Field(
        0.1,
        description="share of the training samples that is held out to measure validation accuracy, which pruning, bit "
        "allocation and the search aim at",
    )
    test: Share = Field(
        0.2, description="share of all samples that is held out as test data, if the source has no test data of its own"
    )

    @model_validator(mode="after")
    def _fits_the_source(self) -> Self:
        if (self.source in {"digits", "given"}) != (self.path is None):
            verb = "needs a" if self.path is None else "has no"
            raise ValueError(f"source {self.source} {verb} path")
        if any(a >= b for a, b in pairwise(self.thresholds)):
            raise ValueError(f"thresholds {list(self.thresholds)} do not rise; write each once, in ascending order")
        return self


class TrainSpec(Section):
    """Training with Adam; the learning rate is constant, and decays linearly in the retraining after pruning."""

    epochs: Epochs = Field(10, description="passes over the training data")
    batch_size: PositiveInt = Field(128, description="samples per step")
    learning_rate: float = Field(0.001, gt=0, le=100, description="Adam's learning rate")
    weight_decay: float = Field(0.00003, ge=0, le=1_000, description="L2 penalty in the gradient")
    label_smoothing: float = Field(0.05, ge=0, lt=1, description="share of each label spread over all classes")
    regularizer: Literal["none", "l1", "l2", "distance", "distance_l2", "toggles"] = Field(
        "none",
        description="penalty of the weights during pruning: l1 |w|, l2 w^2 / 2, distance |w| d^p with d the Manhattan "
        "length of the wire in the current placement (Blake et al. 2018), distance_l2 w^2 d^p / 2, toggles |w| d^p t "
        "with t the bits of the wire's signal that change from one training sample to the next, in random order, "
        "relative to their mean: for little energy; pruning rules and placements then weigh lengths by t too",
    )
    strength: float = Field(0.0, ge=0, le=1_000_000, description="lambda, the factor of the penalty")
    strength_schedule: Literal["steady", "rising", "falling"] = Field(
        "steady",
        description="lambda over the rounds: constant, rising from 0 to 2 lambda, or falling from 2 lambda to 0",
    )
    reweight_at: PositiveInt | None = Field(
        None,
        description="at or below this many wires, use a reweighted penalty: wires with high saliency per unit of "
        "length are penalized less, with a mean factor of 1 (after reweighted l1, Candes, Wakin and Boyd 2008); null "
        "for never",
    )
    distance_power: float = Field(1.0, ge=0, le=4, description="p, the power of the distance in the penalty")
    gate_strength: float = Field(
        0.1,
        ge=0,
        le=1_000_000,
        description="network.layers with gate or exit: what it adds to the loss, in nats, to compute all wires for a "
        "sample; gates learn to save this where it is more than the loss that they would add",
    )
    gate_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="network.layers with gate or exit: share of the training samples for which each gate is on; gates "
        "then learn which samples these are, and gate_strength has no effect; null for those that pay gate_strength",
    )
    gate_exploration: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="network.layers with gate or exit: share of the training samples for which each gate decides the "
        "other way than its sum says, so that both sides learn from all samples",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="device that trains; auto uses a GPU if there is one"
    )

    @property
    def by_distance(self) -> bool:
        """Whether the penalty needs a placement."""
        return self.regularizer in {"distance", "distance_l2", "toggles"}


class AugmentSpec(Section):
    """Distorted copies of square images, in addition to the images; each epoch uses one copy, in turn."""

    copies: int = Field(
        0, ge=0, le=100, description="number of copies; 0 for none. Each needs one byte for each pixel of each image"
    )
    shift: float = Field(1.5, ge=0, le=1_000, description="greatest shift along each axis, in pixels")
    rotate: float = Field(10.0, ge=0, le=180, description="greatest rotation, in degrees")
    zoom: float = Field(0.1, ge=0, lt=1, description="greatest change of size, as a share of the size")
    shear: float = Field(0.1, ge=0, lt=1, description="greatest horizontal shear, as a share of the height")
    warp: float = Field(
        0.7, ge=0, le=1_000, description="standard deviation of the displacements of an elastic warp, in pixels"
    )
    mirror: bool = Field(False, description="whether every image is mirrored left to right with probability 1/2")


class PruneSpec(Section):
    """Prune, place and train in rounds: to a sparsity, a number or length of wires, or as far as accuracy holds."""

    rule: Literal[
        "none",
        "magnitude",
        "nested_rank",
        "nested_rank_distance",
        "distance_magnitude",
        "obd",
        "obd_distance",
        "obs",
        "obs_distance",
    ] = Field(
        "magnitude",
        description="which weights are removed first: magnitude, the least |w|; nested_rank, the longest wires among "
        "the least |w|; nested_rank_distance, the least |w| among the longest wires (Blake et al. 2018, our reading); "
        "distance_magnitude, the least |w| / d^g; obd, the least w^2 h / 2 with h the second derivative of the loss "
        "(Optimal Brain Damage); obd_distance, the least w^2 h / (2 d^g); obs and obs_distance, the same with the "
        "other weights of the neuron adjusted optimally (Optimal Brain Surgeon), at or below place_at wires",
    )
    scope: Literal["global", "layer"] = Field("global", description="one threshold for all layers, or one for each")
    schedule: Literal["one_shot", "iterative", "gradual"] = Field(
        "iterative", description="one_shot prunes once, iterative once a round, gradual several times a round"
    )
    sparsity: Share | None = Field(0.9, description="share of the weights to remove; null for another target")
    accuracy: Share | None = Field(
        None, description="keep the sparsest network with at least this validation accuracy; null for another target"
    )
    wires: PositiveInt | None = Field(None, description="weights to keep; null for another target")
    wire_length: PositiveInt | None = Field(
        None, description="total wire length to keep, in the current placement; null for another target"
    )
    fan_in: PositiveInt | tuple[PositiveInt, ...] | None = Field(
        None,
        description="weights of each neuron to keep: one number, or one for each layer; null for another target",
    )
    rounds: SmallCount = Field(10, description="rounds of pruning and training; with accuracy, at most")
    epochs: SmallCount = Field(1, description="epochs of training in each round")
    steps: SmallCount = Field(4, description="prunings in each round of the gradual schedule")
    retrain: Epochs = Field(10, description="epochs of retraining after the last round")
    average_at: PositiveInt | None = Field(
        None,
        description="at or below this many wires, rank weights by their mean over the steps since the last pruning, "
        "instead of their values after the last step; null for never",
    )
    distance_power: float = Field(1.0, ge=0, le=4, description="g, the power of the distance in the rule")
    regrow: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the wires that are regrown at each pruning, those with the largest gradient per unit of "
        "length (after RigL)",
    )
    untie_at: PositiveInt = Field(
        100_000, description="at or below this many wires, every use of a weight of a convolution has its own weight"
    )
    place_at: PositiveInt = Field(20_000, description="at or below this many wires, place the network in every round")
    place_moves: Moves = Field(300_000, description="moves of each placement; the first has ten times as many")
    place_share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share of the wires, the most salient, that have full weight in these placements; the weight of "
        "the others is proportional to the root of their saliency, since they will probably be pruned; null for equal "
        "weights",
    )
    gated_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="network.layers with gate or exit: share of the target, in the mean over samples, for wires that "
        "gates switch off; the others are pruned to the rest of it; null lets saliency decide",
    )
    distill: float = Field(
        0.0, ge=0, le=1, description="share of the distillation loss, with the dense network as teacher (Hinton et al.)"
    )
    temperature: float = Field(2.0, ge=0.001, le=1_000_000, description="temperature of the distillation loss")

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        targets = [self.sparsity, self.accuracy, self.wires, self.wire_length, self.fan_in]
        if self.rule != "none" and sum(target is not None for target in targets) != 1:
            raise ValueError("give one of sparsity, accuracy, wires, wire_length, fan_in; set the others to null")
        if self.fan_in is not None and self.regrow:
            raise ValueError("fan_in excludes regrowth; set regrow to 0")
        if self.schedule == "one_shot" and (self.rounds != 1 or self.accuracy is not None):
            raise ValueError("schedule one_shot prunes once, to a fixed target; set rounds to 1 and accuracy to null")
        return self

    @property
    def joint(self) -> bool:
        """Whether the rule or the target uses wire lengths."""
        return self.wire_length is not None or "distance" in self.rule or self.rule == "nested_rank"


class QuantizeSpec(Section):
    """Fixed point with power-of-two steps; fine-tuned with exact quantized forward passes."""

    input_width: Width = Field(
        8,
        description="bits of each input word; with network.source and 8, more where raw values of up to 16 bits are "
        "exact, or fewer where they need fewer",
    )
    weight_width: LayerWidths = Field(
        6,
        description="bits of the weights, signed: one width, or one for each layer; with network.source also by name, "
        "such as {conv1: 10, others: 6}; others is 8 when left out",
    )
    weight_digits: Digits | Annotated[tuple[Digits, ...], Field(min_length=1)] | None = Field(
        None,
        description="greatest number of signed digits of a weight: one number, or one for each layer; 1 makes weights "
        "powers of two, and ternary with a width of 2; null for no limit",
    )
    activation_width: LayerWidths = Field(
        6,
        description="bits of hidden results: one width, or one for each hidden layer; with network.source one for each "
        "layer, or by name",
    )
    accuracy: Share | None = Field(
        None,
        description="bit allocation: after fine-tuning, remove signed digits from weights, first those whose removal "
        "raises the loss least for the look-up tables and wire length it saves, as long as validation accuracy is at "
        "least this; null for none",
    )
    rounds: SmallCount = Field(
        20, description="most rounds of bit allocation; each removes a tenth of the digits and trains an epoch"
    )
    formats: Literal["error", "minmax", "percentile"] = Field(
        "error",
        description="network.source: binary points by the least squared error of values, by their greatest magnitude, "
        "or by that of all but one in 10,000",
    )
    input_range: tuple[Real, Real] | None = Field(
        None,
        description="network.source: least and greatest raw value of the inputs, from which their format of "
        "input_width bits follows; needed where no samples are given; null for a format by the samples",
    )
    per_channel: bool = Field(
        False, description="network.source: a step of weights for each neuron, instead of one for each layer"
    )
    bias_correction: bool = Field(
        True, description="network.source: correct biases for the mean error that rounding the weights causes"
    )
    equalize: bool = Field(
        False,
        description="network.source: scale channels by powers of two so that those of a layer share a step with less "
        "error, and weights have a step for each channel; the float network computes the same, bit for bit",
    )
    requantize: Literal["exact", "shift"] = Field(
        "exact",
        description="network.source: exact keeps the integers of a network that arrives quantized, bit for bit; shift "
        "calibrates it anew with steps that are powers of two, which is cheaper, but another function",
    )
    from_start: bool = Field(
        False,
        description="whether hidden results are rounded from the first epoch on, to steps of 2^(1 - width) after batch "
        "normalization, rather than only in fine-tuning; needed for widths of 1 or 2 bits",
    )
    fine_tune: Literal["none", "labels", "outputs"] = Field(
        "none",
        description="network.source and network.layers: none keeps the weights of the network; labels fine-tunes them "
        "under the formats, by the training samples and their labels, for epochs; outputs does so against the "
        "network's own outputs in float, and needs no labels; train.batch_size and weight_decay count",
    )
    epochs: Epochs = Field(
        8, description="epochs of quantization-aware fine-tuning; with network.source only if fine_tune is set"
    )
    learning_rate: float = Field(0.0005, gt=0, le=100, description="Adam's learning rate at the start of fine-tuning")

    @property
    def widest_activation(self) -> int:
        """The greatest of the widths of hidden results."""
        widths = self.activation_width
        given = widths.values() if isinstance(widths, dict) else widths if isinstance(widths, tuple) else (widths,)
        return max(given)

    @field_validator("input_range")
    @classmethod
    def _rises(cls, ends: tuple[float, float] | None) -> tuple[float, float] | None:
        if ends is not None and ends[0] >= ends[1]:
            raise ValueError(f"{ends[0]} is not below {ends[1]}; give the least value first")
        return ends
