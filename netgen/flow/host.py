"""Test samples on a board, or on its simulated program, compared with the integers."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from netgen.errors import BuildError, CheckError
from netgen.flow.design import load_design
from netgen.flow.energy import load_words, spec_in
from netgen.flow.files import read_text
from netgen.flow.folder import load_circuit
from netgen.flow.fpga import board_named, load_routed, routed_verilog
from netgen.ir.circuit import classify, evaluate
from netgen.ir.hosted import HostReport
from netgen.ir.ranked import ranked
from netgen.operators.board import answers_of, bytes_of, outputs_of
from netgen.operators.design import Simulated
from netgen.progress import Progress, silent

__all__ = ["LOOPBACK", "ROUTED", "SIMULATED", "host_in", "raise_if_unequal"]

LOOPBACK = "loopback"
"""The port that is no port: Icarus simulates the board's program, as it was written."""
ROUTED = "routed"
"""The port that is no port: Icarus simulates the board's program, as it was routed."""
SIMULATED = 20
"""Samples that are simulated unless the user says how many: Icarus runs some 60,000 clock cycles in a second."""


def host_in(
    folder: Path,
    port: str,
    *,
    board: str | None = None,
    samples: int | str | None = None,
    base: Path | None = None,
    progress: Progress = silent,
) -> HostReport:
    """Send test samples of a build to a board, and compare what it answers with `evaluate`.

    Args:
        port: such as `/dev/ttyUSB0`; or `loopback` for the board's program in Icarus, clock cycle by clock cycle; or
            `routed` for the same after routing, see `routed_verilog`.
        board: the one that was routed, by default.
        samples: how many, from the first, or `all`; by default all, and `SIMULATED` where they are simulated.
        base: folder from which the data's path is seen; the build folder by default.
    Raises: BuildError, when something in the folder is missing or damaged, or not routed; SimulatorError, when Icarus
        is missing or fails; BoardError, when the board does not answer, or answers as another circuit.
    """
    from netgen import hdl
    from netgen.fpga.port import exchange_on_port
    from netgen.simulate.loopback import exchange_simulated

    routed = load_routed(folder, board)
    if not routed.baud:
        raise BuildError(f"{folder}: routed without a serial line; run netgen fpga --board {routed.board} --top uart")
    circuit = load_circuit(folder)
    design = load_design(folder, spec_in(folder), circuit)
    program = hdl.board_program(design, hertz=board_named(routed.board).hertz, baud=routed.baud)
    wrapper = folder / f"fpga-{routed.board}.v"
    if read_text(wrapper) != program.verilog:
        raise BuildError(f"{wrapper}: of another top.v, or edited; run netgen fpga --board {routed.board} again")
    found = load_words(folder, base=base)
    words = found.words[: _count(port, samples)]
    sent = bytes_of(design, words)
    if port in {LOOPBACK, ROUTED}:
        top = design.verilog
        if port == ROUTED:
            program, top = replace(program, verilog=routed_verilog(folder, routed)), ""
        exchanged = exchange_simulated(program, top, sent, latency=design.latency, progress=progress)
    else:
        exchanged = exchange_on_port(program, port, sent, progress=progress)
    scores = evaluate(circuit, words)
    classes = classify(scores[:, ranked(circuit)]) if design.class_width else None
    right = (exchanged.answers == answers_of(design, Simulated(scores, classes))).all(axis=1)
    answered = outputs_of(design, exchanged.answers)
    difference = ""
    if not right.all():
        first = int(np.argmin(right))
        given, wanted = (", ".join(map(str, row.tolist())) for row in (answered.scores[first], scores[first]))
        difference = f"sample {first}: scores {given}, and {wanted} in integers"
    labels = None if found.labels is None else found.labels[: len(words)]
    return HostReport(
        name=folder.resolve().name,
        board=routed.board,
        port=port,
        samples=len(words),
        origin=found.origin,
        equal=int(right.sum()),
        difference=difference,
        accuracy=None if labels is None or answered.classes is None else float(np.mean(answered.classes == labels)),
        expected=None if labels is None or classes is None else float(np.mean(classes == labels)),
        seconds=exchanged.seconds,
        baud=program.baud,
    )


def _count(port: str, samples: int | str | None) -> int | None:
    """How many samples are sent; None for all."""
    if samples is None and port in {LOOPBACK, ROUTED}:
        return SIMULATED
    return samples if isinstance(samples, int) else None


def raise_if_unequal(found: HostReport) -> None:
    """Say so when an answer is not that of the integers.

    Raises: CheckError.
    """
    if found.difference:
        raise CheckError(
            f"{found.port}: {found.samples - found.equal} of {found.samples} answers differ; {found.difference}"
        )
