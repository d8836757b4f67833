"""A network by NumPy alone, written from textbooks and from fastnn's documentation.

It is a witness: nobody has looked into the kernels, or into tests/reference.py, to write it. So it
is as plain as it can be: derivatives of activations and losses are multiplied, softmax has its
whole Jacobian, and nothing is simplified. Whatever float the parameters are of is computed with.
"""

import math
from dataclasses import dataclass, field

import numpy as np

# Activations: a = f(z), and of f'(z) what ∂L/∂a is multiplied by


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    exp = np.exp(z - z.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


GELU = math.sqrt(2 / math.pi), 0.044715


def gelu(z):
    return z / 2 * (1 + np.tanh(GELU[0] * (z + GELU[1] * z**3)))


def gelu_slope(z):
    t = np.tanh(GELU[0] * (z + GELU[1] * z**3))
    return (1 + t) / 2 + z / 2 * (1 - t**2) * GELU[0] * (1 + 3 * GELU[1] * z**2)


ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "step": (lambda z: (z > 0).astype(z.dtype), None),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
    "leaky_relu": (
        lambda z: np.where(z > 0, z, z * 0.01),
        lambda z: np.where(z > 0, 1, 0.01).astype(z.dtype),
    ),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.where(z > 0, 1, np.exp(np.minimum(z, 0))),
    ),
    "softplus": (lambda z: np.logaddexp(0, z), sigmoid),
    "silu": (
        lambda z: z * sigmoid(z),
        lambda z: sigmoid(z) + z * sigmoid(z) * (1 - sigmoid(z)),
    ),
    "gelu": (gelu, gelu_slope),
    "softmax": (softmax, None),
}


def down(activation, z, g):
    """∂L/∂z of each sample, from g = ∂L/∂a."""
    if activation == "softmax":
        a = softmax(z)
        return a * (g - (g * a).sum(axis=1, keepdims=True))
    return g * ACTIVATIONS[activation][1](z)


# Losses: of each output, or for cross_entropy of each class; and ∂L/∂a, of one output


def huber(a, y):
    d = np.abs(a - y)
    return np.where(d < 1, d**2 / 2, d - 0.5)


LOSSES = {
    "mse": (lambda a, y: (a - y) ** 2, lambda a, y: 2 * (a - y)),
    "mae": (lambda a, y: np.abs(a - y), lambda a, y: np.sign(a - y)),
    "huber": (huber, lambda a, y: np.clip(a - y, -1, 1)),
    "bce": (
        lambda a, y: -y * np.log(a) - (1 - y) * np.log1p(-a),
        lambda a, y: (1 - y) / (1 - a) - y / a,
    ),
    "cross_entropy": (lambda a, y: -y * np.log(a), lambda a, y: -y / a),
}

KINKED = "relu", "leaky_relu", "step"


@dataclass
class NumpyNetwork:
    """W and b of each layer by turns, and what training keeps."""

    parameters: list
    activations: list
    loss: str
    distance: float = math.inf  # how near a z or an error has come to where a derivative jumps
    epochs: int = 0  # the time of a schedule
    optimizer: tuple = ()  # that of which something is kept
    steps: int = 0  # t of Adam
    kept: dict = field(default_factory=dict)

    def forward(self, X):
        """z of each layer; and a of each, of the inputs first."""
        zs, xs = [], [X]
        for W, b, name in zip(
            self.parameters[::2], self.parameters[1::2], self.activations, strict=True
        ):
            zs.append(xs[-1] @ W + b)
            xs.append(ACTIVATIONS[name][0](zs[-1]))
            if name in KINKED:
                self.distance = min(self.distance, np.abs(zs[-1]).min())
        return zs, xs

    def losses(self, a, y):
        """Of each sample: the mean over outputs, but of cross_entropy the sum."""
        values = LOSSES[self.loss][0](a, y)
        return values.sum(axis=1) if self.loss == "cross_entropy" else values.mean(axis=1)

    def backward(self, zs, xs, g):
        """∂L/∂x of each sample and ∂L/∂W, ∂L/∂b by turns, from g = ∂L/∂a of the outputs."""
        gradients = []
        for layer in reversed(range(len(zs))):
            delta = down(self.activations[layer], zs[layer], g)
            gradients[:0] = [xs[layer].T @ delta, delta.sum(axis=0)]
            g = delta @ self.parameters[2 * layer].T
        return g, gradients

    def output_gradients(self, a, y):
        """∂L/∂a of each sample's loss."""
        g = LOSSES[self.loss][1](a, y)
        if self.loss == "mae":
            self.distance = min(self.distance, np.abs(a - y).min())
        return g if self.loss == "cross_entropy" else g / y.shape[1]

    def gradient(self, X, y, weights):
        """The losses of samples, and the gradient of Σ w_i L_i / n."""
        zs, xs = self.forward(X)
        losses = self.losses(xs[-1], y)
        if self.activations == ["step"]:  # the perceptron rule: as if ∂L/∂z were a - y
            self.activations, g = ["identity"], xs[-1] - y
            gradients = self.backward(zs, xs, g * weights[:, None] / len(y))[1]
            self.activations = ["step"]
            return losses, gradients
        g = self.output_gradients(xs[-1], y) * weights[:, None] / len(y)
        return losses, self.backward(zs, xs, g)[1]

    def half_squares(self):
        return sum((W**2).sum() for W in self.parameters[::2]) / 2

    def evaluate(self, X, y, weights, l2):
        """Σ w_i L_i / Σ w_i + ½ l2 ‖W‖², and its gradient, by W and b."""
        losses, gradients = self.gradient(X, y, weights * (len(y) / weights.sum()))
        for W, g in zip(self.parameters[::2], gradients[::2], strict=True):
            g += l2 * W
        return (losses * weights).sum() / weights.sum() + l2 * self.half_squares(), gradients

    def update(self, X, y, weights, rate, name, settings):
        """One step by the mean of the samples' gradients; what they add to an epoch's loss."""
        losses, gradients = self.gradient(X, y, weights)
        added = (losses * weights).sum() + len(y) * settings["l2"] * self.half_squares()
        self.step(gradients, rate, name, settings)
        return added

    def step(self, gradients, rate, name, settings):
        """A step by an optimizer, whose name is that of fastnn's class."""
        norm = math.sqrt(sum((g**2).sum() for g in gradients))
        if settings["clip_norm"] is not None and norm > settings["clip_norm"]:
            gradients = [g * (settings["clip_norm"] / norm) for g in gradients]
        if name != "SGD" and self.optimizer != (name, settings):
            self.optimizer, self.steps, self.kept = (name, settings), 0, {}
        self.steps += name != "SGD"
        for i, g in enumerate(gradients):
            p = self.parameters[i]
            is_weight = i % 2 == 0
            if is_weight:
                g = g + settings["l2"] * p
            kept = self.kept.setdefault(i, {"v": np.zeros_like(p), "m": np.zeros_like(p)})
            change = DIRECTIONS[name](g, rate, self.steps, kept, settings)
            if is_weight:
                change = change + rate * settings.get("weight_decay", 0) * p
            self.parameters[i] = p - change

    def train(self, X, y, weights, orders, rates, batch_size, name, settings, tol, patience, watch):
        """Losses and first rates of epochs, whose samples come in the given orders.

        rates is a function of the epoch, the update in it, and how many there are. watch is called
        with the loss of each epoch, and says whether to stop.
        """
        losses, first_rates, n = [], [], len(X)
        lowest, waited = math.inf, 0
        for order in orders:
            batches = [order[i : i + batch_size] for i in range(0, n, batch_size)]
            total = 0
            for k, rows in enumerate(batches):
                rate = rates(self.epochs, k, len(batches))
                first_rates += [rate] * (k == 0)
                total += self.update(X[rows], y[rows], weights[rows], rate, name, settings)
            losses.append(total / n)
            self.epochs += 1
            if tol is not None:
                self.distance = min(self.distance, abs(losses[-1] - (lowest - tol)))
                waited = 0 if losses[-1] < lowest - tol else waited + 1
                lowest = min(lowest, losses[-1])
            if watch(losses[-1]) or (tol is not None and waited == patience):
                break
        return losses, first_rates


# Optimizers: what is subtracted from a parameter, from g, eta, t, what is kept and the settings


def sgd(g, eta, t, kept, settings):
    return eta * g


def momentum(g, eta, t, kept, settings):
    inside = eta if settings["rate_inside"] else 1
    kept["v"] = settings["momentum"] * kept["v"] + inside * g
    return (1 if settings["rate_inside"] else eta) * kept["v"]


def nesterov(g, eta, t, kept, settings):
    inside = eta if settings["rate_inside"] else 1
    kept["v"] = settings["momentum"] * kept["v"] + inside * g
    ahead = inside * g + settings["momentum"] * kept["v"]
    return ahead if settings["rate_inside"] else eta * ahead


def adam(g, eta, t, kept, settings):
    beta_1, beta_2, epsilon = settings["beta_1"], settings["beta_2"], settings["epsilon"]
    kept["m"] = beta_1 * kept["m"] + (1 - beta_1) * g
    kept["v"] = beta_2 * kept["v"] + (1 - beta_2) * g**2
    m, correction = kept["m"] / (1 - beta_1**t), math.sqrt(1 - beta_2**t)
    if settings["epsilon_hat"]:
        return eta * m * correction / (np.sqrt(kept["v"]) + epsilon)
    return eta * m / (np.sqrt(kept["v"]) / correction + epsilon)


def rmsprop(g, eta, t, kept, settings):
    kept["v"] = settings["rho"] * kept["v"] + (1 - settings["rho"]) * g**2
    return eta * g / (np.sqrt(kept["v"]) + settings["epsilon"])


def adagrad(g, eta, t, kept, settings):
    kept["v"] = kept["v"] + g**2
    return eta * g / (np.sqrt(kept["v"]) + settings["epsilon"])


DIRECTIONS = {
    "SGD": sgd,
    "Momentum": momentum,
    "Nesterov": nesterov,
    "Adam": adam,
    "AdamW": adam,
    "RMSprop": rmsprop,
    "Adagrad": adagrad,
}


# Learning rates at the time t, in epochs


def cosine(start, end, part):
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def one_cycle(s, t):
    top, first = s.warm_up * s.epochs, s.maximum / s.start_divisor
    if t < top:
        return cosine(first, s.maximum, t / top)
    return cosine(s.maximum, first / s.final_divisor, min(1, (t - top) / (s.epochs - top)))


def cyclical(s, t):
    cycle = math.floor(1 + t / (2 * s.step_size))
    x = abs(t / s.step_size - 2 * cycle + 1)
    scale = {"triangular": 1, "triangular2": 0.5 ** (cycle - 1), "exp_range": s.gamma**t}[s.mode]
    return s.minimum + (s.maximum - s.minimum) * (1 - x) * scale


def warm_up(s, t):
    if t >= s.epochs:
        return rate_at(s.then, t - s.epochs)
    return rate_at(s.then, 0) * (s.start_factor + (1 - s.start_factor) * t / s.epochs)


SCHEDULES = {
    "CosineDecay": lambda s, t: cosine(s.initial, s.final, min(1, t / s.epochs)),
    "Cyclical": cyclical,
    "ExponentialDecay": lambda s, t: s.initial * s.factor**t,
    "InverseTimeDecay": lambda s, t: s.initial / (1 + s.decay * t),
    "OneCycle": one_cycle,
    "StepDecay": lambda s, t: s.initial * s.factor ** math.floor(t / s.every),
    "WarmUp": warm_up,
}


def rate_at(schedule, t):
    """Of a number, or of a schedule, whose class has the name of fastnn's."""
    if isinstance(schedule, float):
        return schedule
    return SCHEDULES[type(schedule).__name__](schedule, t)


# Metrics, of class numbers or rows y and outputs, both of several columns


def f1(y, found):
    """The mean over classes that occur or are found; of class numbers."""
    classes = np.union1d(y, found)
    scores = [
        2 * np.sum((y == c) & (found == c)) / (np.sum(y == c) + np.sum(found == c)) for c in classes
    ]
    return np.mean(scores)


def roc_auc(on, a):
    pairs = a[on][:, None] - a[~on][None, :]
    return np.mean((pairs > 0) + (pairs == 0) / 2)


def r2(y, a):
    return np.mean(1 - ((a - y) ** 2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0))
