"""FANN's library through ctypes; run, it makes fann_networks.json: what FANN writes and says.

    python tests/fann_networks.py

The tests read that file where there is no library. It was made with FANN 2.2.0, of Debian's
libfann2.
"""

import ctypes
import ctypes.util
import json
import tempfile
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".json")
LIBRARIES = {"float32": "floatfann", "float64": "doublefann"}
LINEAR, THRESHOLD, SIGMOID, TANH, ELLIOT = 0, 1, 3, 5, 10

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
# Sizes, the function of each layer, and the steepness of its units.
CASES = {
    "sigmoid and linear": ([3, 4, 2], [SIGMOID, LINEAR], [[0.25, 0.5, 0.75, 1.0], [0.5, 2.0]]),
    "tanh": ([2, 3, 2, 1], [TANH, TANH, TANH], [[0.5, 0.5, 1.5], [1.0, 0.5], [0.5]]),
    "elliot": ([2, 2, 1], [SIGMOID, ELLIOT], [[0.5, 0.5], [0.5]]),
    "threshold": ([2, 1], [THRESHOLD], [[0.5]]),
}


class Fann:
    """A network of the library's."""

    def __init__(self, dtype, make):
        """make(library) gives the address of one that is new."""
        self.dtype = dtype
        self.library = library(dtype)
        self.address = make(self.library)
        assert self.address, "FANN has refused it"

    @classmethod
    def with_layers(cls, dtype, sizes, kind="standard"):
        made = f"fann_create_{kind}_array"
        sizes = (ctypes.c_uint * len(sizes))(*sizes)
        return cls(dtype, lambda lib: getattr(lib, made)(len(sizes), sizes))

    @classmethod
    def sparse(cls, dtype, rate, sizes):
        sizes = (ctypes.c_uint * len(sizes))(*sizes)
        return cls(dtype, lambda lib: lib.fann_create_sparse_array(rate, len(sizes), sizes))

    @classmethod
    def read(cls, dtype, path):
        return cls(dtype, lambda lib: lib.fann_create_from_file(bytes(path)))

    def __del__(self):
        self.library.fann_destroy(self.address)

    def save(self, path):
        assert self.library.fann_save(self.address, bytes(path)) == 0

    def set(self, functions, steepness):
        for i, (function, of_units) in enumerate(zip(functions, steepness, strict=True)):
            self.library.fann_set_activation_function_layer(self.address, function, i + 1)
            for k, s in enumerate(of_units):
                self.library.fann_set_activation_steepness(self.address, s, i + 1, k)

    def randomize(self, largest):
        self.library.fann_randomize_weights(self.address, -largest, largest)

    def scale(self, X, Y):
        """As it does with training data, which become a part of its files."""
        real = np.ctypeslib.as_ctypes_type(self.dtype)
        data = self.library.fann_create_train(len(X), X.shape[1], Y.shape[1])
        rows = ctypes.cast(data, ctypes.POINTER(TrainData)).contents
        for i in range(len(X)):
            for given, to in ((X, rows.input), (Y, rows.output)):
                row = (real * given.shape[1]).from_address(to[i])
                row[:] = given[i].tolist()
        assert self.library.fann_set_scaling_params(self.address, data, -1, 1, -1, 1) == 0
        self.library.fann_destroy_train(data)

    def outputs(self, X):
        n = self.library.fann_get_num_output(self.address)
        rows = np.ascontiguousarray(X, self.dtype)
        found = [self.library.fann_run(self.address, row.ctypes.data)[:n] for row in rows]
        return np.array(found, self.dtype)


class TrainData(ctypes.Structure):
    """The beginning of `struct fann_train_data`."""

    _fields_ = (
        ("errno_f", ctypes.c_int),
        ("error_log", ctypes.c_void_p),
        ("errstr", ctypes.c_void_p),
        ("num_data", ctypes.c_uint),
        ("num_input", ctypes.c_uint),
        ("num_output", ctypes.c_uint),
        ("input", ctypes.POINTER(ctypes.c_void_p)),
        ("output", ctypes.POINTER(ctypes.c_void_p)),
    )


def is_there():
    return all(ctypes.util.find_library(name) for name in LIBRARIES.values())


def library(dtype):
    found = ctypes.CDLL(ctypes.util.find_library(LIBRARIES[dtype]))
    real, net = np.ctypeslib.as_ctypes_type(dtype), ctypes.c_void_p
    whole, sizes = ctypes.c_int, ctypes.POINTER(ctypes.c_uint)
    for name, result, *arguments in (
        ("create_standard_array", net, whole, sizes),
        ("create_shortcut_array", net, whole, sizes),
        ("create_sparse_array", net, ctypes.c_float, whole, sizes),
        ("create_from_file", net, ctypes.c_char_p),
        ("destroy", None, net),
        ("save", whole, net, ctypes.c_char_p),
        ("set_activation_function_layer", None, net, whole, whole),
        ("set_activation_steepness", None, net, real, whole, whole),
        ("randomize_weights", None, net, real, real),
        ("create_train", net, whole, whole, whole),
        ("destroy_train", None, net),
        ("set_scaling_params", whole, net, net, *[ctypes.c_float] * 4),
        ("get_num_output", whole, net),
        ("run", ctypes.POINTER(real), net, net),
    ):
        function = getattr(found, f"fann_{name}")
        function.restype, function.argtypes = result, arguments
    return found


def main():
    made = {}
    X = np.random.default_rng(0).normal(size=(5, 3)).round(3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net"

        def keep(name, fann, X):
            fann.save(path)
            outputs = fann.outputs(X).tolist()
            made[name] = {"dtype": fann.dtype, "X": X.tolist(), "outputs": outputs}
            made[name]["file"] = path.read_text(encoding="ascii")

        for dtype in LIBRARIES:
            for name, (sizes, functions, steepness) in CASES.items():
                fann = Fann.with_layers(dtype, sizes)
                fann.set(functions, steepness)
                fann.randomize(2.0)
                keep(f"{name}, {dtype}", fann, X[:, : sizes[0]])
        keep("shortcuts", Fann.with_layers("float32", [2, 2, 1], "shortcut"), X[:, :2])
        keep("sparse", Fann.sparse("float32", 0.6, [3, 4, 2]), X)
        as_created = Fann.with_layers("float32", [2, 2, 1])
        keep("as created", as_created, XOR)
        library("float32").fann_save_to_fixed(ctypes.c_void_p(as_created.address), bytes(path))
        made["fixed point"] = {"file": path.read_text(encoding="ascii")}
        scaled = Fann.with_layers("float32", [2, 2, 1])
        scaled.set([TANH, TANH], [[0.5, 0.5], [0.5]])
        scaled.scale(XOR, np.array([[0.0], [1.0], [1.0], [0.0]]))
        keep("scaled", scaled, XOR)
    FILE.write_text(json.dumps(made, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
