"""fastnn. Its checks of the data are part of the time, and so are the losses that it reports."""

import inspect
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.workloads import SEED, Floats, Parameters, Workload
from fastnn import Network, train_many


def network(workload: Workload) -> Network:
    start = workload.start
    return Network.from_parameters(
        start.weights,
        start.biases,
        activation=workload.activations,
        loss=workload.loss,
        seed=SEED,
    )


def networks(workload: Workload) -> list[Network]:
    start = workload.start
    return [
        Network.from_parameters(
            [W[i] for W in start.weights],
            [b[i] for b in start.biases],
            activation=workload.activations,
        )
        for i in range(workload.n_networks)
    ]


def takes_a_form() -> bool:
    """Whether per-sample SGD can be made to take a form in this version of fastnn."""
    return "form" in inspect.signature(Network.train).parameters


def per_sample_sgd(workload: Workload, **settings: str) -> Callable[[], Parameters]:
    def train() -> Parameters:
        net = network(workload)
        net.train(
            workload.X,
            workload.y,
            epochs=workload.epochs,
            learning_rate=workload.learning_rate,
            batch_size=workload.batch_size,
            shuffle=workload.shuffle,
            **settings,
        )
        return Parameters(list(net.weights), list(net.biases))

    return train


mini_batch_sgd = per_sample_sgd
adam = partial(per_sample_sgd, optimizer="adam")


def one_update(workload: Workload) -> Callable[[], Parameters]:
    samples = list(zip(workload.X, workload.y, strict=True))
    eta = workload.learning_rate

    def train() -> Parameters:
        net = network(workload)
        update = net.update
        for _ in range(workload.epochs):
            for x, y in samples:
                update(x, y, eta)
        return Parameters(list(net.weights), list(net.biases))

    return train


def one_prediction(workload: Workload) -> Callable[[], list[Floats]]:
    samples = list(workload.X)
    feedforward = network(workload).feedforward

    def predict() -> list[Floats]:
        for _ in range(workload.epochs):
            outputs = [feedforward(x) for x in samples]
        return outputs

    return predict


def batch_prediction(workload: Workload) -> Callable[[], Floats]:
    net = network(workload)

    def predict() -> Floats:
        for _ in range(workload.epochs):
            outputs = net.feedforward(workload.X)
        return outputs

    return predict


def many_networks(workload: Workload, at_once: bool = True) -> Callable[[], Parameters]:
    """By train_many, or by a loop."""
    settings = {
        "epochs": workload.epochs,
        "learning_rate": workload.learning_rate,
        "batch_size": workload.batch_size,
        "shuffle": False,
    }

    def train() -> Parameters:
        nets = networks(workload)
        if at_once:
            train_many(nets, workload.X, workload.y, **settings)
        else:
            for net in nets:
                net.train(workload.X, workload.y, **settings)
        layers = range(len(workload.layer_sizes) - 1)
        return Parameters(
            [np.array([net.weights[layer] for net in nets]) for layer in layers],
            [np.array([net.biases[layer] for net in nets]) for layer in layers],
        )

    return train
