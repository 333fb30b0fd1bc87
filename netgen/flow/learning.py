"""The learner of a build under way, which the stages train, prune and quantize share."""

from pathlib import Path

from netgen.flow import nouns
from netgen.flow.stage import Work
from netgen.flow.store import digest_of
from netgen.learn.learner import Learner

DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Where Linux shows a GPU that PyTorch may use: of NVIDIA, of Windows below Linux, of AMD."""


def device_here(wanted: str) -> str:
    """The device that a spec's `auto`, `cpu` or `cuda` means on this machine: the same sums differ between devices.

    Without the driver of a GPU, PyTorch is not asked: its import takes 2 s, also in a build that keeps all stages.
    """
    if wanted != "auto":
        return wanted
    if not any(Path(path).exists() for path in DRIVERS):
        return "cpu"
    from netgen.train import device_of

    return device_of(wanted)


def learner(work: Work) -> Learner:
    """The spec and its data, ready to train."""
    return Learner(work.spec, work.get(nouns.data), base=work.base, progress=work.progress)


def placing_key(work: Work) -> dict[str, object]:
    """What pruning depends on where it places the network again and again."""
    if not work.get(learner).follows:
        return {}
    return {"place": work.spec.place.model_dump(exclude={"certificate", "moves", "weigh"})}


def learning_key(work: Work) -> dict[str, object]:
    """What training, pruning and fine-tuning all depend on."""
    spec = work.spec
    weights = work.get(learner).weights
    return {
        **nouns.data_key(work),
        "thresholds": work.get(learner).thresholds,
        "rounding": [str(form) for form in work.get(learner).rounding],
        "network": spec.network.model_dump(),
        "train": spec.train.model_dump() | {"device": device_here(spec.train.device)},
        "augment": spec.augment.model_dump(),
        "weights": digest_of(weights.read_bytes()) if weights and weights.is_file() else None,
    }
