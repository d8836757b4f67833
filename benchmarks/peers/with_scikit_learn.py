"""scikit-learn: MLPClassifier and MLPRegressor, solver "sgd" without momentum and penalty.

Neither has sigmoid outputs under the squared error. The nearest is MLPClassifier on several labels
at once: sigmoid outputs under the binary cross-entropy, whose delta is a - y, a multiplication less
per output. That is fastnn's loss "bce", against which these results are checked. Networks with
identity outputs are MLPRegressor's, and learn by the squared error as everywhere.

An epoch is a call of `partial_fit`, on the rows in the order that is asked for: `fit` would draw
orders of its own. The checks that scikit-learn lets its user turn off are off.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.workloads import Floats, Parameters, Workload

sklearn.set_config(assume_finite=True, skip_parameter_validation=True)

Model = MLPClassifier | MLPRegressor


def comparable(workload: Workload) -> Workload:
    return workload if workload.output == "identity" else replace(workload, loss="bce")


def model(workload: Workload) -> Model:
    """A model that knows its inputs and outputs from an epoch on a few samples.

    Its losses are sums over the outputs, of half the squares by MLPRegressor, and so the learning
    rate is divided.
    """
    regressor = workload.output == "identity"
    share = (2 if regressor else 1) / workload.layer_sizes[-1]
    net = (MLPRegressor if regressor else MLPClassifier)(
        hidden_layer_sizes=workload.layer_sizes[1:-1],
        activation="relu" if workload.hidden == "relu" else "logistic",
        solver="sgd",
        alpha=0,
        momentum=0,
        nesterovs_momentum=False,
        learning_rate_init=workload.learning_rate * share,
        batch_size=workload.batch_size,
        shuffle=False,
    )
    few = slice(workload.batch_size)
    fit(net, workload.X[few], workload.y[few])
    return net


def put_at_start(net: Model, workload: Workload) -> None:
    start = workload.start
    net.coefs_ = [W.copy() for W in start.weights]
    net.intercepts_ = [b.copy() for b in start.biases]


def targets(y: Floats) -> Floats:
    return y.ravel() if y.shape[1] == 1 else y


def fit(net: Model, X: Floats, y: Floats) -> None:
    """One epoch."""
    if isinstance(net, MLPRegressor):
        net.partial_fit(X, targets(y))
    else:
        net.partial_fit(X, targets(y), classes=np.arange(max(2, y.shape[1])))


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    net = model(workload)

    def train() -> Parameters:
        put_at_start(net, workload)
        for order in workload.orders():
            if workload.shuffle:
                fit(net, workload.X[order], workload.y[order])
            else:
                fit(net, workload.X, workload.y)
        return Parameters(net.coefs_, net.intercepts_)

    return train


mini_batch_sgd = per_sample_sgd


def one_update(workload: Workload) -> Callable[[], Parameters]:
    samples = list(zip(workload.X[:, np.newaxis], workload.y[:, np.newaxis], strict=True))
    net = model(workload)

    def train() -> Parameters:
        put_at_start(net, workload)
        for _ in range(workload.epochs):
            for x, y in samples:
                fit(net, x, y)
        return Parameters(net.coefs_, net.intercepts_)

    return train


def predictor(workload: Workload) -> Callable[[Floats], Floats]:
    net = model(workload)
    put_at_start(net, workload)
    return net.predict if isinstance(net, MLPRegressor) else net.predict_proba


def one_prediction(workload: Workload) -> Callable[[], list[Floats]]:
    samples = list(workload.X[:, np.newaxis])
    predict_rows = predictor(workload)

    def predict() -> list[Floats]:
        for _ in range(workload.epochs):
            outputs = [predict_rows(x) for x in samples]
        return outputs

    return predict


def batch_prediction(workload: Workload) -> Callable[[], Floats]:
    predict_rows = predictor(workload)

    def predict() -> Floats:
        for _ in range(workload.epochs):
            outputs = predict_rows(workload.X)
        return outputs

    return predict
