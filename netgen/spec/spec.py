"""The spec: what to build, as YAML in and one frozen, fully checked value out.

Whatever changes a result is a key of the spec, seeds included.
"""

import difflib
import json
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, Self, get_args, get_origin

import yaml
from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from netgen.errors import SpecError
from netgen.spec.base import Section
from netgen.spec.search import SearchSpec, kinds_of
from netgen.spec.sections import (
    AugmentSpec,
    CheckSpec,
    DataSpec,
    EmitSpec,
    NetworkSpec,
    PlaceSpec,
    PruneSpec,
    QuantizeSpec,
    TrainSpec,
    per_layer,
)


class Spec(Section):
    """One build."""

    name: str = Field(
        "", pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]*)?$", description="name of the build; by default the file's name"
    )
    seed: int = Field(1, ge=0, lt=2**31, description="seed of everything random")
    data: DataSpec = Field(DataSpec(), description="the data set")
    network: NetworkSpec = Field(NetworkSpec(), description="the network's shape")
    train: TrainSpec = Field(TrainSpec(), description="dense training")
    augment: AugmentSpec = Field(AugmentSpec(), description="distorted copies")
    prune: PruneSpec = Field(PruneSpec(), description="pruning")
    quantize: QuantizeSpec = Field(QuantizeSpec(), description="fixed-point widths")
    place: PlaceSpec = Field(PlaceSpec(), description="placement")
    emit: EmitSpec = Field(EmitSpec(), description="hardware")
    check: CheckSpec = Field(CheckSpec(), description="simulation")
    search: SearchSpec = Field(SearchSpec(), description="search")

    @model_validator(mode="after")
    def _one_width_per_layer(self) -> Self:
        layers = len(self.network.hidden) + 1
        for section, key, what, needed in (
            ("quantize", "weight_width", "widths", layers),
            ("quantize", "weight_digits", "numbers", layers),
            ("quantize", "activation_width", "widths", layers - 1),
            ("prune", "fan_in", "numbers", layers),
        ):
            values = getattr(getattr(self, section), key)
            if isinstance(values, tuple) and len(values) != needed:
                raise ValueError(f"{section}.{key}: {len(values)} {what} for {needed} layers; give one for each")
        return self

    @model_validator(mode="after")
    def _rounding_has_a_scale(self) -> Self:
        if self.quantize.from_start and not self.network.batch_norm:
            raise ValueError("quantize.from_start: true needs network.batch_norm, which gives sums their scale")
        return self

    @model_validator(mode="after")
    def _ranges_fit(self) -> Self:
        ranges = self.search.ranges
        if not ranges:
            return self
        for key, values in ranges.items():
            takes = kinds_of(Spec, key)
            if values.choices is None and not takes & {int, float}:
                raise ValueError(f"search.ranges.{key}: takes no numbers; give choices")
            for value in values.choices or (values.low, values.high):
                _raise_if_unfit(self.with_values({key: value}), key)
            if values.step is not None and float not in takes and not float(values.step).is_integer():
                raise ValueError(f"search.ranges.{key}: step {values.step}; whole numbers need a whole step")
        first = {key: values.choices[0] if values.choices else values.low for key, values in ranges.items()}
        _raise_if_unfit(self.with_values(first), None)  # keys that exclude each other
        return self

    @model_serializer(mode="wrap")
    def _without_idle_search(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave a search out where there is none, so that plain specs read, and builds are known, as ever."""
        tree: dict[str, Any] = dump(self)
        if self.search == SearchSpec():
            tree.pop("search", None)
        return tree

    def with_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The tree of this spec without its search, some dotted keys replaced; `parse_tree` checks it."""
        tree: dict[str, Any] = self.model_dump(mode="json", exclude={"search"})
        for key, value in values.items():
            section, inner = key.split(".")
            tree[section][inner] = value
        return tree

    def to_yaml(self) -> str:
        """YAML text with every key spelled out, those of a search where there is one; `parse_spec` reads it back."""
        text: str = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
        return text

    @property
    def weight_widths(self) -> tuple[int, ...]:
        """Weight width of each layer."""
        return per_layer(self.quantize.weight_width, len(self.network.hidden) + 1)

    @property
    def weight_digits(self) -> tuple[int | None, ...]:
        """The most signed digits of each layer's weights; None for any number."""
        return per_layer(self.quantize.weight_digits, len(self.network.hidden) + 1)

    @property
    def activation_widths(self) -> tuple[int, ...]:
        """Width of each hidden layer's results."""
        return per_layer(self.quantize.activation_width, len(self.network.hidden))


def _raise_if_unfit(tree: dict[str, Any], key: str | None) -> None:
    """Raise ValueError when a tree is no spec because of one key's value, or, where none is named, at all."""
    try:
        Spec.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        place = tuple((key or "").split("."))
        if key is None or any(found["loc"][: len(place)] == place for found in error.errors()):
            raise ValueError(f"search.ranges.{_first_line(error)}") from error


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which also refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise SpecError(f"line {key.start_mark.line + 1}: key {key.value!r} stands twice; remove one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(  # 1e-4 is a number, as in YAML 1.2; PyYAML's YAML 1.1 takes it for text
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$"), list("-+.0123456789")
)


def load_spec(path: Path) -> Spec:
    """Read and check a spec file.

    Raises: SpecError, one line with the file, the key, the value found and the fix.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SpecError(f"{path}: {reason}; give the path of a spec (netgen init writes one)") from error
    try:
        spec = parse_spec(text)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error
    return spec if spec.name else spec.model_copy(update={"name": path.stem})


def parse_spec(text: str) -> Spec:
    """Check the YAML text of a spec.

    Raises: SpecError, one line with the key, the value found and the fix.
    """
    try:
        tree = yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SpecError(f"{place}{getattr(error, 'problem', None) or 'not YAML'}; mend the YAML") from error
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
    except (TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise SpecError(f"{error}; use plain numbers, text, lists and mappings") from error
        raise SpecError(_first_line(error)) from error


def _first_line(error: ValidationError) -> str:
    """The first finding of pydantic as `key: value; fix`."""
    found = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    keys = [str(k) for k in found["loc"]]
    section: type[Section] | None = Spec
    place = []
    each: type[Section] | None = None  # of a mapping: what stands under a key that the user chose
    for key in keys:
        if each is not None:
            place.append(key)
            section, each = each, None
            continue
        field = section.model_fields.get(key) if section else None
        if section and field is None and found["type"] != "extra_forbidden":
            break  # pydantic goes on to name the branch of a union; the user wrote no such key
        if section is None and not key.isdigit():
            break
        place.append(key)
        if field is None and found["type"] == "extra_forbidden" and section:
            close = difflib.get_close_matches(key, section.model_fields, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(section.model_fields)}"
            return f"{'.'.join(place)}: unknown key; {hint}"
        kind = field.annotation if field else None
        each = get_args(kind)[1] if get_origin(kind) is dict else None
        section = kind if isinstance(kind, type) and issubclass(kind, Section) else None
    if found["type"] == "value_error":
        reason = found["msg"].removeprefix("Value error, ")
        return f"{'.'.join(place)}: {reason}" if place else reason
    value = json.dumps(found["input"])
    fixes = [
        f["msg"][0].lower() + f["msg"][1:]
        for f in error.errors()
        if f["loc"][: len(place)] == found["loc"][: len(place)]
    ]
    return f"{'.'.join(place)}: {value}; {', or '.join(dict.fromkeys(fixes))}"
