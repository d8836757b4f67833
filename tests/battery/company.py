"""Trainings beside others: in eight threads, after a fork, in spawned processes, and by loky.

Each gives the bits that it gives alone.
"""

import hashlib
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
from random_networks import parameters

from fastnn import Network

CASES = 400
IN_COMPANY = 8
WAYS = ["threads", "forks", "spawned processes", "loky"]


def train(seed, n_threads):
    """A digest of the network that a training makes, and of what it says and predicts."""
    rng = np.random.default_rng(seed)
    sizes = [int(rng.integers(1, 60)), int(rng.integers(1, 80)), int(rng.integers(1, 5))]
    X = rng.uniform(-1, 1, (int(rng.integers(1, 300)), sizes[0]))
    X[rng.random(X.shape) < rng.choice([0, 0.9])] = 0
    Y = rng.uniform(0, 1, (len(X), sizes[-1]))
    net = Network(sizes, dtype=rng.choice(["float32", "float64"]), seed=seed)
    options = {
        "batch_size": int(rng.choice([1, 1, 32, 100])),
        "optimizer": str(rng.choice(["sgd", "adam"])),
        "epochs": int(rng.integers(1, 6)),
    }
    history = net.train(X, Y, learning_rate=0.01, n_threads=n_threads, **options)
    losses = np.array(history.history["loss"])
    numbers = [*parameters(net), losses, net.feedforward(X, n_threads=n_threads)]
    return hashlib.sha256(b"".join(one.tobytes() for one in numbers)).hexdigest()


def in_a_fork(seed, n_threads):
    """Of a process whose threads have just been at work."""
    read, write = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.write(write, train(seed, n_threads).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        found = file.read()
    os.waitpid(process, 0)
    return found


def case(i, rng, folder):
    way = WAYS[i % len(WAYS)]
    seeds = [int(seed) for seed in rng.integers(2**31, size=IN_COMPANY)]
    n_threads = [1, 2, 3, None][rng.integers(4)]
    alone = [train(seed, 1) for seed in seeds]
    each = [n_threads] * IN_COMPANY
    if way == "threads":
        with ThreadPoolExecutor(IN_COMPANY) as pool:
            found = list(pool.map(train, seeds, each))
    elif way == "forks":
        with ThreadPoolExecutor(2) as pool:
            others = pool.map(train, seeds, each)
            found = [in_a_fork(*one) for one in zip(seeds, each, strict=True)]
            assert list(others) == alone
    elif way == "loky":
        found = joblib.Parallel(n_jobs=2)(map(joblib.delayed(train), seeds, each))
    else:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            found = pool.starmap(train, zip(seeds, each, strict=True))
    assert found == alone, (way, seeds, n_threads)
    return way
