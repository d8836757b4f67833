"""What a case of settings.py is drawn from: a network, data, and all that `train` can be told."""

import copy
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from fastnn import callbacks, optimizers, schedules

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
