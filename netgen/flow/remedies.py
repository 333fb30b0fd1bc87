"""What a spec may say instead, so that a part of a network is rounded more finely: the cheapest first."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from netgen.ir.fixed import Reals
from netgen.ir.network import Network
from netgen.spec.sections import QuantizeSpec

if TYPE_CHECKING:
    from netgen.quantize.partly_rounded import Part

__all__ = ["remedies", "width_of"]

WIDER = (1, 2, 4, 8)
"""Bits by which one part is widened, tried in this order."""
ALL_WIDER = (2, 4)
"""Bits by which all parts are widened."""
WIDEST = 16
"""Bits of the widest words of a spec."""
KEYS: Mapping[str, str] = {"weights": "weight_width", "activations": "activation_width"}


def remedies(
    network: Network, part: "Part", spec: QuantizeSpec, entering: int, raw: Reals
) -> Iterator[tuple[str, QuantizeSpec]]:
    """Give settings that may be enough: keys and values as a user writes them, and the whole section.

    Args:
        part: which is widened first.
        entering: bits of the input words.
        raw: (n, features) samples.
    """
    tried = [spec]
    for values in _settings(network, part, spec, entering, raw):
        wider = spec.model_copy(update=values)
        if wider not in tried:
            tried.append(wider)
            keys = [f"{key}: {_written(value)}" for key, value in values.items()]
            yield (f"quantize.{keys[0]}" if len(keys) == 1 else f"quantize: {{{', '.join(keys)}}}"), wider


def width_of(network: Network, part: "Part", spec: QuantizeSpec, entering: int) -> int:
    """The bits of a part; of a layer that quantizing added, the most that any layer has."""
    if part.kind == "inputs":
        return entering
    widths = _widths(network, spec, KEYS[part.kind])
    return widths.get(part.layer, max(widths.values()))


def _settings(
    network: Network, part: "Part", spec: QuantizeSpec, entering: int, raw: Reals
) -> Iterator[dict[str, Any]]:
    """Values of keys that round one part more finely, then of those for all parts."""
    if part.kind == "inputs":
        if spec.input_range is not None:
            yield {"input_range": (float(raw.min()), float(raw.max()))}
        yield from ({"input_width": _more(entering, more)} for more in WIDER)
    else:
        key = KEYS[part.kind]
        if part.kind == "weights" and not (spec.per_channel or spec.equalize):
            yield {"per_channel": True}
        if part.kind == "activations" and not spec.equalize:
            yield {"equalize": True}
        if part.layer in [layer.name for layer in network.layers]:
            yield from ({key: _wider(network, spec, key, more, part.layer)} for more in WIDER)
        yield {key: _wider(network, spec, key, ALL_WIDER[0])}
    for more in ALL_WIDER:
        yield {key: _wider(network, spec, key, more) for key in KEYS.values()}


def _wider(network: Network, spec: QuantizeSpec, key: str, more: int, layer: str | None = None) -> int | dict[str, int]:
    """Widths in which one layer has more bits, or all of them: by name where they differ."""
    from netgen.quantize.layer_formats import DEFAULT_WIDTH, OTHERS

    widths = _widths(network, spec, key)
    usual = Counter(widths.values()).most_common(1)[0][0]
    if layer is None:
        widths = {name: _more(width, more) for name, width in widths.items()}
        usual = _more(usual, more)
    else:
        widths[layer] = _more(widths[layer], more)
    named = {name: width for name, width in widths.items() if width != usual}
    if not named:
        return usual
    return named if usual == DEFAULT_WIDTH else {**named, OTHERS: usual}


def _widths(network: Network, spec: QuantizeSpec, key: str) -> dict[str, int]:
    from netgen.quantize.layer_formats import widths_of

    return widths_of(network, getattr(spec, key), key)


def _more(width: int, more: int) -> int:
    return min(width + more, WIDEST)


def _written(value: Any) -> str:
    """A value as YAML on one line."""
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(f'{one:g}' for one in value)}]"
        case dict():
            quoted = {name: name if re.fullmatch(r"[A-Za-z_][\w.]*", name) else f'"{name}"' for name in value}
            return f"{{{', '.join(f'{quoted[name]}: {width}' for name, width in value.items())}}}"
        case _:
            return str(value)
