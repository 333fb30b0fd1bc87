"""netgen.report.agreement: what differs first, how often each is right, and how far the scores lie apart."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from netgen.errors import CheckError
from netgen.ir.fixed import FixedPoint
from netgen.report.agreement import CheckReport, Difference, check, raise_if_different

SCORES = np.array([[4, 0, -4], [1, 7, 2], [0, 0, 3], [5, 5, 1]])


def checked(**changes: Any) -> CheckReport:
    """Four samples, three outputs, step 1/4, all in agreement unless changed."""
    arguments: dict[str, Any] = {
        "float_scores": SCORES / 4,
        "quantized": SCORES,
        "evaluated": SCORES,
        "simulated": SCORES,
        "classes": None,
        "labels": np.array([0, 1, 2, 1]),
        "score": FixedPoint(8, 2, signed=True),
        "bound": np.array([1.0, 1.0, 1.0]),
        "inputs": 8,
        "input_overflows": 1,
        "saturated": [3, 0],
        "words": [20, 12],
        "simulator": "verilator",
    }
    return check(**(arguments | changes))


def changed(sample: int, output: int, word: int) -> np.ndarray[Any, Any]:
    scores = SCORES.copy()
    scores[sample, output] = word
    return scores


def test_equal_words_agree_exactly() -> None:
    report = checked()
    assert (report.agreement, report.difference, report.samples) == ("exact", None, 4)
    assert (report.saturated, report.words, report.simulator) == ((3, 0), (20, 12), "verilator")
    raise_if_different(report)


def test_a_tie_goes_to_the_lowest_class_in_every_accuracy() -> None:
    """Sample 3 has scores 5, 5, 1 and label 1: class 0 is wrong, so three of four are right."""
    report = checked()
    assert (report.finetuned_accuracy, report.quantized_accuracy, report.hardware_accuracy) == (0.75, 0.75, 0.75)


def test_each_accuracy_is_of_its_own_scores() -> None:
    """Float is right on all four, the quantized on three, the hardware, by its own classes, on one."""
    classes = np.array([0, 0, 0, 0])
    report = checked(float_scores=SCORES + np.array([0, 0.5, 0]), classes=classes)
    assert (report.finetuned_accuracy, report.quantized_accuracy, report.hardware_accuracy) == (1.0, 0.75, 0.25)


def test_the_first_differing_sample_is_named_whichever_computation_differs() -> None:
    report = checked(simulated=changed(2, 1, 9), quantized=changed(1, 2, -6))
    assert report.difference == Difference(sample=1, output=2, expected=2, found=-6, by="PyTorch")
    assert report.agreement == "sample 1, output 2: expected 2 (evaluate), found -6 (PyTorch)"


def test_a_differing_simulation_is_an_error_of_one_line() -> None:
    with pytest.raises(CheckError) as caught:
        raise_if_different(checked(simulated=changed(3, 0, -7)))
    assert str(caught.value) == (
        "sample 3, output 0: expected 5 (evaluate), found -7 (verilator); "
        "build it again, and report a bug of netgen if it stays"
    )


def test_of_an_edited_file_the_edit_is_named_and_no_bug() -> None:
    edits = {"top.v": "a/top.v: line 3: the Verilog differs", "network.npz": "a/network.npz: the network differs"}
    hardware, pytorch = checked(simulated=changed(3, 0, -7)), checked(quantized=changed(1, 2, -6))
    with pytest.raises(CheckError) as caught:
        raise_if_different(replace(hardware, edits=edits))
    assert str(caught.value) == (
        "a/top.v: line 3: the Verilog differs: sample 3, output 0: expected 5 (evaluate), found -7 (verilator); "
        "undo the edit, or build it again"
    )
    with pytest.raises(CheckError, match=r"^a/network\.npz: the network differs: sample 1,"):
        raise_if_different(replace(pytorch, edits=edits))
    raise_if_different(replace(checked(), edits=edits))


def test_a_differing_class_is_named_when_all_scores_agree() -> None:
    report = checked(classes=np.array([0, 1, 1, 0]))
    assert report.agreement == "sample 2, class: expected 2 (evaluate), found 1 (verilator)"


def test_the_error_of_each_output_is_its_greatest_distance_in_real_numbers() -> None:
    """One word off at output 0 (1/4), a float score 0.5 off at output 2; steps are 1/4."""
    scores = SCORES / 4
    scores[1, 2] += 0.5
    report = checked(simulated=changed(0, 0, 5), float_scores=scores, bound=np.array([0.25, 0.0, 0.5]))
    assert report.error == (0.25, 0.0, 0.5)
    assert (report.worst, report.within_bound) == (2, True)
    assert not checked(float_scores=scores, bound=np.array([0.25, 0.0, 0.49])).within_bound


def test_no_sample_is_an_error() -> None:
    none = np.zeros((0, 3), dtype=np.int64)
    with pytest.raises(CheckError, match=r"^0 samples; check at least one$"):
        checked(float_scores=none / 4, quantized=none, evaluated=none, simulated=none, labels=none[:, 0])
