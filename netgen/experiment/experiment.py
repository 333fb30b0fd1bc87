"""The experiments by name; running one gives a table in Markdown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from netgen.errors import SpecError
from netgen.experiment import ablation, compression, recipe, reinit
from netgen.experiment.markdown import markdown
from netgen.experiment.pool import run_all
from netgen.experiment.results import Results, write
from netgen.experiment.settings import DATA_SETS, NETWORKS, name_of
from netgen.experiment.trial import Point, Trial
from netgen.progress import Progress, silent


@dataclass(frozen=True)
class Experiment:
    """A question, the trials that answer it, and the table that shows the answer."""

    question: str
    trials: Callable[..., list[Trial]]
    table: Callable[[str, Sequence[tuple[Trial, Sequence[Point]]]], list[list[str]]]


EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType(
    {
        "ablation": Experiment(
            "Which techniques shorten wires at the same accuracy, and do they combine?", ablation.trials, ablation.table
        ),
        "recipe": Experiment(
            "How long are the wires at the highest accuracy, when each way uses the whole recipe (plain magnitude also "
            "without distorted copies)?",
            recipe.trials,
            recipe.table,
        ),
        "reinit": Experiment("Does pruning find good weights, or good wiring?", reinit.trials, reinit.table),
        "compression": Experiment("How few weights keep the error?", compression.trials, compression.table),
    }
)


def run(
    name: str,
    data: str,
    *,
    out: Path,
    network: str = "perceptron",
    seeds: int = 3,
    quick: bool = False,
    jobs: int = 1,
    progress: Progress = silent,
) -> str:
    """Run the trials of an experiment that have no result in `out` yet, and write its table there.

    Args:
        network: perceptron, or conv for convolutions.
        seeds: number of random seeds; the table shows mean and standard deviation over them.
        quick: fewer rounds and epochs: a trial, not a result.
        jobs: number of processes; the result does not depend on it.
    Returns: the table, in Markdown; also in `out/NAME-DATA.md`, or `out/NAME-DATA-conv.md`.
    Raises: SpecError, for a name that does not exist; DataError, when the data cannot be read.
    """
    given = (
        (name, (*EXPERIMENTS, "energy"), "experiment"),
        (data, DATA_SETS, "--data-set"),
        (network, NETWORKS, "--network"),
    )
    for value, known, option in given:
        if value not in known:
            raise SpecError(f"{option}: no {value!r}; choose one of {', '.join(known)}")
    if name not in EXPERIMENTS:
        raise SpecError(f"experiment: {name!r} compares builds; call compare_energy")
    base = name_of(data, network)
    experiment, results = EXPERIMENTS[name], Results(out)
    trials = experiment.trials(base, seeds=seeds, quick=quick)
    run_all(trials, results, Path(), jobs=jobs, progress=progress)
    found = [(trial, results.find(trial) or []) for trial in trials]
    other = "" if network == NETWORKS[0] else f" --network {network}"
    quickly = " --quick" if quick else ""
    lines = [
        f"# {name}, {base}",
        "",
        experiment.question,
        "",
        *markdown(experiment.table(base, found)),
        "",
        f"Mean and standard deviation over {seeds} seeds. Repeat: "
        f"`netgen experiment {name} --data-set {data}{other} --seeds {seeds}{quickly}`",
    ]
    text = "\n".join(lines) + "\n"
    write(out / f"{name}-{base}.md", text)
    return text
