"""What could stand in place of operators that no layer of weighted connections expresses."""

__all__ = ["HINTS", "QUANTIZED", "QUANTIZERS"]

_NORM = "it divides by a deviation of the signals; train with batch normalization, which folds into weights"
_RECURRENT = "recurrent layers are not supported; unroll the steps into layers, or use convolutions over time"
_ATTENTION = "attention multiplies signals; use convolutions or fixed mixing matrices"
_BRANCH = "branches on values of the data; use maximum, minimum or clamp"
_LOOKUP = "indexes a table by a signal; give one-hot inputs to a linear layer"

QUANTIZED = (
    "PT2E or TorchAO quantized it, which is not read; export it to ONNX with QuantizeLinear, or give the float model"
)
QUANTIZERS = ("torch.ops.quantized_decomposed.", "torch.ops.torchao.", "torch.ops.quantized.")
"""Where the operators of such programs are found."""

HINTS: dict[str, str] = {
    "_native_batch_norm_legit": "batch statistics of the data; give it running statistics",
    "as_strided": "reads memory by strides; use reshape, permute or slices",
    "choose_qparams": QUANTIZED,
    "choose_qparams_affine": QUANTIZED,
    "cond": _BRANCH,
    "dequantize_affine": QUANTIZED,
    "dequantize_per_channel": QUANTIZED,
    "dequantize_per_tensor": QUANTIZED,
    "embedding": _LOOKUP,
    "embedding_bag": _LOOKUP,
    "exp": "exponentials are not supported; use softplus, elu or sigmoid",
    "group_norm": _NORM,
    "gru": _RECURRENT,
    "instance_norm": _NORM,
    "item": _BRANCH,
    "layer_norm": _NORM,
    "log": "logarithms are not supported; as last operation, log_softmax is",
    "lstm": _RECURRENT,
    "native_group_norm": _NORM,
    "native_layer_norm": _NORM,
    "nonzero": _BRANCH,
    "quantize_affine": QUANTIZED,
    "quantize_per_channel": QUANTIZED,
    "quantize_per_tensor": QUANTIZED,
    "rms_norm": _NORM,
    "rnn_relu": _RECURRENT,
    "rnn_tanh": _RECURRENT,
    "rsqrt": _NORM,
    "scaled_dot_product_attention": _ATTENTION,
    "sqrt": "roots are not supported; use relu, sigmoid or tanh",
    "std": _NORM,
    "topk": "sorts signals; use max or argmax",
    "upsample_bicubic2d": "use nearest neighbours, or a transposed convolution",
    "var": _NORM,
    "where": _BRANCH,
    "while_loop": _BRANCH,
}
"""By the operator's name in PyTorch's schema."""
