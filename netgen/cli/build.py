"""Commands on builds: build, report, check, draw."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from netgen.cli.options import DataFolder, Folder, Jobs, Json, Quiet, samples_of, use_data
from netgen.cli.output import print_table
from netgen.cli.terminal import progress_on_stderr
from netgen.spec.hardware import SimulatorName


def build(
    spec: Annotated[Path, typer.Argument(help="Spec, a YAML file such as specs/digits.yaml.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder in which the build folder is made, by the spec's name.")] = Path(
        "hdl_out"
    ),
    data: DataFolder = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build the circuit that a spec describes, and check it.

    The stages: train and prune a network, or read a trained one; quantize it to integers; place its neurons on a 3D
    grid; write Verilog; simulate, and compare with PyTorch; write a report. A second build runs only the stages that a
    change affects.
    """
    from netgen.flow.build import build as run

    use_data(data)
    with progress_on_stderr(quiet) as progress:
        made = run(spec, out=out, jobs=jobs, progress=progress)
    _print_report(made.folder, json=json)
    if not json:
        typer.echo(f"\npage: {made.folder / 'report.html'}   Verilog: {made.folder / 'top.v'}")


def report(folder: Folder, json: Json = False) -> None:
    """Print the report of a build: wire lengths, accuracy, sizes.

    Warnings come first; for a program or a file that reads the report, they are on stderr.
    """
    _print_report(folder, json=json)


def check(
    folder: Folder,
    simulator: Annotated[SimulatorName | None, typer.Option(help="Simulator; the spec's by default.")] = None,
    samples: Annotated[str | None, typer.Option(help="Test samples, a number or all; the spec's by default.")] = None,
    data: DataFolder = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Simulate a build's Verilog again, and compare bit for bit.

    The simulated Verilog, the integer circuit and the network under PyTorch compute the same test samples. Exits with
    status 1 when they differ in a bit, and prints the first difference.
    """
    from netgen.flow.verify import recheck
    from netgen.report import raise_if_different, record, render_check

    use_data(data)
    with progress_on_stderr(quiet) as progress:
        found = recheck(
            folder,
            simulator=simulator,
            samples=samples_of(samples),
            jobs=jobs,
            progress=progress,
        )
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        print_table(render_check(found))
    raise_if_different(found)


def draw(
    folder: Folder,
    neuron: Annotated[
        str | None,
        typer.Option(help="Draw only what this neuron is computed from, such as n2_17, neuron 17 of layer 2."),
    ] = None,
) -> None:
    """Print a build's operators as a graph in Graphviz's format.

    The operators are adders, shifts, comparisons and the like. To see them: netgen draw FOLDER | dot -Tsvg > graph.svg
    """
    from netgen.flow.folder import load_operators
    from netgen.report import drawing

    typer.echo(drawing(load_operators(folder), neuron), nl=False)


def _print_report(folder: Path, *, json: bool) -> None:
    """Print a report on stdout; on stderr its warnings too, where stdout is read by a program or goes to a file."""
    from netgen.flow.built import load_report
    from netgen.report import render, to_json

    found = load_report(folder)
    if json or not sys.stdout.isatty():
        for warning in found.warnings:
            typer.echo(f"netgen: warning: {folder}: {warning}", err=True)
    if json:
        typer.echo(to_json(found), nl=False)
    else:
        print_table(render(found))
