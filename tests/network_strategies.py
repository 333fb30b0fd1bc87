"""Random float networks: sums, maxima and selections with skips, all functions, several inputs and outputs."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from netgen.ir import functions as f
from netgen.ir.fixed import Reals
from netgen.ir.network import Head, HeadFunction, Layer, Network, Port

SMOOTH = ("identity", "affine", "clip", "relu", "leaky", "elu", "gelu", "silu", "hard", "sigmoid", "tanh", "softplus")
"""Functions without jumps, of which a small error of their input makes a small error."""
JUMPS = ("sign", "quantize", "thresholds")


def pipeline_named(name: str, neurons: int, rng: np.random.Generator) -> f.Composition:  # noqa: PLR0912  # one case for each kind
    """A pipeline of one kind; parameters are scalars, or one for each neuron."""

    def number(lo: float, hi: float) -> Reals | float:
        return float(rng.uniform(lo, hi)) if rng.random() < 0.5 else rng.uniform(lo, hi, neurons)

    match name:
        case "identity":
            return ()
        case "affine":
            return (f.Affine(number(-2, 2), number(-1, 1)), f.RELU)
        case "clip":
            return (f.Clip(number(-2, 0), number(0.5, 3)),)
        case "relu":
            return (f.RELU,)
        case "leaky":
            return (f.LeakyRelu(number(-0.5, 0.5)),)
        case "elu":
            return (f.Elu(number(0.5, 1.5), number(0.5, 1.5)),)
        case "gelu":
            return (f.Gelu(bool(rng.integers(2))),)
        case "silu":
            return (f.Silu(),) if rng.integers(2) else (f.Product((), (f.Sigmoid(),)),)
        case "hard":
            return (f.HardSwish(),) if rng.integers(2) else (f.HardSigmoid(),)
        case "sigmoid":
            return (f.Sigmoid(),)
        case "tanh":
            return (f.Tanh(), f.Affine(number(0.5, 2), number(-1, 1)))
        case "softplus":
            return (f.Softplus(number(0.5, 2)),)
        case "sign":
            return (f.Sign(),)
        case "quantize":
            return (f.Quantize(0.25, 0.0, -8.0, 7.0), f.Affine(1.0, number(-1, 1)))
        case "thresholds":
            rows = 1 if rng.integers(2) else neurons
            return (f.MultiThreshold(np.sort(rng.normal(size=(rows, 3)), axis=1), 0.5, -1.0),)
        case _:
            raise ValueError(name)


@st.composite
def networks(draw: st.DrawFn, *, functions: Sequence[str] = SMOOTH + JUMPS, deepest: int = 5) -> Network:
    """1 or 2 inputs, 1 to 5 layers that read any earlier neurons, 1 or 2 outputs.

    Structure shrinks; weights come from one seed.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ports = tuple(
        Port(f"x{k}", (size,)) for k, size in enumerate(draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)))
    )
    neurons = sum(port.size for port in ports)
    kinds = draw(st.lists(st.sampled_from(["max", "select", *functions, *functions]), min_size=1, max_size=deepest))
    layers = []
    for number, kind in enumerate(kinds):
        layer = _layer(f"layer{number}", kind, neurons, int(rng.integers(1, 6)), rng)
        layers.append(layer)
        neurons += len(layer)
    function: HeadFunction = draw(st.sampled_from(["none", "argmax", "softmax"]))
    last = np.arange(neurons - len(layers[-1]), neurons)
    heads = [Head("scores", last, function)]
    if draw(st.booleans()):
        heads.append(Head("other", rng.integers(0, neurons, 3), "argmax"))
    return Network(ports, tuple(layers), tuple(heads))


def _layer(name: str, kind: str, neurons: int, size: int, rng: np.random.Generator) -> Layer:
    if kind == "select" and neurons < 2:
        kind = "max"
    fewest, most = (2, 3) if kind == "select" else (1, 6)
    counts = rng.integers(fewest, min(neurons, most) + 1, size)
    rows = [np.sort(rng.choice(neurons, int(count), replace=False)) for count in counts]
    starts, source = np.concatenate([[0], np.cumsum([len(row) for row in rows])]), np.concatenate(rows)
    if kind in {"max", "select"}:
        return Layer(name, starts, source, np.ones(len(source)), np.zeros(size), gather=kind)  # type: ignore[arg-type]
    weight = rng.normal(size=len(source))
    exact = rng.random(len(source)) < 0.2
    weight[exact] = rng.choice([1.0, -1.0, 0.5, 0.25], int(exact.sum()))
    return Layer(name, starts, source, weight, rng.normal(size=size), activation=pipeline_named(kind, size, rng))


def samples_of(network: Network, count: int, rng: np.random.Generator) -> tuple[Reals, ...]:
    """Random inputs of all ports, uniform from -4 to 4 in steps of 1/16."""
    return tuple(rng.integers(-64, 64, (count, port.size)) / 16 for port in network.inputs)
