"""The learning-rate range test: what it measures, what it suggests, and that it changes nothing."""

import pickle

import numpy as np
import pytest
from common import every_dtype
from scipy.sparse import csr_array

from fastnn import (
    LearningRateCurve,
    Network,
    TrainingDivergedError,
    datasets,
    find_learning_rate,
    optimizers,
)
from fastnn._training.course import Course
from fastnn.callbacks import EarlyStopping
from fastnn.schedules import CosineDecay, Schedule

STEPS, LOW, HIGH = 10, 1e-4, 1.0
OPTIMIZERS = [
    "sgd", optimizers.SGD(l2=0.01), "momentum", "nesterov", "adam", "adamw", "rmsprop", "adagrad",
]  # fmt: skip


def make(n=32, dtype="float64", seed=0):
    """Data of so many samples, and a network for them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)).astype(dtype)
    y = (X.sum(axis=1) + rng.normal(size=n) / 2 > 0).astype(int)
    net = Network([3, 5, 2], activation=["tanh", "softmax"], loss="cross_entropy", dtype=dtype,
                  seed=seed)  # fmt: skip
    return net, X, y


class Growing(Schedule):
    """The schedule of the test, for comparison: from LOW to HIGH in so many epochs."""

    def rates(self, t):
        return LOW * (HIGH / LOW) ** (t / STEPS)


@every_dtype
@pytest.mark.filterwarnings("ignore:the loss")  # a network that is trained may have no suggestion
@pytest.mark.parametrize("batch_size", [1, 7, 1000])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_no_bit_of_the_network_changes(optimizer, batch_size, dtype):
    net, X, y = make(50, dtype)
    settings = {"optimizer": optimizer, "batch_size": batch_size}
    net.train(
        X, y, epochs=3, learning_rate=CosineDecay(0.01, epochs=9), validation_data=(X, y),
        callbacks=EarlyStopping(), **settings,
    )  # fmt: skip
    before, memory = pickle.dumps(net), net._parameters.ctypes.data
    found = find_learning_rate(net, X, y, **settings)
    assert pickle.dumps(net) == before
    assert net._parameters.ctypes.data == memory
    again = find_learning_rate(net, X, y, **settings)
    assert again.losses.tobytes() == found.losses.tobytes()
    assert pickle.dumps(net) == before


@pytest.mark.filterwarnings("ignore:the loss")
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [1, 5, 32])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_losses_are_those_of_training_with_growing_rates(optimizer, batch_size, weighted, shuffle):
    net, X, y = make()
    settings = {"optimizer": optimizer, "batch_size": batch_size, "shuffle": shuffle}
    if weighted:
        settings |= {"sample_weight": np.arange(1, 33), "class_weight": {1: 3.0}}
    # With 32 samples a rate has an epoch.
    found = find_learning_rate(net, X, y, minimum=LOW, maximum=HIGH, steps=STEPS, **settings)
    n = len(found.losses)
    assert n > 3
    history = net.train(X, y, epochs=n, learning_rate=Growing(), **settings)
    np.testing.assert_allclose(found.losses, history.history["loss"], rtol=1e-12)
    np.testing.assert_allclose(found.rates, LOW * 10 ** (0.4 * (np.arange(n) + 0.5)), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:the loss")
@pytest.mark.parametrize("maximum", [HIGH, 1e9])  # which is where it is broken off
@pytest.mark.parametrize(
    "settings",
    [{"batch_size": 1}, {"batch_size": 5}, {"batch_size": 17, "optimizer": "adamw"}],
    ids=str,
)
@pytest.mark.parametrize("n", [5, 32, 100, 1000])
def test_no_bit_depends_on_chunks(n, settings, maximum, chunks_have):
    net, X, y = make(n)
    settings |= {"maximum": maximum, "steps": 30}
    expected = find_learning_rate(net, X, y, **settings)
    assert len(expected.losses) > 5
    for chunk in (1, 7, 65, 2 * n):
        chunks_have(chunk)
        found = find_learning_rate(net, X, y, **settings)
        assert found.losses.tobytes() == expected.losses.tobytes()
        assert found.rates.tobytes() == expected.rates.tobytes()


def test_it_runs_in_chunks(chunks_have, monkeypatch):
    """So that Ctrl-C is answered."""
    run_chunk, seen = Course._run_chunk, []

    def noting(course, n_samples, *arguments):
        seen.append(n_samples)
        return run_chunk(course, n_samples, *arguments)

    monkeypatch.setattr(Course, "_run_chunk", noting)
    chunks_have(7)
    find_learning_rate(*make(1000), steps=30)
    assert max(seen) == 7


def test_what_diverges_is_described_alike_in_any_chunks(chunks_have):
    net = Network([1, 1], activation="identity", seed=0)
    said = set()
    for chunk in (1, 2, 1000):
        chunks_have(chunk)
        with pytest.raises(TrainingDivergedError) as raised:
            find_learning_rate(net, [[1e3]], [1e3], minimum=1e3, maximum=1e9)
        said.add(str(raised.value))
    assert len(said) == 1
    assert "The last finite loss was" in said.pop()


def test_losses_that_are_nearly_too_large_for_a_sum():
    net = Network([1, 1], activation="identity", seed=0)
    with pytest.warns(UserWarning, match="the loss"):
        found = find_learning_rate(net, [[1.0]], [3e153], minimum=1e-9, maximum=1e-8)
    assert found.losses[0] == pytest.approx(9e306, rel=1e-6)


def test_an_epoch_may_have_many_rates():
    net, X, y = make(3000)
    low, high = 1e-4, 1e-3
    found = find_learning_rate(net, X, y, minimum=low, maximum=high, steps=50)
    assert 45 <= len(found.rates) <= 55
    assert (np.diff(found.rates) > 0).all()

    class InOneEpoch(Schedule):
        def rates(self, t):
            return low * (high / low) ** t

    history = net.train(X, y, epochs=1, learning_rate=InOneEpoch())
    lengths = []
    for middle in np.log10(found.rates / low):
        lengths.append(2 * (middle - sum(lengths)))
    np.testing.assert_allclose(sum(lengths), 1)
    np.testing.assert_allclose(found.losses @ lengths, history.history["loss"][0], rtol=1e-9)


def test_smoothed_losses():
    net, X, y = make()
    found = find_learning_rate(net, X, y, maximum=0.1)
    sums, counts = (np.convolve(one, np.ones(7), "same") for one in (found.losses, found.rates > 0))
    np.testing.assert_allclose(found.smoothed, sums / counts, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_suggestion_is_below_where_a_quadratic_loss_diverges(scale):
    # Full-batch descent of a linear network converges up to eta = 2 / the largest curvature.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4)) * scale
    y = X @ [1.0, 2.0, -1.0, 0.5] / scale
    net = Network([4, 1], activation="identity", loss="mse", seed=0)
    ones = np.hstack((X, np.ones((100, 1))))
    limit = 2 / np.linalg.eigvalsh(2 * ones.T @ ones / 100).max()
    found = find_learning_rate(
        net, X, y, batch_size=100, minimum=limit * 1e-4, maximum=limit * 1e3, steps=50
    )
    assert limit / 20 < found.suggestion < limit
    assert limit < found.rates[-1] < 100 * limit
    assert found.smoothed[-1] > found.smoothed[0]


def test_the_suggestion_is_good_for_digits():
    X, y = datasets.load_digits()
    for seed, optimizer, batch_size in ((0, "sgd", 1), (1, "momentum", 32), (2, "adam", 32)):
        net = Network([64, 30, 10], activation=["relu", "softmax"], loss="cross_entropy", seed=seed)
        settings = {"optimizer": optimizer, "batch_size": batch_size}
        found = find_learning_rate(net, X[:1500], y[:1500], **settings)
        rate = found.suggestion
        losses = {}
        for factor in (0.01, 1, 100):
            copy = net.copy()
            try:
                copy.train(X[:1500], y[:1500], epochs=5, learning_rate=rate * factor, **settings)
                losses[factor] = copy.evaluate(X[1500:], y[1500:])
            except TrainingDivergedError:
                losses[factor] = np.inf
            if factor == 1:
                got = copy.evaluate(X[1500:], y[1500:], metrics="accuracy")
                assert got["accuracy"] > 0.85
        assert min(losses, key=losses.get) == 1


def test_nothing_is_suggested_where_nothing_can_be_learned():
    net, X, _ = make()
    exact = net.feedforward(X)
    flat = Network.from_parameters(net.weights, net.biases, activation=["tanh", "softmax"])
    with pytest.warns(UserWarning, match="the loss did not fall clearly at any rate") as warned:
        found = find_learning_rate(flat, X, exact)
    assert warned[0].filename == __file__
    assert np.isnan(found.suggestion)
    assert found.losses.max() == 0
    with pytest.raises(ValueError, match=r"learning_rate must be positive .*, got float nan"):
        flat.train(X, exact, epochs=1, learning_rate=found.suggestion)
    assert repr(found).endswith("suggestion nan>")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("batch_size", [1, 32])
def test_nothing_is_suggested_for_what_is_trained_already(batch_size, seed):
    X, y = datasets.load_moons(200, noise=0.1)
    net = Network([2, 8, 1], activation=["tanh", "sigmoid"], loss="bce", seed=seed)
    rate = find_learning_rate(net, X, y, batch_size=batch_size).suggestion
    net.train(X, y, epochs=1000, learning_rate=rate, batch_size=batch_size)
    with pytest.warns(UserWarning, match="may be trained already, or its inputs not scaled"):
        found = find_learning_rate(net, X, y, batch_size=batch_size)
    assert np.isnan(found.suggestion)
    assert len(found.losses) > 30


def test_nothing_is_suggested_for_targets_that_are_noise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 5)), rng.integers(0, 2, 300)
    net = Network([5, 6, 1], activation=["tanh", "sigmoid"], loss="bce", seed=0)
    with pytest.warns(UserWarning, match="did not fall clearly"):
        assert np.isnan(find_learning_rate(net, X, y).suggestion)


def test_a_range_that_is_too_short_is_said():
    net, X, y = make(320)
    suggestion = find_learning_rate(net, X, y).suggestion
    with pytest.warns(UserWarning, match=r"still falls at the largest rate, 0\.002; give a larg"):
        found = find_learning_rate(net, X, y, maximum=0.002)
    assert found.suggestion < 0.002 < suggestion
    net = Network([3, 1], activation="identity", loss="mse", seed=0)
    settings = {"batch_size": 320, "maximum": 1.0}
    suggestion = find_learning_rate(net, X, y, **settings).suggestion
    with pytest.warns(UserWarning, match=r"at the smallest rate already, 0\.3; give a smaller min"):
        found = find_learning_rate(net, X, y, minimum=0.3, **settings)
    assert suggestion < 0.3


def test_the_result_says_what_it_is():
    net, X, y = make()
    found = find_learning_rate(net, X, y, maximum=0.1)
    assert isinstance(found, LearningRateCurve)
    low, high = found.rates[[0, -1]]
    assert repr(found) == (
        f"<LearningRateCurve of {len(found.rates)} rates, {low:.3g} to {high:.3g}, suggestion "
        f"{found.suggestion:.3g}>"
    )


def test_sparse_arrays():
    net, X, y = make(60)
    X[np.abs(X) < 1] = 0
    dense = find_learning_rate(net, X, y)
    sparse = find_learning_rate(net, csr_array(X), y)
    np.testing.assert_allclose(sparse.losses, dense.losses, rtol=1e-6)


@pytest.mark.unwatched
def test_tables():
    import pandas as pd

    net, X, y = make(60)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    of_frame, of_array = (find_learning_rate(net, given, y) for given in (frame, X))
    assert of_frame.losses.tobytes() == of_array.losses.tobytes()
    assert net.feature_names is None
    net.train(frame, y, epochs=1, learning_rate=0.1)
    with pytest.raises(ValueError, match="X must have its columns in the order"):
        find_learning_rate(net, frame[["b", "a", "c"]], y)


def test_what_diverges_at_once_is_said():
    net, X, y = make()
    net = Network([3, 1], activation="identity", seed=0)
    before = pickle.dumps(net)
    with pytest.raises(TrainingDivergedError, match=r"at learning_rate=1\.?.*Scale inputs"):
        find_learning_rate(net, X * 1e100, y)
    assert pickle.dumps(net) == before


@pytest.mark.parametrize(
    ("given", "exception", "message"),
    [
        ({"minimum": 0}, ValueError, "minimum must be positive and finite"),
        ({"maximum": np.inf}, ValueError, "maximum must be positive and finite"),
        ({"minimum": 1, "maximum": 1}, ValueError, "maximum must be above minimum, got 1 and 1"),
        ({"steps": 9}, ValueError, "steps must be at least 10, got int 9"),
        ({"steps": 50.0}, TypeError, "steps must be an integer"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"optimizer": "adamm"}, ValueError, "did you mean 'adam'"),
        ({"shuffle": 1}, TypeError, "shuffle must be True or False"),
        ({"X": [[1, 2]]}, ValueError, "X must have 3 columns"),
        ({"y": [0]}, ValueError, "y must be as long as X"),
        ({"net": "net"}, TypeError, "net must be a fastnn.Network, got str 'net'"),
        ({"lr": 1}, TypeError, "has no argument 'lr'"),
    ],
)
def test_what_is_refused(given, exception, message):
    net, X, y = make()
    before = pickle.dumps(net)
    with pytest.raises(exception, match=message):
        find_learning_rate(**{"net": net, "X": X, "y": y} | given)
    assert pickle.dumps(net) == before
