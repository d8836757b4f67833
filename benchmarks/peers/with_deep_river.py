"""deep-river's Classifier on a stream, as a program of its own: it wants an older river.

    python with_deep_river.py < stream.json

stream.json has n_hidden, rounds and samples: pairs of features by name and a class of two. Prints
seconds of learning and of predicting all samples, medians of the rounds, as JSON.
"""

import json
import statistics
import sys
from time import perf_counter
from typing import Any

import torch
from deep_river.classification import Classifier


class Module(torch.nn.Module):
    def __init__(self, n_features: int, n_hidden: int) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(n_features, n_hidden)
        self.out = torch.nn.Linear(n_hidden, 2)

    def forward(self, x: Any) -> Any:
        return self.out(self.hidden(x).tanh())


def main() -> None:
    stream = json.load(sys.stdin)
    samples = stream["samples"]
    module = Module(len(samples[0][0]), stream["n_hidden"])
    model = Classifier(module, loss_fn="cross_entropy", optimizer_fn="sgd", lr=0.01)
    torch.set_num_threads(1)
    learning, predicting = [], []
    for _ in range(1 + stream["rounds"]):
        start = perf_counter()
        for x, y in samples:
            model.learn_one(x, y)
        learning.append(perf_counter() - start)
        start = perf_counter()
        for x, _ in samples:
            model.predict_one(x)
        predicting.append(perf_counter() - start)
    print(json.dumps([statistics.median(times[1:]) for times in (learning, predicting)]))


if __name__ == "__main__":
    main()
