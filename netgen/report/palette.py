"""The colours that page and picture share, and the sign between the sides of a box."""

STAGE = "#0d1319"
"""Background of the circuit."""

LENGTHS = ("#22507a", "#2b8a9b", "#8fc9a8", "#f2cf7a", "#f4713b")
"""Colours of wires from the shortest to the longest."""

LAYERS = ("#b9c6d2", "#a48df6", "#f07fb0", "#fbf5e6", "#6f83f2", "#dba6ea")
"""Colours of neurons: inputs, then the layers, in hues that no wire has. Layer 6 has the colour of layer 1 again."""

TIMES = " \N{MULTIPLICATION SIGN} "
"""Stands between the sides of a box."""


def layer_colour(layer: int) -> str:
    """The colour of a layer's neurons; inputs are layer 0, and no other layer has their colour."""
    return LAYERS[0] if layer == 0 else LAYERS[1 + (layer - 1) % (len(LAYERS) - 1)]
