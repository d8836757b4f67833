"""Threads write into all that networks are given, and others use these: numbers, or an error.

FASTNN_STRESS_SECONDS in the environment says for how long.
"""

import math
import os
import pickle
import re
import sys
from collections import Counter
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from threading import Event
from typing import Any

import numpy as np
import pytest
from random_networks import parameters, put_zeros
from scipy.sparse import csr_array

from fastnn import Network
from fastnn._training.forms import FORMS
from fastnn.callbacks import EarlyStopping, ModelCheckpoint
from fastnn.optimizers import Adam, Nesterov
from fastnn.schedules import InverseTimeDecay, Schedule

SECONDS = float(os.environ.get("FASTNN_STRESS_SECONDS", "60"))
WORKERS = 8
ENOUGH = 10  # successes of each kind
BAD, GOOD = 1e-4, 3e-3  # seconds for which what is given stays unfit, and then fit

# TrainingDivergedError and ModelFileError are ValueErrors, settings of a wrong type TypeErrors, and
# what may not be done while a network is trained RuntimeErrors. All are fastnn's own, in its words.
ALLOWED = (ValueError, TypeError, RuntimeError)
WORDS = re.compile(" must | needs |training diverged|is being trained|was set up anew")

NUMBERS = [math.nan, math.inf, -1.0, 0.0, 0.5, 7.0, 1e9, 1e30]
INDICES = [-(2**31), -1, 0, 1, 50, 2**31 - 1]
SETTINGS = [*NUMBERS, 3, 1e300, None, "adam", "sgd", np.ones(3)]


@pytest.fixture(autouse=True)
def _often(chunks_have):
    """Threads take turns often, and training publishes often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    chunks_have(16)
    yield
    sys.setswitchinterval(interval)


def run_together(*tasks):
    """Run tasks(ends), each in a thread of its own, until time is over or one has failed."""
    ends = Event()
    with ThreadPoolExecutor(len(tasks)) as pool:
        running = [pool.submit(task, ends) for task in tasks]
        wait(running, SECONDS, FIRST_EXCEPTION)
        ends.set()
    return [task.result() for task in running]


# Everything is written


@dataclass
class Scene:
    """A network that all workers share, or that one of them has, and what all hand in."""

    net: Network
    options: dict[str, Any]  # of the network
    path: str
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    csr: Any
    state: dict[str, Any]
    out: np.ndarray
    outs: np.ndarray
    optimizers: list[Any] = field(default_factory=lambda: [Adam(l2=1e-3), Nesterov(clip_norm=1)])
    schedule: Any = field(default_factory=lambda: InverseTimeDecay(0.02, 0.1))
    callbacks: list[Any] = field(default_factory=list)

    def rows(self, rng):
        return self.csr if rng.random() < 0.3 else self.X

    def settings(self):
        """The objects whose settings are written."""
        return [*self.optimizers, self.schedule]

    def good(self):
        """Each array that is written, and a copy of it."""
        parts = [self.csr.indptr, self.csr.indices, self.csr.data]
        arrays = [self.X, self.y, self.weight, *parts, self.state["parameters"]]
        return [(array, array.copy()) for array in arrays]


def make_scene(folder, seed, n, density, **options):
    rng = np.random.default_rng(seed)
    net = Network(**options, seed=seed)
    n_inputs, n_outputs = net.layer_sizes[0], net.layer_sizes[-1]
    X = rng.uniform(-1, 1, (n, n_inputs)).astype(net.dtype)
    put_zeros(X, density, rng)
    csr = csr_array(X)
    csr.indices, csr.indptr = csr.indices.astype(np.int32), csr.indptr.astype(np.intp)
    if net.loss == "cross_entropy":
        y = rng.integers(n_outputs, size=n).astype(net.dtype)
    else:
        y = rng.integers(2, size=(n, n_outputs)).astype(net.dtype)
    path = str(folder / f"{seed}.npz")
    net.save(path)
    return Scene(
        net, options, path, X, y, rng.uniform(0.5, 1, n), csr, net.copy().__getstate__(),
        np.empty(n_outputs, net.dtype), np.empty((n, n_outputs), net.dtype),
    )  # fmt: skip


def make_scenes(folder):
    narrow = {"layer_sizes": [3, 2, 1], "activation": "sigmoid", "loss": "bce"}
    sparse = {"layer_sizes": [70, 30, 10], "activation": ["relu", "softmax"]}
    sparse |= {"loss": "cross_entropy", "dtype": "float32"}
    wide = {"layer_sizes": [40, 60, 3], "activation": ["tanh", "identity"], "loss": "mse"}
    return [
        make_scene(folder, 0, 50, 1, **narrow),
        make_scene(folder, 1, 90, 0.2, **sparse),
        make_scene(folder, 2, 70, 0.7, **wide),
    ]


def pick(rng, *values):
    return values[rng.integers(len(values))]


def train(scene, rng):
    scene.net.train(
        scene.rows(rng),
        scene.y,
        epochs=int(rng.integers(1, 4)),
        learning_rate=pick(rng, 0.02, scene.schedule),
        batch_size=pick(rng, 1, 5, 40),
        tol=pick(rng, None, 0.01),
        optimizer=pick(rng, "sgd", *scene.optimizers),
        sample_weight=pick(rng, None, scene.weight),
        class_weight=pick(rng, None, "balanced" if scene.net.loss != "mse" else None),
        validation_data=pick(rng, None, (scene.X, scene.y, scene.weight)),
        metrics=pick(rng, None, "accuracy"),
        callbacks=scene.callbacks,
        form=pick(rng, "auto", *FORMS),
    )


def update(scene, rng):
    i = rng.integers(len(scene.X))
    x = pick(rng, scene.X[i], scene.X[i, ::-1], scene.X[i].tolist())
    y = scene.y[i] if scene.net.loss != "cross_entropy" else pick(rng, scene.y[i], 2)
    scene.net.update(x, y, 0.02)


def predict_one(scene, rng):
    scene.net.feedforward(scene.X[rng.integers(len(scene.X))], pick(rng, None, scene.out))


def predict_many(scene, rng):
    scene.net.feedforward(scene.rows(rng), pick(rng, None, scene.outs))


def predict_in_threads(scene, rng):
    scene.net.feedforward(scene.rows(rng), pick(rng, None, scene.outs), n_threads=2)


def evaluate(scene, rng):
    scene.net.evaluate(scene.rows(rng), scene.y, sample_weight=scene.weight, l2=0.1)


def gradients(scene, rng):
    scene.net.gradients(scene.rows(rng), scene.y, sample_weight=scene.weight, l2=0.1)


def save(scene, rng):
    scene.net.save(scene.path, trainer=pick(rng, True, False))


def load(scene, rng):
    assert_finite(Network.load(scene.path))


def copy(scene, rng):
    assert_finite(scene.net.copy())


def through_pickle(scene, rng):
    assert_finite(pickle.loads(pickle.dumps(scene.net)))


def set_up(scene, rng):
    n_inputs, n_hidden, n_outputs = scene.options["layer_sizes"]
    sizes = [n_inputs, pick(rng, n_hidden, n_hidden + 9), n_outputs]
    scene.net.__init__(**scene.options | {"layer_sizes": sizes}, seed=0)


def set_state(scene, rng):
    scene.net.__setstate__(scene.state)


UNTOUCHED = [save, load, copy, through_pickle]  # by what is written, and so these never fail
OPERATIONS = [
    train, update, predict_one, predict_many, predict_in_threads, evaluate, gradients, set_up,
    set_state, *UNTOUCHED,
]  # fmt: skip


def assert_finite(net):
    assert all(np.isfinite(array).all() for array in parameters(net))


def work(scenes, seed, ends):
    """How often each operation has succeeded."""
    rng = np.random.default_rng(seed)
    scenes = scenes + [replace(scene, net=scene.net.copy()) for scene in scenes]
    succeeded = Counter()
    while not ends.is_set():
        operation = pick(rng, train, *OPERATIONS)
        try:
            operation(pick(rng, *scenes), rng)
        except ALLOWED as error:
            if operation in UNTOUCHED or not WORDS.search(str(error)):
                raise
        else:
            succeeded[operation.__name__] += 1
    return succeeded


def write_arrays(arrays, seed, ends):
    rng = np.random.default_rng(seed)
    while not ends.wait(GOOD):
        array, good = pick(rng, *arrays)
        start = rng.integers(len(array))
        numbers = NUMBERS if array.dtype.kind == "f" else INDICES
        array[start : start + rng.integers(1, 9)] = pick(rng, *numbers)
        ends.wait(BAD)
        array[...] = good


def write_parameters(scenes, ends):
    """Finite ones, so that every network stays finite."""
    rng = np.random.default_rng(101)
    while not ends.wait(GOOD):
        array = pick(rng, *parameters(pick(rng, *scenes).net))
        array[...] = rng.uniform(-0.5, 0.5, array.shape)


def write_settings(scenes, ends):
    rng = np.random.default_rng(102)
    while not ends.wait(GOOD):
        one = pick(rng, *pick(rng, *scenes).settings())
        name = pick(rng, "kind", *vars(one))
        before = vars(one).get(name)
        # A schedule computes with its settings as they are, and another type is NumPy's to refuse.
        values = NUMBERS if isinstance(one, Schedule) else SETTINGS
        object.__setattr__(one, name, pick(rng, *values))
        ends.wait(BAD)
        if before is None and name == "kind":  # which belongs to the class
            object.__delattr__(one, name)
        else:
            object.__setattr__(one, name, before)


def write_callbacks(scenes, ends):
    rng = np.random.default_rng(103)
    stopping = EarlyStopping(monitor="loss", mode="max", patience=1)
    while not ends.wait(GOOD):
        scene = pick(rng, *scenes)
        scene.callbacks.append(pick(rng, stopping, ModelCheckpoint(scene.path), lambda *_: False))
        scene.callbacks.append("no callback")
        ends.wait(BAD)
        scene.callbacks.pop()
        if len(scene.callbacks) > 3:
            scene.callbacks.clear()


@pytest.mark.long
def test_all_that_others_write(tmp_path):
    scenes = make_scenes(tmp_path)
    arrays = [pair for scene in scenes for pair in scene.good()]
    counts = run_together(
        *(partial(work, scenes, seed) for seed in range(WORKERS)),
        *(partial(write_arrays, arrays, seed) for seed in (200, 201)),
        *(partial(write, scenes) for write in (write_parameters, write_settings, write_callbacks)),
    )
    succeeded = sum(counts[:WORKERS], Counter())
    assert all(succeeded[one.__name__] >= ENOUGH for one in OPERATIONS), succeeded

    # Each network is as some step has left it, and goes on as its copy does.
    for array, good in arrays:
        array[...] = good
    for scene in scenes:
        assert_finite(scene.net)
        twin = scene.net.copy()
        for net in (scene.net, twin):
            net.train(scene.X, scene.y, epochs=2, learning_rate=0.01)
        assert list(map(bytes, parameters(twin))) == list(map(bytes, parameters(scene.net)))


# All biases count the steps

WIDTH = 2**10
STEP = 1 / WIDTH  # of each bias, by the mean absolute error; all sums of it are exact
ROWS = 32
OUT_OF_REACH = 2.0**20
ZEROS, TARGETS = np.zeros((ROWS, 1)), np.full((ROWS, WIDTH), OUT_OF_REACH)
LARGE_BATCH = np.zeros((64, 1)), np.full((64, WIDTH), OUT_OF_REACH)  # which has a gradient's block


def steps_in(numbers):
    """How often all of these have taken a step, together."""
    first = np.ravel(numbers)[0]
    assert np.all(numbers == first)
    steps = first / STEP
    assert steps == round(steps)
    return round(steps)


def through_file(net, path):
    net.save(path)
    return Network.load(path).biases[0]


READERS = {
    "one row": lambda net, path: net.feedforward(ZEROS[0]),
    "rows": lambda net, path: net.feedforward(ZEROS),
    "rows in threads": lambda net, path: net.feedforward(ZEROS, n_threads=2),
    "rows without zeros": lambda net, path: net.feedforward(csr_array(ZEROS)),
    "loss": lambda net, path: OUT_OF_REACH - net.evaluate(ZEROS, TARGETS),
    "copy": lambda net, path: net.copy().biases[0],
    "pickle": lambda net, path: pickle.loads(pickle.dumps(net)).biases[0],
    "file": through_file,
}


def read_steps(read, net, path, ends):
    seen = set()
    while not ends.is_set():
        seen.add(steps_in(read(net, path)))
    return seen


def train_in_steps(net, ends):
    """In every way in which parameters change."""
    back = EarlyStopping(monitor="loss", mode="max", patience=1)  # to the first epoch's
    options = {"epochs": 2, "learning_rate": 1.0}
    while not ends.is_set():
        net.train(ZEROS, TARGETS, **options)
        net.train(ZEROS, TARGETS, batch_size=4, callbacks=back, **options)
        net.train(*LARGE_BATCH, batch_size=64, **options)
        net.update(ZEROS[0], TARGETS[0], 1.0)
        net.update([0.0], TARGETS[0], 1.0)


@pytest.mark.long
def test_no_thread_sees_a_part_of_a_step(tmp_path):
    net = Network([1, WIDTH], activation="identity", loss="mae", seed=0)
    _, *seen = run_together(
        partial(train_in_steps, net),
        *(
            partial(read_steps, read, net, tmp_path / f"{i}.npz")
            for i, read in enumerate(READERS.values())
        ),
    )
    assert all(len(steps) >= ENOUGH for steps in seen), list(map(len, seen))


@pytest.mark.long
def test_updates_of_all_threads_count():
    net = Network([1, 8], activation="identity", loss="mae", seed=0)

    def update(x, ends):
        for steps in count(1):
            net.update(x, TARGETS[0, :8], 1.0)
            # Eight threads that add an eighth each must not come to the targets.
            if ends.is_set() or steps == OUT_OF_REACH // 2:
                return steps

    done = run_together(*(partial(update, x) for x in 4 * [ZEROS[0], [0.0]]))
    assert min(done) >= ENOUGH
    assert np.array_equal(net.biases[0], np.full(8, sum(done) / 8))
