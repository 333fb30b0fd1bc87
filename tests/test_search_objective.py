"""The objective of a search: the stages that decide it, each only while accuracy is worth it."""

from pathlib import Path

import pytest

from netgen.errors import FitError
from netgen.search.objective import Result, evaluate, fingerprint
from netgen.spec.spec import parse_spec

TINY = """
network: {hidden: [6]}
train: {epochs: 2, batch_size: 64, learning_rate: 0.01}
prune: {sparsity: 0.7, rounds: 1, retrain: 1}
quantize: {epochs: 1}
place: {moves: 100, certificate: false}
"""


def test_a_spec_below_the_floor_is_given_up_and_goes_on_from_there_when_the_floor_is_lowered(tmp_path: Path) -> None:
    spec = parse_spec(TINY)
    dense = evaluate(spec, tmp_path, floor=1.0)
    assert dense == Result("train", dense.accuracy, None)
    assert not (tmp_path / "pruned.npz").exists()
    before = (tmp_path / "dense.npz").stat().st_mtime_ns
    placed = evaluate(spec, tmp_path)
    assert (tmp_path / "dense.npz").stat().st_mtime_ns == before
    assert placed.stage == "place"
    assert placed.wire_length
    assert not (tmp_path / "top.v").exists()
    assert evaluate(spec, tmp_path) == placed


def test_a_network_that_does_not_fit_its_box_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FitError, match=r"^place\.grid: 8 sites for \d+ neurons"):
        evaluate(parse_spec(TINY.replace("place: {", "place: {grid: [2, 2, 2], ")), tmp_path)


def test_what_decides_a_point_is_in_its_fingerprint_and_nothing_else(tmp_path: Path) -> None:
    plain = parse_spec(TINY)
    same = (
        "search: {trials: 5, ranges: {train.epochs: {low: 1, high: 3}}}",
        "name: other",
        "emit: {argmax: true}",
        "check: {samples: 3}",
    )
    for text in same:
        assert fingerprint(parse_spec(f"{TINY}\n{text}"), tmp_path) == fingerprint(plain)
    for text in ("seed: 2", "data: {validation: 0.2}"):
        assert fingerprint(parse_spec(f"{TINY}\n{text}")) != fingerprint(plain)
