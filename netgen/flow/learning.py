"""The learner of a build under way, which the stages train, prune and quantize share."""

from netgen.flow import nouns
from netgen.flow.stage import Work
from netgen.flow.store import digest_of
from netgen.learn.learner import Learner


def learner(work: Work) -> Learner:
    """The spec and its data, ready to train."""
    return Learner(work.spec, work.get(nouns.data), base=work.base, progress=work.progress)


def learning_key(work: Work) -> dict[str, object]:
    """What training, pruning and fine-tuning all depend on."""
    spec = work.spec
    weights = work.get(learner).weights
    return {
        **nouns.data_key(work),
        "thresholds": work.get(learner).thresholds,
        "rounding": [str(form) for form in work.get(learner).rounding],
        "network": spec.network.model_dump(),
        "train": spec.train.model_dump(),
        "augment": spec.augment.model_dump(),
        "weights": digest_of(weights.read_bytes()) if weights and weights.is_file() else None,
    }
