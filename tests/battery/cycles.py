"""Whatever a program does again and again takes no more memory after 10,000 times than before."""

import contextlib
import copy
import gc
import io
import pickle
import resource

import numpy as np
from scipy.sparse import csr_array

from fastnn import Network, TrainingDivergedError, callbacks, train_many

TIMES = 10_000
WARM = 1_000
MOST = 1_000_000  # bytes
X, Y = np.random.default_rng(0).uniform(0, 1, (2, 40, 3))
OPTIONS = {"epochs": 2, "learning_rate": 0.01}


def network():
    return Network([3, 5, 3], seed=0)


def training():
    stopping = callbacks.EarlyStopping(monitor="loss")
    network().train(X, Y, optimizer="adam", batch_size=8, callbacks=stopping, **OPTIONS)


def threads():
    network().train(X, Y, batch_size=40, n_threads=2, **OPTIONS)


def sparse():
    net, rows = network(), csr_array(X)
    net.train(rows, Y, **OPTIONS)
    net.feedforward(rows)


def single():
    net = network()
    for x, y in zip(X, Y, strict=True):
        net.update(x, y, 0.01)
        net.feedforward(x)


def files():
    net, file = network(), io.BytesIO()
    net.save(file, trainer=True)
    file.seek(0)
    copy.deepcopy(pickle.loads(pickle.dumps(Network.load(file))))


def errors():
    net = network()
    for wrong in (X[:, :2], X.astype(str), [[1.0]], None, np.full((40, 3), np.nan)):
        with contextlib.suppress(TypeError, ValueError):
            net.train(wrong, Y, **OPTIONS)
    with contextlib.suppress(TrainingDivergedError):
        net.train(X, Y * 1e200, epochs=50, learning_rate=1e200)


def many():
    train_many([network() for _ in range(5)], X, Y, **OPTIONS)


def own_losses():
    net = network()
    step = net.backward(X, Y)
    net.step(step, learning_rate=0.1)


USES = [training, threads, sparse, single, files, errors, many, own_losses]
CASES = len(USES)


def in_use():
    """Bytes of this process that lie in memory."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def case(i, rng, folder):
    use = USES[i % len(USES)]
    for _ in range(WARM):
        use()
    before = in_use()
    for _ in range(TIMES):
        use()
    growth = in_use() - before
    assert growth < MOST, (use.__name__, growth)
    return use.__name__.replace("_", " ")
