"""Models of ONNX, computed by ONNX Runtime."""

import onnx
import onnxruntime


def session(model):
    """Of a valid model, on one thread."""
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def outputs(model, X):
    """By their names."""
    made = session(model)
    names = [one.name for one in made.get_outputs()]
    return dict(zip(names, made.run(None, {"X": X}), strict=True))


def signature(model):
    """Name, type and shape of each input and output."""
    made = session(model)
    return [(one.name, one.type, one.shape) for one in (*made.get_inputs(), *made.get_outputs())]
