"""The spec of a build: read from YAML, checked, frozen.

Everything that changes a result is a key of the spec, seeds included.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from netgen.errors import SpecError
from netgen.spec.base import Section
from netgen.spec.document import LIMIT, dump_yaml, parse_yaml
from netgen.spec.hardware import CheckSpec, EmitSpec, PlaceSpec
from netgen.spec.message import first_line, one_line
from netgen.spec.network import NetworkSpec
from netgen.spec.search import SearchSpec, kinds_of
from netgen.spec.sections import AugmentSpec, DataSpec, PruneSpec, QuantizeSpec, TrainSpec, per_layer
from netgen.text import read_text, shown

NAME_FIX = "use up to 64 letters, digits, spaces, '_', '-' and '.', beginning with a letter, a digit or '_'"


def is_name(text: str) -> bool:
    """Whether text can name a build: its folder, and the files of a search."""
    return re.fullmatch(r"\w[\w. -]{0,63}", text) is not None and text == text.rstrip(" .")


class Spec(Section):
    """Name and seed of a build; all other keys stand in sections."""

    name: str = Field("", description="name of the build and of its folder; by default the file's name")
    seed: int = Field(
        1, ge=0, le=2**31 - 1, description="seed of all random numbers: splits, initial weights, batches, placement"
    )
    data: DataSpec = Field(DataSpec(), description="the data set")
    network: NetworkSpec = Field(NetworkSpec(), description="the network's shape")
    train: TrainSpec = Field(TrainSpec(), description="training of the dense network")
    augment: AugmentSpec = Field(AugmentSpec(), description="distorted copies of the training images")
    prune: PruneSpec = Field(PruneSpec(), description="pruning")
    quantize: QuantizeSpec = Field(QuantizeSpec(), description="fixed-point formats")
    place: PlaceSpec = Field(PlaceSpec(), description="placement")
    emit: EmitSpec = Field(EmitSpec(), description="hardware description")
    check: CheckSpec = Field(CheckSpec(), description="simulation of the hardware")
    search: SearchSpec = Field(SearchSpec(), description="search for short wires and high accuracy")

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if name and not is_name(name):
            raise ValueError(f"{shown(name)} cannot name a build; {NAME_FIX}")
        return name

    @model_validator(mode="after")
    def _one_width_per_layer(self) -> Self:
        if self.network.reads_graph:
            return self  # how many layers it has is known when it is read
        layers = len(self.network.hidden) + 1
        for section, key, what, needed in (
            ("quantize", "weight_width", "widths", layers),
            ("quantize", "weight_digits", "numbers", layers),
            ("quantize", "activation_width", "widths", layers - 1),
            ("prune", "fan_in", "numbers", layers),
        ):
            values = getattr(getattr(self, section), key)
            if isinstance(values, dict):
                fix = "give one width, or one for each layer"
                raise ValueError(f"{section}.{key}: widths by name are for networks that are read; {fix}")
            if isinstance(values, tuple) and len(values) != needed:
                raise ValueError(f"{section}.{key}: {len(values)} {what} for {needed} layers; give one for each")
        return self

    @model_validator(mode="after")
    def _rounding_has_a_scale(self) -> Self:
        if self.quantize.from_start and not self.network.batch_norm:
            raise ValueError("quantize.from_start: true needs network.batch_norm, which gives sums their scale")
        return self

    @model_validator(mode="after")
    def _given_samples_need_a_network(self) -> Self:
        if self.data.source == "given" and self.network.source is None:
            raise ValueError("data.source: given is for networks that are read; set network.source, or name the data")
        return self

    @model_validator(mode="after")
    def _networks_that_are_read_stay_as_they_are(self) -> Self:
        if not self.network.reads_graph:
            if self.quantize.fine_tune != "none":
                raise ValueError(
                    "quantize.fine_tune: is for network.source and network.layers; a perceptron is fine-tuned for "
                    "quantize.epochs; set fine_tune to none"
                )
            return self
        if self.network.tables is not None:
            if not self.data.thresholds:
                raise ValueError("data.thresholds: network.tables read bits; give thresholds, such as [0.5]")
            if self.quantize.fine_tune != "none":
                raise ValueError("quantize.fine_tune: network.tables have no weights; set fine_tune to none")
            return self
        if self.data.thresholds:
            what = "network.layers read" if self.network.layers else "a network that is read reads"
            raise ValueError(f"data.thresholds: {what} numbers, not bits; set thresholds to []")
        if self.search.ranges and self.network.source is not None:
            raise ValueError("search.ranges: a network that is read is not searched; remove network.source or ranges")
        return self

    @model_validator(mode="after")
    def _ranges_fit(self) -> Self:
        ranges = self.search.ranges
        if not ranges:
            return self
        for key, values in ranges.items():
            kinds = kinds_of(Spec, key)
            if values.choices is None and not kinds & {int, float}:
                raise ValueError(f"search.ranges.{key}: accepts no numbers; give choices")
            for value in values.choices or (values.low, values.high):
                _raise_if_unfit(self.with_values({key: value}), key)
            if values.step is not None and float not in kinds and not float(values.step).is_integer():
                raise ValueError(f"search.ranges.{key}: step {values.step}; whole numbers need a whole step")
        first = {key: values.choices[0] if values.choices else values.low for key, values in ranges.items()}
        _raise_if_unfit(self.with_values(first), None)  # keys that exclude each other
        return self

    @model_serializer(mode="wrap")
    def _without_idle_search(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out a search without ranges, so that a spec reads the same with and without netgen's search."""
        tree: dict[str, Any] = dump(self)
        if self.search == SearchSpec():
            tree.pop("search", None)
        return tree

    def with_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The tree of plain values of this spec, without its search and with some dotted keys replaced, unchecked."""
        tree: dict[str, Any] = self.model_dump(mode="json", exclude={"search"})
        for key, value in values.items():
            section, inner = key.split(".")
            tree[section][inner] = value
        return tree

    def to_yaml(self) -> str:
        """YAML text with every key spelled out, from which `parse_spec` makes an equal spec."""
        return dump_yaml(self.model_dump(mode="json"))

    @property
    def weight_widths(self) -> tuple[int, ...]:
        """Weight width of each layer."""
        widths = self.quantize.weight_width
        assert not isinstance(widths, dict)
        return per_layer(widths, len(self.network.hidden) + 1)

    @property
    def weight_digits(self) -> tuple[int | None, ...]:
        """Greatest number of signed digits of the weights of each layer; None for no limit."""
        return per_layer(self.quantize.weight_digits, len(self.network.hidden) + 1)

    @property
    def activation_widths(self) -> tuple[int, ...]:
        """Width of the results of each hidden layer."""
        widths = self.quantize.activation_width
        assert not isinstance(widths, dict)
        return per_layer(widths, len(self.network.hidden))


def _raise_if_unfit(tree: dict[str, Any], key: str | None) -> None:
    """Raise a ValueError when a tree is no valid spec: because of the value of one key, or, if it is None, at all."""
    try:
        Spec.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        place = tuple((key or "").split("."))
        if key is None or any(found["loc"][: len(place)] == place for found in error.errors()):
            raise ValueError(f"search.ranges.{first_line(error, Spec)}") from error


def load_spec(path: Path) -> Spec:
    """Read and check a spec file; a spec without a name gets the file's name without its ending.

    Raises: SpecError, one line with the file, the key, the value found and the fix.
    """
    place = one_line(str(path))
    text = read_text(path, SpecError, limit=LIMIT, fix="give the path of a spec (netgen init writes one)")
    try:
        spec = parse_spec(text)
    except SpecError as error:
        raise SpecError(f"{place}: {error}") from error
    if spec.name:
        return spec
    if not is_name(path.stem):
        raise SpecError(f"{place}: the file's name cannot name a build: {NAME_FIX}; rename the file or set name")
    return spec.model_copy(update={"name": path.stem})


def parse_spec(text: str) -> Spec:
    """Check the YAML text of a spec.

    Raises: SpecError, one line with the key, the value found and the fix.
    """
    tree = parse_yaml(text)
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise SpecError(f"the file holds a {type(tree).__name__}; a spec is a mapping of keys (netgen init writes one)")
    return parse_tree(tree)


def parse_tree(tree: dict[str, Any]) -> Spec:
    """Check a spec that is already a tree of plain values.

    Raises: SpecError, one line with the key, the value found and the fix.
    """
    try:
        return Spec.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        raise SpecError(first_line(error, Spec)) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError(one_line(f"{error}; use plain numbers, text, lists and mappings")) from error
