"""Write the hardware: `top.v`, its self-checking testbench, and, if asked for, `top_axis.v`."""

from pathlib import Path

from netgen.flow import nouns
from netgen.flow.design import timing_of
from netgen.flow.stage import Stage, Work
from netgen.ir.encoding import input_text


def _depends(work: Work) -> dict[str, object]:
    return {
        **nouns.samples_key(work),
        **nouns.board_key(work),
        "lower": work.store.digest("lower"),
        "place": work.store.digest("place"),
        "emit": work.spec.emit.model_dump(),
        "name": work.spec.name,
    }


def _describe(work: Work) -> str:
    return f"{len(work.get(nouns.operator_graph).operators):,} operators to Verilog"


def _make(work: Work, folder: Path) -> None:
    from netgen import hdl

    spec, circuit, graph = work.spec, work.get(nouns.circuit), work.get(nouns.operator_graph)
    netlist, placement = work.get(nouns.netlist), work.get(nouns.placement)
    title = f"spec {spec.name}, seed {spec.seed}; input word: {input_text(circuit)}"
    timing = timing_of(graph, spec, netlist, placement)
    design = hdl.design_of(circuit, graph, timing, netlist, placement, title=title, comments=spec.emit.comments)
    (folder / "top.v").write_text(design.verilog, encoding="utf-8")
    if spec.emit.axis != "none":
        text = hdl.axis_of(design, spec.emit.axis, spec.emit.axis_output)
        (folder / "top_axis.v").write_text(text, encoding="utf-8")
    given, samples = work.get(nouns.test_words)[: spec.emit.vectors], work.get(nouns.train_words)[: hdl.SAMPLES]
    for name, text in hdl.testbench_of(design, hdl.vectors_of(design, given, samples)).items():
        (folder / name).write_text(text, encoding="utf-8")


STAGE = Stage("emit", _depends, _make, _describe)
