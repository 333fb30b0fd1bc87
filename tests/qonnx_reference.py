"""ONNX's reference in Python, with QONNX's operators by their specification: shares no code with netgen."""

from pathlib import Path

import numpy as np

__all__ = ["Singles", "qonnx_outputs"]

Singles = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def qonnx_outputs(path: Path, samples: Singles) -> Singles:
    """The outputs, (n, values), of ONNX's reference in Python, with QONNX's operators by their specification."""
    import onnx
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.op_run import OpRun

    class BipolarQuant(OpRun):
        op_domain = "onnx.brevitas"

        def _run(self, x, scale):  # type: ignore[no-untyped-def]
            return (np.where(x >= 0, scale, -scale).astype(np.float32),)

    class Quant(OpRun):
        op_domain = "onnx.brevitas"

        def _run(self, x, scale, zero, bits, narrow=0, rounding_mode="ROUND", signed=1):  # type: ignore[no-untyped-def]
            assert signed
            assert rounding_mode == "ROUND"
            hi = 2.0 ** (float(bits) - 1) - 1
            integers = np.rint(np.clip(x / scale + zero, -hi - 1 + narrow, hi))
            return (((integers - zero) * scale).astype(np.float32),)

    class MultiThreshold(OpRun):
        op_domain = "finn.custom_op.general"

        def _run(self, x, thresholds, data_layout="", out_bias=0.0, out_dtype="", out_scale=1.0):  # type: ignore[no-untyped-def]
            del data_layout, out_dtype
            shape = (1, -1, *[1] * (x.ndim - 2))
            count = sum((x >= column.reshape(shape)).astype(np.float32) for column in thresholds.T)
            return (np.asarray(out_scale * count + out_bias, dtype=np.float32),)

    class BatchNormalization(OpRun):  # the reference's own computes the batch's mean when a momentum is stated
        def _run(self, x, scale, bias, mean, var, epsilon=1e-5, momentum=0.9, training_mode=0):  # type: ignore[no-untyped-def]
            del momentum
            assert not training_mode
            scale, bias, mean, var = (one.reshape(1, -1, *[1] * (x.ndim - 2)) for one in (scale, bias, mean, var))
            return ((x - mean) / np.sqrt(var + np.float32(epsilon)) * scale + bias,)

    model = onnx.load(str(path))
    model.graph.ClearField("value_info")
    for domain in ("onnx.brevitas", "finn.custom_op.general"):
        model.opset_import.append(onnx.helper.make_opsetid(domain, 1))
    operators = [BatchNormalization, BipolarQuant, Quant, MultiThreshold]
    evaluator = ReferenceEvaluator(model, new_ops=operators)
    name = model.graph.input[0].name
    outputs = []
    for one in samples:
        found = evaluator.run(None, {name: one})
        assert isinstance(found, list)
        outputs.append(np.ravel(found[0]))
    return np.stack(outputs)
