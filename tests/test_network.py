"""What a network offers beside training: properties, views, initial values, memory, History."""

import copy
import importlib.metadata
import json
import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from common import every_dtype
from random_networks import every_combination

import fastnn
from fastnn import History, Network
from fastnn._core import kernels
from fastnn._training.forms import FORMS

# Properties


def test_properties():
    net = Network([3, 4, 2], activation=["relu", "softmax"], loss="cross_entropy", seed=0)
    assert net.layer_sizes == (3, 4, 2)
    assert net.activations == ("relu", "softmax")
    assert net.loss == "cross_entropy"
    assert net.dtype == np.float64
    assert net.n_parameters == 3 * 4 + 4 + 4 * 2 + 2
    assert type(net.n_parameters) is int
    assert isinstance(net.weights, tuple)
    assert isinstance(net.biases, tuple)
    assert [W.shape for W in net.weights] == [(3, 4), (4, 2)]
    assert [b.shape for b in net.biases] == [(4,), (2,)]
    assert {array.dtype for array in net.weights + net.biases} == {np.dtype(np.float64)}


def test_defaults():
    net = Network([3, 2])
    assert net.activations == ("sigmoid",)
    assert net.loss == "mse"
    assert net.dtype == np.float64


@pytest.mark.parametrize("layer_sizes", [(3, 2), np.array([3, 2]), [np.int32(3), np.uint8(2)]])
def test_layer_sizes_become_a_tuple_of_ints(layer_sizes):
    net = Network(layer_sizes)
    assert net.layer_sizes == (3, 2)
    assert [type(size) for size in net.layer_sizes] == [int, int]


def test_one_activation_is_that_of_all_layers():
    assert Network([2, 3, 4, 1], activation="tanh").activations == ("tanh", "tanh", "tanh")


@pytest.mark.parametrize("dtype", ["float32", "f4", np.float32, np.dtype("float32"), ">f4"])
def test_dtype_is_native_whatever_names_it(dtype):
    net = Network([2, 3, 1], dtype=dtype)
    assert net.dtype == np.dtype(np.float32)
    assert {array.dtype for array in net.weights + net.biases} == {np.dtype(np.float32)}
    assert net.feedforward([1, 2]).dtype == np.float32


@pytest.mark.parametrize(
    "name", ["layer_sizes", "activations", "loss", "dtype", "weights", "biases", "n_parameters"]
)
def test_properties_cannot_be_replaced(name):
    net = Network([2, 1])
    with pytest.raises(AttributeError):
        setattr(net, name, getattr(net, name))


def test_repr():
    net = Network([64, 30, 10], activation=["tanh", "softmax"], loss="cross_entropy")
    assert repr(net) == (
        "<Network([64, 30, 10], activation=['tanh', 'softmax'], loss='cross_entropy', "
        "dtype='float64'), 2,260 parameters>"
    )
    assert repr(Network([2, 2, 1], dtype="float32")) == (
        "<Network([2, 2, 1], activation='sigmoid', loss='mse', dtype='float32'), 9 parameters>"
    )


# Views into the parameters


@every_dtype
def test_writing_to_weights_and_biases_changes_the_network(dtype):
    net = Network([2, 3, 1], activation="identity", dtype=dtype, seed=0)
    W, b = net.weights, net.biases
    W[0][:] = [[1, 0, 2], [0, 1, 0]]
    b[0][:] = [0, 0, 1]
    W[1][:, 0] = [1, 10, 100]
    b[1][0] = 1000
    assert net.feedforward([3, 5]).tolist() == [3 + 50 + 700 + 1000]
    net.weights[0][1, 1] *= 2
    assert net.feedforward([3, 5]).tolist() == [3 + 100 + 700 + 1000]


@every_dtype
def test_views_show_what_training_does(dtype):
    net = Network([2, 3, 1], dtype=dtype, seed=0)
    views = net.weights + net.biases
    before = [view.copy() for view in views]
    net.train([[1.0, 2.0]], [0.5], epochs=1, learning_rate=0.1)
    for view, old, new in zip(views, before, net.weights + net.biases, strict=True):
        assert np.all(view != old)
        assert np.array_equal(view, new)


# from_parameters


def test_from_parameters_copies():
    W, b = [np.ones((2, 3)), np.ones((3, 1))], [np.zeros(3), np.zeros(1)]
    net = Network.from_parameters(W, b, activation="tanh", loss="mae")
    assert net.layer_sizes == (2, 3, 1)
    assert net.activations == ("tanh", "tanh")
    assert net.loss == "mae"
    net.train([[1.0, 2.0]], [5.0], epochs=1, learning_rate=0.1)
    assert not np.array_equal(net.weights[0], W[0])
    for array in W:
        assert np.all(array == 1)
    for array in b:
        assert np.all(array == 0)
    trained = net.feedforward([1, 2])
    W[0][:] = 7
    assert np.array_equal(net.feedforward([1, 2]), trained)


def test_from_parameters_of_another_network():
    net = Network([5, 9, 3], seed=0)
    again = Network.from_parameters(net.weights, net.biases)
    X = np.random.default_rng(0).normal(size=(4, 5))
    assert np.array_equal(again.feedforward(X), net.feedforward(X))


@pytest.mark.parametrize(
    ("dtype_of_W", "dtype_of_b", "dtype"),
    [
        ("float32", "float32", "float32"),
        ("float32", "float64", "float64"),
        ("float64", "float32", "float64"),
        ("float64", "float64", "float64"),
        ("float16", "float16", "float64"),
        ("int64", "int64", "float64"),
        (">f4", "float32", "float32"),
    ],
)
def test_from_parameters_takes_float32_only_if_all_are(dtype_of_W, dtype_of_b, dtype):
    net = Network.from_parameters([np.ones((2, 1), dtype_of_W)], [np.ones(1, dtype_of_b)])
    assert net.dtype == np.dtype(dtype)
    assert {array.dtype for array in net.weights + net.biases} == {np.dtype(dtype)}
    assert net.weights[0].tolist() == [[1], [1]]


def test_from_parameters_takes_lists():
    net = Network.from_parameters([[[1, 2], [3, 4]]], [[5, 6]], activation="identity")
    assert net.dtype == np.float64
    assert net.feedforward([1, 10]).tolist() == [36, 48]


def test_from_parameters_seeds_the_order_of_the_samples():
    def trained(seed):
        net = Network.from_parameters([[[0.1], [0.2]]], [[0.3]], seed=seed)
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(2, 20, 2)), rng.uniform(size=20)
        net.train(X[0], y, epochs=1, learning_rate=0.5)
        return net.weights[0].tolist()

    assert trained(1) == trained(1)
    assert trained(1) != trained(2)


# Initialisers: of a layer as large as these, each number is a few standard errors wide.

N_IN, N_OUT = 300, 200


def initial(initializer, activation="sigmoid", n_in=N_IN, n_out=N_OUT, dtype="float64"):
    net = Network(
        [n_in, n_out], activation=activation, initializer=initializer, dtype=dtype, seed=0
    )
    return net.weights[0], net.biases[0]


def assert_normal(values, standard_deviation):
    """Mean, deviation and the shares within one, two and three deviations are those of a normal."""
    n = values.size
    assert abs(values.mean()) < 5 * standard_deviation / math.sqrt(n)
    assert values.std() == pytest.approx(standard_deviation, rel=5 / math.sqrt(2 * n))
    for k in (1, 2, 3):
        share = np.mean(np.abs(values) < k * standard_deviation)
        assert share == pytest.approx(math.erf(k / math.sqrt(2)), abs=2.5 / math.sqrt(n))


def assert_uniform(values, limit):
    n = values.size
    assert np.abs(values).max() <= limit
    assert values.max() > 0.999 * limit
    assert values.min() < -0.999 * limit
    assert abs(values.mean()) < 5 * limit / math.sqrt(3 * n)
    assert values.var() == pytest.approx(limit**2 / 3, rel=5 / math.sqrt(n))


@every_dtype
def test_he_is_normal_with_variance_2_over_n_in(dtype):
    W, b = initial("he", dtype=dtype)
    assert_normal(W, math.sqrt(2 / N_IN))
    assert not b.any()


@every_dtype
def test_glorot_is_uniform_up_to_the_root_of_6_over_n_in_plus_n_out(dtype):
    W, b = initial("glorot", dtype=dtype)
    assert_uniform(W, math.sqrt(6 / (N_IN + N_OUT)))
    assert not b.any()


@every_dtype
def test_normal_is_standard_normal_biases_too(dtype):
    W, b = initial("normal", dtype=dtype)
    assert_normal(W, 1)
    _, many = initial("normal", n_in=1, n_out=20_000, dtype=dtype)
    assert_normal(many, 1)
    assert b.any()


@every_dtype
def test_small_is_normal_with_deviation_one_hundredth(dtype):
    W, b = initial("small", dtype=dtype)
    assert_normal(W, 0.01)
    assert not b.any()


@pytest.mark.parametrize(
    ("activation", "initializer"),
    [
        *((name, "he") for name in ("relu", "leaky_relu", "elu", "softplus", "silu", "gelu")),
        *((name, "glorot") for name in ("identity", "step", "sigmoid", "tanh", "softmax")),
    ],
)
def test_auto_picks_by_the_activation(activation, initializer):
    W, b = initial("auto", activation)
    expected, _ = initial(initializer, activation)
    assert np.array_equal(W, expected)
    assert not b.any()


def test_auto_picks_for_each_layer():
    net = Network([N_IN, N_OUT, N_IN], activation=["relu", "softmax"], seed=0)
    assert_normal(net.weights[0], math.sqrt(2 / N_IN))
    assert_uniform(net.weights[1], math.sqrt(6 / (N_IN + N_OUT)))


def test_auto_is_the_default():
    net, auto = Network([3, 4], seed=0), Network([3, 4], initializer="auto", seed=0)
    assert np.array_equal(net.weights[0], auto.weights[0])


def test_a_function_that_initializes():
    """By the network's generator, for one layer after the other."""
    asked = []

    def between(rng, n_in, n_out, activation):
        asked.append((n_in, n_out, activation))
        return rng.uniform(-1, 1, (n_in, n_out)), [0.5] * n_out

    names = ["tanh", "identity"]
    net = Network([2, 3, 1], activation=names, initializer=between, dtype="float32", seed=7)
    assert asked == [(2, 3, "tanh"), (3, 1, "identity")]
    rng = np.random.default_rng(7)
    for W, b, (n_in, n_out, _) in zip(net.weights, net.biases, asked, strict=True):
        np.testing.assert_array_equal(W, rng.uniform(-1, 1, (n_in, n_out)).astype("float32"))
        assert b.tolist() == [0.5] * n_out


@pytest.mark.parametrize("initializer", ["auto", "he", "glorot", "normal", "small"])
def test_float32_starts_as_float64_rounded(initializer):
    W, b = initial(initializer)
    W_32, b_32 = initial(initializer, dtype="float32")
    assert np.array_equal(W_32, W.astype(np.float32))
    assert np.array_equal(b_32, b.astype(np.float32))


# History


def test_a_shallow_copy_shares_nothing_that_training_changes():
    net = Network([2, 3, 1], seed=0)
    other = copy.copy(net)
    expected = net.copy()
    other.train([[1, 2], [3, 4], [5, 6]], [0, 1, 0], epochs=5, learning_rate=0.1)
    for trained in (net, expected):
        trained.train([[1, 2], [3, 4], [5, 6]], [0, 1, 0], epochs=5, learning_rate=0.1)
    assert [W.tobytes() for W in net.weights] == [W.tobytes() for W in expected.weights]


@pytest.mark.parametrize(("dtype", "large"), [("float32", 1e20), ("float64", 1e200)])
@pytest.mark.parametrize("n_hidden", [None, 9])
def test_targets_whose_squares_overflow(dtype, large, n_hidden):
    sizes = [1, 1] if n_hidden is None else [1, n_hidden, 1]
    net = Network(sizes, activation="identity", dtype=dtype, initializer="small", seed=0)
    net.weights[-1][:] = 0
    net.biases[-1][:] = large
    assert net.evaluate([[1.0]], [large]) == 0
    assert net.train([[1.0]], [large], epochs=1, learning_rate=0.1).history["loss"] == [0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropy_of_outputs_infinitely_far_apart(dtype):
    largest = np.finfo(dtype).max
    net = Network.from_parameters(
        [np.zeros((1, 2), dtype)],
        [np.array([largest, -largest], dtype)],
        activation="softmax",
        loss="cross_entropy",
    )
    assert net.evaluate([[1.0]], [0]) == 0
    assert net.evaluate([[1.0]], [1]) == math.inf


def test_history():
    X, y = fastnn.datasets.load_people()
    history = Network([2, 2, 1], seed=0).train(X, y, epochs=5, learning_rate=0.1)
    assert isinstance(history, History)
    assert list(history.history) == ["loss", "learning_rate"]
    assert history.history["learning_rate"] == [0.1] * 5
    losses = history.history["loss"]
    assert isinstance(losses, list)
    assert [type(loss) for loss in losses] == [float] * 5
    assert history.epoch == [0, 1, 2, 3, 4]
    assert json.loads(json.dumps(history.history)) == history.history
    assert repr(history) == f"<History of 5 epochs, loss {losses[0]:.6g} to {losses[-1]:.6g}>"


def test_history_of_few_epochs():
    X, y = fastnn.datasets.load_people()
    net = Network([2, 2, 1], seed=0)
    one = net.train(X, y, epochs=1, learning_rate=0.1)
    assert one.epoch == [0]
    loss = f"{one.history['loss'][0]:.6g}"
    assert repr(one) == f"<History of 1 epoch, loss {loss} to {loss}>"
    assert repr(net.train(X, y, epochs=0, learning_rate=0.1)) == "<History of 0 epochs>"


def test_a_kept_history_does_not_change():
    X, y = fastnn.datasets.load_people()
    net = Network([2, 2, 1], seed=0)
    first = net.train(X, y, epochs=3, learning_rate=0.1)
    losses = list(net.copy().train(X, y, epochs=2, learning_rate=0.1).history["loss"])
    second = net.train(X, y, epochs=2, learning_rate=0.1)
    assert len(first.history["loss"]) == 3
    assert second.history["loss"] == losses
    assert pickle.loads(pickle.dumps(second)).history == second.history


# Memory


@every_dtype
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("layer_sizes", [[2, 3, 1], [1, 1], [7, 9, 5, 3], [3, 13, 1]])
@every_combination
def test_padding_stays_zero(hidden, output, loss, layer_sizes, batch_size, dtype):
    activations = [hidden] * (len(layer_sizes) - 2) + [output]
    if output == "softmax":  # which one unit does not have
        layer_sizes = [*layer_sizes[:-1], layer_sizes[-1] + 1]
    net = Network(layer_sizes, activation=activations, loss=loss, dtype=dtype, seed=0)
    rng = np.random.default_rng(1)
    for b in net.biases:
        b[:] = rng.normal(size=b.shape)
    X = rng.normal(size=(10, layer_sizes[0]))
    y = rng.dirichlet(np.ones(layer_sizes[-1]), 10)
    net.train(X, y, epochs=3, learning_rate=0.02, batch_size=batch_size)
    assert_padding_is_zero(net)


def assert_padding_is_zero(net):
    """Overwrites all else."""
    assert net._parameters.size > net.n_parameters
    for array in net.weights + net.biases:
        assert array.any()
        array[:] = 0
    assert not net._parameters.any()


# Rows of 32 float64 or 64 float32 have a line more between them.
WIDE_LAYERS = [[5, 9, 3], [9, 32, 3], [7, 64, 6], [33, 65, 32, 5], [130, 128, 64, 13], [6, 130]]


@every_dtype
@pytest.mark.parametrize("layer_sizes", WIDE_LAYERS)
@pytest.mark.parametrize(
    "options",
    [
        *({"form": form} for form in FORMS),
        *({"form": form, "batch_size": n} for form in ("direct", "zero_skip") for n in (2, 40)),
    ],
    ids=str,
)
def test_padding_stays_zero_in_wide_layers(options, layer_sizes, dtype, monkeypatch):
    """That of parameters, of their gradient, and of z and delta of every sample of a block.

    softplus(0) is not 0, and so is the padding of a.
    """
    handed_in = []
    train = kernels.train

    def noting(*arguments):
        parameters, (gradient, _, workspace) = arguments[3], arguments[-6:-3]
        handed_in.append((parameters, gradient, workspace))
        return train(*arguments)

    monkeypatch.setattr(kernels, "train", noting)
    net = Network(layer_sizes, activation="softplus", dtype=dtype, seed=0)
    rng = np.random.default_rng(1)
    for b in net.biases:
        b[:] = rng.normal(size=b.shape)
    X = rng.normal(size=(75, layer_sizes[0]))
    X[rng.random(X.shape) < 0.3] = 0
    y = rng.uniform(size=(75, layer_sizes[-1]))
    net.train(X, y, epochs=1, learning_rate=0.01, **options)

    parameters, gradient, workspace = handed_in[-1]
    assert not gradient.any() or gradient is parameters
    layers = net._layout.layers
    units = workspace.view(np.uint8)[(2 + kernels.SAMPLES_IN_BLOCK) * int(layers["row"][-1]) :]
    units = units.reshape(kernels.SAMPLES_IN_BLOCK, -1)
    padded = 0
    for layer in layers:
        for place in (layer["z"], layer["delta"]):
            rows = units[:, int(place) :][:, : int(layer["row"])].view(dtype)
            assert rows[0].any()
            assert not rows[:, int(layer["n_out"]) :].any()
            padded += rows[:, int(layer["n_out"]) :].size
    assert padded > 0
    assert_padding_is_zero(net)


@every_dtype
@pytest.mark.parametrize("layer_sizes", [[1, 1], [2, 3, 1], *WIDE_LAYERS])
def test_where_parameters_lie(layer_sizes, dtype):
    """Whole vectors for each row, an odd number of lines for a long one, and nothing shared."""
    net = Network(layer_sizes, dtype=dtype)
    block = net._parameters
    size = block.itemsize
    per_vector = 32 // size
    seen = 0
    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        n_in, n_out = W.shape
        assert W.shape == (layer_sizes[layer], layer_sizes[layer + 1])
        stride, step = W.strides
        assert step == b.strides[0] == size
        assert stride % 32 == 0
        assert stride >= n_out * size
        assert stride < 256 or stride % 128 != 0
        assert stride <= n_out * size + 32 + 64
        assert W.ctypes.data % 32 == b.ctypes.data % 32 == 0

        # Behind W there are rows of zeros, up to a whole vector of rows.
        rows = -(-n_in // per_vector) * per_vector
        assert b.ctypes.data - W.ctypes.data >= rows * stride
        for i, array in enumerate((W, b)):
            assert array.base is not None
            assert np.shares_memory(array, block)
            array[...] = 2 * layer + i + 1
            seen += array.size
    assert np.count_nonzero(block) == seen == net.n_parameters
    for layer, arrays in enumerate(zip(net.weights, net.biases, strict=True)):
        for i, array in enumerate(arrays):
            assert (array == 2 * layer + i + 1).all()


@every_dtype
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layer_sizes", WIDE_LAYERS)
def test_pickles_of_wide_layers(layer_sizes, form, dtype):
    net = Network(layer_sizes, activation="tanh", dtype=dtype, seed=0)
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(40, layer_sizes[0])), rng.uniform(size=(40, layer_sizes[-1]))
    options = {"epochs": 1, "learning_rate": 0.01, "form": form}
    net.train(X, y, **options)
    twin = pickle.loads(pickle.dumps(net))
    for _ in range(2):
        assert twin._parameters.tobytes() == net._parameters.tobytes()
        assert twin.feedforward(X).tobytes() == net.feedforward(X).tobytes()
        assert not np.shares_memory(twin._parameters, net._parameters)
        for one in (net, twin):
            one.train(X, y, **options)


@every_dtype
@pytest.mark.parametrize(
    "made",
    [
        lambda net: net,
        Network.copy,
        copy.deepcopy,
        lambda net: pickle.loads(pickle.dumps(net)),
        lambda net: Network.from_parameters(net.weights, net.biases),
    ],
    ids=["constructor", "copy", "deepcopy", "pickle", "from_parameters"],
)
def test_parameters_begin_at_a_multiple_of_64_bytes(made, dtype):
    # Kept, so that each lies elsewhere, and of all sizes, as allocators treat these differently.
    nets = [made(Network([n, 3], dtype=dtype)) for n in range(1, 4000, 97)]
    addresses = {net._parameters.ctypes.data for net in nets}
    assert len(addresses) == len(nets)
    assert {address % 64 for address in addresses} == {0}
    for net in nets:
        assert np.shares_memory(net.weights[0], net._parameters)


# Import


def test_version_is_that_of_the_metadata():
    assert fastnn.__version__ == importlib.metadata.version("fastnn")


def test_import_brings_in_nothing_but_numpy_and_what_python_has():
    code = (
        "import sys, numpy; before = set(sys.modules); import fastnn; "
        "print(*set(sys.modules) - before)"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    new = run.stdout.split()
    assert "fastnn" in new
    # The last two are Cython's own, and inside the compiled kernels.
    known = {"fastnn", "numpy", "cython_runtime"} | sys.stdlib_module_names
    foreign = {name for name in new if name.partition(".")[0] not in known}
    assert {name for name in foreign if not name.startswith("_cython_")} == set()
    # numpy imports its larger parts when they are first used: not before a network is made.
    assert {name for name in new if name.startswith("numpy.") and "typing" not in name} == set()


LATER = ["datasets", "many", "rates", "schedules"]
OF_FILES = ["_files", "_model_file"]


def test_what_not_all_need_is_imported_later():
    program = (
        "import sys, fastnn; net = fastnn.Network([2, 1]); "
        "net.train([[0, 1]], [1], epochs=1, learning_rate=0.1); net.feedforward([[0, 1]]); "
        "print(*sys.modules)"
    )
    command = [sys.executable, "-P", "-c", program]
    modules = subprocess.check_output(command, cwd=Path(__file__).parent, text=True).split()
    assert "fastnn.network" in modules
    assert [one for one in LATER + OF_FILES if f"fastnn.{one}" in modules] == []


@pytest.mark.parametrize(
    "name", [*LATER, "train_many", "find_learning_rate", "LearningRateCurve", "schedules.WarmUp"]
)
def test_what_is_imported_later_is_there_when_it_is_asked_for(name):
    program = f"import fastnn; print(fastnn.{name}.__name__)"
    command = [sys.executable, "-P", "-c", program]
    printed = subprocess.check_output(command, cwd=Path(__file__).parent, text=True)
    assert printed.strip().rpartition(".")[2] == name.rpartition(".")[2]


def test_a_name_that_is_not_there():
    run = subprocess.run(
        [sys.executable, "-P", "-c", "import fastnn; fastnn.schedule"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    expected = "module 'fastnn' has no attribute 'schedule'. Did you mean: 'schedules'?"
    assert expected in run.stderr
