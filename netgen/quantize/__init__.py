"""Quantizing: a float `Network` in, an integer `Circuit` out, and a bit-exact PyTorch module of that circuit."""

from netgen.quantize.calibrate_graph import quantize_network
from netgen.quantize.exact import is_quantized, quantize_exactly
from netgen.quantize.formats import Formats, calibrate, formats_of
from netgen.quantize.integer import quantize
from netgen.quantize.module import QuantizedMlp, predict_words
from netgen.quantize.read_networks import Quantized, quantize_read

__all__ = [
    "Formats",
    "Quantized",
    "QuantizedMlp",
    "calibrate",
    "formats_of",
    "is_quantized",
    "predict_words",
    "quantize",
    "quantize_exactly",
    "quantize_network",
    "quantize_read",
]
