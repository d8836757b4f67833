"""fastnn's algorithms in plain Python floats and lists, to be read beside the textbook's formulas.

The compiled kernels are held against this file; it knows nothing of them and is never fast.

    x        input of a layer; of the first layer, one sample
    W, b     weights and biases of a layer; W[j][k] leads from input j to unit k
    z        xW + b
    a        activation(z), the x of the next layer; the last layer's a is the prediction
    y        target
    L        loss
    delta    dL/dz
    eta      learning rate
    lambda   the coefficient of L2 regularisation, l2 in the code
"""

import math
from collections.abc import Sequence

Vector = Sequence[float]


def dot(u: Vector, v: Vector) -> float:
    return sum(u_i * v_i for u_i, v_i in zip(u, v, strict=True))


def add(u: list[float], factor: float, v: Vector) -> None:
    """u <- u + factor v."""
    u[:] = [u_i + factor * v_i for u_i, v_i in zip(u, v, strict=True)]


# Activations of one unit. A derivative takes z and a = activation(z), and uses the simpler one.


def identity(z: float) -> float:
    return z


def identity_derivative(z: float, a: float) -> float:
    return 1.0


def step(z: float) -> float:
    return 1.0 if z > 0 else 0.0


def step_derivative(z: float, a: float) -> float:
    raise ValueError("step has no useful derivative; the perceptron rule does without")


def sigmoid(z: float) -> float:
    """1 / (1 + e^-z), with the exponent kept negative so that it cannot overflow."""
    e = math.exp(-abs(z))
    return 1 / (1 + e) if z >= 0 else e / (1 + e)


def sigmoid_derivative(z: float, a: float) -> float:
    return a * (1 - a)


def tanh_derivative(z: float, a: float) -> float:
    return 1 - a * a


def relu(z: float) -> float:
    return max(z, 0.0)


def relu_derivative(z: float, a: float) -> float:
    return 1.0 if z > 0 else 0.0


def leaky_relu(z: float) -> float:
    return z if z > 0 else 0.01 * z


def leaky_relu_derivative(z: float, a: float) -> float:
    return 1.0 if z > 0 else 0.01


def elu(z: float) -> float:
    """z, or below zero e^z - 1."""
    return z if z > 0 else math.expm1(z)


def elu_derivative(z: float, a: float) -> float:
    return 1.0 if z > 0 else a + 1


def softplus(z: float) -> float:
    """log(1 + e^z), with the exponent kept negative so that it cannot overflow."""
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


def softplus_derivative(z: float, a: float) -> float:
    return sigmoid(z)


def silu(z: float) -> float:
    return z * sigmoid(z)


def silu_derivative(z: float, a: float) -> float:
    """sigmoid(z) + z sigmoid'(z)."""
    s = sigmoid(z)
    return s + z * s * (1 - s)


def gelu(z: float) -> float:
    """z (1 + tanh u) / 2 with u = sqrt(2 / pi) (z + 0.044715 z^3)."""
    return z * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2


def gelu_derivative(z: float, a: float) -> float:
    """(1 + tanh u) / 2 + z (1 - tanh^2 u) du/dz / 2."""
    t = math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))
    du_dz = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z**2)
    return (1 + t) / 2 + z * (1 - t * t) * du_dz / 2


# Name: activation and derivative.
UNITS = {
    "identity": (identity, identity_derivative),
    "step": (step, step_derivative),
    "sigmoid": (sigmoid, sigmoid_derivative),
    "tanh": (math.tanh, tanh_derivative),
    "relu": (relu, relu_derivative),
    "leaky_relu": (leaky_relu, leaky_relu_derivative),
    "elu": (elu, elu_derivative),
    "softplus": (softplus, softplus_derivative),
    "silu": (silu, silu_derivative),
    "gelu": (gelu, gelu_derivative),
}


# softmax is the one activation whose units depend on each other.


def log_sum_exp(z: Vector) -> float:
    """log sum e^z_k, with the largest z taken out so that nothing overflows."""
    largest = max(z)
    return largest + math.log(sum(math.exp(z_k - largest) for z_k in z))


def softmax(z: Vector) -> Vector:
    """e^z_k / sum e^z_i."""
    log_sum = log_sum_exp(z)
    return [math.exp(z_k - log_sum) for z_k in z]


def softmax_delta(dL_da: Vector, a: Vector) -> Vector:
    """sum_i dL/da_i da_i/dz_k, where da_i/dz_k = a_i ([i = k] - a_k)."""
    mean = dot(a, dL_da)
    return [a_k * (dL_da_k - mean) for a_k, dL_da_k in zip(a, dL_da, strict=True)]


def activate(name: str, z: Vector) -> Vector:
    return softmax(z) if name == "softmax" else [UNITS[name][0](z_k) for z_k in z]


def delta_of(name: str, dL_da: Vector, z: Vector, a: Vector) -> Vector:
    """dL/dz, which is dL/da_k activation'(z_k) unless the activation is softmax."""
    if name == "softmax":
        return softmax_delta(dL_da, a)
    derivative = UNITS[name][1]
    return [dL_da_k * derivative(*za) for dL_da_k, *za in zip(dL_da, z, a, strict=True)]


# Losses of one output; a sample's loss is their mean over its outputs.


def mse(a: float, y: float) -> float:
    return (a - y) ** 2


def mse_derivative(a: float, y: float) -> float:
    return 2 * (a - y)


def mae(a: float, y: float) -> float:
    return abs(a - y)


def mae_derivative(a: float, y: float) -> float:
    """The sign of the error, 0 where there is none."""
    return float((a > y) - (a < y))


def huber(a: float, y: float) -> float:
    """Half the squared error up to an error of 1, a straight line beyond."""
    d = abs(a - y)
    return d * d / 2 if d <= 1 else d - 0.5


def huber_derivative(a: float, y: float) -> float:
    return max(-1.0, min(a - y, 1.0))


# Name: loss and derivative.
LOSSES = {
    "mse": (mse, mse_derivative),
    "mae": (mae, mae_derivative),
    "huber": (huber, huber_derivative),
}


# These two are computed from z, so that no log(0) exists; their derivative by z is a - y.


def bce(z: float, y: float) -> float:
    """-y log a - (1 - y) log(1 - a) with a = sigmoid(z)."""
    return softplus(z) - y * z


def cross_entropy(z: Vector, y: Vector) -> float:
    """-sum y_k log a_k with a = softmax(z), summed over the outputs, not averaged."""
    log_sum = log_sum_exp(z)
    return -sum(y_k * (z_k - log_sum) for z_k, y_k in zip(z, y, strict=True))


def clip(gradient: list[list[float]], clip_norm: float) -> None:
    """Scale a gradient down to a norm, where it is longer."""
    norm = math.sqrt(sum(dot(row, row) for row in gradient))
    if norm > clip_norm:
        for row in gradient:
            row[:] = [clip_norm / norm * g for g in row]


# Optimizers: each is a step of one number theta by the gradient g. kept is a dict that belongs to
# theta, empty at first, and t the number of the step, from 1.


def momentum(mu=0.9, nesterov=False, rate_inside=False):
    def step(theta, g, kept, eta, t):
        if rate_inside:
            kept["v"] = v = mu * kept.get("v", 0.0) - eta * g
            return theta + (mu * v - eta * g if nesterov else v)
        kept["v"] = v = mu * kept.get("v", 0.0) + g
        return theta - eta * (g + mu * v if nesterov else v)

    return step


def adam(beta_1=0.9, beta_2=0.999, epsilon=1e-8, epsilon_hat=False):
    def step(theta, g, kept, eta, t):
        kept["m"] = m = beta_1 * kept.get("m", 0.0) + (1 - beta_1) * g
        kept["v"] = v = beta_2 * kept.get("v", 0.0) + (1 - beta_2) * g * g
        root = math.sqrt(1 - beta_2**t)
        if epsilon_hat:
            return theta - eta * root / (1 - beta_1**t) * m / (math.sqrt(v) + epsilon)
        return theta - eta * m / (1 - beta_1**t) / (math.sqrt(v) / root + epsilon)

    return step


def rmsprop(rho=0.99, epsilon=1e-8):
    def step(theta, g, kept, eta, t):
        kept["v"] = v = rho * kept.get("v", 0.0) + (1 - rho) * g * g
        return theta - eta * g / (math.sqrt(v) + epsilon)

    return step


def adagrad(epsilon=1e-10):
    def step(theta, g, kept, eta, t):
        kept["v"] = v = kept.get("v", 0.0) + g * g
        return theta - eta * g / (math.sqrt(v) + epsilon)

    return step


class ReferenceNetwork:
    """A multilayer perceptron of lists, with the methods of fastnn.Network.

    X is a list of samples. y has a target for each: a list with a number for every output, a
    number where there is one output, or the number of the class, an int, for cross_entropy.
    """

    def __init__(self, weights, biases, activations: Sequence[str], loss: str) -> None:
        self.weights = [[list(map(float, row)) for row in W] for W in weights]
        self.biases = [list(map(float, b)) for b in biases]
        self.activations = list(activations)
        self.loss = loss
        self.steps = 0
        self.kept = [[{} for _ in numbers] for numbers in self._numbers(weights, biases)]

    @classmethod
    def from_parameters(cls, weights, biases, *, activation="sigmoid", loss="mse"):
        one_name = isinstance(activation, str)
        return cls(weights, biases, [activation] * len(weights) if one_name else activation, loss)

    def feedforward(self, X):
        """The prediction for one sample, or a list of predictions for a list of samples."""
        if isinstance(X[0], Sequence):
            return [self.feedforward(x) for x in X]
        return self._forward(X)[1][-1]

    def evaluate(self, X: Sequence[Vector], y: Sequence) -> float:
        """The mean of the samples' losses."""
        losses = []
        for x, y_x in zip(X, y, strict=True):
            zs, xs = self._forward(x)
            losses.append(self._loss_and_delta(zs[-1], xs[-1], y_x)[0])
        return sum(losses) / len(losses)

    def gradients(self, X: Sequence[Vector], y: Sequence):
        """The derivatives of `evaluate` by every weight and every bias."""
        if "step" in self.activations:
            raise ValueError("step has no derivative")
        return self._mean_loss_and_gradients(X, y)[1:]

    def update(self, x: Vector, y, learning_rate: float) -> float:
        """One step on one sample; returns its loss before the step."""
        return self.train([x], [y], epochs=1, learning_rate=learning_rate)[0]

    def train(
        self,
        X,
        y,
        *,
        epochs,
        learning_rate,
        batch_size=1,
        optimizer=None,
        l2=0.0,
        weight_decay=0.0,
        clip_norm=math.inf,
        tol=None,
        patience=10,
    ) -> list[float]:
        """Stochastic gradient descent, or another optimizer, over the samples in their order.

        Descends L + lambda/2 ||W||^2, all weights and no bias. Returns for each epoch the mean of
        that over the samples, each before its update. With tol, it ends after `patience` epochs
        in a row whose loss was not below (the best before) - tol.
        """
        perceptron = (len(self.weights), self.loss, batch_size) == (1, "mse", 1)
        if "step" in self.activations and not perceptron:
            raise ValueError("step is trained as one layer, with mse and batch_size=1")
        losses: list[float] = []
        best, waited = math.inf, 0
        while len(losses) < epochs and waited < patience:
            total = 0.0
            for first in range(0, len(X), batch_size):
                batch = slice(first, first + batch_size)
                L, dL_dW, dL_db = self._mean_loss_and_gradients(X[batch], y[batch])
                squares = sum(dot(W_j, W_j) for W in self.weights for W_j in W)
                total += (L + l2 / 2 * squares) * len(X[batch])
                clip(self._numbers(dL_dW, dL_db), clip_norm)
                for W, dL in zip(self.weights, dL_dW, strict=True):
                    for W_j, dL_dW_j in zip(W, dL, strict=True):
                        add(dL_dW_j, l2, W_j)
                        add(W_j, -learning_rate * weight_decay, W_j)
                self._step(self._numbers(dL_dW, dL_db), learning_rate, optimizer)
            losses.append(total / len(X))
            waited = waited + 1 if tol is not None and losses[-1] >= best - tol else 0
            best = min(best, losses[-1])
        return losses

    @staticmethod
    def _numbers(weights, biases) -> list[list[float]]:
        """The rows of all weights, and the biases of each layer."""
        return [W_j for W in weights for W_j in W] + list(biases)

    def _step(self, gradient: list[list[float]], learning_rate, optimizer) -> None:
        self.steps += 1
        of_rows = zip(self._numbers(self.weights, self.biases), gradient, self.kept, strict=True)
        for row, g, kept in of_rows:
            if optimizer is None:
                add(row, -learning_rate, g)
                continue
            for k in range(len(row)):
                row[k] = optimizer(row[k], g[k], kept[k], learning_rate, self.steps)

    def _forward(self, x: Vector) -> tuple[list[Vector], list[Vector]]:
        """z of every layer; and x, followed by a of every layer."""
        zs: list[Vector] = []
        xs: list[Vector] = [x]
        for W, b, name in zip(self.weights, self.biases, self.activations, strict=True):
            columns = zip(*W, strict=True)
            zs.append([dot(xs[-1], W_k) + b_k for W_k, b_k in zip(columns, b, strict=True)])
            xs.append(activate(name, zs[-1]))
        return zs, xs

    def _loss_and_delta(self, z: Vector, a: Vector, y) -> tuple[float, Vector]:
        """A sample's loss, and delta of the last layer."""
        K = len(a)
        if self.loss == "cross_entropy" and isinstance(y, int):
            y = [float(k == y) for k in range(K)]
        elif not isinstance(y, Sequence):
            y = [y]
        errors = [a_k - y_k for a_k, y_k in zip(a, y, strict=True)]
        if self.loss == "cross_entropy":
            return cross_entropy(z, y), errors
        if self.loss == "bce":
            return sum(map(bce, z, y)) / K, [error / K for error in errors]
        loss, derivative = LOSSES[self.loss]
        L = sum(map(loss, a, y)) / K
        if self.activations[-1] == "step":
            return L, errors  # the perceptron rule: W <- W + eta x (y - a)
        dL_da = [derivative(a_k, y_k) / K for a_k, y_k in zip(a, y, strict=True)]
        return L, delta_of(self.activations[-1], dL_da, z, a)

    def _mean_loss_and_gradients(self, X: Sequence[Vector], y: Sequence):
        """Means over the samples of L, dL/dW = x delta and dL/db = delta of every layer."""
        L = 0.0
        dL_dW = [[[0.0] * len(W_j) for W_j in W] for W in self.weights]
        dL_db = [[0.0] * len(b) for b in self.biases]
        for x, y_x in zip(X, y, strict=True):
            zs, xs = self._forward(x)
            L_x, delta = self._loss_and_delta(zs[-1], xs[-1], y_x)
            L += L_x / len(X)
            for layer in reversed(range(len(self.weights))):
                add(dL_db[layer], 1 / len(X), delta)
                for dL_dW_j, x_j in zip(dL_dW[layer], xs[layer], strict=True):
                    add(dL_dW_j, x_j / len(X), delta)
                if layer > 0:
                    dL_dx = [dot(W_j, delta) for W_j in self.weights[layer]]
                    delta = delta_of(self.activations[layer - 1], dL_dx, zs[layer - 1], xs[layer])
        return L, dL_dW, dL_db
