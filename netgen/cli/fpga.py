"""Commands on FPGAs: synth, fpga, host."""

from enum import StrEnum
from typing import Annotated

import typer

from netgen.cli.options import DataFolder, Folder, Json, Quiet, samples_of, use_data
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


class TopModule(StrEnum):
    """What is routed."""

    UART = "uart"
    OOC = "ooc"


def fpga(
    folder: Folder,
    board: Annotated[
        str,
        typer.Option(help="Board, such as ulx3s-85f, icebreaker, hx8k; a wrong name prints all.", show_default=False),
    ],
    top: Annotated[
        TopModule,
        typer.Option(help="The circuit behind a serial line, or out of context: alone, without pins (ECP5)."),
    ] = TopModule.UART,
    baud: Annotated[int, typer.Option(min=300, help="Bits in a second on the serial line.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Of nextpnr's placer.")] = 1,
    limit: Annotated[int, typer.Option(min=1, help="Seconds after which place and route is given up.")] = 1800,
    lengths: Annotated[
        bool, typer.Option("--lengths", help="Keep the neuron of every cell, and measure routed length.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Place and route a build for an FPGA board, and pack the bitstream.

    Yosys synthesizes top.v with a wrapper for the board's serial line; nextpnr places and routes it. Prints the cells,
    the clock frequency and the critical path, and writes fpga-BOARD.json in the build folder, with the bitstream and
    the logs beside it. Exits with status 1 when the circuit is slower than the board's clock.
    """
    from netgen.flow.fpga import fpga_in, raise_if_slow
    from netgen.report import record, render_routed

    with progress_on_stderr(quiet) as progress:
        found = fpga_in(
            folder, board, top=top.value, baud=baud, seed=seed, limit=limit, lengths=lengths, progress=progress
        )
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        print_table(render_routed(found))
    raise_if_slow(folder, found)


def host(
    folder: Folder,
    port: Annotated[
        str,
        typer.Option(help="Serial port, such as /dev/ttyUSB0; loopback and routed simulate.", show_default=False),
    ],
    board: Annotated[
        str | None, typer.Option(help="Board; the one that the build is routed for.", show_default=False)
    ] = None,
    samples: Annotated[
        str | None,
        typer.Option(
            help="Test samples, a number or all; all by default, 20 where they are simulated.", show_default=False
        ),
    ] = None,
    data: DataFolder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Send test samples to a board over its serial line, and compare every answer.

    The board must run the bitstream of netgen fpga. With --port loopback, Icarus simulates the same program with the
    same bytes; with --port routed it simulates what was routed, for iCE40 the bitstream read back. Prints accuracy,
    agreement with the integer circuit and samples in a second. Exits with status 1 when an answer differs in a bit.
    """
    from netgen.flow.host import host_in, raise_if_unequal
    from netgen.report import record, render_host

    use_data(data)
    with progress_on_stderr(quiet) as progress:
        found = host_in(folder, port, board=board, samples=samples_of(samples), progress=progress)
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        print_table(render_host(found))
    raise_if_unequal(found)
