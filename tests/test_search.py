"""A search finds the same trials and the same front, whoever runs it and whatever is killed on the way."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import run_netgen
from optuna.trial import FrozenTrial, TrialState, create_trial

import netgen
from netgen.data import load_dataset
from netgen.errors import SearchError, SpecError
from netgen.flow import learning
from netgen.ir.circuit import classify, evaluate
from netgen.search import objective, search
from netgen.search.front import front_of
from netgen.search.ledger import SILENCE, Ledger, as_search_error, owner_of
from netgen.search.processes import LocalWorkers
from netgen.search.run import DEATHS
from netgen.search.sampling import ask, space_of, values_of
from netgen.search.trial import Job, Outcome, run, trial_spec
from netgen.spec.spec import Spec, load_spec, parse_spec

TINY = """
network: {hidden: [8]}
train: {epochs: 1, batch_size: 64}
prune: {sparsity: 0.8, rounds: 1, retrain: 1}
quantize: {input_width: 5, weight_width: 5, activation_width: 4, epochs: 1}
place: {moves: 500, certificate: false}
check: {simulator: amaranth, samples: 2}
search:
  trials: 20
  generation: 6
  accuracy: 0.3
  ranges:
    train.learning_rate: {low: 0.001, high: 0.1, log: true}
    prune.sparsity: {low: 0.5, high: 0.9}
    network.hidden: {choices: [[8], [16], [10, 8]]}
"""

SHORT = TINY.replace("trials: 20", "trials: 8").replace("generation: 6", "generation: 3")


WORDS = ("search", "tiny.yaml", "--out", "out", "--json")


def _front(folder: Path, *words: str) -> dict[str, Any]:
    (folder / "tiny.yaml").write_text(TINY)
    done = run_netgen(*WORDS, *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _killed(folder: Path) -> None:
    """Kill a search in its ninth trial, and wait until its workers, which share its stderr, have ended too."""
    (folder / "tiny.yaml").write_text(TINY)
    command = [sys.executable, "-m", "netgen", *WORDS, "--jobs", "2"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (folder / "out/tiny/trials/0008/placement.csv").exists():
            assert process.poll() is None, "the search ended before it could be killed"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()


def _trials(folder: Path) -> list[dict[str, Any]]:
    """Everything that decides a front: number, state, values and results of each trial."""
    from optuna import load_study

    study = load_study(study_name=None, storage=f"sqlite:///{folder / 'out/tiny/search.db'}")
    return [
        {"number": t.number, "state": t.state.name, "params": t.params, "values": t.values, "end": _end(t)}
        for t in study.trials
    ]


def _end(trial: FrozenTrial) -> dict[str, object]:
    return {key: value for key, value in trial.user_attrs.items() if key in {"stage", "accuracy", "error"}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search of 20 trials that ran through, one at a time."""
    folder = tmp_path_factory.mktemp("whole")
    _front(folder, "--jobs", "1")
    return folder


def test_a_search_killed_in_the_middle_goes_on_and_ends_as_one_that_ran_through(whole: Path, tmp_path: Path) -> None:
    _killed(tmp_path)
    states = {trial["state"] for trial in _trials(tmp_path)}
    assert "RUNNING" in states
    front = _front(tmp_path, "--jobs", "1")
    assert front == json.loads((whole / "out/tiny/front.json").read_text())
    assert _trials(tmp_path) == _trials(whole)
    for name in ("front.json", "front.csv", "front.png"):
        assert (tmp_path / "out/tiny" / name).read_bytes() == (whole / "out/tiny" / name).read_bytes(), name


def test_two_workers_of_ray_run_the_same_trials(whole: Path, tmp_path: Path) -> None:
    _front(tmp_path, "--ray-address", "local", "--jobs", "2")
    assert _trials(tmp_path) == _trials(whole)


def test_a_search_ends_some_trials_early_and_they_cost_no_more(whole: Path) -> None:
    files = {"train": "pruned.npz", "prune": "network.npz", "measure": "placement.csv"}
    ended = [trial for trial in _trials(whole) if trial["state"] == "PRUNED"]
    assert ended
    for trial in ended:
        assert trial["end"]["accuracy"] < 0.3
        assert not (whole / f"out/tiny/trials/{trial['number']:04}" / files[trial["end"]["stage"]]).exists()


def test_no_trial_beats_one_of_the_front_and_each_other_is_beaten(whole: Path) -> None:
    tree = json.loads((whole / "out/tiny/front.json").read_text())
    front = {point["trial"] for point in tree["front"]}
    placed = {t["number"]: tuple(t["values"]) for t in _trials(whole) if t["state"] == "COMPLETE"}
    for number, (length, accuracy) in placed.items():
        others = [(o, *pair) for o, pair in placed.items() if o != number]
        beaten = any(
            ol <= length and oa >= accuracy and ((ol, oa) != (length, accuracy) or o < number) for o, ol, oa in others
        )
        assert (number in front) == (not beaten), number


def test_a_point_of_the_front_builds_again_exactly(whole: Path, tmp_path: Path) -> None:
    with (whole / "out/tiny/front.csv").open() as file:
        point = list(csv.DictReader(file))[-1]
    path = whole / f"out/tiny/front/{int(point['trial']):04}.yaml"
    assert path.read_text().startswith(f"# tiny, trial {point['trial']}: wire length ")
    build = netgen.build(path, out=tmp_path)
    assert build.report.wires.total == int(point["wire_length"])
    validation = load_dataset(build.spec.data, seed=build.spec.seed).validation
    found = classify(evaluate(build.circuit, build.circuit.input.encode(validation.features)))
    assert float(np.mean(found == validation.labels)) == float(point["accuracy"])


def test_a_worker_that_dies_loses_its_own_trial_only(tmp_path: Path) -> None:
    """Two trials under way; the worker of one is killed; the other ends, and the first can be started again."""
    spec = parse_spec(TINY)
    jobs = [
        Job(n, spec.model_copy(update={"seed": n}).to_yaml(), str(tmp_path / f"{n}"), str(tmp_path), 0.0)
        for n in (0, 1)
    ]
    workers = LocalWorkers(2)
    try:
        for job in jobs:
            workers.start(job)
        os.kill(workers._busy[0].pid, signal.SIGKILL)
        ended: dict[int, Outcome | None] = {}
        while len(ended) < 2:
            ended |= dict(workers.wait(60))
        assert ended[0] is None
        assert ended[1] is not None
        assert ended[1].wire_length is not None
        workers.start(jobs[0])
        [(number, outcome)] = workers.wait(60)
        assert number == 0
        assert outcome is not None
        assert outcome.wire_length is not None
    finally:
        workers.close()


class _Fake:
    """Workers that weigh nothing: a trial's outcome is whatever the test says."""

    size = 2

    def __init__(self, outcomes: dict[int, list[Outcome | None]]) -> None:
        self.outcomes, self.jobs, self.started = outcomes, [], []  # type: ignore[var-annotated]
        self.specs: list[str] = []

    def start(self, job: Job) -> None:
        self.jobs.append(job)
        self.started.append(job.number)
        self.specs.append(job.spec)

    def wait(self, seconds: float) -> list[tuple[int, Outcome | None]]:  # noqa: ARG002 (nothing to wait for)
        job = self.jobs.pop()  # the last one first: order must not matter
        planned = self.outcomes.get(job.number, [])
        return [(job.number, planned.pop(0) if planned else Outcome("place", 0.9, 100 - job.number))]

    def close(self) -> None:
        pass


def _search_with(
    outcomes: dict[int, list[Outcome | None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str = SHORT,
    ray_address: str | None = None,
) -> tuple[Any, _Fake]:
    fake = _Fake(outcomes)
    monkeypatch.setattr("netgen.search.run._workers", lambda *_: fake)
    return search(parse_spec(f"name: fake\n{text}"), out=tmp_path, ray_address=ray_address), fake


def test_a_trial_whose_worker_died_is_run_again_and_given_up_after_three_deaths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    front, fake = _search_with({2: [None], 5: [None] * DEATHS}, tmp_path, monkeypatch)
    assert fake.started.count(2) == 2
    assert fake.started.count(5) == DEATHS
    assert front.failures == ("trial 5: 3 workers died of it; their last output says why",)
    assert [point.trial for point in front.points] == [n for n in range(7, -1, -1) if n != 5]


def test_an_error_marks_its_trial_failed_and_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    front, _ = _search_with({3: [Outcome(error="prune: nothing is left")]}, tmp_path, monkeypatch)
    assert front.failures == ("trial 3: prune: nothing is left",)
    assert len(front.points) == 7


def test_values_that_exclude_each_other_fail_without_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SHORT.replace(
        "    prune.sparsity: {low", "    quantize.weight_width: {choices: [[5, 5]]}\n    prune.sparsity: {low"
    )
    front, fake = _search_with({}, tmp_path, monkeypatch, text)
    assert front.failures
    assert all(
        line.endswith("quantize.weight_width: 2 widths for 3 layers; give one for each") for line in front.failures
    )
    assert len(fake.started) == 8 - len(front.failures)


def test_an_error_of_the_machine_stops_the_search_and_its_trial_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SearchError, match=r"^trial 4: x: No space left on device"):
        _search_with({4: [Outcome(error="x: No space left on device", fatal=True)]}, tmp_path, monkeypatch)
    front, fake = _search_with({}, tmp_path, monkeypatch)
    assert 4 in fake.started
    assert not front.failures


def test_a_folder_that_cannot_be_written_is_an_error_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = run(Job(0, parse_spec(TINY).to_yaml(), str(tmp_path / "file/0000"), str(tmp_path), 0.0))
    assert outcome.fatal
    assert outcome.error == f"{tmp_path / 'file/0000'}: Not a directory; choose another --out"


def test_a_longer_search_goes_on_where_the_shorter_one_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _search_with({}, tmp_path / "one", monkeypatch, SHORT.replace("trials: 8", "trials: 4"))
    front, fake = _search_with({}, tmp_path / "one", monkeypatch)
    assert sorted(fake.started) == list(range(4, 8))
    assert front == _search_with({}, tmp_path / "two", monkeypatch)[0]


def test_another_seed_or_range_is_another_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = _search_with({}, tmp_path, monkeypatch)
    for text in (f"seed: 2\n{SHORT}", SHORT.replace("high: 0.9", "high: 0.8")):
        front, fake = _search_with({}, tmp_path, monkeypatch, text)
        assert len(fake.started) == 8
        assert front.points != first.points


def test_a_search_trains_all_trials_on_the_device_that_auto_means_where_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial made on a GPU is not taken for one made on a CPU; Ray gives its trials no GPU."""
    _, on_cpu = _search_with({}, tmp_path, monkeypatch)
    monkeypatch.setattr(learning, "DRIVERS", (str(tmp_path),))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    _, on_gpu = _search_with({}, tmp_path, monkeypatch)
    _, on_ray = _search_with({}, tmp_path, monkeypatch, ray_address="local")
    _, named = _search_with({}, tmp_path, monkeypatch, SHORT.replace("train: {", "train: {device: cpu, "))
    assert [len(fake.started) for fake in (on_cpu, on_gpu, on_ray, named)] == [8, 8, 0, 0]
    assert {parse_spec(spec).train.device for spec in on_cpu.specs} == {"cpu"}
    assert {parse_spec(spec).train.device for spec in on_gpu.specs} == {"cuda"}


def _finished(spec: Spec, asked: list[dict[str, Any]]) -> list[FrozenTrial]:
    space = space_of(spec)
    return [
        create_trial(params=params, distributions=space, values=[1000 * params["train.learning_rate"], 1 - n / 100])
        for n, params in enumerate(asked)
    ]


def test_what_is_asked_depends_on_spec_seed_and_earlier_generations_alone() -> None:
    spec = parse_spec(TINY.replace("generation: 6", "generation: 12"))
    first = ask(spec, [], generation=0)
    assert first == ask(spec, [], generation=0)
    assert first != ask(spec.model_copy(update={"seed": 2}), [], generation=0)
    earlier = _finished(spec, first)
    second = ask(spec, earlier, generation=1)
    assert second == ask(spec, earlier, generation=1)
    assert second != ask(spec, _finished(spec, first[::-1]), generation=1)
    assert not [params for params in second if params in first]


def test_values_asked_for_lie_in_their_ranges_and_make_a_spec() -> None:
    text = TINY.replace(
        "    prune.sparsity: {low", "    train.epochs: {low: 2, high: 9, step: 3}\n    prune.sparsity: {low"
    )
    spec = parse_spec(f"name: x\n{text}")
    asked = [values_of(params, spec) for params in ask(spec, [], generation=0)]
    assert {values["train.epochs"] for values in asked} <= {2, 5, 8}
    for number, values in enumerate(asked):
        made = trial_spec(spec, values, number)
        assert made.name == f"x-{number:04}"
        assert made.train.learning_rate == values["train.learning_rate"]
        assert list(made.network.hidden) == values["network.hidden"]
        assert not made.search.ranges
        assert parse_spec(made.to_yaml()) == made


def test_a_small_space_is_asked_for_all_of_it() -> None:
    spec = parse_spec("search: {generation: 6, ranges: {train.epochs: {low: 1, high: 6}}}")
    assert sorted(params["train.epochs"] for params in ask(spec, [], generation=0)) == [1, 2, 3, 4, 5, 6]


def test_the_front_of_five_trials_worked_by_hand() -> None:
    """(200, 0.9) beats (300, 0.9) and (250, 0.8), and came twice; nothing beats (400, 0.95) and (100, 0.5)."""
    spec = parse_spec("search: {ranges: {train.epochs: {low: 1, high: 9}}}")
    found = [(300, 0.9), (200, 0.9), (200, 0.9), (250, 0.8), (400, 0.95), (100, 0.5)]
    trials = [
        create_trial(params={"train.epochs": 3}, distributions=space_of(spec), values=list(map(float, pair)))
        for pair in found
    ]
    for number, trial in enumerate(trials):
        trial.number = number
    assert [point.trial for point in front_of(spec, trials, guess=0.94).front] == [5, 1, 4]
    assert front_of(spec, trials, guess=0.94).warnings == ()
    assert front_of(spec, trials, guess=0.95).warnings == (
        "no point of the front is better than guessing: its highest validation accuracy is 95.0%, and always giving "
        "the most frequent class would reach 95.0%; raise search.accuracy, and check train and the data",
    )


def test_a_search_without_a_placed_trial_says_why() -> None:
    trials = [create_trial(state=TrialState.PRUNED), create_trial(state=TrialState.FAIL, user_attrs={"error": "no"})]
    with pytest.raises(SearchError, match=r"^none of 2 trials was placed: 1 ended early, 1 failed; trial -1: no$"):
        front_of(parse_spec(TINY), trials)
    with pytest.raises(SearchError, match=r"^none of 1 trials was placed: .*; lower search\.accuracy$"):
        front_of(parse_spec(TINY), trials[:1])


def test_two_searches_share_a_database_and_one_takes_over_when_the_other_falls_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    one, two = (Ledger(url, "study", owner) for owner in ("one", "two"))
    assert (one.claim(), two.claim(), one.claim()) == (0, 1, 2)
    now = 1000.0
    monkeypatch.setattr("netgen.search.ledger.time.monotonic", lambda: now)

    def mine(ledger: Ledger) -> list[int]:
        return [trial.number for trial in ledger.trials() if ledger.is_mine(trial)]

    assert mine(one) == [0, 2]
    assert mine(two) == [1]
    one.beat([0])
    assert mine(two) == [1]
    now += SILENCE - 1
    assert mine(two) == [1]
    one.beat([0])
    now += 2
    assert mine(two) == [1, 2]
    two.end(2, Outcome("place", 0.5, 10))
    one.end(2, Outcome("place", 0.5, 10))
    assert one.trials()[2].values == [10.0, 0.5]


def test_braces_in_the_name_of_a_database_are_part_of_it(tmp_path: Path) -> None:
    """Optuna formats the address that it is given, and would look for a field."""
    Ledger(f"sqlite:///{tmp_path / '{0}{x}.db'}", "study", "one")
    assert (tmp_path / "{0}{x}.db").is_file()


def test_a_database_whose_tables_another_search_is_making_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import IntegrityError, OperationalError

    busy = [
        IntegrityError("", None, Exception("UNIQUE constraint failed: alembic_version.version_num")),
        OperationalError("", None, Exception("table studies already exists")),
    ]

    def make(url: str, **options: Any) -> RDBStorage:
        if busy:
            raise busy.pop()
        return RDBStorage(url, **options)

    monkeypatch.setattr("netgen.search.ledger.RDBStorage", make)
    monkeypatch.setattr("netgen.search.ledger.time.sleep", lambda _: None)
    assert Ledger(f"sqlite:///{tmp_path / 'shared.db'}", "study", "one").trials() == []
    assert not busy


def test_a_full_disk_under_the_database_is_one_line_with_its_file() -> None:
    from sqlalchemy.exc import OperationalError

    with pytest.raises(SearchError) as caught, as_search_error("sqlite:////a/search.db"):
        raise OperationalError("", None, Exception("database or disk is full"))
    assert str(caught.value) == "/a/search.db: the disk is full; free some space or choose another --out"


def test_a_folder_keeps_the_mark_of_its_search(tmp_path: Path) -> None:
    assert owner_of(tmp_path) == owner_of(tmp_path)


ERRORS = [
    (
        "name: x",
        {},
        SpecError,
        "search.ranges: empty; name the keys to search, as train.learning_rate: {low: 0.001, high: 0.1}",
    ),
    (TINY, {}, SpecError, "name: the spec has none; give it one"),
    (
        f"name: x\n{TINY}",
        {"storage": "nosql://x"},
        SearchError,
        "--storage: Can't load plugin: sqlalchemy.dialects:nosql; give a database that answers, as sqlite:///search.db",
    ),
    (
        f"name: x\n{TINY}",
        {"storage": "sqlite:////nowhere/x.db"},
        SearchError,
        "--storage: unable to open database file; give a database that answers, as sqlite:///search.db",
    ),
]


@pytest.mark.parametrize(("text", "options", "kind", "message"), ERRORS, ids=[message for *_, message in ERRORS])
def test_what_cannot_be_searched_is_said_in_one_line(
    tmp_path: Path, text: str, options: dict[str, str], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        search(parse_spec(text), out=tmp_path, **options)  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize(("library", "extra"), [("optuna", "search"), ("ray", "ray")])
def test_a_library_that_is_missing_is_named_with_its_extra(
    tmp_path: Path, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SearchError) as caught:
        search(parse_spec(f"name: x\n{TINY}"), out=tmp_path, ray_address="local")
    assert str(caught.value) == f"{library} is not installed; pip install 'netgen[{extra}]'"


def test_weights_and_data_given_by_path_are_found_from_the_front(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(100) % 2
    np.savez(tmp_path / "blobs.npz", x=rng.normal(size=(100, 3)) + 3 * y[:, None], y=y)
    (tmp_path / "blobs.yaml").write_text(
        "data: {source: npz, path: blobs.npz}\n" + TINY.replace("input_width: 5, ", "")
    )
    monkeypatch.setattr("netgen.search.run._workers", lambda *_: _Fake({}))
    search(tmp_path / "blobs.yaml", out=tmp_path / "out")
    path = next((tmp_path / "out/blobs/front").glob("*.yaml"))
    made = load_spec(path)
    assert made.data.path == "../../../blobs.npz"
    assert objective.evaluate(made, tmp_path / "again", base=path.parent).wire_length
