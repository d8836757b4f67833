"""Random networks as reference and as kernel, and data for them."""

import copy
import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest
import reference
from hypothesis import Phase, settings
from hypothesis import strategies as st
from reference import ReferenceNetwork

from fastnn import Network
from fastnn.optimizers import SGD

# Names are those of the reference: what is added there is held against the kernels by all that
# follows from here.
UNITS = [name for name in reference.UNITS if name != "step"]
OUTPUTS = {
    **{loss: [*UNITS, "softmax"] for loss in reference.LOSSES},
    "bce": ["sigmoid"],
    "cross_entropy": ["softmax"],
}
COMBINATIONS = [
    *((name, name, loss) for name in UNITS for loss in reference.LOSSES),
    *((name, "sigmoid", "bce") for name in UNITS),
    *((name, "softmax", "cross_entropy") for name in UNITS),
    *(("tanh", "softmax", loss) for loss in reference.LOSSES),
]
every_combination = pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


@dataclass(frozen=True)
class Case:
    """What is drawn. The numbers follow from the seed."""

    layer_sizes: list[int]
    activations: list[str]
    loss: str
    dtype: str
    seed: int
    density: float = 1  # the part of X that is not zero


@st.composite
def cases(draw, depth, dtype, widths, widths_above=None, densities=(1,)):
    """Networks of so many layers, the first of widths, and those above it of others if given."""
    losses, units = st.sampled_from(list(OUTPUTS)), st.sampled_from(UNITS)
    loss = draw(losses)
    of_layers = [widths, widths, *(depth - 1) * [widths if widths_above is None else widths_above]]
    return Case(
        layer_sizes=[draw(of_layer) for of_layer in of_layers],
        activations=[
            *(draw(units) for _ in range(depth - 1)),
            draw(st.sampled_from(OUTPUTS[loss])),
        ],
        loss=loss,
        dtype=dtype,
        seed=draw(st.integers(0, 2**32 - 1)),
        density=draw(st.sampled_from(densities)),
    )


ANY_WIDTH = st.integers(1, 40) | st.sampled_from([63, 64, 65, 128, 130])
DENSITIES = [1, 0.5, 0.2, 0.02, 0]


def examples(n):
    """So many, the same each time. To shrink one would run the reference for minutes."""
    return settings(derandomize=True, deadline=None, max_examples=n, phases=[Phase.generate])


class WatchedReference(ReferenceNetwork):
    """Notes how near it comes to a kink, where rounding may fairly take the other side."""

    distance = math.inf

    def _forward(self, x):
        zs, xs = super()._forward(x)
        for z, activation in zip(zs, self.activations, strict=True):
            if activation in ("relu", "leaky_relu", "step"):
                self.distance = min(self.distance, *np.abs(z))
        return zs, xs

    def _loss_and_delta(self, z, a, y):
        if self.loss == "mae":
            self.distance = min(self.distance, *np.abs(np.subtract(a, y)))
        return super()._loss_and_delta(z, a, y)


def draw(case, n, attempt=0):
    """The same network as reference and kernel, X and y.

    y are rows of numbers; for cross_entropy, class numbers in half of the draws.
    """
    rng = np.random.default_rng([case.seed, attempt])
    weights = [
        (rng.normal(size=(n_in, n_out)) / math.sqrt(n_in)).astype(case.dtype)
        for n_in, n_out in itertools.pairwise(case.layer_sizes)
    ]
    biases = [(rng.normal(size=n_out) / 4).astype(case.dtype) for n_out in case.layer_sizes[1:]]
    n_inputs, n_outputs = case.layer_sizes[0], case.layer_sizes[-1]
    X = rng.uniform(-1, 1, (n, n_inputs)).astype(case.dtype)
    if case.loss == "cross_entropy" and rng.random() < 0.5:
        y = rng.integers(n_outputs, size=n)
    elif case.loss == "cross_entropy":
        y = rng.dirichlet(np.ones(n_outputs), n).astype(case.dtype)
    elif case.loss == "bce":
        y = rng.uniform(size=(n, n_outputs)).astype(case.dtype)
    elif case.activations == ["step"]:
        y = rng.integers(2, size=(n, n_outputs)).astype(case.dtype)
    else:
        y = rng.normal(size=(n, n_outputs)).astype(case.dtype)
    put_zeros(X, case.density, rng)
    names = {"activation": case.activations, "loss": case.loss}
    lists = [[array.tolist() for array in arrays] for arrays in (weights, biases)]
    reference = WatchedReference.from_parameters(*lists, **names)
    kernel = Network.from_parameters(weights, biases, **names, seed=case.seed)
    assert kernel.dtype == case.dtype
    return reference, kernel, X, y


def put_zeros(X, density, rng):
    """Leave a part `density` of X, but of the first row nothing, and of the second all.

    Half of the zeros are negative.
    """
    if density == 1:
        return
    zero = rng.random(X.shape) >= density
    zero[:1], zero[1:2] = True, False
    X[zero] = np.where(rng.random(X.shape) < 0.5, 0.0, -0.0)[zero]


def assert_all_close(actual, expected, tolerance):
    """||difference|| <= tolerance ||expected||, array by array."""
    for a, b in zip(actual, expected, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.linalg.norm(np.subtract(a, b)) <= tolerance * np.linalg.norm(b)


def parameters(net):
    return [*net.weights, *net.biases]


def bits(net, history):
    """All that training makes, to be compared with ==."""
    return [array.tobytes() for array in parameters(net)], history.history["loss"]


def trained(net, X, y, **options):
    twin = net.copy()
    return twin, twin.train(X, y, **options)


def assert_equal_to_reference(
    case, n, forms, *, epochs, batch_size=1, shuffle=False, decay=0.0, eta=None
):
    """Losses and parameters of training in each form. decay is eta lambda; eta fits the inputs."""
    tolerance = TOLERANCE[case.dtype]
    for attempt in range(100):
        reference, kernel, X, y = draw(case, n, attempt)
        eta = eta or float(0.5 / (1 + np.mean(np.sum(X**2, axis=1))))
        options = {"learning_rate": eta, "batch_size": batch_size}
        rng = copy.deepcopy(kernel._rng)
        losses = []
        for _ in range(epochs):
            order = rng.permuted(np.arange(n)) if shuffle else slice(None)
            data = X[order].tolist(), y[order].tolist()
            losses += reference.train(*data, epochs=1, l2=decay / eta, **options)
        if reference.distance > tolerance / 5:
            break
    else:
        raise AssertionError("every draw came too near to a kink")

    results = {}
    options |= {"epochs": epochs, "shuffle": shuffle, "optimizer": SGD(l2=decay / eta)}
    for form in forms:
        net, history = trained(kernel, X, y, form=form, **options)
        assert_all_close([history.history["loss"]], [losses], tolerance)
        assert_all_close(parameters(net), [*reference.weights, *reference.biases], tolerance)
        results[form] = bits(net, history)
    if batch_size == 1:
        assert results["fused"] == results["direct"]
