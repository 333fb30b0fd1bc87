"""Commands on energy: energy."""

from enum import StrEnum
from typing import Annotated

import typer

from netgen.cli.options import DataFolder, Folder, Json, use_data
from netgen.cli.output import print_table


class EnergyModel(StrEnum):
    """A model of energy."""

    WIRES = "wires"
    EYERISS = "eyeriss"
    FPGA = "fpga"


class Stream(StrEnum):
    """An order of the test samples."""

    TEST = "test"
    SHUFFLE = "shuffle"
    WORST = "worst"


class WireNode(StrEnum):
    """The process of the wires."""

    ANY = "any"
    NM45 = "45nm"
    NM40 = "40nm"
    NM14 = "14nm"
    NM10 = "10nm"
    NM5 = "5nm"


def energy(
    folder: Folder,
    model: Annotated[
        list[EnergyModel] | None,
        typer.Option(help="wires, eyeriss or fpga; wires and eyeriss by default.", show_default=False),
    ] = None,
    pitch: Annotated[
        float | None,
        typer.Option(
            help="Length of a grid step in micrometres; without it wires have no picojoules.", show_default=False
        ),
    ] = None,
    tier: Annotated[
        float | None,
        typer.Option(help="Length of a via in micrometres; that of a grid step by default.", show_default=False),
    ] = None,
    node: Annotated[WireNode, typer.Option(help="Process whose wires are charged; any spans them all.")] = WireNode.ANY,
    samples: Annotated[
        int | None,
        typer.Option(
            min=2, help="Test samples whose toggles are counted; at most 1,000 by default.", show_default=False
        ),
    ] = None,
    order: Annotated[
        Stream, typer.Option(help="Order of the samples: of the test set, shuffled, or the worst.")
    ] = Stream.TEST,
    board: Annotated[
        str | None, typer.Option(help="fpga: board; the one that the build is routed for.", show_default=False)
    ] = None,
    zeros: Annotated[bool, typer.Option("--zeros", help="eyeriss: also store and multiply weights of zero.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="eyeriss: samples that share one reading of the weights.")] = 1,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Estimate the energy of one sample, by layer and kind.

    wires: bits that toggle times distance, on the placed circuit. eyeriss: the same network on an accelerator with
    DRAM, buffer and register files. fpga: routed length times bits that toggle, after netgen fpga. The build folder
    is read as it is, and not changed.
    """
    from netgen.energy import EnergySettings
    from netgen.flow.energy import energy_in
    from netgen.report import record, render_energy, render_gates

    use_data(data)
    settings = EnergySettings(
        pitch=pitch, tier=tier, node=node.value, zeros="included" if zeros else "left out", batch=batch
    )
    models = tuple(dict.fromkeys(one.value for one in model)) if model else ("wires", "eyeriss")
    found = energy_in(folder, models, settings=settings, board=board, samples=samples, order=order.value)
    if json:
        typer.echo(record.write(found), nl=False)
    else:
        print_table(render_energy(found.energies))
        if found.gates is not None:
            typer.echo()
            print_table(render_gates(found.gates))
