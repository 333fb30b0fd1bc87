"""An AXI4-Stream wrapper around `top`, with the standard's signal names."""

from pathlib import Path
from string import Template
from typing import Literal

from netgen.operators.design import Design

Form = Literal["parallel", "serial"]
Output = Literal["all", "class"]


def axis_of(design: Design, form: Form, output: Output) -> str:
    """Write the module `top_axis`, which contains `top`.

    Ports: `aclk`, `aresetn` (active low, synchronous), `s_axis_*` in and `m_axis_*` out; `tdata` is padded with zeros
    to whole bytes. Back-pressure passes through; no sample is lost, repeated or reordered.

    Args:
        form: `parallel`: a beat is a sample, packed as in `i_payload`; initiation interval 1. `serial`: a beat is one
            input word, word 0 first, with `tlast` on the last; initiation interval: the number of inputs. A `tlast`
            that comes early discards the words of its sample, so that a source that was interrupted can begin anew.
        output: `all`: the output payload; `class`: the class alone.
    """
    word = design.circuit.input.width if form == "serial" else design.input_width
    low = design.output_width - design.class_width if output == "class" else 0
    width = design.output_width - low
    inputs = design.circuit.features
    ports = _template("ports").substitute(
        input_high=_bytes(word) - 1,
        output_width=design.output_width,
        output_high=_bytes(width) - 1,
        output_data=_filled(f"payload[{low + width - 1}:{low}]", _bytes(width) - width),
    )
    digits = max((inputs - 1).bit_length(), 1)
    data = f"s_axis_tdata[{word - 1}:0]"
    return _template(form).substitute(
        ports=ports,
        input_width=design.input_width,
        count_high=digits - 1,
        last=f"{digits}'d{inputs - 1}",
        shifted=f"{{{data}, sample[{design.input_width - 1}:{word}]}}" if inputs > 1 else data,
    )


def _template(name: str) -> Template:
    return Template((Path(__file__).parent / f"axis_{name}.v").read_text(encoding="utf-8"))


def _bytes(width: int) -> int:
    return -(-width // 8) * 8


def _filled(name: str, zeros: int) -> str:
    return f"{{{zeros}'d0, {name}}}" if zeros else name
