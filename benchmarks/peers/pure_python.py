"""The tests' reference in plain Python lists. Its floats are float64 for either dtype."""

from collections.abc import Callable

import numpy as np

from benchmarks.workloads import Parameters, Workload
from tests.reference import ReferenceNetwork

SAMPLES_PER_ROUND = 20


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    start = workload.start()
    weights = [W.tolist() for W in start.weights]
    biases = [b.tolist() for b in start.biases]
    X, y = workload.X.tolist(), workload.y.tolist()

    def train() -> Parameters:
        net = ReferenceNetwork.from_parameters(weights, biases, activation="sigmoid", loss="mse")
        net.train(X, y, epochs=workload.epochs, learning_rate=workload.learning_rate, batch_size=1)
        return Parameters([np.array(W) for W in net.weights], [np.array(b) for b in net.biases])

    return train
