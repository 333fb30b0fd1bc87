"""What page and picture share: colours, and how a grid shape is written."""

STAGE = "#0d1319"
"""Behind the circuit."""

LENGTHS = ("#22507a", "#2b8a9b", "#8fc9a8", "#f2cf7a", "#f4713b")
"""Wires from the shortest to the longest: long ones are hot."""

LAYERS = ("#b9c6d2", "#a48df6", "#f07fb0", "#fbf5e6", "#6f83f2", "#dba6ea")
"""Neurons by layer, in hues that no wire has; a seventh layer starts again behind the inputs."""

TIMES = " \N{MULTIPLICATION SIGN} "
"""Between the sides of a box."""


def layer_colour(layer: int) -> str:
    """The colour of a layer's neurons; inputs are layer 0 and share theirs with none."""
    return LAYERS[0] if layer == 0 else LAYERS[1 + (layer - 1) % (len(LAYERS) - 1)]
