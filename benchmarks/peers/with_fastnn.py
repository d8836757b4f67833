"""fastnn. Its checks of the data are part of the time, and so are the losses that it reports."""

from collections.abc import Callable

from benchmarks.workloads import Parameters, Workload
from fastnn import Network

SAMPLES_PER_ROUND = None


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    start = workload.start()

    def train() -> Parameters:
        net = Network.from_parameters(start.weights, start.biases, activation="sigmoid", loss="mse")
        net.train(
            workload.X,
            workload.y,
            epochs=workload.epochs,
            learning_rate=workload.learning_rate,
            batch_size=1,
            shuffle=False,
        )
        return Parameters(list(net.weights), list(net.biases))

    return train
