"""Where memory cannot be had, networks and files stay whole, and the next call is right.

Run as a script, with the library that is compiled here before all others, this file refuses one
allocation after the other, and prints what then goes wrong.
"""

import contextlib
import copy
import ctypes
import gc
import json
import math
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import traceback
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from model_files import all_of
from random_networks import parameters
from scipy.sparse import csr_array

import fastnn._core.chunks
from fastnn import Network, TrainingDivergedError
from fastnn._training.trainer_state import Best
from fastnn.callbacks import EarlyStopping, ModelCheckpoint
from fastnn.optimizers import OPTIMIZERS

# NumPy hoards smaller pieces of memory, so it is a matter of chance when it asks for them.
SMALLEST = 1024
LIBRARY = f"""
#include <errno.h>
#include <stddef.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static int armed;
static long count, refused;

void arm(long k) {{
    count = 0;
    refused = k;
    armed = 1;
}}

long disarm(void) {{
    armed = 0;
    return count;
}}

static int refuses(size_t n) {{
    if (!armed || n < {SMALLEST} || __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) != refused)
        return 0;
    errno = ENOMEM;
    return 1;
}}

void *malloc(size_t n) {{ return refuses(n) ? NULL : __libc_malloc(n); }}
void *calloc(size_t m, size_t n) {{ return refuses(m * n) ? NULL : __libc_calloc(m, n); }}
void *realloc(void *p, size_t n) {{ return refuses(n) ? NULL : __libc_realloc(p, n); }}
"""

N = 100  # samples
EPOCHS = 4
CHUNK = 50  # samples; so laps have two epochs, and chunks end within them
ETA = 2.0**-20  # a power of two, so that sums of it are exact; small, so that nothing saturates
ADAM = OPTIMIZERS["adam"]
CHECKPOINT = "checkpoint.npz"
CALLBACKS = [EarlyStopping(patience=1), ModelCheckpoint(CHECKPOINT, monitor="val_loss")]
TRAININGS = {
    "sgd": {},
    "blocked": {"form": "blocked"},
    "zero_skip": {"form": "zero_skip", "density": 0.2},
    "csr": {"density": 0.2, "gives": csr_array},
    "converted": {"gives": np.float32, "is_weighted": True},
    "batches": {"batch_size": 40},
    "adam": {"optimizer": "adam"},
    "adam_batches": {"optimizer": "adam", "batch_size": 40},
    "diverging": {"diverges": True},
    "watched": {"is_watched": True},
}


class Memory:
    """Of which one allocation is refused."""

    def __init__(self, library):
        self._library = ctypes.CDLL(library)
        self._library.arm.argtypes = [ctypes.c_long]
        self._library.disarm.restype = ctypes.c_long
        self.n_refused = 0

    def attempts(self):
        """Functions that call another one: its first allocation is refused, or its second, ...

        They give what it returns, or the error that it raises, which is a SystemError in some casts
        of NumPy's and in Python's parser. Nothing is refused to the last one.
        """
        k, count, errors = 0, 0, 0

        def attempt(call):
            nonlocal count, errors
            self._library.arm(k)
            try:
                return call()
            except (MemoryError, SystemError) as error:
                errors += 1
                self.n_refused += 1
                return error
            finally:
                count = self._library.disarm()

        while k <= count:
            k += 1
            yield attempt
        assert errors


class Training:
    """Training that goes on after an epoch, and can be replayed up to any step: they are counted.

    The loss is the mean absolute error, and the targets are out of reach: each step of plain SGD
    adds eta / K to each of the K output biases, whatever the batch. Adam keeps beta_1^steps.
    """

    def __init__(
        self, density=1, gives=np.asarray, is_weighted=False, is_watched=False, diverges=False,
        **settings,
    ):  # fmt: skip
        rng = np.random.default_rng(0)
        self.X = rng.uniform(-1, 1, (N, 16)).astype(np.float32).astype(float)
        self.X[rng.random(self.X.shape) >= density] = 0
        self.y = np.full((N, 8), 1e6)
        if diverges:
            self.y[70:72] = 1.5e308  # the sum of their losses is infinite
        self.shuffle = not diverges
        self.settings = {"learning_rate": ETA, "batch_size": 1, **settings}
        self.steps_in_epoch = math.ceil(N / self.settings["batch_size"])
        self.steps_before = 0 if diverges else self.steps_in_epoch
        self.given = gives(self.X)
        self.beside = {}  # what changes no step
        if is_weighted:
            self.beside["sample_weight"] = np.full(N, 3)
        if is_watched:
            X = rng.uniform(-1, 1, (2 * N, 16))
            best = self.replay(3 * N).feedforward(X)  # after two epochs more
            self.beside |= {"validation_data": (X, best), "metrics": "mae", "callbacks": CALLBACKS}

    def train(self, net):
        """The losses, or how it diverged."""
        options = {"epochs": EPOCHS, "shuffle": self.shuffle, **self.settings, **self.beside}
        try:
            return net.train(self.given, self.y, **options).history["loss"]
        except TrainingDivergedError as error:
            return str(error)

    def completed_steps(self, net):
        if self.settings.get("optimizer") == "adam":
            power, _ = net._trainer.of_optimizer(ADAM, net._layout).powers
            return round(math.log(power, ADAM.beta_1))
        return round(net.biases[-1][-1] / (ETA / 8))

    def replay(self, steps):
        """The network after so many steps of undisturbed training."""
        batch_size = self.settings["batch_size"]
        epochs, rest = divmod(steps, self.steps_in_epoch)
        net = Network([16, 24, 8], activation=["tanh", "identity"], loss="mae", seed=0)
        net.train(self.X, self.y, epochs=epochs, shuffle=self.shuffle, **self.settings)
        if rest:
            rows = np.arange(N)
            rows = (net._rng.permuted(rows) if self.shuffle else rows)[: rest * batch_size]
            net.train(self.X[rows], self.y[rows], epochs=1, shuffle=False, **self.settings)
        return net


def steps_of(net):
    """What they change."""
    state = net._trainer.of_optimizer(ADAM, net._layout)
    return [
        *(array.tobytes() for array in parameters(net)),
        state.block.tobytes(), state.record.tobytes(),
    ]  # fmt: skip


def check_training(memory, **settings):
    """It is left after a completed step, and goes on like one that has come so far undisturbed."""
    training = Training(**settings)
    replay = cache(training.replay)
    done = replay(training.steps_before).copy()
    expected = training.train(done)
    completed = set()
    for attempt in memory.attempts():
        Path(CHECKPOINT).unlink(missing_ok=True)
        net = replay(training.steps_before).copy()
        outcome = attempt(lambda net=net: training.train(net))
        if not isinstance(outcome, Exception):
            assert outcome == expected
            assert all_of(net) == all_of(done)
            continue
        steps = training.completed_steps(net)
        completed.add(steps)
        assert all(np.isfinite(array).all() for array in parameters(net))
        assert steps_of(net) == steps_of(replay(steps))
        assert_best_is_kept(training, net)
        if net._trainer.last is not None:  # the step that it has come to, before it went back
            last = net.copy()
            last._model.write(net._trainer.last)
            reached = training.completed_steps(last)
            assert reached > steps
            assert steps_of(last)[:-2] == steps_of(replay(reached))[:-2]

        twin = replay(steps).copy()
        twin._rng.bit_generator.state = net._rng.bit_generator.state
        for seen in ("best", "task", "last"):
            setattr(twin._trainer, seen, copy.deepcopy(getattr(net._trainer, seen)))
        assert training.train(net) == training.train(twin)
        assert all_of(net) == all_of(twin)
    assert len(completed) > 1


def assert_best_is_kept(training, net):
    """With the parameters to which its value belongs, in the network and in the file."""
    stopping, saving = (net._trainer.best.get(callback, Best()) for callback in CALLBACKS)
    assert (stopping.value is None) == (stopping.parameters is None)
    if stopping.parameters is not None:
        kept = net.copy()
        kept._parameters[:] = stopping.parameters
        assert kept.evaluate(*training.beside["validation_data"]) == stopping.value
    files = os.listdir()
    assert files == ([] if saving.value is None else [CHECKPOINT])
    if files:
        kept = Network.load(CHECKPOINT)
        assert kept.evaluate(*training.beside["validation_data"]) == saving.value


def check_feedforward(memory):
    net = trained()
    before = all_of(net)
    rows = np.random.default_rng(0).uniform(-1, 1, (N, 16))
    inputs = [rows, rows[0], rows.tolist(), rows[0].tolist(), np.float32(rows), csr_array(rows)]
    for X, out in [*((X, None) for X in inputs), (rows.tolist(), np.empty((N, 160)))]:
        expected = net.feedforward(X).tobytes()
        for attempt in memory.attempts():
            outcome = attempt(lambda X=X, out=out: net.feedforward(X, out))
            assert isinstance(outcome, Exception) or outcome.tobytes() == expected
            assert all_of(net) == before
            assert net.feedforward(X, out).tobytes() == expected


def check_save(memory):
    net, path = trained(), Path("net")
    net.save(path, trainer=True)
    older = path.read_bytes()
    net.train(np.ones((N, 16)), np.ones((N, 160)), epochs=1, learning_rate=ETA, optimizer="adam")
    net.save(path, trainer=True)
    newer, before, n_open = path.read_bytes(), all_of(net), len(os.listdir("/proc/self/fd"))
    for attempt in memory.attempts():
        path.write_bytes(older)
        outcome = attempt(lambda: net.save(path, trainer=True))
        assert path.read_bytes() == (newer if outcome is None else older)
        assert os.listdir() == ["net"]
        assert all_of(net) == before
        net.save(path, trainer=True)
        assert path.read_bytes() == newer
    assert len(os.listdir("/proc/self/fd")) == n_open


def check_load(memory):
    net, path = trained(), Path("net")
    net.save(path, trainer=True)
    content, expected = path.read_bytes(), all_of(net)
    n_open = len(os.listdir("/proc/self/fd"))
    assert all_of(Network.load(path)) == expected
    for attempt in memory.attempts():
        outcome = attempt(lambda: Network.load(path))
        assert isinstance(outcome, Exception) or all_of(outcome) == expected
        assert os.listdir() == ["net"]
        assert path.read_bytes() == content
        assert all_of(Network.load(path)) == expected
    assert len(os.listdir("/proc/self/fd")) == n_open


def trained():
    """A network of which the outputs for one sample are large, too, and which keeps blocks."""
    net = Network([16, 24, 160], seed=0)
    X, y = np.ones((N, 16)), np.zeros((N, 160))
    net.train(
        X, y, epochs=2, learning_rate=ETA, optimizer="adam", validation_data=(X, y),
        callbacks=EarlyStopping(),
    )  # fmt: skip
    return net


CASES = {
    "feedforward": check_feedforward,
    "save": check_save,
    "load": check_load,
    **{name: partial(check_training, **settings) for name, settings in TRAININGS.items()},
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    return run_all(tmp_path_factory.mktemp("allocations"))["found"]


def run_all(folder):
    """What goes wrong in each case, and how often; in one process, as beginning takes long."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc has its functions under second names")
    if "LD_PRELOAD" in os.environ:
        pytest.skip("what is loaded before all others already may have replaced them too")
    named = shlex.split(sysconfig.get_config_var("CC") or "")
    compiler = next((one for one in (named, ["cc"]) if one and shutil.which(one[0])), None)
    if compiler is None:
        pytest.skip("there is no C compiler")
    source, library = folder / "refuse.c", folder / "refuse.so"
    source.write_text(LIBRARY)
    subprocess.run([*compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    process = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "error::ResourceWarning", __file__],
        cwd=folder,
        env={**os.environ, "LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


@pytest.mark.parametrize("case", CASES)
def test_each_allocation(case, reports):
    assert not reports[case], reports[case]


def report(check, memory):
    """What goes wrong, in words."""
    ignored = []
    sys.unraisablehook = lambda raised: ignored.append(repr(raised.exc_value))
    try:
        check(memory)
        gc.collect()
        assert not ignored, ignored
    except Exception:
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    gc.disable()
    fastnn._core.chunks.samples_per_chunk = lambda *_: CHUNK
    memory, found = Memory(os.environ["LD_PRELOAD"]), {}
    for case, check in CASES.items():
        os.mkdir(case)
        with contextlib.chdir(case):
            found[case] = report(check, memory)
    print(json.dumps({"found": found, "refused": memory.n_refused}))
