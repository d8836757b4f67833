"""ONNX Runtime: predictions, one thread, all graph optimizations.

One sample goes through an IOBinding, which holds the arrays of input and output once and for all:
that is faster than `session.run`, which looks them up by name in each call.
"""

from collections.abc import Callable

import numpy as np
import onnxruntime as ort
from onnx import helper, numpy_helper

from benchmarks.workloads import Floats, Workload

OPERATORS = {"sigmoid": "Sigmoid", "relu": "Relu"}
# Old enough for any ONNX Runtime of the last years.
OPSET, IR_VERSION = 17, 8


def session(workload: Workload) -> ort.InferenceSession:
    """A session with the input "x" and the output "y", both with any number of rows."""
    start = workload.start
    nodes, constants, below = [], [], "x"
    layers = zip(start.weights, start.biases, workload.activations, strict=True)
    for layer, (W, b, activation) in enumerate(layers):
        constants += [
            numpy_helper.from_array(W, f"W{layer}"),
            numpy_helper.from_array(b, f"b{layer}"),
        ]
        nodes.append(helper.make_node("Gemm", [below, f"W{layer}", f"b{layer}"], [f"z{layer}"]))
        below = f"z{layer}"
        if activation != "identity":
            nodes.append(helper.make_node(OPERATORS[activation], [f"z{layer}"], [f"a{layer}"]))
            below = f"a{layer}"
    nodes[-1].output[0] = "y"
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(workload.dtype))
    sizes = workload.layer_sizes
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", kind, ["n", sizes[0]])],
        [helper.make_tensor_value_info("y", kind, ["n", sizes[-1]])],
        constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def one_prediction(workload: Workload) -> Callable[[], list[Floats]]:
    run = session(workload)
    x = np.empty((1, workload.layer_sizes[0]), workload.dtype)
    y = np.empty((1, workload.layer_sizes[-1]), workload.dtype)
    binding = run.io_binding()
    binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(y))
    samples = list(workload.X)

    def outputs(sample: Floats) -> Floats:
        x[0] = sample
        run.run_with_iobinding(binding)
        return y.copy()

    def predict() -> list[Floats]:
        for _ in range(workload.epochs):
            predicted = [outputs(sample) for sample in samples]
        return predicted

    return predict


def batch_prediction(workload: Workload) -> Callable[[], Floats]:
    run = session(workload)

    def predict() -> Floats:
        for _ in range(workload.epochs):
            (outputs,) = run.run(["y"], {"x": workload.X})
        return outputs

    return predict
