"""Build: spec in, placed and checked hardware out. Read this first.

`STAGES` is netgen in one paragraph. Each stage reads nouns that earlier stages have left in the build folder, and
writes new ones there; `run_stages` makes again only what a change has made out of date.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from netgen.errors import BuildError, FitError, QuantizeError, SpecError, TrainError
from netgen.flow.built import Build, load_build
from netgen.flow.fingerprint import code_digest
from netgen.flow.imported import Given
from netgen.flow.stage import Stage, Work
from netgen.flow.stages import (
    calibrate,
    certify,
    check,
    check_read,
    emit,
    lower,
    measure,
    place,
    prune,
    prune_network,
    quantize,
    quantize_tables,
    read,
    report,
    report_read,
    train,
    train_network,
    train_tables,
)
from netgen.flow.store import Store
from netgen.progress import Progress, silent
from netgen.spec.spec import Spec, load_spec

__all__ = ["IMPORTED", "STAGES", "build", "run_stages", "stages_until"]

STAGES: Sequence[Stage] = (
    train.STAGE,  # data and spec -> a dense network
    prune.STAGE,  # -> a sparse float Network, retrained; a placer may follow it
    quantize.STAGE,  # -> an integer Circuit
    measure.STAGE,  # -> its accuracy on validation data
    place.STAGE,  # Circuit -> Netlist, on a Grid -> Placement
    certify.STAGE,  # -> a lower bound on the wire length of every placement
    lower.STAGE,  # Circuit and Placement -> OperatorGraph, proved equal to the circuit
    emit.STAGE,  # OperatorGraph -> Verilog and a testbench
    check.STAGE,  # PyTorch = integers = simulated hardware, or an error
    report.STAGE,  # -> tables, page and picture
)
"""All stages of a network that netgen trains, in order."""

IMPORTED: Sequence[Stage] = (
    read.STAGE,  # a trained network, as it is -> Network, compared with its source
    calibrate.STAGE,  # -> an integer Circuit
    place.STAGE,
    certify.STAGE,
    lower.STAGE,
    emit.STAGE,
    check_read.STAGE,  # the model, integers and simulated hardware
    report_read.STAGE,
)
"""All stages of a network that is read.

Where the network is not kept as it is, `prune_network` follows the first, and `measure` the second; a network that
layers of a spec describe begins with `train_network`. One of truth tables begins with `train_tables`,
`quantize_tables` and `measure`.
"""


def build(
    spec: Spec | Path | str,
    *,
    out: Path | str = "hdl_out",
    base: Path | None = None,
    jobs: int | None = None,
    until: str = "report",
    progress: Progress = silent,
    given: Given | None = None,
) -> Build:
    """Build a spec into the folder `out/NAME`; make again only what has changed since the last build.

    Args:
        spec: a spec, or the path of one.
        base: folder from which the spec's data paths are seen first; by default the folder of the spec's file.
        jobs: processes that simulate; all cores when None. Results do not depend on it.
        given: a network and samples from memory, where the spec says `given` instead of naming files.
        until: the last stage to run; attributes of the result that later stages would make raise BuildError.
    Raises: NetgenError, when a stage cannot do its work; CheckError, when hardware, integers and PyTorch differ.
    """
    if not isinstance(spec, Spec):
        path = Path(spec)
        try:
            found = load_spec(path)
            folder = base or path.parent
            return build(found, out=out, base=folder, jobs=jobs, until=until, progress=progress, given=given)
        except (FitError, QuantizeError, TrainError) as error:  # what the spec asks for cannot be had
            raise type(error)(f"{path}: {error}") from error
    if not spec.name:
        raise SpecError("name: the spec has none; give it one")
    stages_until(until, spec)
    folder = Path(out) / spec.name
    with Store.open(folder) as store:
        work = Work(spec, store, base or Path(), jobs or os.cpu_count() or 1, progress, given)
        for _ in run_stages(work, until=until):
            pass
        return load_build(folder) if until == STAGES[-1].name else Build(folder, spec)


def run_stages(work: Work, *, until: str) -> Iterator[Stage]:
    """Run all stages up to one, and give each when its files are there.

    Raises: NetgenError, when a stage cannot do its work; BuildError, when there is no such stage.
    """
    for stage in stages_until(until, work.spec):
        name = stage.name
        work.progress(f"{name}: {stage.describe(work)}", 0.0)

        def make(folder: Path, stage: Stage = stage) -> None:
            stage.make(work, folder)
            work.progress(f"{stage.name}: made", 1.0)  # an interrupted stage is not kept

        made = work.store.run(name, {**stage.depends(work), "code": code_digest(stage.module)}, make)
        if not made:
            work.progress(f"{name}: kept", 1.0)
        yield stage


def stages_until(last: str, spec: Spec | None = None) -> Sequence[Stage]:
    """All stages of a spec up to one, that one included; those of a network that is trained without a spec.

    Raises: BuildError, when there is no such stage.
    """
    stages = STAGES
    if spec is not None and spec.network.tables is not None:
        stages = (train_tables.STAGE, quantize_tables.STAGE, measure.STAGE, *IMPORTED[2:])
    elif spec is not None and spec.network.reads_graph:
        stages = IMPORTED
        if spec.network.prunes_graph:
            first = train_network.STAGE if spec.network.layers else read.STAGE
            stages = (first, prune_network.STAGE, calibrate.STAGE, measure.STAGE, *IMPORTED[2:])
    names = [stage.name for stage in stages]
    if last not in names:
        raise BuildError(f"until: no stage {last!r}; choose one of {', '.join(names)}")
    return stages[: names.index(last) + 1]
