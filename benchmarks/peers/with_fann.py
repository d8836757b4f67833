"""FANN 2.2 through ctypes: one call of its C library trains on all samples of all epochs.

Its sigmoid is 1 / (1 + exp(-2 s z)), which a steepness s of 0.5 makes ours; its loss is half the
sum of squares, so the learning rate is divided. One thing cannot be changed: where a unit's output
is below 0.01 or above 0.99, its derivative is computed as if it were there. So the result is
fastnn's only as long as no unit goes so far, and is compared on samples that see to that.

Two things go past the library's functions: weights are read and written in its block, since
`fann_set_weight` searches through all of them, and the samples stay where NumPy has them.
"""

import ctypes
import ctypes.util
import weakref
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from benchmarks.workloads import Floats, Parameters, Workload

LIBRARIES = {"float32": "floatfann", "float64": "doublefann"}
SIGMOID = 3
TRAIN_INCREMENTAL = 0
ERROR_LINEAR = 0


class Network(ctypes.Structure):
    """The beginning of `struct fann`."""

    _fields_ = (
        ("errno_f", ctypes.c_int),
        ("error_log", ctypes.c_void_p),
        ("errstr", ctypes.c_void_p),
        ("learning_rate", ctypes.c_float),
        ("learning_momentum", ctypes.c_float),
        ("connection_rate", ctypes.c_float),
        ("network_type", ctypes.c_int),
        ("first_layer", ctypes.c_void_p),
        ("last_layer", ctypes.c_void_p),
        ("total_neurons", ctypes.c_uint),
        ("num_input", ctypes.c_uint),
        ("num_output", ctypes.c_uint),
        ("weights", ctypes.c_void_p),
    )


class Data(ctypes.Structure):
    """`struct fann_train_data`; input and output are arrays of pointers to rows."""

    _fields_ = (
        ("errno_f", ctypes.c_int),
        ("error_log", ctypes.c_void_p),
        ("errstr", ctypes.c_void_p),
        ("num_data", ctypes.c_uint),
        ("num_input", ctypes.c_uint),
        ("num_output", ctypes.c_uint),
        ("input", ctypes.c_void_p),
        ("output", ctypes.c_void_p),
    )


def load(dtype: str) -> ctypes.CDLL:
    name = LIBRARIES[dtype]
    path = ctypes.util.find_library(name)
    if path is None:
        raise ModuleNotFoundError(f"lib{name} is not installed", name=name)
    library = ctypes.CDLL(path)
    real = np.ctypeslib.as_ctypes_type(dtype)
    library.fann_create_standard_array.restype = ctypes.POINTER(Network)
    library.fann_set_activation_steepness_hidden.argtypes = (ctypes.c_void_p, real)
    library.fann_set_activation_steepness_output.argtypes = (ctypes.c_void_p, real)
    library.fann_set_learning_rate.argtypes = (ctypes.c_void_p, ctypes.c_float)
    library.fann_train_epoch.restype = ctypes.c_float
    library.fann_run.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    library.fann_run.restype = ctypes.POINTER(real)
    return library


libraries = {dtype: load(dtype) for dtype in LIBRARIES}


def supports(workload: Workload) -> bool:
    return set(workload.activations) == {"sigmoid"}


def comparable(workload: Workload) -> Workload:
    """A few samples, so small that no unit comes near 0.01 or 0.99.

    The library keeps its learning rate in float32, so fastnn's becomes what that is.
    """
    part = workload.part(20)
    X = part.X / np.abs(part.X).sum(axis=1).max()
    n_outputs = workload.layer_sizes[-1]
    eta = float(np.float32(workload.learning_rate * 2 / n_outputs)) * n_outputs / 2
    return replace(part, samples=lambda: (X, part.y), learning_rate=eta)


class Net:
    """A network of the library's; `matrices` are views of its weights, (n_out, n_in + 1)."""

    def __init__(self, workload: Workload) -> None:
        self.library = libraries[workload.dtype]
        sizes = workload.layer_sizes
        self.fann = self.library.fann_create_standard_array(
            len(sizes), (ctypes.c_uint * len(sizes))(*sizes)
        )
        weakref.finalize(self, self.library.fann_destroy, self.fann)

        real = np.ctypeslib.as_ctypes_type(workload.dtype)
        address = self.fann.contents.weights
        self.matrices = []
        for n_in, n_out in pairwise(sizes):
            block = (real * (n_in + 1) * n_out).from_address(address)
            self.matrices.append(np.ctypeslib.as_array(block))
            address += ctypes.sizeof(block)

        self.library.fann_set_activation_function_hidden(self.fann, SIGMOID)
        self.library.fann_set_activation_function_output(self.fann, SIGMOID)
        self.library.fann_set_activation_steepness_hidden(self.fann, 0.5)
        self.library.fann_set_activation_steepness_output(self.fann, 0.5)
        self.library.fann_set_training_algorithm(self.fann, TRAIN_INCREMENTAL)
        self.library.fann_set_train_error_function(self.fann, ERROR_LINEAR)
        eta = workload.learning_rate * 2 / workload.layer_sizes[-1]
        self.library.fann_set_learning_rate(self.fann, eta)

    def put_at(self, parameters: Parameters) -> None:
        layers = zip(self.matrices, parameters.weights, parameters.biases, strict=True)
        for matrix, W, b in layers:
            matrix[:, :-1], matrix[:, -1] = W.T, b

    def parameters(self) -> Parameters:
        return Parameters(
            [matrix[:, :-1].T.copy() for matrix in self.matrices],
            [matrix[:, -1].copy() for matrix in self.matrices],
        )


def row_addresses(array: Floats) -> np.ndarray:
    return array.ctypes.data + array.strides[0] * np.arange(len(array), dtype=np.uintp)


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters] | None:
    if not supports(workload):
        return None
    net = Net(workload)
    inputs, outputs = row_addresses(workload.X), row_addresses(workload.y)
    n_inputs, n_outputs = workload.layer_sizes[0], workload.layer_sizes[-1]

    def train() -> Parameters:
        net.put_at(workload.start)
        order = workload.orders().ravel()
        x, y = inputs[order], outputs[order]
        data = Data(
            num_data=len(order),
            num_input=n_inputs,
            num_output=n_outputs,
            input=x.ctypes.data,
            output=y.ctypes.data,
        )
        net.library.fann_train_epoch(net.fann, ctypes.byref(data))
        return net.parameters()

    return train


def one_prediction(workload: Workload) -> Callable[[], list[Floats]] | None:
    if not supports(workload):
        return None
    net = Net(workload)
    net.put_at(workload.start)
    samples = row_addresses(workload.X).tolist()
    run, n_outputs = net.library.fann_run, workload.layer_sizes[-1]

    def predict() -> list[Floats]:
        fann = net.fann  # and not before: what is in use keeps the network alive
        for _ in range(workload.epochs):
            predicted = [run(fann, x)[:n_outputs] for x in samples]
        return predicted

    return predict
