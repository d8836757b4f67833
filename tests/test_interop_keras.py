"""Networks from models of Keras 3, whose backend is PyTorch here."""

import functools
import os

import numpy as np
import pytest
from common import every_dtype
from interop_networks import HIDDEN, OUTPUTS, assert_near, samples
from reference import ReferenceNetwork

from fastnn import Network

pytest.importorskip("torch")
os.environ["KERAS_BACKEND"] = "torch"
keras = pytest.importorskip("keras")
# Of Keras itself, where it gives numbers to NumPy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
layers, activations, losses = keras.layers, keras.activations, keras.losses

# What users write for each activation: as an argument of Dense, and as a layer of its own.
FUNCTIONS = {
    "identity": None,
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "leaky_relu": functools.partial(activations.leaky_relu, negative_slope=0.01),
    "elu": "elu",
    "softplus": "softplus",
    "silu": "swish",
    "gelu": functools.partial(activations.gelu, approximate=True),
    "softmax": "softmax",
}
LAYERS = {
    "relu": layers.ReLU,
    "leaky_relu": functools.partial(layers.LeakyReLU, negative_slope=0.01),
    "elu": layers.ELU,
    "softmax": layers.Softmax,
}
PASSED_OVER = [
    functools.partial(layers.Dropout, 0.5),
    functools.partial(layers.GaussianNoise, 1.0),
    layers.Identity,
    layers.Flatten,
]


@pytest.fixture(autouse=True)
def _float32():
    yield
    keras.config.set_dtype_policy("float32")


def random_biases(model, rng):
    """Keras begins with zeros."""
    model.set_weights([w if w.ndim == 2 else rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def outputs(model, X):
    return keras.ops.convert_to_numpy(model(X, training=False))


def parameters(model):
    """Of its Dense layers, as lists of numbers."""
    dense = [layer.get_weights() for layer in model.layers if isinstance(layer, layers.Dense)]
    biases = [of_layer[1] if len(of_layer) == 2 else 0 * of_layer[0][0] for of_layer in dense]
    return [of_layer[0].tolist() for of_layer in dense], [b.tolist() for b in biases]


def a_model(*given, n_inputs=2):
    return keras.Sequential([keras.Input((n_inputs,)), *given])


@every_dtype
@pytest.mark.parametrize("is_functional", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_outputs_of_models(seed, is_functional, dtype):
    keras.config.set_dtype_policy(dtype)
    rng = np.random.default_rng(seed)
    sizes = [int(n) for n in rng.integers(2, 10, rng.integers(2, 6))]
    names = [*rng.choice(HIDDEN, len(sizes) - 2), OUTPUTS[seed % len(OUTPUTS)]]
    chain = []
    for n, name in zip(sizes[1:], names, strict=True):
        dense = functools.partial(layers.Dense, n, use_bias=bool(rng.integers(2)))
        if rng.integers(2):
            chain.append(dense(activation=FUNCTIONS[name]))
        else:
            as_layer = functools.partial(layers.Activation, FUNCTIONS[name] or "linear")
            chain += [dense(), LAYERS.get(name, as_layer)()]
        if rng.integers(3) == 0:
            chain.append(rng.choice(PASSED_OVER)())
    first = keras.Input((sizes[0],), dtype=dtype)
    if is_functional:
        tensor = first
        for layer in chain:
            tensor = layer(tensor)
        model = keras.Model(first, tensor)
    else:
        model = keras.Sequential([first, *chain])
    random_biases(model, rng)
    net = Network.from_keras(model)
    assert net.activations == tuple(names)
    assert net.layer_sizes == tuple(sizes)
    assert net.dtype == dtype
    X = samples(rng, net)
    found = net.feedforward(X)
    assert_near(found.astype(np.float32), outputs(model, X), np.float32)
    # With this backend Keras multiplies float64 as float32.
    in_python = ReferenceNetwork.from_parameters(*parameters(model), activation=names)
    assert_near(found, in_python.feedforward(X.tolist()), dtype)


def test_there_is_a_way_to_write_each_activation():
    assert set(FUNCTIONS) == set(OUTPUTS)


def test_images_are_given_as_rows():
    model = keras.Sequential(
        [keras.Input((4, 3)), layers.Flatten(), layers.Dense(5, "relu"), layers.Dense(2)]
    )
    X = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(np.float32)
    net = Network.from_keras(model)
    assert net.layer_sizes == (12, 5, 2)
    assert_near(net.feedforward(X.reshape(6, -1)), outputs(model, X), "float32")


def test_the_last_axis_by_its_number():
    layer = layers.Dense(3, functools.partial(activations.softmax, axis=1))
    for model in (a_model(layer), a_model(layers.Dense(3), layers.Softmax(axis=1))):
        net, X = Network.from_keras(model), np.ones((2, 2), np.float32)
        assert_near(net.feedforward(X), outputs(model, X), "float32")


def test_models_that_are_parts_of_models():
    body = a_model(layers.Dense(3, "tanh"), keras.Sequential([layers.Dense(4, "relu")]))
    first = keras.Input((2,))
    model = keras.Model(first, layers.Dense(1)(body(first)))
    X = np.ones((3, 2), np.float32)
    net = Network.from_keras(model)
    assert net.layer_sizes == (2, 3, 4, 1)
    assert_near(net.feedforward(X), outputs(model, X), "float32")


def test_layers_that_are_in_several_models():
    first = keras.Input((2,))
    hidden = layers.Dense(3, "tanh", name="hidden")
    shared = layers.Dense(3, "relu", name="shared")
    model = keras.Model(first, layers.Dense(1)(shared(shared(hidden(first)))))
    features = keras.Model(first, model.get_layer("hidden").output)
    of_features = keras.Model(model.get_layer("hidden").output, model.output)
    for one, sizes in ((model, (2, 3, 3, 3, 1)), (features, (2, 3)), (of_features, (3, 3, 3, 1))):
        X = np.random.default_rng(0).normal(size=(5, sizes[0])).astype(np.float32)
        net = Network.from_keras(one)
        assert net.layer_sizes == sizes
        assert_near(net.feedforward(X), outputs(one, X), "float32")


def test_a_sequential_that_is_built_by_its_first_call():
    model = keras.Sequential([layers.Dense(3, "relu"), layers.Dense(1)])
    with pytest.raises(ValueError, match=r"^the Sequential .* has no weights yet; call it once"):
        Network.from_keras(model)
    X = np.ones((4, 2), np.float32)
    expected = outputs(model, X)
    assert_near(Network.from_keras(model).feedforward(X), expected, "float32")


@pytest.mark.parametrize("width", ["float16", "bfloat16"])
def test_narrow_parameters_are_widened(width):
    model = a_model(layers.Dense(3, "tanh", dtype=width))
    net = Network.from_keras(model)
    assert net.dtype == np.float32
    kernel = keras.ops.convert_to_numpy(model.layers[0].kernel).astype(np.float32)
    np.testing.assert_array_equal(net.weights[0], kernel)


def test_nothing_is_shared_or_changed():
    model = a_model(layers.Dense(3, "tanh"), layers.Dense(1))
    before = model.get_weights()
    net = Network.from_keras(model)
    net.train(np.ones((4, 2)), np.ones(4), epochs=2, learning_rate=0.1)
    for array, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, old)
    weights = net.weights[0].copy()
    model.set_weights([np.zeros_like(array) for array in before])
    np.testing.assert_array_equal(net.weights[0], weights)


# Losses

LOGITS = {"from_logits": True}


@pytest.mark.parametrize(
    ("activation", "compiled", "loss", "expected"),
    [
        ("softmax", None, None, ("softmax", "cross_entropy")),
        ("sigmoid", None, None, ("sigmoid", "bce")),
        (None, None, None, ("identity", "mse")),
        (None, None, "cross_entropy", ("softmax", "cross_entropy")),
        (None, None, "bce", ("sigmoid", "bce")),
        (None, "mse", None, ("identity", "mse")),
        ("sigmoid", "mse", None, ("sigmoid", "mse")),
        (None, "mae", None, ("identity", "mae")),
        (None, losses.Huber(), None, ("identity", "huber")),
        (None, losses.mean_absolute_error, None, ("identity", "mae")),
        ("softmax", "sparse_categorical_crossentropy", None, ("softmax", "cross_entropy")),
        ("softmax", losses.CategoricalCrossentropy(), None, ("softmax", "cross_entropy")),
        ("sigmoid", "binary_crossentropy", None, ("sigmoid", "bce")),
        (None, losses.SparseCategoricalCrossentropy(**LOGITS), None, ("softmax", "cross_entropy")),
        (None, losses.BinaryCrossentropy(**LOGITS), None, ("sigmoid", "bce")),
        (None, "mape", "huber", ("identity", "huber")),
        (None, ["mae"], None, ("identity", "mae")),
        (None, {"out": losses.Huber()}, None, ("identity", "huber")),
    ],
)
def test_losses(activation, compiled, loss, expected):
    model = a_model(layers.Dense(3, activation, name="out"))
    if compiled is not None:
        model.compile(loss=compiled)
    net = Network.from_keras(model, loss=loss)
    assert (net.activations[-1], net.loss) == expected
    if compiled is not None and loss is None and not isinstance(compiled, dict):
        rng = np.random.default_rng(0)
        X, y = samples(rng, net), np.eye(3)[rng.integers(3, size=20)]
        if "sparse" in str(getattr(compiled, "name", compiled)):
            y = y.argmax(axis=1)
        theirs = model.evaluate(X, y, verbose=0)
        assert net.evaluate(X, y) == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize(
    ("activation", "compiled", "why"),
    [
        (None, "mape", "none of those of fastnn"),
        (None, "no such", None),
        (None, losses.Huber(delta=2.0), r"it has delta=2\.0"),
        (
            "softmax", losses.CategoricalCrossentropy(label_smoothing=0.1),
            r"it has label_smoothing=0\.1",
        ),
        (None, "binary_crossentropy", "it needs sigmoid outputs here"),
        ("sigmoid", "categorical_crossentropy", "it needs softmax outputs here"),
        ("sigmoid", losses.BinaryCrossentropy(**LOGITS), "outputs are no logits"),
        (None, lambda y, a: (y - a) ** 2, "none of those of fastnn"),
        (None, ["mape"], "none of those of fastnn"),
    ],
)  # fmt: skip
def test_compiled_losses_that_are_refused(activation, compiled, why):
    model = a_model(layers.Dense(3, activation))
    if why is None:
        model.loss = compiled
        with pytest.raises(ValueError, match="no such"):
            Network.from_keras(model)
        return
    model.compile(loss=compiled)
    expected = f"^the loss with which the model was compiled, .* taken over: .*{why}; give loss=, "
    with pytest.raises(ValueError, match=expected):
        Network.from_keras(model)
    assert Network.from_keras(model, loss="mse").loss == "mse"


# What cannot be taken over


class Doubled(layers.Dense):
    def call(self, x):
        return 2 * super().call(x)


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


class OwnSequential(keras.Sequential):
    def call(self, x):
        return 2 * super().call(x)


class OwnSteps(keras.Model):
    """A functional model with a training of its own, which does not matter."""

    def train_step(self, data):
        raise AssertionError


def quantized():
    layer = layers.Dense(2)
    layer.build((None, 2))
    layer.quantize("int8")
    return layer


@pytest.mark.parametrize(
    ("layer", "why", "remedy"),
    [
        (lambda: layers.Activation("gelu"), "approximate is False.*tanh form", "approximate=True"),
        (lambda: layers.Dense(2, "gelu"), "its approximate is False", "approximate=True"),
        (lambda: layers.Dense(2, "leaky_relu"), "slope is 0.2, and leaky_relu", "=0.01"),
        (layers.LeakyReLU, "its negative_slope is 0.3", r"layers.LeakyReLU\(negative_slope=0.01\)"),
        (lambda: layers.ELU(alpha=2.0), "its alpha is 2.0", "alpha=1.0"),
        (lambda: layers.ReLU(max_value=6), "its max_value is 6", "max_value=None"),
        (lambda: layers.Softmax(axis=0), "its axis is 0", "axis=-1"),
        (lambda: layers.Dense(2, activations.selu), "its activation is selu", "train a model"),
        (lambda: layers.Dense(2, lambda x: x), "its activation is <lambda>", "train a model"),
        (
            lambda: layers.Dense(2, functools.partial(activations.relu, max_value=1.0)),
            "its max_value is 1.0", "max_value=None",
        ),
        (layers.BatchNormalization, "what can be is Dense", "train a model without it"),
        (lambda: layers.Rescaling(2.0), "what can be is Dense", "train a model without it"),
        (layers.PReLU, "what can be is Dense", "train a model without it"),
        (lambda: layers.Reshape((2, 1)), "what can be is Dense", "train a model without it"),
        (lambda: Doubled(2), "what can be is Dense", "train a model without it"),
        (lambda: layers.Activation("tanh"), "has an activation already, relu", "leave one"),
        (quantized, "it is quantized", "give the model from before"),
    ],
)  # fmt: skip
def test_a_layer_is_refused_with_why_and_what_to_do(layer, why, remedy):
    layer = layer()
    model = a_model(layers.Dense(2, "relu"), layer)
    name = rf"^layer '{layer.name}' \({type(layer).__name__}\) cannot be taken over: "
    with pytest.raises(ValueError, match=f"{name}.*{why}.*; .*{remedy}"):
        Network.from_keras(model)


def test_layers_before_the_first_dense():
    for layer, remedy in (
        (layers.Rescaling(1 / 255), "apply it to the data, and give a model of the layers behind"),
        (layers.Activation("tanh"), "leave it out, and apply it to the data"),
    ):
        with pytest.raises(ValueError, match=rf"^layer '{layer.name}' .*; {remedy}"):
            Network.from_keras(a_model(layer, layers.Dense(1)))


def test_dense_on_the_last_axis_of_images():
    model = keras.Sequential([keras.Input((4, 3)), layers.Dense(2, name="d"), layers.Flatten()])
    with pytest.raises(ValueError, match=r"^layer 'd' \(Dense\) .* no rows; put a Flatten before"):
        Network.from_keras(model)


def test_flatten_that_changes_the_order():
    first = keras.Input((4, 3))
    flat = layers.Flatten(data_format="channels_first", name="flat")(first)
    model = keras.Model(first, layers.Dense(1)(flat))
    with pytest.raises(ValueError, match=r"^layer 'flat' \(Flatten\) .*changes the order"):
        Network.from_keras(model)


def test_graphs_that_are_no_chains():
    first = keras.Input((2,))
    hidden = layers.Dense(2, "relu")(first)
    added = layers.Add(name="sum")([first, hidden])
    with pytest.raises(ValueError, match=r"^layer 'sum' \(Add\) .* joins 2 others"):
        Network.from_keras(keras.Model(first, layers.Dense(1)(added)))
    with pytest.raises(ValueError, match=r"^the Functional .* it has 1 inputs and 2 outputs; give"):
        Network.from_keras(keras.Model(first, [hidden, layers.Dense(1)(hidden)]))
    with pytest.raises(ValueError, match=r"\(Relu\) cannot be taken over: what can be is Dense"):
        Network.from_keras(keras.Model(first, keras.ops.relu(layers.Dense(1)(hidden))))
    dropout = layers.Dropout(0.5, name="always")(hidden, training=True)
    with pytest.raises(ValueError, match=r"^layer 'always' \(Dropout\) .* with training=True,"):
        Network.from_keras(keras.Model(first, layers.Dense(1)(dropout)))


def test_models_with_an_own_call():
    model = Own()
    model(np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"^the Own .*only its call knows.*; give a keras"):
        Network.from_keras(model)
    model = OwnSequential([keras.Input((2,)), layers.Dense(1)])
    with pytest.raises(ValueError, match=r"^the OwnSequential .*only its call knows"):
        Network.from_keras(model)
    first = keras.Input((2,))
    assert Network.from_keras(OwnSteps(first, layers.Dense(1)(first))).layer_sizes == (2, 1)


@pytest.mark.parametrize("given", [None, "model.keras", keras.Sequential, layers.Dense(2), [1]])
def test_what_is_no_model(given):
    with pytest.raises(TypeError, match=r"^model must be a model of Keras 3, got "):
        Network.from_keras(given)


def test_a_model_of_keras_is_no_module_of_pytorch():
    """With this backend it is one, technically."""
    with pytest.raises(TypeError, match=r"^module must be a torch\.nn\.Sequential.*; write from_"):
        Network.from_torch(a_model(layers.Dense(1)))
