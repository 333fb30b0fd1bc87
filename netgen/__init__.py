"""netgen: compile a trained PyTorch network to a placed, bit-exact hardware circuit.

`netgen.build("specs/digits.yaml")` runs everything. The names below are what most users need; each stage is also a
function of its own, in a package of its own: `netgen.train`, `netgen.quantize`, `netgen.place`, `netgen.lower`,
`netgen.hdl`, `netgen.simulate`, `netgen.report`, `netgen.fpga`. `netgen.search.search` runs many builds.

- `build`: build a spec, and return what was built as a `Build`; `load_build` reads one that is there.
- `read`: read a trained PyTorch module, a `.pt2` or an ONNX file as a `Network`, compared with its source.
- `inspect`: tell the layers and wires of such a model, and what a build of it takes, before anything long.
- `compile`: build a trained model as it is: a PyTorch module, or an .onnx or .pt2 file.
- `load_spec`, `Spec`: what to build; every key is explained in docs/spec.md.
- `load_dataset`, `Dataset`: samples, split and scaled as a spec's `data` section says.
- `Network`: float layers of weights; `Circuit`: the same in integers; `evaluate` computes a circuit's scores.
- `netlist_of`, `Netlist`: the neurons of a circuit and their wires.
- `Grid`, `Placement`, `wire_lengths`: sites, a site for every neuron, and how long each wire is then.
- `recheck`: compare PyTorch, integers and the simulated Verilog of a build folder again.
- `NetgenError`: every error that a user can correct; its text is one line.
"""

from typing import TYPE_CHECKING

from netgen.version import __version__

if TYPE_CHECKING:
    from netgen.data import Dataset as Dataset
    from netgen.data import load_dataset as load_dataset
    from netgen.errors import NetgenError as NetgenError
    from netgen.flow.build import build as build
    from netgen.flow.built import Build as Build
    from netgen.flow.built import load_build as load_build
    from netgen.flow.compile import compile as compile  # noqa: A004 - the public name
    from netgen.flow.inspect import inspect as inspect
    from netgen.flow.verify import recheck as recheck
    from netgen.importer.read import read as read
    from netgen.ir.circuit import Circuit as Circuit
    from netgen.ir.circuit import evaluate as evaluate
    from netgen.ir.grid import Grid as Grid
    from netgen.ir.grid import Placement as Placement
    from netgen.ir.grid import wire_lengths as wire_lengths
    from netgen.ir.netlist import Netlist as Netlist
    from netgen.ir.netlist import netlist_of as netlist_of
    from netgen.ir.network import Network as Network
    from netgen.spec.spec import Spec as Spec
    from netgen.spec.spec import load_spec as load_spec

_HOMES = {
    "Build": "flow.built",
    "Circuit": "ir.circuit",
    "Dataset": "data",
    "Grid": "ir.grid",
    "NetgenError": "errors",
    "Netlist": "ir.netlist",
    "Network": "ir.network",
    "Placement": "ir.grid",
    "Spec": "spec.spec",
    "build": "flow.build",
    "compile": "flow.compile",
    "evaluate": "ir.circuit",
    "inspect": "flow.inspect",
    "load_build": "flow.built",
    "load_dataset": "data",
    "load_spec": "spec.spec",
    "netlist_of": "ir.netlist",
    "read": "importer.read",
    "recheck": "flow.verify",
    "wire_lengths": "ir.grid",
}
"""The module of each public name."""

__all__ = [
    "Build",
    "Circuit",
    "Dataset",
    "Grid",
    "NetgenError",
    "Netlist",
    "Network",
    "Placement",
    "Spec",
    "__version__",
    "build",
    "compile",
    "evaluate",
    "inspect",
    "load_build",
    "load_dataset",
    "load_spec",
    "netlist_of",
    "read",
    "recheck",
    "wire_lengths",
]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used, so that `import netgen` takes no time."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return __all__
