from collections.abc import Sequence

import numpy as np
import pytest
from train_cases import RECIPE

from netgen.data import Dataset, Split, load_dataset
from netgen.ir.arrays import Bools
from netgen.ir.circuit import evaluate
from netgen.ir.dense import DenseLayer, DenseNetwork
from netgen.ir.digits import count_digits, signed_digits
from netgen.ir.fixed import FixedPoint, Reals, Words
from netgen.learn.allocate import _fewer_digits, allocate
from netgen.quantize import Formats, QuantizedMlp, calibrate, predict_words, quantize
from netgen.spec.sections import DataSpec
from netgen.train import Samples, accuracy_of, fit


def _ones(masks: Sequence[Bools], weights: Sequence[Words]) -> list[Reals]:  # noqa: ARG001 - the signature of a placer
    """Every wire is one step long."""
    return [np.ones(mask.shape) for mask in masks]


def _two_inputs(words: list[int]) -> tuple[QuantizedMlp, Dataset]:
    """One score of two inputs that are always equal, and another that is 0; weights in steps of 1."""
    features = np.repeat(np.random.default_rng(1).random((64, 1)), 2, axis=1).astype(np.float32)
    split = Split(features, np.arange(64) % 2)
    weight = np.array([words, [0, 0]], dtype=np.float64)
    network = DenseNetwork((DenseLayer(weight, np.zeros(2), weight != 0, "identity"),))
    formats = Formats(FixedPoint(4, 4, signed=False), (FixedPoint(6, 0, signed=True),), ())
    return QuantizedMlp(network, formats), Dataset(split, split, split, 2, np.ones(2), "")


def test_the_count_of_digits_equals_the_number_of_signed_digits() -> None:
    words = np.arange(-300, 300)
    assert count_digits(words).tolist() == [len(list(signed_digits(word))) for word in words.tolist()]


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        ([7, 12], [1, 6]),  # 7 = 8 - 1 changes by 1 when it becomes 8; 12 = 16 - 4 by 4
        ([12, 7], [6, 1]),
        ([5, 11], [1, 6]),  # 5 = 4 + 1 becomes 4; 11 = 16 - 4 - 1 becomes 12: as much; the first is removed
    ],
)
def test_of_digits_with_equal_saving_the_one_that_changes_its_weight_least_is_removed(
    words: list[int], limits: list[int]
) -> None:
    module, data = _two_inputs(words)
    assert _fewer_digits(module, data, _ones, tables=0)[0][0].tolist() == limits


def test_the_last_digit_of_a_long_wire_is_removed_first() -> None:
    """Both weights are 1; the second wire is a hundred times longer."""
    module, data = _two_inputs([1, 1])
    found = _fewer_digits(module, data, lambda *_: [np.array([[1.0, 100.0], [0.0, 0.0]])], tables=0)
    assert found[0][0].tolist() == [6, 0]


def test_digits_of_neurons_that_are_tables_are_kept() -> None:
    """Two inputs of four bits make a table of eight bits: fewer digits save no look-up table."""
    module, data = _two_inputs([7, 12])
    assert _fewer_digits(module, data, _ones, tables=8)[0][0].tolist() == [6, 6]


def test_allocation_removes_digits_and_holds_the_accuracy() -> None:
    data = load_dataset(DataSpec(), seed=1)
    rng = np.random.default_rng(0)
    layers = []
    for n_in, n_out, activation in ((64, 16, "relu"), (16, 10, "identity")):
        weight = rng.normal(size=(n_out, n_in)) / np.sqrt(n_in)
        layers.append(DenseLayer(weight, np.zeros(n_out), np.ones((n_out, n_in), dtype=bool), activation))  # type: ignore[arg-type]
    form = data.input_format(5)
    formats = calibrate(
        DenseNetwork(tuple(layers)),
        data.train.features.astype(np.float64),
        input_format=form,
        weight_widths=[6, 6],
        activation_widths=[5],
    )
    module, data = QuantizedMlp(DenseNetwork(tuple(layers)), formats), data.rounded_to(form)
    reached = fit(module, data, RECIPE, epochs=12, seed=1)
    before = sum(int(count_digits(words).sum()) for words in module.words())
    allocate(module, data, Samples.of(data.train), RECIPE, _ones, accuracy=reached - 0.03, rounds=6, tables=0, seed=2)
    after = [count_digits(words) for words in module.words()]
    assert sum(int(digits.sum()) for digits in after) < 0.8 * before
    assert accuracy_of(module, data.validation) >= reached - 0.03
    assert all((digits <= limit).all() for digits, limit in zip(after, module.limits, strict=True))
    words = form.encode(data.test.features)
    circuit = quantize(module.network(), formats, data.scale)
    again = QuantizedMlp(module.network(), formats)
    assert np.array_equal(predict_words(again, words), evaluate(circuit, words)), "nothing but formats is needed"
