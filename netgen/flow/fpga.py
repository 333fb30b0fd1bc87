"""A build on an FPGA board: its wrapper, synthesis, place and route, and the bitstream, in this order."""

from pathlib import Path
from typing import Literal, get_args

from netgen.errors import BuildError
from netgen.flow.design import load_design
from netgen.flow.energy import spec_in
from netgen.flow.files import read_text
from netgen.flow.folder import load_circuit, parsed
from netgen.flow.routing import forget_lengths, keep_lengths
from netgen.fpga.bitstream import SUFFIX, pack
from netgen.fpga.boards import BOARDS, Board
from netgen.fpga.ecp5_verilog import ecp5_verilog
from netgen.fpga.nextpnr import LIMIT, place_and_route
from netgen.fpga.owners import map_owned
from netgen.fpga.read_report import cells_in, fmax_in, path_in
from netgen.fpga.readback import read_back
from netgen.fpga.synthesize import mapped
from netgen.ir.routed import Routed
from netgen.progress import Progress, silent
from netgen.tools import whole_file

__all__ = ["BAUD", "RoutedTop", "board_named", "fpga_in", "load_routed", "raise_if_slow", "routed_verilog"]

RoutedTop = Literal["uart", "ooc"]
BAUD = 1_000_000
"""Bits in a second on the serial line: all boards have a bridge to USB that can do it, and clocks that divide to it."""


def fpga_in(
    folder: Path,
    board: str,
    *,
    top: RoutedTop = "uart",
    baud: int = BAUD,
    seed: int = 1,
    limit: int = LIMIT,
    lengths: bool = False,
    progress: Progress = silent,
) -> Routed:
    """Place and route the circuit of a build folder for a board, and pack the bitstream.

    Writes `fpga-BOARD.json`, and beside it the wrapper (`.v`), the pins (`.lpf`, `.pcf`), what nextpnr says (`.log`),
    and the bitstream (`.bit`, `.bin`); not when the circuit is slower than the board's clock, nor without pins. Of ECP5
    also `routed-BOARD.v`, what is routed; with `lengths` those of nets (`.json`) and of the network's wires (`.csv`).

    Args:
        top: `uart`, with the wrapper for the serial line; `ooc`, the circuit alone, of ECP5 only.
        limit: seconds for place and route.
        lengths: map the cells of each neuron by themselves, so that all are known by neuron, and measure routed length.
    Raises: BuildError, when something in the folder is missing or damaged, or it cannot be written; SynthError, when
        a tool is missing or fails, or the circuit does not fit.
    """
    from netgen import hdl
    from netgen.report import record

    chosen = board_named(board)
    if top not in get_args(RoutedTop):
        raise BuildError(f"top {top!r}; use one of {', '.join(get_args(RoutedTop))}")
    family = chosen.device.family
    if top == "ooc" and family != "ecp5":
        raise BuildError(
            f"{board}: nextpnr-{family} cannot route a circuit without pins; use top uart, or an ECP5 board"
        )
    spec, circuit = spec_in(folder), load_circuit(folder)
    design = load_design(folder, spec, circuit)
    place = folder / f"fpga-{board}"
    verilog, module, pins = design.verilog, "top", ""
    if top == "uart":
        wrapper = hdl.board_program(design, hertz=chosen.hertz, baud=baud).verilog
        verilog, module, pins = f"{verilog}\n{wrapper}", "board", chosen.pins
        _write(place.with_suffix(".v"), wrapper)
        _write(place.with_suffix(".lpf" if family == "ecp5" else ".pcf"), pins)
    source = str(folder / "top.v")
    if lengths:
        core = "core" if top == "uart" else ""
        netlist = map_owned(verilog, target=family, top=module, core=core, source=source, progress=progress)
    else:
        netlist = mapped(verilog, target=family, top=module, source=source, progress=progress)
    routing = place_and_route(
        netlist.text,
        chosen.device,
        log=place.with_suffix(".log"),
        pins=pins,
        megahertz=chosen.hertz / 1e6,
        seed=seed,
        options=("--out-of-context",) if top == "ooc" else (),
        limit=limit,
        progress=progress,
    )
    about = f"{chosen.about}; {routing.tool}, seed {seed}"
    forget_lengths(folder, board)  # of an earlier run
    bits, fmax = place.with_suffix(f".{SUFFIX[family]}"), fmax_in(routing.report)
    found = Routed(
        board=board,
        about=chosen.about,
        device=chosen.device.name,
        top=top,
        nextpnr=routing.tool,
        seed=seed,
        clock=chosen.hertz / 1e6,
        fmax=fmax,
        mapped=netlist.utilization,
        cells=cells_in(routing.report),
        path=path_in(routing.report),
        lengths=keep_lengths(folder, board, routing.netlist, spec, circuit, about) if lengths else None,
        baud=baud if top == "uart" else 0,
        bitstream=bits.name if top == "uart" and (fmax is None or fmax >= chosen.hertz / 1e6) else "",
    )
    if found.bitstream:
        with whole_file(bits, BuildError, fix=_FIX) as beside:
            beside.write_bytes(pack(routing.config, chosen.device, progress=progress))
    else:
        bits.unlink(missing_ok=True)  # that of another circuit
    if family == "ecp5" and top == "uart":
        _write(folder / ROUTED.format(board), ecp5_verilog(routing.netlist, module))
    _write(place.with_suffix(".json"), record.write(found))
    return found


def routed_verilog(folder: Path, found: Routed) -> str:
    """The board's program after routing: of ECP5 the netlist that nextpnr wrote, of iCE40 the bitstream read back.

    Raises: BuildError, when there is none; SynthError, when the bitstream cannot be read back.
    """
    board = board_named(found.board)
    if board.device.family == "ecp5":
        return read_text(folder / ROUTED.format(found.board))
    path = folder / found.bitstream
    if not found.bitstream or not path.exists():
        raise BuildError(f"{folder}: no bitstream for {found.board}; run netgen fpga --board {found.board} again")
    return read_back(path.read_bytes(), board, "board")


ROUTED = "routed-{}.v"
"""The file of a board's program after routing."""


_FIX = "choose a folder that can be written"


def _write(path: Path, text: str) -> None:
    with whole_file(path, BuildError, fix=_FIX) as beside:
        beside.write_text(text, encoding="utf-8")


def board_named(name: str) -> Board:
    """The board of a name.

    Raises: BuildError, when there is none.
    """
    if name not in BOARDS:
        raise BuildError(f"board {name!r}; use one of {', '.join(BOARDS)}")
    return BOARDS[name]


def load_routed(folder: Path, board: str | None) -> Routed:
    """Read what `fpga_in` found for a board; without a name, for the only one.

    Raises: BuildError, when there is none, or several without a name, or the file is damaged.
    """
    from netgen.report import record

    found = sorted(folder.glob("fpga-*.json")) if board is None else [folder / f"fpga-{board}.json"]
    if len(found) != 1 or not found[0].exists():
        names = ", ".join(path.stem.removeprefix("fpga-") for path in found if path.exists())
        what = (
            f"routed for {names}; choose one by --board" if names else "not routed for a board; run netgen fpga first"
        )
        raise BuildError(f"{folder}: {what}")
    return parsed(found[0], lambda text: record.read(Routed, text))


def raise_if_slow(folder: Path, found: Routed) -> None:
    """Say so when a circuit is slower than its board's clock.

    Raises: BuildError.
    """
    if found.top == "uart" and not found.meets:
        raise BuildError(
            f"{folder}: {found.fmax:.1f} MHz, and the clock of {found.board} has {found.clock:g} MHz, so there is no "
            "bitstream; set emit.pipeline to levels, with fewer emit.steps, and build it again"
        )
