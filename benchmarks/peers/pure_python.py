"""The tests' reference in plain Python lists. Its floats are float64 for either dtype."""

from collections.abc import Callable

import numpy as np

from benchmarks.workloads import Floats, Parameters, Workload
from tests.reference import ReferenceNetwork


def network(workload: Workload) -> ReferenceNetwork:
    start = workload.start
    return ReferenceNetwork.from_parameters(
        [W.tolist() for W in start.weights],
        [b.tolist() for b in start.biases],
        activation=workload.activations,
    )


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    X, y = workload.X.tolist(), workload.y.tolist()

    def train() -> Parameters:
        net = network(workload)
        for order in workload.orders().tolist():
            net.train(
                [X[t] for t in order],
                [y[t] for t in order],
                epochs=1,
                learning_rate=workload.learning_rate,
            )
        return Parameters([np.array(W) for W in net.weights], [np.array(b) for b in net.biases])

    return train


one_update = per_sample_sgd


def one_prediction(workload: Workload) -> Callable[[], Floats]:
    X, feedforward = workload.X.tolist(), network(workload).feedforward

    def predict() -> Floats:
        for _ in range(workload.epochs):
            outputs = feedforward(X)
        return np.array(outputs)

    return predict
