"""How a raw feature becomes an input word, and how the network reads that word: for Verilog headers and reports."""

from netgen.ir.circuit import Circuit


def input_text(circuit: Circuit) -> str:
    """Describe the input word of a raw feature, before saturation: `round(raw feature * 256)`."""
    factors = sorted(set((circuit.input_scale * 2.0**circuit.input.frac).tolist()))
    if factors == [1.0]:
        return "the raw feature"
    if len(factors) == 1:
        return f"round(raw feature * {factors[0]:g})"
    return f"round(raw feature * input_scale in circuit.json * {2.0**circuit.input.frac:g})"


def input_meaning(circuit: Circuit) -> str:
    """Describe the input word, its limits, and the number or bits that the network makes of it."""
    form, reached = circuit.input, circuit.thresholds
    read = f"number word / {2**form.frac}"
    if reached:
        read = f"bit{'s' * (len(reached) > 1)} {', '.join(f'word >= {word}' for word in reached)}"
    return f"{input_text(circuit)}, limited to {form.lo} to {form.hi}; the network reads the {read}"
