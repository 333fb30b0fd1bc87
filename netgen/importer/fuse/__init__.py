"""Join the layers of a network that was just read, so that each neuron does as much as one neuron can.

Every pass takes a network and returns one that computes the same outputs, to rounding, with fewer layers or wires.
Layers whose weights have a step arrived quantized: their sums stay as they are, since integers must stay exact.
"""

from netgen.importer.fuse.affine import fold_into_readers, fold_into_weights
from netgen.importer.fuse.elementwise import join_elementwise
from netgen.importer.fuse.inline import inline_sums
from netgen.importer.fuse.limits import join_limits
from netgen.importer.fuse.rebuild import live
from netgen.ir.network import Network

__all__ = ["fold_into_readers", "fold_into_weights", "fuse", "inline_sums", "join_elementwise", "join_limits", "live"]


def fuse(network: Network) -> Network:
    """Apply all passes until none changes anything more."""
    network = live(network)
    while True:
        before = network
        for change in (join_elementwise, join_limits, fold_into_weights, fold_into_readers, inline_sums, live):
            network = change(network)
        if network is before:
            return network
