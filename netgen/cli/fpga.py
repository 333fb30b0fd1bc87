"""Commands on FPGAs: synth."""

from enum import StrEnum
from typing import Annotated

import typer

from netgen.cli.options import Folder, Json, Quiet
from netgen.cli.output import print_table, write_file
from netgen.cli.terminal import progress_on_stderr


class Family(StrEnum):
    """A family of FPGAs."""

    XCUP = "xcup"
    ECP5 = "ecp5"
    ICE40 = "ice40"
    GOWIN = "gowin"


class YosysChoice(StrEnum):
    """Which Yosys synthesizes."""

    AUTO = "auto"
    WHEEL = "wheel"
    NATIVE = "native"


def synth(
    folder: Folder,
    target: Annotated[
        Family, typer.Option(help="FPGA family: AMD UltraScale+, Lattice ECP5, Lattice iCE40, Gowin.")
    ] = Family.XCUP,
    yosys: Annotated[
        YosysChoice, typer.Option(help="Yosys of pip, the installed program, or the newer of the two.")
    ] = YosysChoice.AUTO,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Count the FPGA cells that a build's Verilog needs.

    Yosys synthesizes top.v. Prints the number of look-up tables, registers and other cells, and the depth of the
    logic; writes them to synth-TARGET.json in the build folder.
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
        print_table(render_utilization(found))
