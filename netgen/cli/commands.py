"""All commands, one function each: parse, call, print. Results go to stdout, progress to stderr."""

from typing import Annotated

import typer

from netgen.cli.build import build, check, draw, report
from netgen.cli.energy import energy
from netgen.cli.fpga import fpga, host, synth
from netgen.cli.inspect import inspect
from netgen.cli.place import place
from netgen.cli.search import experiment, search
from netgen.cli.spec import init, schema
from netgen.cli.toggles import toggles
from netgen.version import __version__

app = typer.Typer(
    name="netgen",
    help="Compile a trained PyTorch network to a placed, bit-exact circuit with short wires.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    build,
    inspect,
    report,
    check,
    energy,
    toggles,
    synth,
    fpga,
    host,
    draw,
    place,
    experiment,
    search,
    init,
    schema,
):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"netgen {__version__}")
        raise typer.Exit
