"""Fixtures: one body over the reference and over the compiled kernels, Ctrl-C; and shorter runs."""

import gc
import os
import random
import signal
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from reference import ReferenceNetwork

import fastnn

# Before SciPy is imported: scikit-learn's checks of an estimator would otherwise leave some out.
os.environ["SCIPY_ARRAY_API"] = "1"


def pytest_addoption(parser):
    parser.addoption(
        "--fifth", metavar="SEED", help="run a fifth of each test's cases, which the seed draws"
    )


def pytest_collection_modifyitems(config, items):
    """--fifth leaves at least one case of each test: for emulators, which take long."""
    seed = config.getoption("fifth")
    if seed is None:
        return
    cases = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    draw = random.Random(seed).sample
    kept = {item for of_test in cases.values() for item in draw(of_test, -(-len(of_test) // 5))}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


class ArrayReference:
    """ReferenceNetwork behind the interface of fastnn.Network: arrays in, arrays out."""

    def __init__(self, network):
        self._network = network

    @classmethod
    def from_parameters(cls, weights, biases, **names):
        lists = [[array.tolist() for array in arrays] for arrays in (weights, biases)]
        return cls(ReferenceNetwork.from_parameters(*lists, **names))

    @property
    def weights(self):
        return tuple(np.array(W) for W in self._network.weights)

    @property
    def biases(self):
        return tuple(np.array(b) for b in self._network.biases)

    def feedforward(self, X):
        return np.array(self._network.feedforward(np.asarray(X).tolist()))

    def evaluate(self, X, y):
        return self._network.evaluate(np.asarray(X).tolist(), np.asarray(y).tolist())

    def gradients(self, X, y):
        of_layers = self._network.gradients(np.asarray(X).tolist(), np.asarray(y).tolist())
        return tuple([np.array(g) for g in gradients] for gradients in of_layers)

    def update(self, x, y, learning_rate):
        return self._network.update(np.asarray(x).tolist(), np.asarray(y).tolist(), learning_rate)

    def train(self, X, y, *, shuffle, **settings):
        assert not shuffle, "the reference takes the samples in the order of the rows"
        losses = self._network.train(np.asarray(X).tolist(), np.asarray(y).tolist(), **settings)
        return SimpleNamespace(history={"loss": losses}, epoch=list(range(len(losses))))


@dataclass(frozen=True)
class Implementation:
    """A network class with the dtype that its parameters get, and what rounding may cost there."""

    network_class: type
    dtype: type
    rounding: float

    def network(self, weights, biases, *, activation="sigmoid", loss="mse"):
        return self.network_class.from_parameters(
            [np.array(W, self.dtype) for W in weights],
            [np.array(b, self.dtype) for b in biases],
            activation=activation,
            loss=loss,
        )

    def assert_close(self, actual, expected):
        """Shapes are equal, and every number up to rounding at the scale of the largest."""
        actual, expected = np.asarray(actual), np.asarray(expected)
        assert actual.shape == expected.shape
        scale = np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=self.rounding * scale)


IMPLEMENTATIONS = {
    "reference": Implementation(ArrayReference, np.float64, 1e-14),
    "float64": Implementation(fastnn.Network, np.float64, 1e-14),
    "float32": Implementation(fastnn.Network, np.float32, 2e-6),
}


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request):
    """The reference, and the kernels in each float width; parametrise indirectly to pick some."""
    return IMPLEMENTATIONS[request.param]


@pytest.fixture
def _alarm():
    """Let an alarm do what Ctrl-C does.

    The system rings it at any moment. A thread that sent SIGINT would need the interpreter's
    lock for that, which it gets while a kernel runs, and never amid Python code. What others have
    hung into the collection of garbage would swallow it.
    """
    handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    gc.disable()
    yield
    gc.enable()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, handler)


@pytest.fixture
def chunks_have(monkeypatch):
    """chunks_have(n): chunks have n samples from now on."""
    return lambda n: monkeypatch.setattr(fastnn._core.chunks, "samples_per_chunk", lambda *_: n)
