"""netgen: from a trained PyTorch network to a placed, bit-exact hardware circuit.

`netgen.build("specs/digits.yaml")` runs everything. Every stage is a function of its own: `load_spec`, `load_dataset`,
`train.*`, `quantize.*`, `netlist_of`, `place.place`, `hdl.design_of`, `simulate.simulate`, `verify.check`, `report.*`.
"""

from typing import TYPE_CHECKING

from netgen.version import __version__

if TYPE_CHECKING:
    from netgen.flow.build import build as build
    from netgen.flow.built import Build as Build
    from netgen.flow.built import load_build as load_build

__all__ = ["Build", "__version__", "build", "load_build"]

_HOMES = {"build": "netgen.flow.build", "Build": "netgen.flow.built", "load_build": "netgen.flow.built"}


def __getattr__(name: str) -> object:
    """Load `build` and its kin when they are first asked for, so that `import netgen` costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
