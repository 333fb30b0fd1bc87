"""Who owns a cell: every look-up table, carry cell and register of a mapped circuit is known by its neuron.

Mapping flattens a design and keeps few names. So the cells of each owner move into a module of their own before it,
which is mapped by itself; only then is the design flattened.
"""

import json
from pathlib import Path

from netgen.errors import SynthError, refused
from netgen.fpga.marking import marked, named
from netgen.fpga.synthesize import Mapped, Ticks, command_of, refusal, utilization_of
from netgen.fpga.targets import TARGETS
from netgen.fpga.yosys import Yosys, find_yosys
from netgen.progress import Progress, silent
from netgen.tools import scratch_folder

__all__ = ["map_owned"]


def map_owned(
    verilog: str,
    *,
    target: str,
    top: str = "top",
    core: str = "",
    yosys: str = "auto",
    source: str = "top.v",
    progress: Progress = silent,
) -> Mapped:
    """Map Verilog to the cells of an FPGA family, and name every cell after its owner.

    A cell is named `OWNER/NUMBER`. Its owner is a neuron (`n2_17`), a sum that several neurons share or a word that a
    gate holds (named as in `top.v`), `flow` for the core's flow control, or `wrapper`. A net has the name that its
    signal has in `top.v`, as far as it has one: bit k of input 5 is `n0_5[k]`.

    Args:
        verilog: the circuit and, where there is one, the wrapper that contains it.
        target: ecp5 or ice40.
        top: the outermost module.
        core: the instance of the circuit in it; empty where the outermost module is the circuit.
        yosys: `wheel`, `native`, or `auto` for the newer of the two.
        source: the name of the Verilog in errors.
    Raises: SynthError, when Yosys is missing, or refuses the Verilog.
    """
    with scratch_folder(SynthError) as folder:
        try:
            tool = find_yosys(yosys, folder, progress)
            tick = Ticks(verilog, progress)
            mapping = f"{command_of(tool, TARGETS[target], folder)} -noflatten -top {top}"
            (folder / "top.v").write_text(verilog, encoding="utf-8")
            coarse = f"read_verilog top.v; hierarchy -check -top {top}; proc; flatten; opt_expr; opt_clean"
            module, owners = marked(_run(tool, f"{coarse}; write_json made.json", top, folder, source, tick), core)
            (folder / "marked.json").write_text(json.dumps({"modules": {top: module}}), encoding="utf-8")
            told = (f'setattr -set owner "{owner}" {top}_{owner}/c:*' for owner in owners)
            script = ["read_json marked.json", "submod", mapping, *told, "flatten", "opt_clean", "write_json made.json"]
            (folder / "map.ys").write_text("\n".join(script), encoding="utf-8")
            mapped = _run(tool, "script map.ys", top, folder, source, tick)
        except OSError as error:
            raise SynthError(refused(error, error.filename or folder, "set TMPDIR to another folder")) from error
    progress(tick.what, 1.0)
    found = named(mapped, top, set(module["netnames"]))
    utilization = utilization_of(list(found["cells"].values()), target, tool)
    return Mapped(json.dumps({"modules": {top: found}}), utilization)


def _run(tool: Yosys, script: str, top: str, folder: Path, source: str, tick: Ticks) -> dict[str, dict[str, object]]:
    """Run a script that writes `made.json`, and return its outermost module."""
    done = tool.run(script, folder, tick=tick)
    if done.status:
        raise refusal(tool, done, source)
    module: dict[str, dict[str, object]] = json.loads((folder / "made.json").read_text(encoding="utf-8"))["modules"][
        top
    ]
    return module
