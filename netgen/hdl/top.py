"""The whole circuit as one Amaranth component between two streams."""

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from netgen.circuit import Circuit, ranges_of, simplify
from netgen.fixed import bits_of
from netgen.hdl.argmax import add_argmax
from netgen.hdl.layer import add_layer
from netgen.hdl.sheet import Section, Sheet, Term


def class_width_of(circuit: Circuit) -> int:
    """Bits that hold the index of every score."""
    return bits_of(0, circuit.sizes[-1] - 1)[0]


class Top(wiring.Component):  # type: ignore[misc]  # Amaranth ships no types
    """Layers behind one another, a register after each; one sample enters and one leaves in every clock cycle.

    All registers load together, whenever the output is free or being taken, so a stall loses and reorders nothing.

    Ports:
        i: stream of `ArrayLayout(word, n_in)`, the input words.
        o: stream of a struct: `scores`, `ArrayLayout(score, n_out)`, and with arg-max above them `class`.

    Latency: one cycle per layer, and one for arg-max. Initiation interval: 1.

    Args:
        names: of the register of each neuron, by (layer, index); of an input, of the wires it arrives on.
    """

    def __init__(self, circuit: Circuit, names: dict[tuple[int, int], str], *, argmax: bool) -> None:
        self._circuit = circuit
        self._names = names
        self._argmax = argmax
        score = circuit.score_format
        fields: dict[str, object] = {"scores": data.ArrayLayout(Shape(score.width, score.signed), circuit.sizes[-1])}
        if argmax:
            fields["class"] = class_width_of(circuit)
        word = Shape(circuit.input.width, circuit.input.signed)
        self.latency = len(circuit.layers) + argmax
        self.sections: list[Section] = []
        """Names of all signals, in the order in which a person reads them; set by elaborating."""
        super().__init__(
            {
                "i": In(stream.Signature(data.ArrayLayout(word, circuit.sizes[0]))),
                "o": Out(stream.Signature(data.StructLayout(fields))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the module; `platform` makes no difference."""
        del platform
        m = Module()
        sheet = Sheet(m)
        sheet.section("flow control: all registers load when the output is free or being taken")
        enable = self.i.ready
        m.d.comb += enable.eq(sheet.wire("o_free", ~self.o.valid) | self.o.ready)
        self._add_valid_bits(m, sheet)

        circuit = simplify(self._circuit)
        words = self._input_terms(sheet)
        for depth, (layer, reach) in enumerate(zip(circuit.layers, ranges_of(circuit), strict=True)):
            words = add_layer(sheet, depth + 1, layer, reach, circuit.rescale_shift(depth), words, self._names, enable)
        if self._argmax:
            sheet.section("class: the greatest score, the lowest index on a tie")
            best = add_argmax(sheet, words, class_width_of(circuit))
            m.d.comb += self.o.payload["class"].eq(sheet.register("best_class", best, enable=enable))
            words = [
                term
                if term.lo == term.hi
                else Term(sheet.register(f"score_{k}", term.value, enable=enable), term.lo, term.hi)
                for k, term in enumerate(words)
            ]
        for k, term in enumerate(words):
            m.d.comb += self.o.payload["scores"][k].eq(term.value)
        self.sections = sheet.sections
        return m

    def _add_valid_bits(self, m: Module, sheet: Sheet) -> None:
        after = [*(Signal(name=f"valid_{stage}") for stage in range(1, self.latency)), self.o.valid]
        for before, now in zip([self.i.valid, *after], after, strict=False):
            with m.If(self.i.ready):
                m.d.sync += now.eq(before)
        sheet.sections[-1].names.extend(["i__ready", *(bit.name for bit in after)])

    def _input_terms(self, sheet: Sheet) -> list[Term]:
        """The input words, under their neurons' names; those that reach nothing stay unnamed, and unused."""
        sheet.section("inputs")
        reach = self._circuit.input
        words = [self.i.payload[k] for k in range(self._circuit.sizes[0])]
        named = [sheet.wire(self._names[0, k], word) if (0, k) in self._names else word for k, word in enumerate(words)]
        return [Term(word, reach.lo, reach.hi) for word in named]
