"""Users' models in, a `Network` out: torch modules, `.pt2`, ONNX and QONNX files, checkpoints by name."""

from netgen.importer.builder import Builder
from netgen.importer.signals import ConstantTensor, Signals

__all__ = ["Builder", "ConstantTensor", "Signals"]
