"""The command line: parse, call, print. Results go to stdout, progress to stderr."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from netgen.cli import place
from netgen.cli.options import Json, Quiet
from netgen.cli.output import write_file
from netgen.cli.terminal import progress_on_stderr
from netgen.data.dataset import DATA_VARIABLE
from netgen.errors import NetgenError, SpecError
from netgen.version import __version__

app = typer.Typer(
    name="netgen",
    help="Compile a trained PyTorch network to a placed, bit-exact circuit with short wires.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Simulator(StrEnum):
    """What can run the hardware."""

    AUTO = "auto"
    VERILATOR = "verilator"
    ICARUS = "icarus"
    CXXRTL = "cxxrtl"
    AMARANTH = "amaranth"


class Target(StrEnum):
    """A family of FPGAs."""

    XCUP = "xcup"
    ECP5 = "ecp5"
    ICE40 = "ice40"
    GOWIN = "gowin"


class Yosys(StrEnum):
    """Which Yosys synthesizes."""

    AUTO = "auto"
    WHEEL = "wheel"
    NATIVE = "native"


Folder = Annotated[Path, typer.Argument(help="A build folder, such as hdl_out/digits.", show_default=False)]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help=f"Folder of data sets, instead of {DATA_VARIABLE}.", show_default=False)
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes at work; all cores by default.")]


@app.command()
def build(
    spec: Annotated[Path, typer.Argument(help="A spec, such as specs/digits.yaml.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder under which the build folder lies.")] = Path("hdl_out"),
    data: DataFolder = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build a spec: train, prune, quantize, place, emit, check, report.

    A second build does only what has changed since the first.
    """
    from netgen.flow.build import build as run

    _use_data(data)
    with progress_on_stderr(quiet) as progress:
        made = run(spec, out=out, jobs=jobs, progress=progress)
    _print_report(made.folder, json=json)
    if not json:
        typer.echo(f"\npage: {made.folder / 'report.html'}   Verilog: {made.folder / 'top.v'}")


@app.command()
def report(folder: Folder, json: Json = False) -> None:
    """Print what a build says about itself: wire length per layer, agreement, sizes."""
    _print_report(folder, json=json)


@app.command()
def check(
    folder: Folder,
    simulator: Annotated[Simulator | None, typer.Option(help="The spec's, unless named here.")] = None,
    samples: Annotated[str | None, typer.Option(help="Test samples, a number or all; the spec's by default.")] = None,
    data: DataFolder = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Simulate a build's Verilog again and compare hardware, integers and PyTorch, bit for bit.

    Exits with status 1 when they differ, and names the first difference.
    """
    from netgen.flow.verify import recheck
    from netgen.report import raise_if_different, record, render_check

    _use_data(data)
    with progress_on_stderr(quiet) as progress:
        found = recheck(
            folder,
            simulator=simulator,
            samples=_samples_of(samples),
            jobs=jobs,
            progress=progress,
        )
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        _print(render_check(found))
    raise_if_different(found)


@app.command()
def synth(
    folder: Folder,
    target: Annotated[Target, typer.Option(help="Family of FPGAs.")] = Target.XCUP,
    yosys: Annotated[Yosys, typer.Option(help="The newer that is there, unless named here.")] = Yosys.AUTO,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Estimate what a build's Verilog takes of an FPGA: look-up tables, registers, depth, by Yosys.

    The result is kept in the build folder as synth-TARGET.json.
    """
    from netgen.flow.files import read_text
    from netgen.fpga import synthesize
    from netgen.report import record, render_utilization

    path = folder / "top.v"
    with progress_on_stderr(quiet) as progress:
        found = synthesize(read_text(path), target=target, yosys=yosys, source=str(path), progress=progress)
    write_file(folder / f"synth-{target}.json", record.write(found))
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        _print(render_utilization(found))


@app.command()
def draw(
    folder: Folder,
    neuron: Annotated[str | None, typer.Option(help="Only what this neuron needs, such as n2_17.")] = None,
) -> None:
    """Draw a build's adders, shifts and comparisons as text for Graphviz: netgen draw ... | dot -Tsvg."""
    from netgen.flow.folder import load_operators
    from netgen.report import drawing

    typer.echo(drawing(load_operators(folder), neuron), nl=False)


app.command()(place.place)


@app.command()
def experiment(
    name: Annotated[str, typer.Argument(help="ablation, recipe, reinit or compression.", show_default=False)],
    data_set: Annotated[str, typer.Option(help="digits, mnist or fashion-mnist.")] = "digits",
    seeds: Annotated[int, typer.Option(min=1, help="Networks from different starts.")] = 3,
    quick: Annotated[bool, typer.Option(help="Fewer rounds of training.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for results; what is there is not run again.")] = Path(
        "hdl_out/experiments"
    ),
    data: DataFolder = None,
    jobs: Jobs = None,
    quiet: Quiet = False,
) -> None:
    """Run an experiment and print its table; one that was stopped goes on."""
    from netgen.experiment import run

    _use_data(data)
    with progress_on_stderr(quiet) as progress:
        text = run(
            name, data_set, out=out, seeds=seeds, quick=quick, jobs=jobs or os.cpu_count() or 1, progress=progress
        )
    typer.echo(text, nl=False)


@app.command()
def search(
    spec: Annotated[
        Path, typer.Argument(help="A spec with a search, such as specs/digits_search.yaml.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder under which the search's folder lies.")] = Path("hdl_out"),
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
    """Search a spec's ranges for networks with short wires and high validation accuracy.

    Prints the front; each point of it lies as a spec in the search's folder. A search that was killed goes on.
    """
    from netgen.report import record, render_front
    from netgen.search import search as run

    _use_data(data)
    with progress_on_stderr(quiet) as progress:
        found = run(spec, out=out, jobs=jobs, storage=storage, ray_address=ray_address, progress=progress)
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        _print(render_front(found))
        typer.echo(f"specs: {out / found.name / 'front'}   picture: {out / found.name / 'front.png'}")


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.", show_default=False)],
    force: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented starting spec that spells out every default."""
    from netgen.spec.reference import starter

    if path.exists() and not force:
        raise SpecError(f"{path}: is already there; choose another name or give --force")
    write_file(path, starter())
    typer.echo(f"wrote {path}; build it with: netgen build {path}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a spec, for editors."""
    from netgen.spec.reference import schema as text

    typer.echo(text(), nl=False)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"netgen {__version__}")
        raise typer.Exit


def _samples_of(text: str | None) -> int | str | None:
    if text is None or text == "all":
        return text
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise typer.BadParameter(f"{text!r}; give a number above 0, or all", param_hint="--samples")
    return int(text)


def _use_data(folder: Path | None) -> None:
    if folder is not None:
        os.environ[DATA_VARIABLE] = str(folder)


def _print_report(folder: Path, *, json: bool) -> None:
    from netgen.flow.folder import load_report
    from netgen.report import render, to_json

    found = load_report(folder)
    if json:
        typer.echo(to_json(found), nl=False)
    else:
        _print(render(found))


def _print(renderable: object) -> None:
    from rich.console import Console

    Console().print(renderable)


def main() -> None:
    """Run the command line; what a user can mend ends in one line on stderr and exit status 1."""
    try:
        app()
    except NetgenError as error:
        print(f"netgen: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("netgen: stopped; the same command goes on from the last finished stage", file=sys.stderr)
        sys.exit(1)
