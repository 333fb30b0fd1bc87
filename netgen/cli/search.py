"""Commands that run many networks: search, experiment."""

import os
from pathlib import Path
from typing import Annotated

import typer

from netgen.cli.energy import WireNode
from netgen.cli.options import DataFolder, Jobs, Json, Quiet, use_data
from netgen.cli.output import print_table
from netgen.cli.terminal import progress_on_stderr
from netgen.errors import SpecError


def experiment(
    name: Annotated[
        str, typer.Argument(help="Experiment: ablation, recipe, reinit, compression or energy.", show_default=False)
    ],
    builds: Annotated[
        list[Path] | None, typer.Argument(help="energy: build folders, and specs to build.", show_default=False)
    ] = None,
    data_set: Annotated[str, typer.Option(help="Data set: digits, mnist or fashion-mnist.")] = "digits",
    network: Annotated[str, typer.Option(help="Network: perceptron, or conv for convolutions.")] = "perceptron",
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds; each trains networks of its own.")] = 3,
    pitch: Annotated[float, typer.Option(help="energy: length of a grid step in micrometres.")] = 20.0,
    node: Annotated[WireNode, typer.Option(help="energy: process whose wires are charged.")] = WireNode.ANY,
    samples: Annotated[
        int | None, typer.Option(min=2, help="energy: test samples that follow each other; 1,000 by default.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Train fewer rounds, for a trial of the command.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for results; trials with a result there do not run again.")] = Path(
        "hdl_out/experiments"
    ),
    data: DataFolder = None,
    jobs: Jobs = None,
    quiet: Quiet = False,
) -> None:
    """Compare ways of pruning, or the energy of builds, by one of netgen's experiments.

    Prints a table of accuracy and wire length. ablation: rules of pruning and penalties; recipe: all of netgen's
    techniques together; reinit: pruned networks with new random weights; compression: accuracy against the number of
    weights. An experiment that was stopped resumes. energy: a table and a plot of accuracy against the energy of a
    sample, and correct answers per kilowatt-hour, of any builds.
    """
    from netgen.experiment import compare_energy, run

    use_data(data)
    if builds and name != "energy":
        raise SpecError(f"experiment {name}: {builds[0]}: only energy compares builds; leave it out")
    cores = jobs or os.cpu_count() or 1
    with progress_on_stderr(quiet) as progress:
        if name == "energy":
            text = compare_energy(
                builds or (), out=out, pitch=pitch, node=node.value, samples=samples, jobs=cores, progress=progress
            )
            typer.echo(text, nl=False)
            return
        text = run(
            name,
            data_set,
            out=out,
            network=network,
            seeds=seeds,
            quick=quick,
            jobs=cores,
            progress=progress,
        )
    typer.echo(text, nl=False)


def search(
    spec: Annotated[
        Path, typer.Argument(help="Spec with a search section, such as specs/digits_search.yaml.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder in which the search's folder is made, by the spec's name.")] = Path(
        "hdl_out"
    ),
    data: DataFolder = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Trials at once; one for each core by default.")] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="URL of a database that several machines share, instead of search.db.", show_default=False),
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Run the trials on Ray: local, auto or HOST:PORT.", show_default=False)
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search hyperparameters for short wires at high accuracy.

    Prints the front: the trials that no other trial beats in both wire length and validation accuracy. Writes a spec
    for each of them. A search that was stopped resumes.
    """
    from netgen.report import record, render_front
    from netgen.search import search as run

    use_data(data)
    with progress_on_stderr(quiet) as progress:
        found = run(spec, out=out, jobs=jobs, storage=storage, ray_address=ray_address, progress=progress)
    for warning in found.warnings:
        typer.echo(f"netgen: warning: {out / found.name}: {warning}", err=True)
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        print_table(render_front(found))
        typer.echo(f"specs: {out / found.name / 'front'}   picture: {out / found.name / 'front.png'}")
