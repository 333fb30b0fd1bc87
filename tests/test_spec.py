import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from netgen.errors import SpecError
from netgen.spec.board import faces_of
from netgen.spec.reference import reference, schema, starter
from netgen.spec.search import kinds_of
from netgen.spec.spec import Spec, load_spec, parse_spec

BAD = [
    ("train: {epoch: 3}", "train.epoch: unknown key; did you mean epochs?"),
    ("trian: {epochs: 3}", "trian: unknown key; did you mean train?"),
    (
        "bogus: 3",
        "bogus: unknown key; known here: name, seed, data, network, train, augment, prune, quantize, place, emit, "
        "check, search",
    ),
    ("train: {epochs: ten}", 'train.epochs: "ten"; give a whole number'),
    ("train: {epochs: true}", "train.epochs: true; give a whole number"),
    ("train: {epochs: -1}", "train.epochs: -1; give 0 or more"),
    (
        "place: {grid: [3, 3, 0]}",
        "place.grid: [3, 3, 0]; give 1 or more",
    ),
    (
        "place: {inputs: q7}",
        "place.inputs: \"q7\"; use 'free', or use 'x0', 'x1', 'y0', 'y1', 'z0' or 'z1'",
    ),
    ("data: {source: idx}", "data: source idx needs a path"),
    ("data: {path: x}", "data: source digits has no path"),
    (
        "quantize: {weight_width: 0}",
        "quantize.weight_width: 0; give 1 or more",
    ),
    ("quantize: {weight_width: [6, 6]}", "quantize.weight_width: 2 widths for 3 layers; give one for each"),
    (
        "quantize: {activation_width: {fc1: 6}}",
        "quantize.activation_width: widths by name are for networks that are read; give one width, or one for each "
        "layer",
    ),
    (
        "prune: {accuracy: 0.9}",
        "prune: give one of sparsity, accuracy, wires, wire_length, fan_in; set the others to null",
    ),
    ("prune: {sparsity: .nan}", "prune.sparsity: NaN; give a finite number"),
    ("prune: 3", "prune: 3; give a mapping of keys to values"),
    ("search: {trial: 3}", "search.trial: unknown key; did you mean trials?"),
    ("search: {accuracy: 1}", "search.accuracy: 1; give less than 1"),
    (
        "search: {ranges: {train.learning_rat: {low: 1, high: 2}}}",
        "search.ranges.train.learning_rat: unknown key; did you mean train.learning_rate?",
    ),
    (
        "search: {ranges: {train.epochs: {lo: 1, high: 3}}}",
        "search.ranges.train.epochs.lo: unknown key; did you mean low?",
    ),
    (
        "search: {ranges: {train.learning_rate: {low: 3, high: 2}}}",
        "search.ranges.train.learning_rate: low 3 is above high 2; swap them",
    ),
    (
        "search: {ranges: {train.learning_rate: {low: 0, high: 2}}}",
        "search.ranges.train.learning_rate: 0; give more than 0",
    ),
    (
        "search: {ranges: {prune.sparsity: {low: 0.5, high: 1.5}}}",
        "search.ranges.prune.sparsity: 1.5; give less than 1",
    ),
    (
        "search: {ranges: {prune.accuracy: {low: 0.5, high: 0.9}}}",
        "search.ranges.prune: give one of sparsity, accuracy, wires, wire_length, fan_in; set the others to null",
    ),
    (
        "search: {ranges: {train.epochs: {low: 1.5, high: 3}}}",
        "search.ranges.train.epochs: 1.5; give a whole number",
    ),
    (
        "search: {ranges: {train.epochs: {low: 1, high: 3, step: 0.5}}}",
        "search.ranges.train.epochs: step 0.5; whole numbers need a whole step",
    ),
    ("search: {ranges: {train.epochs: 3}}", "search.ranges.train.epochs: 3; give a mapping of keys to values"),
    ("search: {ranges: {train.epochs: {low: 1}}}", "search.ranges.train.epochs: high is missing; give both ends"),
    (
        "search: {ranges: {train.epochs: {}}}",
        "search.ranges.train.epochs: give low and high (and log or step), or choices",
    ),
    (
        "search: {ranges: {train.epochs: {low: 1, high: 3, choices: [2]}}}",
        "search.ranges.train.epochs: give low and high (and log or step), or choices",
    ),
    (
        "search: {ranges: {train.epochs: {choices: [1, 1]}}}",
        "search.ranges.train.epochs: choices: 1 stands twice; remove one",
    ),
    (
        "search: {ranges: {network.hidden: {choices: [[3], [0]]}}}",
        "search.ranges.network.hidden.0: 0; give 1 or more",
    ),
    (
        "search: {ranges: {network.hidden: {low: 1, high: 3}}}",
        "search.ranges.network.hidden: accepts no numbers; give choices",
    ),
    (
        "search: {ranges: {train.weight_decay: {low: 0, high: 0.2, log: true}}}",
        "search.ranges.train.weight_decay: low 0 has no magnitude; with log it must be above 0",
    ),
    (
        "search: {ranges: {train.learning_rate: {low: 0.1, high: 0.2, log: true, step: 0.1}}}",
        "search.ranges.train.learning_rate: step 0.1 and log exclude each other; remove one",
    ),
    (
        "emit: {sharing: all}",
        "emit.sharing: \"all\"; use 'none', 'csd', 'shared', 'local' or 'alkaid'",
    ),
    (
        "emit: {pipeline: 3}",
        "emit.pipeline: 3; use 'none', 'layer', 'levels' or 'cycles'",
    ),
    ("emit: {pipeline: levels, steps: 0}", "emit.steps: 0; give 1 or more"),
    (
        "name: ../x",
        "name: '../x' cannot name a build; use up to 64 letters, digits, spaces, '_', '-' and '.', beginning with a "
        "letter, a digit or '_'",
    ),
    ("a: [", "line 1, column 5: did not find expected node content; correct the YAML"),
    ("seed: 1\nseed: 2", "line 2: key 'seed' stands twice; remove one"),
    ("- 3", "the file holds a list; a spec is a mapping of keys (netgen init writes one)"),
    ("seed: 2020-01-01", 'seed: "2020-01-01"; give a whole number'),
]


def _numbers(tree: object, path: str = "") -> Iterator[tuple[str, dict[str, object]]]:
    """(place, node) of every number in a JSON Schema."""
    if isinstance(tree, dict):
        if tree.get("type") in {"integer", "number"}:
            yield path, tree
        for key, part in tree.items():
            yield from _numbers(part, f"{path}.{key}")
    elif isinstance(tree, list):
        for part in tree:
            yield from _numbers(part, path)


def test_every_number_of_a_spec_has_a_least_and_a_greatest_value() -> None:
    """Those of a search's ranges are held to the limits of their key."""
    numbers = [(path, node) for path, node in _numbers(json.loads(schema())) if ".Range." not in path]
    assert len(numbers) > 60
    for path, node in numbers:
        assert {"minimum", "exclusiveMinimum"} & node.keys(), path
        assert {"maximum", "exclusiveMaximum"} & node.keys(), path


HUGE = [
    ("network: {hidden: [1000000000000]}", "network.hidden.0: 1000000000000; give 65536 or less"),
    ("network: {hidden: [1e30]}", "network.hidden.0: 1e+30; give a whole number"),
    ("network: {hidden: [65536, 65536]}", "network.hidden: 65,536 x 65,536 weights between two layers; give at most"),
    ("place: {grid: [1180591620717411303424, 1, 1]}", "place.grid: [1180591620717411303424, 1, 1]; give "),
    ("place: {grid: [10000, 10000, 10000]}", "place.grid: [10000, 10000, 10000] has 1,000,000,000,000 sites; give"),
    ("place: {blocked: [[1180591620717411303424, 0, 0]]}", "place.blocked.0.0: 1180591620717411303424; give "),
    ("place: {blocked: [[-1, 0, 0]]}", "place.blocked.0.0: -1; give 0 or more"),
    ("place: {moves: 1180591620717411303424}", "place.moves: 1180591620717411303424; give 1000000000000 or less"),
    ("place: {pitch: [1, 1, 1180591620717411303424]}", "place.pitch.2: 1180591620717411303424; give 1000000 or less"),
    ("data: {source: csv, path: ''}", 'data.path: ""; give some text'),
    ('data: {source: csv, path: "a\\nb"}', 'data.path: "a\\nb"; remove control characters'),
    ('network: {weights: "a\\0b"}', 'network.weights: "a\\u0000b"; remove control characters'),
]


@pytest.mark.parametrize(("text", "message"), HUGE, ids=[text for text, _ in HUGE])
def test_what_no_machine_can_hold_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()


def test_a_long_key_that_no_search_may_vary_is_shortened() -> None:
    with pytest.raises(SpecError, match=rf"^search\.ranges\.{'a' * 97}\.\.\.: unknown key; "):
        parse_spec(f"search: {{ranges: {{{'a' * 900}: {{low: 0.1, high: 0.2}}}}}}")


@pytest.mark.parametrize("key", ["seed", "data.validation", "check.samples", "search.trials"])
def test_a_key_that_no_search_may_vary_is_refused_in_one_line(key: str) -> None:
    with pytest.raises(SpecError, match=rf"^search\.ranges\.{key}: unknown key; keys of network, train, .* searched$"):
        parse_spec(f"search: {{ranges: {{{key}: {{low: 1, high: 2}}}}}}")


@pytest.mark.parametrize(("text", "message"), BAD, ids=[text for text, _ in BAD])
def test_a_bad_spec_is_refused_in_one_line_with_place_value_and_fix(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert str(caught.value) == message


def test_an_unknown_key_that_is_long_is_shortened_and_the_reason_is_not() -> None:
    with pytest.raises(SpecError, match=r"^prune\.a{57}\.\.\.: unknown key; known here: rule, scope, "):
        parse_spec(f"prune: {{{'a' * 800}: 1}}")


def test_a_spec_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml: No such file or directory; give the path of a spec"):
        load_spec(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff")
    with pytest.raises(SpecError, match=r"binary\.yaml: line 1: byte 0xff is not UTF-8 text"):
        load_spec(tmp_path / "binary.yaml")


def test_a_spec_is_named_after_its_file_unless_it_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("seed: 3")
    (tmp_path / "two.yaml").write_text("name: other")
    (tmp_path / "größe 2.yaml").write_text("seed: 3")
    (tmp_path / "-q.yaml").write_text("name: three")
    assert load_spec(tmp_path / "one.yaml").name == "one"
    assert load_spec(tmp_path / "two.yaml").name == "other"
    assert load_spec(tmp_path / "größe 2.yaml").name == "größe 2"
    assert load_spec(tmp_path / "-q.yaml").name == "three"


BAD_NAMES = ["..", ".", ".hidden", "-q", "a/b", "a\\b", "a\nb", "a\tb", "a.", "a ", "x" * 65, "a'b", "a*b", "\u202ea"]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_that_would_leave_its_folder_or_break_a_line_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=r"^name: .* cannot name a build; use up to 64 letters, ") as caught:
        parse_spec(json.dumps({"name": name}))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("stem", [name for name in BAD_NAMES if "/" not in name and name != "."], ids=ascii)
def test_the_name_that_a_file_gives_is_checked_alike(tmp_path: Path, stem: str) -> None:
    path = tmp_path / f"{stem}.yaml"
    path.write_text("seed: 3")
    with pytest.raises(SpecError, match=r"the file's name cannot name a build: .*; rename the file or set ") as caught:
        load_spec(path)
    assert str(caught.value).isprintable()


def test_one_width_applies_to_all_layers_and_a_list_gives_each_its_own() -> None:
    spec = parse_spec("quantize: {weight_width: 4, activation_width: [5, 6]}")
    assert spec.weight_widths == (4, 4, 4)
    assert spec.activation_widths == (5, 6)


def test_pinned_ends_become_faces_of_the_first_and_last_layer() -> None:
    assert faces_of(parse_spec("place: {inputs: z0, outputs: z1}").place, layers=4) == {0: "z0", 3: "z1"}


def test_the_starting_spec_spells_out_the_defaults() -> None:
    assert parse_spec(starter()) == Spec()


def test_yaml_of_a_spec_reads_back_equal() -> None:
    spec = parse_spec("place: {grid: [3, 4, 5]}\nquantize: {weight_width: [1, 2, 3]}\nname: x")
    assert parse_spec(spec.to_yaml()) == spec


def test_yaml_of_a_search_reads_back_equal_and_a_plain_spec_has_none() -> None:
    ranges = "{train.epochs: {low: 3, high: 9, step: 2}, network.hidden: {choices: [[3], [4, 5]]}}"
    spec = parse_spec(f"search: {{trials: 3, accuracy: 0.9, ranges: {ranges}}}")
    assert parse_spec(spec.to_yaml()) == spec
    assert "search" not in Spec().model_dump()
    assert "search" not in Spec().to_yaml()


def test_the_types_that_a_key_accepts_are_those_of_its_annotation() -> None:
    assert kinds_of(Spec, "train.epochs") == {int}
    assert float in kinds_of(Spec, "prune.sparsity")
    assert float in kinds_of(Spec, "train.weight_decay")
    assert not kinds_of(Spec, "place.method") & {int, float}


def test_schema_and_reference_hold_every_key() -> None:
    properties = json.loads(schema())["$defs"]["PlaceSpec"]["properties"]
    assert {"method", "grid", "slack", "pitch", "inputs", "outputs", "moves"} <= set(properties)
    page = reference()
    for section in Spec.model_fields.values():
        fields = getattr(type(section.default), "model_fields", {})
        assert all(f"| `{key}` |" in page for key in fields)


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).parent.parent / "docs" / "spec.md"
    assert page.read_text(encoding="utf-8") == reference(), "run: make docs"


@pytest.mark.parametrize("path", sorted((Path(__file__).parent.parent / "specs").glob("*.yaml")), ids=lambda p: p.name)
def test_every_example_spec_is_valid(path: Path) -> None:
    assert load_spec(path).name == path.stem


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("data: {thresholds: [0.5]}", "data.thresholds: a network that is read reads numbers, not bits"),
        (
            "search: {ranges: {place.slack: {low: 1.0, high: 2.0}}}",
            "search.ranges: a network that is read is not searched",
        ),
    ],
)
def test_what_would_change_a_network_that_is_read_is_refused(text: str, line: str) -> None:
    with pytest.raises(SpecError, match=rf"^{line}"):
        parse_spec(f"network: {{source: net.onnx}}\n{text}")
