"""netgen.flow.learning: what training, pruning and fine-tuning depend on."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from netgen.flow import learning
from netgen.flow.learning import device_here, learning_key
from netgen.flow.stage import Work
from netgen.flow.store import Store
from netgen.spec.spec import parse_spec


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine with the driver of a GPU, as this file says, which PyTorch finds."""
    monkeypatch.setattr(learning, "DRIVERS", (str(tmp_path),))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    return monkeypatch


def _key(device: str, folder: Path) -> dict[str, object]:
    with Store.open(folder) as store:
        return learning_key(Work(parse_spec(f"train: {{device: {device}}}"), store, Path()))


def test_a_result_is_kept_only_where_auto_means_the_device_that_made_it(
    gpu: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    auto, cpu, cuda = (_key(device, tmp_path / "build") for device in ("auto", "cpu", "cuda"))
    assert auto == cuda != cpu
    gpu.setattr(torch.cuda, "is_available", lambda: False)
    assert _key("auto", tmp_path / "build") == cpu
    assert _key("cuda", tmp_path / "build") == cuda


def test_without_a_driver_pytorch_is_not_asked(gpu: pytest.MonkeyPatch) -> None:
    assert device_here("auto") == "cuda"
    gpu.setattr(learning, "DRIVERS", ("/dev/none",))
    assert device_here("auto") == "cpu"
    code = "import sys; from netgen.flow import learning; learning.DRIVERS = (); learning.device_here('auto'); "
    code += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
