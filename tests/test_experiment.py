"""Experiments: reading curves by hand; trials that are kept, resumed after a kill, the same on any number of cores."""

import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from commands import run_netgen

from netgen.errors import SpecError
from netgen.experiment import EXPERIMENTS, run
from netgen.experiment.curve import at_size, crossing, crossing_size, over_seeds
from netgen.experiment.results import Results
from netgen.experiment.settings import ACCURACIES, BASES, base_of
from netgen.experiment.trial import Point, Trial, spec_of
from netgen.flow import learning

DEVICES = ("auto", "cpu", "cuda")
CURVE = [
    Point(weights=400, wires=400, validation=0.99, test=0.98, lengths={"auto": 800}),
    Point(weights=100, wires=100, validation=0.90, test=0.91, lengths={"auto": 300}),
    Point(weights=200, wires=200, validation=0.96, test=0.95, lengths={"auto": 500}),
]


def _wires(point: Point) -> float:
    return point.wires


def _validation(point: Point) -> float:
    return point.validation


def _test(point: Point) -> float:
    return point.test


def test_a_curve_is_read_between_the_smallest_network_that_reaches_the_target_and_the_next() -> None:
    """0.98 lies 2/3 of the way from 0.96 to 0.99: size 200 * 2^(2/3) = 317.48, test 0.95 + 2/3 * 0.03 = 0.97."""
    assert crossing_size(CURVE, 0.98, _validation, _wires) == pytest.approx(317.480, abs=1e-3)
    assert crossing(CURVE, 0.98, _test, _validation, _wires) == pytest.approx(0.97)


def test_a_target_that_none_reaches_has_no_figure_and_one_that_all_reach_has_the_smallest_networks() -> None:
    assert crossing_size(CURVE, 0.995, _validation, _wires) is None
    assert crossing_size(CURVE, 0.5, _validation, _wires) == pytest.approx(100)


def test_a_figure_at_a_size_is_interpolated_on_the_logarithm_and_none_outside() -> None:
    """141.42 is half way from 100 to 200 by its logarithm: test accuracy (0.91 + 0.95) / 2."""
    assert at_size(CURVE, 100 * 2**0.5, _test, _wires) == pytest.approx(0.93)
    assert at_size(CURVE, 99, _test, _wires) is None


def test_mean_and_spread_are_written_out_and_a_missing_seed_is_a_dash() -> None:
    """1, 2, 3: mean 2, standard deviation of a sample 1."""
    assert over_seeds([1.0, 2.0, 3.0], ".1f") == "2.0 ± 1.0"
    assert over_seeds([0.5], ".1f", 100.0) == "50.0"
    assert over_seeds([1.0, None], ".1f") == "-"


def test_a_trial_is_kept_whole_and_a_damaged_file_is_no_result(tmp_path: Path) -> None:
    results = Results(tmp_path)
    trial = EXPERIMENTS["reinit"].trials("digits", seeds=1, quick=True)[0]
    assert results.find(trial) is None
    results.keep(trial, CURVE)
    assert results.find(trial) == CURVE
    results.path_of(trial).write_text('{"weights": 4')
    assert results.find(trial) is None


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("data", BASES)
def test_no_two_trials_share_a_result_and_every_seed_has_each(name: str, data: str, tmp_path: Path) -> None:
    trials = EXPERIMENTS[name].trials(data, seeds=3, quick=False)
    assert len({Results(tmp_path).path_of(trial) for trial in trials}) == len(trials)
    by_seed = [{trial.what for trial in trials if trial.spec.seed == seed} for seed in (1, 2, 3)]
    assert by_seed[0] == by_seed[1] == by_seed[2]
    assert len(ACCURACIES[data]) == 4


def test_trials_of_one_seed_begin_with_the_same_network(tmp_path: Path) -> None:
    trials = EXPERIMENTS["ablation"].trials("mnist", seeds=2, quick=False)
    assert len({Results(tmp_path).trunk_of(trial) for trial in trials}) == 2


def test_a_trial_made_on_a_gpu_is_not_taken_for_one_made_on_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials kept by earlier versions, which were made on CPUs, are found by `auto`."""
    trial = EXPERIMENTS["ablation"].trials("digits", seeds=1, quick=True)[0]
    auto, cpu, cuda = (replace(trial, spec=spec_of(trial.spec.to_yaml(), train={"device": d})) for d in DEVICES)
    assert '"device": "auto"' in auto.key
    assert auto.key == cpu.key != cuda.key
    monkeypatch.setattr(learning, "DRIVERS", (str(tmp_path),))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert auto.key == cuda.key != cpu.key
    results = Results(tmp_path)
    assert results.path_of(auto) == results.path_of(cuda) != results.path_of(cpu)
    assert results.trunk_of(auto) == results.trunk_of(cuda) != results.trunk_of(cpu)


def test_what_is_charged_later_does_not_change_what_a_trial_begins_with(tmp_path: Path) -> None:
    trial = EXPERIMENTS["ablation"].trials("digits", seeds=1, quick=True)[0]
    later: list[dict[str, dict[str, object]]] = [
        {"train": {"reweight_at": 500}},
        {"prune": {"average_at": 500}},
        {"prune": {"place_share": 0.3}},
    ]
    for keys in later:
        other = replace(trial, spec=spec_of(trial.spec.to_yaml(), **keys))
        assert Results(tmp_path).path_of(trial) != Results(tmp_path).path_of(other)
        assert Results(tmp_path).trunk_of(trial) == Results(tmp_path).trunk_of(other)


def _words(out: Path, jobs: int) -> list[str]:
    return ["experiment", "compression", "--quick", "--seeds", "1", "--jobs", str(jobs), "--out", str(out)]


def _command(out: Path, jobs: int) -> list[str]:
    return [sys.executable, "-m", "netgen", *_words(out, jobs)]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("straight")
    return out, run_netgen(*_words(out, 2), cwd=out).stdout


def test_an_experiment_prints_and_keeps_a_table_with_its_own_command(straight: tuple[Path, str]) -> None:
    out, printed = straight
    assert (out / "compression-digits.md").read_text() == printed
    assert "`netgen experiment compression --data-set digits --seeds 1 --quick`" in printed
    figures = re.findall(r"(?<=\| )\d+\.\d+(?= \|)", printed)
    assert len(figures) >= 5
    assert all(0 < float(figure) < 90 for figure in figures)  # a guess is wrong nine times in ten


def test_an_experiment_killed_after_its_first_trial_goes_on_to_the_same_table(
    straight: tuple[Path, str], tmp_path: Path
) -> None:
    process = subprocess.Popen(_command(tmp_path, 1), stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("*.jsonl")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.jsonl")}
    assert run_netgen(*_words(tmp_path, 1), cwd=tmp_path).stdout == straight[1]
    assert all(path.stat().st_mtime_ns == when for path, when in finished.items())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_experiment_that_is_stopped_takes_its_processes_along(tmp_path: Path, number: signal.Signals) -> None:
    """Its stderr, which they share, ends only with the last of them."""
    process = subprocess.Popen(
        _command(tmp_path, 2), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True
    )
    children: list[int] = []
    while len(children) < 3:  # two workers, and the resource tracker of multiprocessing
        assert process.poll() is None
        time.sleep(0.05)
        lists = Path(f"/proc/{process.pid}/task").glob("*/children")
        children = [int(word) for path in lists for word in path.read_text().split()]
    process.send_signal(number)
    _, error = process.communicate()
    assert process.returncode == (-9 if number == signal.SIGKILL else 130)
    assert number == signal.SIGKILL or "Traceback" not in error


def test_a_finished_experiment_runs_nothing(straight: tuple[Path, str], tmp_path: Path) -> None:
    shutil.copytree(straight[0], tmp_path / "copy")
    text = run("compression", "digits", out=tmp_path / "copy", seeds=1, quick=True)
    assert text == straight[1]


@pytest.mark.parametrize("data", ["digits", "digits-conv"])
def test_a_measured_circuit_is_counted_and_placed_and_new_random_weights_guess(data: str, tmp_path: Path) -> None:
    """A measurement counts the circuit's wires; it classifies, while random weights guess one class in ten."""
    from netgen.experiment.trial import make_trunk, run_trial

    base = base_of(data, seed=1, quick=True)
    short = {"rounds": 2, "epochs": 1, "retrain": 3, "wires": 400, "rule": "obd_distance"}
    spec = base.model_copy(update={"prune": base.prune.model_copy(update=short)})
    circuit, fresh = (Trial(data, ("x",), spec, measured=measured) for measured in ("circuit", "reinit"))
    make_trunk(circuit.trunk, Path(), tmp_path / "trunk.npz")
    (point,) = run_trial(circuit, tmp_path / "trunk.npz", Path())
    assert 0 < point.wires <= point.weights <= 400
    assert point.lengths["auto"] >= point.wires
    assert point.test > 0.5  # a few epochs; 0.67 on one machine
    (point,) = run_trial(fresh, tmp_path / "trunk.npz", Path())
    assert point.fresh is not None
    assert point.retrained is not None
    assert point.fresh < 0.3
    assert point.fresh + 0.1 < point.retrained < point.test


def test_plain_magnitude_without_copies_is_plain_magnitude_otherwise() -> None:
    """Else the two rows of the recipe would not say what distorted copies are worth."""
    ways = {trial.what[0]: trial for trial in EXPERIMENTS["recipe"].trials("mnist", seeds=1, quick=False)}
    usual, given = ways["plain magnitude, no copies"].spec, ways["plain magnitude"].spec
    assert (usual.augment.copies, given.augment.copies) == (0, 12)
    same = {"augment": given.augment, "prune": usual.prune.model_copy(update={"wires": given.prune.wires})}
    assert usual.model_copy(update=same) == given


@pytest.mark.parametrize("network", ["digits", "digits-conv"])
def test_trained_functions_are_compared_on_the_layers_of_the_others(network: str) -> None:
    ways = {trial.what[0]: trial.spec for trial in EXPERIMENTS["recipe"].trials(network, seeds=1, quick=True)}
    usual, given = ways["netgen"], ways["netgen, trained functions"]
    layers = usual.network.layers or tuple(f"dense {neurons}" for neurons in usual.network.hidden)
    network_keys = {"layers": layers, "activation": "piecewise"}
    assert spec_of(usual.to_yaml(), network=network_keys, quantize={"per_channel": True}) == given


def test_a_kernel_that_stays_shared_is_pruned_with_all_its_wires(tmp_path: Path) -> None:
    """The next layer, 3x3 at stride 2, reads 5x5 of the 6x6 positions; untied, each of them has weights of its own."""
    from netgen.experiment.trial import _learner

    ways = {trial.what[0]: trial.spec for trial in EXPERIMENTS["recipe"].trials("digits-conv", seeds=1, quick=True)}
    counts = []
    for name in ("plain magnitude", "plain magnitude, shared weights"):
        learner = _learner(spec_of(ways[name].to_yaml(), train={"epochs": 1}), tmp_path)
        pruning = learner.pruning(learner.dense()[0])
        pruning.prune(0.25)
        first = pruning.module.sums[0]
        counts.append((len(first.weight), len(first.source)))
    (untied, own), (shared, wires) = counts
    assert untied == own
    assert wires == 25 * shared
    shared_prune = {"prune": ways["plain magnitude, shared weights"].prune}
    assert ways["plain magnitude"].model_copy(update=shared_prune) == ways["plain magnitude, shared weights"]


def test_a_table_of_convolutions_names_its_network_and_its_own_accuracies(tmp_path: Path) -> None:
    """Its trials are kept beforehand, so nothing is trained: all curves cross 98.5 % at 700 * (800 / 700)^(1 / 2)."""
    results = Results(tmp_path)
    trials = EXPERIMENTS["recipe"].trials("mnist-conv", seeds=1, quick=False)
    for trial in trials:
        ends = ((0.98, 700), (0.99, 800))
        points = [Point(1, 1, share, share, dict.fromkeys(trial.placers, length)) for share, length in ends]
        results.keep(trial, points)
    text = run("recipe", "mnist", network="conv", out=tmp_path, seeds=1)
    assert text == (tmp_path / "recipe-mnist-conv.md").read_text()
    assert "`netgen experiment recipe --data-set mnist --network conv --seeds 1`" in text
    assert "| way | wire length at 98.5% of validation | test accuracy there |" in text
    assert text.count("| 748 | 98.50 |") == len(trials)


def test_names_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"experiment: no 'abl'; choose one of ablation, recipe, reinit, compression, energy"
    ):
        run("abl", "digits", out=tmp_path)
    with pytest.raises(SpecError, match=r"--data-set: no 'cifar'; choose one of digits, mnist, fashion-mnist"):
        run("ablation", "cifar", out=tmp_path)
    with pytest.raises(SpecError, match=r"--network: no 'mlp'; choose one of perceptron, conv"):
        run("ablation", "digits", network="mlp", out=tmp_path)
