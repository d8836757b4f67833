"""Random settings of trainings, beside another implementation by NumPy alone.

Each case takes one of drawn_settings, and holds parameters and losses against `numpy_network`; in
the same breath it holds fastnn to the bits that it promises.
"""

import dataclasses
import io
import math
import pickle
import warnings

import numpy as np
import numpy_network
from drawn_settings import SPARSE, Falling, Numbers, Setting, draw
from numpy_network import NumpyNetwork, rate_at

from fastnn import Network, optimizers, train_many

CASES = 20_000

# What a training may differ by, of the largest parameter, or of 1. The median case differs by a
# rounding (2e-16, 1e-7), and 99 of a hundred by a tenth of this at most; what differs by more is
# looked at again, beside what rounding makes of it.
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
# One pass forward and back, from the same parameters.
OF_ONE_PASS = {"float64": 2e-13, "float32": 1e-5}
# Where parameters have grown to this, training diverges, or units are saturated.
GROWN = 15
# How near a z may come to a kink: rounding may fairly take the other side. And how near it may
# have been for that to be what a difference comes from.
CORNER = {"float64": 1e-12, "float32": 2e-6}
NEAR = {"float64": 1e-8, "float32": 2e-4}
MORE_EXACT = {"float64": np.longdouble, "float32": np.float32}


class Nearby(Exception):
    """Rounding may explain a difference, or numbers are too large for a fair comparison."""


class Watch:
    """Validation losses of a NumpyNetwork, and early stopping by a plain loop."""

    def __init__(self, net: NumpyNetwork, s: Setting, numbers: Numbers, dtype):
        self.net, self.early, self.losses = net, s.options.get("callbacks"), []
        X, _, Y = numbers.validation
        w = numbers.validation_weights
        self.data = X.astype(dtype), Y.astype(dtype), np.ones(len(X)) if w is None else w
        self.lowest, self.best, self.waited = math.inf, None, 0

    def __call__(self, loss):
        """At the end of an epoch of this loss: whether to stop."""
        X, Y, w = self.data
        if not len(X):
            return False
        self.losses.append((self.net.losses(self.net.forward(X)[1][-1], Y) * w).sum() / w.sum())
        if self.early is None:
            return False
        value = loss if self.early.monitor == "loss" else self.losses[-1]
        margin = value - (self.lowest - self.early.min_delta)
        self.net.distance = min(self.net.distance, abs(margin))
        self.waited += 1
        if margin < 0:
            self.lowest, self.best, self.waited = value, list(self.net.parameters), 0
        return self.waited == self.early.patience

    def end(self):
        if self.best is not None and self.early.restore_best:
            self.net.parameters = self.best


# Both courses: what they leave, by names


def by_numpy(s: Setting, numbers: Numbers, dtype, which: list[int]):
    """Parameters, losses and rates of networks; and how near they came to a kink."""
    found, distance = {}, math.inf
    X, Y = numbers.X.astype(dtype), numbers.rows.astype(dtype)
    for place in which:
        options = s.options | (s.networks[place] if s.networks else {})
        net = NumpyNetwork(
            [p.astype(dtype) for p in numbers.parameters[place]], s.activations, s.loss
        )
        rows = np.arange(s.n) if numbers.samples[place] is None else numbers.samples[place]
        n = len(rows)
        weights = numbers.training_weights(s, rows).astype(dtype)
        rng = np.random.default_rng(place)
        order = [
            rng.permuted(np.arange(n)) if options["shuffle"] else np.arange(n)
            for _ in range(options["epochs"])
        ]
        rate = options["learning_rate"]

        def rates(epoch, k, n_updates, rate=rate):
            if isinstance(rate, Falling):
                return rate(epoch)
            return rate_at(rate, epoch + k / n_updates)

        optimizer = type(options["optimizer"]).__name__, dataclasses.asdict(options["optimizer"])
        data = X[rows], Y[rows], weights
        stop = options.get("tol"), options.get("patience")
        watch = Watch(net, s, numbers, dtype)
        losses, first = net.train(
            *data, order, rates, options["batch_size"], *optimizer, *stop, watch
        )
        watch.end()
        if s.kind == "updates":
            plain = "SGD", dataclasses.asdict(optimizers.SGD())
            for i, way in enumerate(ways_of(s)):
                by, row = plain if way == "plain" else optimizer, [i]
                losses.append(net.update(X[row], Y[row], np.ones(1, dtype), rate, *by))
        for i, p in enumerate(net.parameters):
            found[f"parameters {place} {i}"] = p
        found[f"losses {place}"], found[f"rates {place}"] = np.array(losses), np.array(first)
        found[f"validation {place}"] = np.array(watch.losses)
        distance = min(distance, net.distance)
    return found, distance


def networks_of(s: Setting, numbers: Numbers):
    names = {"activation": s.activations, "loss": s.loss}
    return [
        Network.from_parameters(p[::2], p[1::2], seed=seed, **names)
        for seed, p in enumerate(numbers.parameters)
    ]


def bits(net, *losses):
    return [p.tobytes() for p in (*net.weights, *net.biases)], losses


def by_fastnn(s: Setting, numbers: Numbers, which: list[int]):
    """The same of fastnn, with its networks; bits that must be equal are compared on the way."""
    nets = networks_of(s, numbers)
    data = numbers.X_given, numbers.y
    options = {"sample_weight": numbers.sample_weight, "class_weight": s.class_weight} | s.options
    if s.validation:
        X, y, _ = numbers.validation
        w = numbers.validation_weights
        options["validation_data"] = (X, y) if w is None else (X, y, w)
    metric = None if s.networks or s.n % 2 else "accuracy" if s.classes else "mae"
    if metric:
        options["metrics"] = metric
    if s.networks:
        own = {key: [one[key] for one in s.networks] for key in s.networks[0]}
        samples = None if numbers.samples[0] is None else numbers.samples
        many = options | own | {"samples": samples, "n_threads": s.n_threads}
        histories = train_many(nets, *data, **many)
    else:
        histories = [nets[0].train(*data, **options, n_threads=1)]
    losses = [history.history["loss"] for history in histories]
    for history, loss in zip(histories, losses, strict=True):
        assert history.epoch == list(range(len(loss))), "epochs"

    for place in which:
        one, rows = options | (s.networks[place] if s.networks else {}), numbers.samples[place]
        if rows is not None:
            X = numbers.X_given.tocsr()[rows] if s.layout in SPARSE else numbers.X[rows]
            data = X, numbers.y[rows]
            one["sample_weight"] = None if one["sample_weight"] is None else numbers.weights[rows]
        if s.networks:
            alone = networks_of(s, numbers)[place]
            history = alone.train(*data, **one, n_threads=1).history
            assert bits(alone, history) == bits(nets[place], histories[place].history), "alone"
        elif s.n_threads != 1:
            twin = networks_of(s, numbers)[place]
            history = twin.train(*data, **one, n_threads=s.n_threads).history
            assert bits(twin, history) == bits(nets[place], histories[place].history), "threads"
        n_epochs = len(losses[place])
        if 0 < s.cut < n_epochs:
            twin, ends = networks_of(s, numbers)[place], (s.cut, one["epochs"] - s.cut)
            cut = []
            for e in ends:
                cut += twin.train(*data, **(one | {"epochs": e}), n_threads=1).history["loss"]
                twin = going_on(twin, s)
            assert bits(twin, cut) == bits(nets[place], losses[place]), "cut"

    if metric and "callbacks" not in options:  # else the parameters may be an earlier epoch's
        last = histories[0].history[metric][-1]
        assert last == nets[0].evaluate(*data, metrics=metric)[metric], metric
    if s.kind == "updates":
        losses[0] += steps(s, numbers, nets[0])
    found = {}
    for place in which:
        both = zip(nets[place].weights, nets[place].biases, strict=True)
        for i, p in enumerate(p for layer in both for p in layer):
            found[f"parameters {place} {i}"] = p
        found[f"losses {place}"] = np.array(losses[place])
        found[f"rates {place}"] = np.array(histories[place].history["learning_rate"])
        found[f"validation {place}"] = np.array(histories[place].history.get("val_loss", []))
    return found, nets


def going_on(net: Network, s: Setting):
    """The network that goes on with the same bits, by whatever way."""
    if s.way == "copy":
        return net.copy()
    if s.way == "pickle":
        return pickle.loads(pickle.dumps(net))
    # A function is nothing that a file could hold
    if s.way == "file" and not isinstance(s.options["learning_rate"], Falling):
        file = io.BytesIO()
        net.save(file, trainer=True)
        return Network.load(io.BytesIO(file.getvalue()))
    return net


def ways_of(s: Setting):
    """How each step of "updates" is made."""
    rng = np.random.default_rng(s.seed + 1)
    return rng.choice(["update", "lists", "step", "plain"], s.n, p=[0.3, 0.2, 0.3, 0.2]).tolist()


def steps(s: Setting, numbers: Numbers, net: Network):
    """Goes on sample by sample, by `update` and by `step`, which share what `train` keeps.

    Plain SGD between them leaves that as it is.
    """
    losses, eta, optimizer = [], s.options["learning_rate"], s.options["optimizer"]
    for i, way in enumerate(ways_of(s)):
        x, y, one = numbers.X[i], numbers.y[i], (numbers.X[i : i + 1], numbers.y[i : i + 1])
        if way == "step":
            losses.append(net.evaluate(*one, l2=optimizer.l2))
            net.step(net.gradients(*one), learning_rate=eta, optimizer=optimizer)
        elif way == "plain":
            losses.append(net.update(x, y, eta))
        elif way == "lists":  # which go a way of their own
            losses.append(net.update(x.tolist(), y.tolist(), eta, optimizer))
        else:
            losses.append(net.update(x, y, eta, optimizer))
    return losses


# What is compared


def assert_close(actual, expected, tolerance):
    """Within a part of the largest number, or of 1."""
    assert actual.keys() == expected.keys(), f"{actual.keys()}, not {expected.keys()}"
    sizes = [np.abs(p).max() for name, p in expected.items() if p.size and "parameters" in name]
    scale = max([1, *sizes])
    for name, b in expected.items():
        a = actual[name]
        assert a.shape == b.shape, f"{name}: {a.shape}, not {b.shape}"
        if b.size:
            error = np.abs(a - b.astype(float)).max()
            most = tolerance * max(scale, np.abs(b).max())
            assert error <= most, f"{name}: {error:.3g} apart, at most {most:.3g}; {a}, not {b}"


def farthest(actual, expected):
    if any(actual[name].shape != b.shape for name, b in expected.items()):
        return math.inf  # one has stopped earlier
    return max(np.abs(actual[name] - b).max(initial=0) for name, b in expected.items())


def check_training(s: Setting, numbers: Numbers):
    which = list(range(len(s.networks))) or [0]
    if len(which) > 2:
        which = np.random.default_rng(s.seed).choice(which, 2, replace=False).tolist()
    expected, distance = by_numpy(s, numbers, np.float64, which)
    sizes = [np.abs(b).max(initial=0) for name, b in expected.items() if "parameters" in name]
    if not max(sizes) < GROWN:  # nor if it is NaN
        raise Nearby
    actual, nets = by_fastnn(s, numbers, which)
    if distance < CORNER[s.dtype]:
        raise Nearby
    try:
        assert_close(actual, expected, TOLERANCE[s.dtype])
    except AssertionError:
        if distance < NEAR[s.dtype]:
            raise Nearby from None
        # How far is NumPy from itself, if its numbers are a little others? Some steps, such as
        # Adam's where a gradient comes near to zero, make much of a rounding.
        others = [by_numpy(s, numbers.nudged(i), MORE_EXACT[s.dtype], which) for i in range(3)]
        own = max(farthest(other, expected) for other, _ in others)
        error = farthest(actual, expected)
        if math.isnan(error) or error > 30 * own:
            raise
        raise Nearby from None
    return nets[which[0]]


def check_prediction(s: Setting, numbers: Numbers, net: Network):
    """Of the trained network, whose parameters are taken as they are."""
    rng, tolerance = np.random.default_rng(s.seed + 2), OF_ONE_PASS[s.dtype]
    both = zip(net.weights, net.biases, strict=True)
    numpy_net = NumpyNetwork(
        [p.astype(float) for layer in both for p in layer], s.activations, s.loss
    )
    X, Y, n_threads = numbers.X.astype(float), numbers.rows, s.n_threads
    w, data = numbers.weights, (numbers.X_given, numbers.y)
    zs, xs = numpy_net.forward(X)
    expected = {"outputs": xs[-1]}
    outputs = net.feedforward(numbers.X_given, n_threads=n_threads)
    actual = {"outputs": outputs}
    row = int(rng.integers(s.n))
    alone = numbers.X_given.tocsr()[[row]] if s.layout in SPARSE else numbers.X[row]
    assert (net.feedforward(alone) == outputs[row]).all(), "a row alone"
    layer = int(rng.integers(len(xs) - 1))
    expected["hidden"], actual["hidden"] = xs[layer + 1], net.hidden(numbers.X_given, layer)

    l2 = float(rng.choice([0, 0.01, 1.0]))
    options = {"sample_weight": numbers.sample_weight, "l2": l2, "n_threads": n_threads}
    actual["loss"] = np.array(net.evaluate(*data, **options))
    if s.activations != ["step"]:
        loss, gradients = numpy_net.evaluate(X, Y, w, l2)
        W_gradients, b_gradients = net.gradients(*data, **options)
        expected |= {f"parameters {i}": g for i, g in enumerate(gradients)}
        actual |= {f"parameters {2 * i}": g for i, g in enumerate(W_gradients)}
        actual |= {f"parameters {2 * i + 1}": g for i, g in enumerate(b_gradients)}
        g = numpy_net.output_gradients(xs[-1], Y)
        expected["input gradients"] = numpy_net.backward(zs, xs, g)[0]
        actual["input gradients"] = net.input_gradients(*data)
        g = rng.normal(size=Y.shape)
        expected["backward x"], gradients = numpy_net.backward(zs, xs, g)
        back = net.backward(numbers.X_given, g, n_threads=n_threads)
        actual["backward x"] = back.input_gradients
        expected |= {f"backward {i}": g for i, g in enumerate(gradients)}
        actual |= {f"backward {2 * i}": g for i, g in enumerate(back.weight_gradients)}
        actual |= {f"backward {2 * i + 1}": g for i, g in enumerate(back.bias_gradients)}
    else:
        losses = numpy_net.losses(xs[-1], Y)
        loss = (losses * w).sum() / w.sum() + l2 * numpy_net.half_squares()
    expected["loss"] = np.array(loss)
    if numpy_net.distance < CORNER[s.dtype]:
        raise Nearby
    if not all(np.isfinite(b).all() for b in expected.values()):
        raise Nearby  # an output that is 1, of whose logarithms and quotients NumPy makes NaN
    # Large gradients err in proportion to what they are sums of
    assert_close(
        actual, expected, tolerance * (1 + max(np.abs(g).max() for g in expected.values()))
    )
    check_metrics(s, numbers, net, outputs.astype(float), tolerance)


def check_metrics(s: Setting, numbers: Numbers, net: Network, a, tolerance):
    y, data = numbers.rows, (numbers.X_given, numbers.y)
    expected = {}
    if not s.classes or s.loss == "mse":
        expected["mae"] = np.abs(a - y).mean()
        expected["rmse"] = np.sqrt(((a - y) ** 2).mean(axis=0)).mean()
        if (np.ptp(y, axis=0) > 0).all():
            expected["r2"] = numpy_network.r2(y, a)
    else:
        several = s.loss == "cross_entropy"
        classes, found = (y.argmax(1), a.argmax(1)) if several else (y > 0.5, a > 0.5)
        expected["accuracy"] = (classes == found).mean()
        if several or (y.shape[1] == 1 and s.loss == "bce"):
            expected["f1"] = numpy_network.f1(classes, found)
            p, q = (a, y) if several else (np.hstack([1 - a, a]), np.hstack([1 - y, y]))
            eps = np.finfo(s.dtype).eps
            p = np.clip(p, eps, 1 - eps)
            expected["log_loss"] = -(q * np.log(p)).sum(axis=1).mean()
        on = y > 0.5
        if (on.any(axis=0) & ~on.all(axis=0)).all():
            expected["roc_auc"] = np.mean(
                [numpy_network.roc_auc(on[:, j], a[:, j]) for j in range(y.shape[1])]
            )
    actual = net.evaluate(*data, metrics=list(expected))
    del actual["loss"]
    named = [{name: np.array(value) for name, value in one.items()} for one in (actual, expected)]
    assert_close(*named, tolerance)


def check(s: Setting) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of schedules whose rate has come to 0
        try:
            numbers = Numbers(s)
            check_prediction(s, numbers, check_training(s, numbers))
        except Nearby:
            return "near a corner"
    return s.kind


def case(i, rng, folder):
    """Draw one setting, train both, compare; a word for what it was, to be counted.

    AssertionError, with all that is needed to repeat it, where they differ.
    """
    setting = draw(rng)
    try:
        return check(setting)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\nof {setting}") from error
