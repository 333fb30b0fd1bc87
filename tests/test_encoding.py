"""netgen.ir.encoding: the words that say what an input word means, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from netgen.ir.chain import ChainLayer, chain
from netgen.ir.circuit import Circuit
from netgen.ir.encoding import input_meaning, input_overflows, input_text, raw_of
from netgen.ir.fixed import FixedPoint
from netgen.ir.input_rounding import InputRounding


def circuit_of(form: FixedPoint, scale: list[float], thresholds: tuple[int, ...] = ()) -> Circuit:
    n_in = len(scale) * max(len(thresholds), 1)
    layer = ChainLayer(
        np.ones((1, n_in), np.int64), np.zeros(1, np.int64), FixedPoint(2, 0, signed=True), "identity", None
    )
    return chain(form, np.array(scale), (layer,), thresholds)


BYTE, SIGNED = FixedPoint(8, 8, signed=False), FixedPoint(5, 4, signed=True)


@pytest.mark.parametrize(
    ("form", "scale", "text"),
    [
        (BYTE, [1 / 256, 1 / 256], "the raw feature"),
        (BYTE, [1.0, 1.0], "round(raw feature * 256)"),
        (SIGNED, [0.5, 0.5], "round(raw feature * 8)"),
        (SIGNED, [0.5, 0.25], "round(raw feature * input_scale in circuit.json * 16)"),
    ],
)
def test_the_factor_is_the_scale_times_two_to_the_fractional_bits(
    form: FixedPoint, scale: list[float], text: str
) -> None:
    assert input_text(circuit_of(form, scale)) == text


def test_the_meaning_gives_limits_and_what_the_network_reads() -> None:
    assert input_meaning(circuit_of(BYTE, [1 / 256])) == (
        "the raw feature, limited to 0 to 255; the network reads the number word / 256"
    )
    assert input_meaning(circuit_of(SIGNED, [0.5])) == (
        "round(raw feature * 8), limited to -16 to 15; the network reads the number word / 16"
    )
    assert input_meaning(circuit_of(BYTE, [1 / 256], (64, 154))) == (
        "the raw feature, limited to 0 to 255; the network reads the bits word >= 64, word >= 154"
    )


def test_the_meaning_gives_the_networks_own_quantizer() -> None:
    own = replace(
        circuit_of(FixedPoint(8, 0, signed=False), [2.0, 2.0]),
        input_offset=np.array([-1.0, -1.0]),
        input_rounding=InputRounding(np.array([0.25, 0.5]), 0, 200, zero=3),
    )
    assert input_meaning(own) == (
        "round((raw feature * 2 + -1) / that in circuit.json, halves to even) + 3, limited to 0 to 200; "
        "the network reads the word"
    )
    assert input_text(replace(own, input_rounding=None)) == "round((raw feature * 2 + -1) * 1)"


def test_raw_features_of_words_are_encoded_as_these_words() -> None:
    words = np.array([[0, 7], [100, 200], [255, 1]])
    plain = replace(circuit_of(BYTE, [2.0, 0.5]), input_offset=np.array([0.25, 0.0]))
    assert plain.encode(raw_of(plain, words)).tolist() == words.tolist()
    own = replace(plain, input_rounding=InputRounding(np.array([0.25, 0.5]), 0, 255, zero=3))
    assert own.encode(raw_of(own, words)).tolist() == words.tolist()


def test_features_beyond_the_words_of_the_networks_own_quantizer_are_counted() -> None:
    """Words from 0 to 7 in steps of 1/2 from -1.5 on: 2.4 and -1.9 round to the ends; 2.5 and -2 lie a step beyond."""
    rounding = InputRounding(np.array([0.5]), 0, 7, zero=3)
    own = replace(circuit_of(FixedPoint(3, 0, signed=False), [1.0]), input_rounding=rounding)
    assert input_overflows(own, np.array([[2.4], [-1.9], [2.5], [-2.0], [0.0]])) == 2
    bit = replace(own, input_rounding=InputRounding(np.array([1.0]), 0, 1, "up"))
    assert input_overflows(bit, np.array([[99.0]])) == 0
