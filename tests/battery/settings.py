"""Random settings of trainings, beside another implementation by NumPy alone.

Each case draws a network, data and all that `train` can be told, and holds parameters and losses
against `numpy_network`; in the same breath it holds fastnn to the bits that it promises.
"""

import copy
import dataclasses
import io
import math
import pickle
import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy_network
from numpy_network import NumpyNetwork, rate_at
from scipy import sparse

from fastnn import Network, callbacks, optimizers, schedules, train_many

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

HIDDEN = [
    "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu",
]  # fmt: skip
KINDS = {
    "per-sample": 6, "batches": 3, "sparse": 3, "many": 2, "updates": 2, "step units": 1,
    "momentum": 2, "nesterov": 2, "adam": 2, "adamw": 2, "rmsprop": 2, "adagrad": 2,
}  # fmt: skip
FORMS = ["auto", "direct", "fused", "zero_skip", "blocked"]
SPARSE = "csr", "stored zeros", "unsorted", "csc", "coo"


@dataclass(frozen=True)
class Falling:
    """A learning rate as a function of the epoch; a class of its own, that it can be printed."""

    initial: float

    def __call__(self, epoch):
        return self.initial / (1 + epoch) ** 0.5


@dataclass(frozen=True)
class Setting:
    """All that makes a case. The numbers follow from the seed."""

    kind: str
    seed: int
    layer_sizes: list[int]
    activations: list[str]
    loss: str
    dtype: str
    n: int
    density: float  # the part of X that is not zero
    layout: str  # how X is handed over
    classes: bool  # whether y are classes
    column: bool  # whether y of one output is (n, 1)
    weighted: bool
    class_weight: Any
    options: dict[str, Any]  # those of `train`
    networks: list[dict[str, Any]]  # for each network of many its own
    samples: bool  # whether networks of many have rows of their own
    cut: int  # after how many epochs a twin's training is cut; 0: never
    way: str  # by which it goes on
    validation: int  # how many samples; 0: none
    n_threads: int | None  # of a twin


class Nearby(Exception):
    """Rounding may explain a difference, or numbers are too large for a fair comparison."""


def draw(rng: np.random.Generator) -> Setting:
    """Any setting that fastnn takes, as far as numbers stay of the size of 1."""

    def some(values):
        return values[rng.integers(len(values))]

    def chance(p):
        return bool(rng.random() < p)

    def log_uniform(low, high):
        return float(low * (high / low) ** rng.random())

    kinds, shares = list(KINDS), np.array(list(KINDS.values()))
    kind = str(rng.choice(kinds, p=shares / shares.sum()))
    dtype = some(["float64", "float64", "float32"])
    loss = some(["mse", "mae", "huber", "bce", "cross_entropy", "cross_entropy"])
    widths = some([4, 12, 12, 40])
    depth = int(rng.integers(1, 4))
    layer_sizes = [int(w) for w in rng.integers(1, widths + 1, depth + 1)]
    layer_sizes[-1] = int(rng.integers(1, 6)) if chance(0.8) else layer_sizes[-1]
    if chance(0.07):
        layer_sizes[:2] = 70, int(rng.integers(20, 73))
    if kind == "step units":
        loss, layer_sizes = "mse", layer_sizes[-2:]
    output = {"bce": "sigmoid", "cross_entropy": "softmax"}.get(loss) or some([*HIDDEN, "softmax"])
    if output == "softmax":  # of one unit it would always be 1
        layer_sizes[-1] = max(layer_sizes[-1], 2)
    activations = [some(HIDDEN) for _ in layer_sizes[2:]] + [output]
    if kind == "step units":
        activations = ["step"]
    n = int(rng.integers(1, some([6, 40, 81])))
    epochs = int(rng.integers(1, 5))
    batch_size = some([2, 3, int(rng.integers(2, 70)), max(1, n - 1), n, n + 3])

    density = some([1, 1, 0.5, 0.2, 0.05, 0])
    layout = some(["rows", "rows", "rows", "fortran", "list", "strided", "float64"])
    name = {
        "momentum": "Momentum", "nesterov": "Nesterov", "adam": "Adam", "adamw": "AdamW",
        "rmsprop": "RMSprop", "adagrad": "Adagrad",
    }.get(kind, "SGD")  # fmt: skip
    if kind in ("sparse", "many", "updates") and chance(0.5):
        name = some(["Momentum", "Nesterov", "Adam", "AdamW", "RMSprop", "Adagrad"])
    if kind == "sparse":
        layout, density = some(SPARSE), min(density, some([1, 0.5, 0.2]))
    if kind in ("per-sample", "step units") or (kind != "batches" and chance(0.4)):
        batch_size = 1

    # SGD's rates go with the inputs: larger ones would only show how errors grow. But where
    # training may stop early, losses have to go up and down.
    stop, validation = chance(0.2), int(rng.integers(1, 12)) if chance(0.2) else 0
    restless = 2 if stop or validation else 1
    stable = restless * 0.5 / (1 + density * layer_sizes[0] / 3)
    settings = {}
    if name in ("SGD", "Momentum", "Nesterov"):
        eta = stable * log_uniform(0.05, 1)
        decay = some([1e-3, 0.03, 0.3, 0.36, 0.5]) / eta
    else:
        eta, decay = restless * log_uniform(1e-3, 0.03), log_uniform(1e-3, 1)
    if name in ("Momentum", "Nesterov"):
        mu = float(some([0.9, 0.5, 0.99, 1, 0, rng.random()]))
        settings |= {"momentum": mu, "rate_inside": chance(0.5)}
        eta, decay = eta * max(1 - mu, 0.1), log_uniform(1e-3, 0.3)
    if name in ("Adam", "AdamW"):
        if chance(0.6):
            settings |= {"beta_1": float(some([0.9, 0.8, 0, 0.5])), "beta_2": log_uniform(0.5, 0.9)}
        settings |= {"epsilon": log_uniform(1e-8, 0.1), "epsilon_hat": chance(0.5)}
    if name == "AdamW":
        settings |= {"weight_decay": some([0.01, 0.0, log_uniform(0.01, 10)])}
    if name in ("RMSprop", "Adagrad"):
        settings |= {"epsilon": log_uniform(1e-8, 0.1)}
    if name == "RMSprop" and chance(0.7):
        rho = float(some([0.9, 0.5, 0, rng.random()]))
        # Where all of v is g², a step by a small epsilon is the sign of g, and that of a rounding
        settings |= {"rho": rho, "epsilon": log_uniform(1e-3 if rho < 0.3 else 1e-8, 0.1)}
    if kind != "step units":
        settings |= {"l2": decay} if chance(0.3) else {}
        settings |= {"clip_norm": log_uniform(0.03, 3)} if chance(0.25) else {}

    def schedule(inner=False):
        length = log_uniform(0.5, 6)
        return some([
            lambda: schedules.CosineDecay(eta, length, some([0.0, eta / 7])),
            lambda: schedules.Cyclical(
                some([0.0, eta / 9]), eta, length / 2,
                some(["triangular", "triangular2", "exp_range"]), log_uniform(0.5, 1),
            ),
            lambda: schedules.ExponentialDecay(eta, log_uniform(0.1, 1)),
            lambda: schedules.InverseTimeDecay(eta, log_uniform(0.1, 3)),
            lambda: schedules.OneCycle(
                eta, length, log_uniform(0.1, 0.9), log_uniform(2, 50), log_uniform(2, 1e4)
            ),
            lambda: schedules.StepDecay(eta, some([1, 2, length / 2]), log_uniform(0.1, 1)),
            lambda: eta if inner else schedules.WarmUp(
                schedule(inner=True), some([1, length / 2]), log_uniform(0.01, 1)
            ),
            lambda: eta if inner else Falling(eta),
        ])()  # fmt: skip

    rate = schedule() if chance(0.4) and kind != "updates" else eta
    options = {
        "epochs": epochs,
        "learning_rate": rate,
        "batch_size": batch_size,
        "shuffle": chance(0.5),
        "optimizer": getattr(optimizers, name)(**settings),
        "form": some(FORMS) if batch_size == 1 else "auto",
    }
    if stop:
        options |= {"epochs": 8, "tol": some([0.0, log_uniform(1e-4, 0.1)])}
        options |= {"patience": int(rng.integers(1, 4))}
    if kind == "updates":
        options["epochs"] = 1
    if validation and chance(0.6) and kind != "updates":
        monitor, least = some(["loss", "val_loss"]), some([0.0, log_uniform(1e-4, 0.1)])
        early = {"monitor": monitor, "min_delta": least, "restore_best": chance(0.7)}
        options["epochs"] = int(rng.integers(2, 9))
        options["callbacks"] = callbacks.EarlyStopping(patience=int(rng.integers(1, 4)), **early)
    classes = loss in ("bce", "cross_entropy", "mse") and kind != "step units" and chance(0.5)
    class_weight = None
    if (classes and loss == "cross_entropy") or (classes and layer_sizes[-1] == 1):
        class_weight = some([None, None, "balanced", {0: 2.5}, {1: 0.25, 0: 1.5}])
    networks = []
    if kind == "many":
        for _ in range(rng.integers(2, 11)):
            networks.append({"epochs": options["epochs"], "learning_rate": rate})
            if chance(0.3):
                networks[-1] = {"epochs": int(rng.integers(5)), "learning_rate": eta / 3}
    return Setting(
        kind, int(rng.integers(2**32)), layer_sizes, activations, loss, dtype, n, density, layout,
        classes, chance(0.5), kind != "updates" and chance(0.3),
        None if kind == "updates" else class_weight, options, networks, chance(0.4),
        int(rng.integers(1, 4)) if chance(0.4) else 0, some(["call", "copy", "pickle", "file"]),
        validation,
        some([2, 3, None]) if chance(0.15) else 1,
    )  # fmt: skip


class Numbers:
    """The parameters and the data of a setting, as fastnn gets them and as NumPy does."""

    def __init__(self, s: Setting):
        rng, n = np.random.default_rng(s.seed), s.n
        self.parameters = []
        for _ in s.networks or [None]:
            self.parameters.append([])
            for n_in, n_out in pairwise(s.layer_sizes):
                self.parameters[-1].append(rng.normal(size=(n_in, n_out)) / math.sqrt(n_in))
                self.parameters[-1].append(rng.normal(size=n_out) / 4)
            self.parameters[-1] = [p.astype(s.dtype) for p in self.parameters[-1]]
        self.X, self.y, self.rows = self.samples_of(s, n, rng)
        self.X_given = handed_over(self.X, s.layout, rng)
        self.validation = self.samples_of(s, s.validation, rng)
        self.validation_weights = rng.uniform(0.1, 2, s.validation) if s.weighted else None

        self.sample_weight, self.weights = None, np.ones(n)
        if s.weighted:
            self.sample_weight = rng.uniform(0, 3, n)
            self.sample_weight[rng.random(n) < 0.1] = 0
            self.sample_weight[0] += 0.5
            self.weights = self.sample_weight
        self.samples = [None] * len(self.parameters)
        if s.samples and s.networks:
            self.samples = [
                np.sort(rng.integers(n, size=rng.integers(1, n + 1))) for _ in s.networks
            ]
            if s.weighted:
                self.samples = [np.append(rows, 0) for rows in self.samples]

    def samples_of(self, s: Setting, n, rng):
        """X, y as fastnn gets them, and y as rows."""
        X = rng.uniform(-1, 1, (n, s.layer_sizes[0])).astype(s.dtype)
        X[rng.random(X.shape) >= s.density] = 0
        n_outputs = s.layer_sizes[-1]
        if s.classes and s.loss == "cross_entropy":
            numbers = rng.integers(n_outputs, size=n)
            return X, numbers, np.eye(n_outputs)[numbers]
        if s.classes or s.activations == ["step"]:
            y = rng.integers(2, size=(n, n_outputs))
        elif s.loss == "cross_entropy":
            y = rng.dirichlet(np.ones(n_outputs), n)
        elif s.loss == "bce":
            y = rng.random((n, n_outputs))
        else:
            y = rng.normal(size=(n, n_outputs))
        rows = y.astype(s.dtype).astype(float)
        return X, rows.copy() if s.column or n_outputs > 1 else rows[:, 0].copy(), rows

    def nudged(self, seed):
        """The same, but for a rounding of each parameter and input."""
        rng, other = np.random.default_rng(seed), copy.copy(self)

        def nudge(array):
            return array * (1 + np.finfo(array.dtype).eps * rng.uniform(-1, 1, array.shape))

        other.parameters = [[nudge(p) for p in one] for one in self.parameters]
        other.X = nudge(self.X)
        return other

    def training_weights(self, s: Setting, rows):
        """Of the samples of a training: by sample and by class, of mean 1."""
        w = self.weights[rows]
        if s.class_weight is not None:
            y = self.rows[rows]
            of_sample = y.argmax(axis=1) if s.loss == "cross_entropy" else y[:, 0].astype(int)
            if s.class_weight == "balanced":
                present, counts = np.unique(of_sample, return_counts=True)
                each = len(y) / (len(present) * counts)
                by_class = dict(zip(present.tolist(), each, strict=True))
            else:
                by_class = s.class_weight
            w = w * [by_class.get(c, 1) for c in of_sample.tolist()]
        return w / w.mean()


def handed_over(X, layout, rng):
    if layout == "fortran":
        return np.asfortranarray(X)
    if layout == "list":
        return X.tolist()
    if layout == "float64":
        return X.astype(float)
    if layout == "strided":
        return np.repeat(X, 2, axis=1)[:, ::2]
    if layout not in SPARSE:
        return X
    csr = sparse.csr_array(X)
    if layout == "stored zeros" and csr.nnz:
        csr.data = csr.data.copy()
        csr.data[rng.integers(csr.nnz)] = 0
        X[:] = csr.toarray()
    if layout == "unsorted":
        for row in range(len(X)):
            part = slice(csr.indptr[row], csr.indptr[row + 1])
            mixed = rng.permutation(part.stop - part.start)
            csr.indices[part], csr.data[part] = csr.indices[part][mixed], csr.data[part][mixed]
        csr.has_sorted_indices = False
    return {"csc": csr.tocsc, "coo": csr.tocoo}.get(layout, lambda: csr)()


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
