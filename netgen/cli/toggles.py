"""Commands on toggles: toggles."""

from enum import StrEnum
from typing import Annotated

import typer

from netgen.cli.energy import Stream
from netgen.cli.options import DataFolder, Folder, Json, Quiet, use_data
from netgen.cli.output import print_table
from netgen.cli.terminal import progress_on_stderr


class MappedTo(StrEnum):
    """What a netlist is mapped to."""

    GATES = "gates"
    LUTS = "luts"


def toggles(
    folder: Folder,
    samples: Annotated[
        int | None,
        typer.Option(min=2, help="Test samples that follow each other; at most 1,000 by default.", show_default=False),
    ] = None,
    order: Annotated[
        Stream, typer.Option(help="Order of the samples: of the test set, shuffled, or the worst.")
    ] = Stream.TEST,
    check: Annotated[
        bool, typer.Option("--check", help="Compare every register bit with the Verilog, simulated by Icarus.")
    ] = False,
    glitches: Annotated[
        MappedTo | None,
        typer.Option(help="Map to gates or luts by Yosys, and count glitches in Icarus.", show_default=False),
    ] = None,
    data: DataFolder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Count how often bits toggle from sample to sample, by layer; with --json, for each neuron too.

    One sample enters in every clock cycle. The build folder is read as it is, and not changed.
    """
    from netgen.flow.toggles import toggles_in
    from netgen.report import record, render_toggles

    use_data(data)
    with progress_on_stderr(quiet) as progress:
        found = toggles_in(
            folder,
            samples=samples,
            order=order.value,
            check=check,
            glitches=None if glitches is None else glitches.value,
            progress=progress,
        )
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        print_table(render_toggles(found))
