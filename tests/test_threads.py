"""Several threads: the same bits, the number that somebody wants, and nobody waits for ever."""

import contextlib
import ctypes
import hashlib
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse
from common import chunks_of, every_dtype
from random_networks import put_zeros

import fastnn
from fastnn import Network, TrainingDivergedError, optimizers, schedules, threads
from fastnn._core import kernels, teams
from fastnn._core.pace import LATEST, SOONEST, Pace, n_threads_for_rows
from fastnn._training import course

OPTIMIZERS = [
    "sgd", "nesterov", "adam", "rmsprop", optimizers.SGD(l2=0.01), optimizers.SGD(clip_norm=0.1),
    optimizers.Adam(l2=0.01), optimizers.AdamW(clip_norm=0.1, l2=0.01),
]  # fmt: skip
BATCHES = [2, 3, 16, 31, 32, 33, 64, 100, 400]
NUMBERS = [1, 2, 3, 4, 8]  # of threads, which are more than there are cores


def random_training(seed, dtype):
    """A network, what it is trained on, and how."""
    rng = np.random.default_rng([seed, 18])
    sizes = rng.integers(1, 60, rng.integers(2, 5)).tolist()
    if rng.random() < 0.3:
        sizes[:2] = int(rng.integers(100, 500)), int(rng.integers(90, 200))  # wide
    n = int(rng.integers(2, 300))
    X, y = rng.normal(size=(n, sizes[0])).astype(dtype), rng.random((n, sizes[-1]))
    put_zeros(X, rng.choice([1, 1, 0.3, 0.05]), rng)
    kind = rng.choice(["dense", "dense", "sparse", "in any order"])
    if kind != "dense":
        X = scipy.sparse.csr_array(X)
    if kind == "in any order":
        for start, end in itertools.pairwise(X.indptr):
            order = rng.permutation(end - start) + start
            X.indices[start:end], X.data[start:end] = X.indices[order], X.data[order]
    options = {
        "learning_rate": schedules.InverseTimeDecay(0.05, 0.5) if rng.random() < 0.3 else 0.05,
        "batch_size": int(rng.choice(BATCHES)),
        "optimizer": OPTIMIZERS[rng.integers(len(OPTIMIZERS))],
        "sample_weight": rng.random(n) if rng.random() < 0.3 else None,
        "shuffle": bool(rng.random() < 0.7),
    }
    if rng.random() < 0.3:
        options["validation_data"] = X, y
    return sizes, X, y, options


def trained(sizes, dtype, X, y, epochs=3, **options):
    net = Network(sizes, activation="tanh", dtype=dtype, seed=1)
    history = net.train(X, y, epochs=epochs, **options)
    return net, history


def parameters(net):
    return net._parameters.tobytes()


def all_of(net, history):
    state = net._trainer.optimizer
    return (
        parameters(net), history.history, net._rng.bit_generator.state,
        None if state is None else (state.block.tobytes(), state.record.tobytes()),
    )  # fmt: skip


@every_dtype
@pytest.mark.parametrize("seed", range(100))
def test_any_number_of_threads_gives_the_same_parameters(seed, dtype):
    sizes, X, y, options = random_training(seed, dtype)
    cut = [None, 7, 100][seed % 3]
    found = []
    for n_threads in NUMBERS:
        with chunks_of(cut if n_threads > 1 else None):
            found.append(all_of(*trained(sizes, dtype, X, y, **options, n_threads=n_threads)))
    assert found[1:] == found[:1] * (len(NUMBERS) - 1)


@every_dtype
@pytest.mark.parametrize("seed", range(40))
def test_any_number_of_threads_hands_on_the_same_sums(seed, dtype):
    """Where batches are so large that sums go from thread to thread, in one piece or several."""
    rng = np.random.default_rng([seed, 20])
    _, X, y, options = random_training(seed, dtype)
    n, widest = int(rng.integers(300, 2500)), [12, 60, 160][seed % 3]
    rows = rng.integers(len(y), size=n)
    X, y = X[rows], y[rows]
    sizes = X.shape[1], *rng.integers(1, widest + 1, rng.integers(1, 4)).tolist(), y.shape[1]
    options |= {"batch_size": int(rng.integers(130, n + 100)), "epochs": 2}
    if options["sample_weight"] is not None:
        options["sample_weight"] = rng.random(n)
    options.pop("validation_data", None)
    found = []
    for n_threads in NUMBERS:
        with chunks_of([None, 200, 1000][seed // 3 % 3] if n_threads > 1 else None):
            net, history = trained(sizes, dtype, X, y, **options, n_threads=n_threads)
            W, b = net.gradients(X, y, n_threads=n_threads)
            outputs, *others = net.backward(X, y, n_threads=n_threads)
            found.append((*all_of(net, history), *(one.tobytes() for one in (*W, *b, outputs))))
            found[-1] += tuple(one.tobytes() for one in (*others[0], *others[1], others[2]))
    assert found[1:] == found[:1] * (len(NUMBERS) - 1)


FORMS = "auto", "direct", "fused", "zero_skip", "blocked"


@every_dtype
@pytest.mark.parametrize("seed", range(100))
def test_any_number_of_threads_gives_the_same_sample_by_sample(seed, dtype, monkeypatch):
    """Where they share the first layer's units, in any form."""
    rng = np.random.default_rng([seed, 19])
    (n_in, *_, n_out), X, y, options = random_training(seed, dtype)
    X, y = X[:120], y[:120]  # four blocks, as threads that share cores wait for each other's turns
    if options["sample_weight"] is not None:
        options["sample_weight"] = options["sample_weight"][:120]
    hidden = [int(rng.integers(33, 300)), *rng.integers(1, 60, rng.integers(0, 3)).tolist()]
    shared = []
    monkeypatch.setattr(
        course, "help_of", lambda *given: shared.append(given[2]) or teams.help_of(*given)
    )
    sizes = n_in, *hidden, n_out
    activations = rng.choice(["relu", "tanh", "gelu", "sigmoid"], len(hidden)).tolist()
    options |= {
        "batch_size": 1, "optimizer": "sgd", "learning_rate": options["learning_rate"],
        "form": "auto" if scipy.sparse.issparse(X) else FORMS[seed % len(FORMS)],
        "tol": 1e-3, "patience": 2, "epochs": int(rng.integers(1, 6)),
    }  # fmt: skip
    if rng.random() < 0.3:
        options["learning_rate"] = schedules.CosineDecay(0.05, epochs=8)
    if n_out > 1 and rng.random() < 0.5:
        y, activations, loss = (
            rng.integers(0, n_out, len(y)),
            [*activations, "softmax"],
            "cross_entropy",
        )
    else:
        activations, loss = [*activations, "tanh"], "mse"
    options.pop("validation_data", None)
    found = []
    for n_threads in NUMBERS:
        net = Network(sizes, activation=activations, loss=loss, dtype=dtype, seed=1)
        with chunks_of([None, 7, 100][seed % 3] if n_threads > 1 else None):
            history = net.train(X, y, **options, n_threads=n_threads)
        found.append((*all_of(net, history), net._trainer.stale, net._trainer.lowest))
    assert found[1:] == found[:1] * (len(NUMBERS) - 1)
    is_wide = hidden[0] * np.dtype(dtype).itemsize > 256
    assert (max(shared, default=1) > 1) == is_wide


@every_dtype
@pytest.mark.parametrize("seed", range(30))
def test_any_number_of_threads_finds_the_same(seed, dtype):
    """Outputs, losses, metrics and gradients, and raises the same error."""
    sizes, X, y, options = random_training(seed, dtype)
    net = Network(sizes, activation="tanh", dtype=dtype, seed=1)
    of = {"l2": 0.1, "sample_weight": options["sample_weight"]}
    found = []
    for n_threads in NUMBERS:
        with chunks_of([None, 7, 100][seed % 3] if n_threads > 1 else None):
            W, b = net.gradients(X, y, **of, n_threads=n_threads)
            L = net.evaluate(X, y, **of, n_threads=n_threads)
            measured = net.evaluate(X, y, **of, metrics=["mae", "rmse"], n_threads=n_threads)
            outputs = net.feedforward(X, n_threads=n_threads)
            net.evaluate(X, outputs, n_threads=n_threads)
            found.append((*(one.tobytes() for one in (*W, *b, outputs)), L, measured))
    assert found[1:] == found[:1] * (len(NUMBERS) - 1)
    assert measured["loss"] == L
    if isinstance(X, np.ndarray):
        X[-1, -1] = np.nan
        for n_threads in 1, 3:
            with pytest.raises(ValueError, match=f"row {len(X) - 1}, column {sizes[0] - 1}"):
                net.feedforward(X, n_threads=n_threads)


def test_helpers_that_come_late():
    """Pieces of work so small that helpers often find them done, between works of all."""
    net = Network([5, 4, 1], seed=0)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(70, 5)), rng.random(70)
    asked = [net.feedforward, lambda X, **n: net.evaluate(X, y[: len(X)], **n),
             lambda X, **n: net.gradients(X, y[: len(X)], **n)[0][0]]  # fmt: skip
    rows = [X[:40], X, X[:50]]
    expected = [[np.asarray(ask(x, n_threads=1)) for x in rows] for ask in asked]
    for _ in range(1000):
        i, j = rng.integers(3, size=2)
        found = asked[i](rows[j], n_threads=8)
        np.testing.assert_array_equal(found, expected[i][j])


def big(dtype="float64", n=200):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 300)).astype(dtype), rng.random((n, 3))
    return [300, 128, 3], X, y, {"learning_rate": 0.01, "batch_size": 100, "optimizer": "adam"}


@pytest.mark.parametrize("passed_on", ["copy", "file"])
def test_training_goes_on_with_another_number(passed_on, tmp_path):
    sizes, X, y, options = big()
    net, _ = trained(sizes, "float64", X, y, 2, **options, n_threads=2)
    if passed_on == "file":
        net.save(tmp_path / "net", trainer=True)
        net = Network.load(tmp_path / "net")
    history = net.copy().train(X, y, epochs=2, **options, n_threads=3)
    net.train(X, y, epochs=2, **options, n_threads=1)
    one, whole = trained(sizes, "float64", X, y, 4, **options, n_threads=1)
    assert parameters(net) == parameters(one)
    assert history.history["loss"] == whole.history["loss"][2:]


def test_the_clock_changes_no_bit(monkeypatch):
    """Whatever it says."""
    sizes, X, y, options = big()
    expected = all_of(*trained(sizes, "float64", X, y, 12, **options, n_threads=1))
    monkeypatch.setattr(threads, "most", lambda wanted: 3)
    numbers, rng = [], np.random.default_rng(0)
    monkeypatch.setattr(Pace, "next", lambda pace: rng.integers(1, 4))
    monkeypatch.setattr(Pace, "note", lambda pace, n: None)
    monkeypatch.setattr(
        course, "help_of", lambda *given: numbers.append(given[2]) or teams.help_of(*given)
    )
    with chunks_of(33):
        assert all_of(*trained(sizes, "float64", X, y, 12, **options)) == expected
    assert {1, 2, 3} == set(numbers)


def test_pace_takes_what_is_faster(monkeypatch):
    """And tries the other soon, and then more and more rarely."""
    now, cost = [0], {1: 10, 4: 5}
    monkeypatch.setattr("fastnn._core.pace.perf_counter_ns", lambda: now[0])

    def numbers(n_chunks):
        taken = []
        for _ in range(n_chunks):
            taken.append(pace.next())
            now[0] += cost[taken[-1]] * 100
            pace.note(100)
        return taken

    pace = Pace(4, adapts=True)  # as for rows, of which there may be one chunk
    assert numbers(2 + SOONEST) == [4, 1, *[4] * SOONEST]
    pace = Pace(4, adapts=True, one_first=True)
    first = [1, *[4] * SOONEST, 1, *[4] * 2 * SOONEST, 1]
    assert numbers(len(first)) == first
    assert numbers(40 * LATEST).count(1) <= 45
    cost[4] = 9.9  # as somebody else has the cores
    assert numbers(1 + SOONEST) == [4] + [1] * SOONEST
    assert numbers(40 * LATEST).count(4) <= 45
    cost[4] = 5
    numbers(LATEST + 1)
    assert numbers(40 * LATEST).count(1) <= 45
    pace = Pace(4, adapts=False)
    assert numbers(30) == [4] * 30


def test_pace_tries_in_short_chunks(monkeypatch):
    """Several threads until they have shared their cores with others for a while, if they do."""
    now = [0]
    monkeypatch.setattr("fastnn._core.pace.perf_counter_ns", lambda: now[0])
    monkeypatch.setattr(threads, "usable_cores", lambda: 2)
    pace, given = Pace(2, adapts=True, one_first=True), []
    for cost in [10, 6, 6, 30, *[10] * 2 * SOONEST, 6, 6, 6, 6, 6, 6]:
        given.append((pace.next(), pace.samples(100)))
        now[0] += cost * given[-1][1]
        pace.note(given[-1][1])
    slow = [(1, 25), *[(2, 25)] * 3, *[(1, 100)] * 2 * SOONEST]
    assert given == [*slow, *[(2, 25)] * 5, (2, 100)]
    pace = Pace(2, adapts=False)
    assert (pace.next(), pace.samples(100)) == (2, 100)
    pace = Pace(3, adapts=False)  # who wait for each other's turns
    assert (pace.next(), pace.samples(100)) == (3, 6)


def test_rows_that_are_read_have_threads_where_they_are_much_work(monkeypatch):
    """From a millisecond on; and as many as are wanted, whatever they cost."""
    monkeypatch.setattr(threads, "most", lambda wanted: wanted or 2)
    small, wide = (Network(sizes, seed=0)._layout for sizes in ([2, 2, 1], [784, 30, 10]))
    for layout, enough in ((small, 20_000), (wide, 500)):
        assert n_threads_for_rows(layout, enough, None) == 2
        assert n_threads_for_rows(layout, enough // 10, None) == 1
        assert n_threads_for_rows(layout, enough // 10, 3) == 3
    assert n_threads_for_rows(wide, 11, 3) == 2


def test_pace_is_kept_for_the_next_training(monkeypatch):
    monkeypatch.setattr(threads, "most", lambda wanted: 2)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 300)), rng.random(40)
    net = Network([300, 300, 1], seed=0)
    net.train(X, y, epochs=1, learning_rate=0.01)
    assert net._model._pace is None  # which is over before helpers have come
    net.train(X, y, epochs=40, learning_rate=0.01)
    pace = net._model._pace[1]
    assert pace.times
    net.train(X, y, epochs=40, learning_rate=0.01)
    assert net._model._pace[1] is pace
    net.train(X, y, epochs=1, learning_rate=0.01, n_threads=2)
    assert net._model._pace[1] is not pace


@pytest.mark.parametrize("n", [400, 1100, 1500, 3200])
def test_pace_counts_what_was_done(n, monkeypatch):
    """Where long chunks and short ones take turns."""
    now, given, noted = [0], [], []
    monkeypatch.setattr("fastnn._core.pace.perf_counter_ns", lambda: now[0])
    monkeypatch.setattr("fastnn._training.course.n_threads_for", lambda *_: 2)
    note, run = Pace.note, kernels.train
    monkeypatch.setattr(Pace, "note", lambda pace, n: noted.append(n) or note(pace, n))

    def timed(*arguments):
        n_threads = arguments[-1]["n_members"].item()
        place = run(*arguments)
        done = int(arguments[8]["samples"].sum()) - sum(done for done, _ in given)
        now[0] += done * (100 if n_threads == 1 else 60)
        given.append((done, n_threads))
        return place

    monkeypatch.setattr(kernels, "train", timed)
    rng = np.random.default_rng(0)
    net = Network([4, 8, 1], seed=0)
    with chunks_of(1000):
        net.train(
            rng.random((n, 4)), rng.random(n), epochs=200_000 // n, learning_rate=0.01,
            batch_size=20, callbacks=lambda *_: None,
        )  # fmt: skip
    by_two = sum(done for done, n_threads in given if n_threads == 2)
    assert by_two > 0.9 * sum(done for done, _ in given)
    assert noted == [done for done, _ in given]


def test_divergence_is_that_of_one_thread():
    sizes, X, y, options = big("float32")
    options |= {"learning_rate": 1e30, "optimizer": "sgd"}
    found = []
    for n_threads in 1, 3:
        net = Network(sizes, activation="identity", dtype="float32", seed=1)
        with pytest.raises(TrainingDivergedError) as raised:
            net.train(X, y, epochs=9, **options, n_threads=n_threads)
        found.append((parameters(net), str(raised.value)))
    assert found[0] == found[1]


def test_divergence_hangs_on_no_clock(monkeypatch):
    """Which cuts chunks, to see what pays."""
    monkeypatch.setattr(threads, "most", lambda wanted: wanted or 2)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 400)), rng.random(600)
    X[500] = 1e100
    found = []
    for n_threads in 1, 2, None:
        net = Network([400, 400, 1], activation="identity", seed=0)
        with pytest.raises(TrainingDivergedError) as raised:
            net.train(X, y, epochs=2, learning_rate=1e-4, shuffle=False, n_threads=n_threads)
        found.append((parameters(net), str(raised.value)))
    assert net._model._pace[1].times
    assert found[1:] == found[:1] * 2


def test_eight_trainings_at_once():
    """Each with two threads, on fewer cores."""
    sizes, X, y, options = big()
    expected = all_of(*trained(sizes, "float64", X, y, **options, n_threads=1))
    with ThreadPoolExecutor(8) as pool:
        trainings = [
            pool.submit(trained, sizes, "float64", X, y, **options, n_threads=2) for _ in range(24)
        ]
        for training in trainings:
            assert all_of(*training.result()) == expected


@pytest.mark.usefixtures("_alarm")
def test_ctrl_c_leaves_a_completed_step():
    sizes, X, y, options = big()
    net = Network(sizes, activation="tanh", seed=1)
    for delay in 0.01, 0.05, 0.1:
        signal.setitimer(signal.ITIMER_REAL, delay)
        with pytest.raises(KeyboardInterrupt):
            net.train(X, y, epochs=10**6, **options, n_threads=2)
    twin = net.copy()
    assert net.train(X, y, epochs=2, **options, n_threads=2).history == (
        twin.train(X, y, epochs=2, **options, n_threads=1).history
    )


@pytest.mark.unwatched
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("where", ["idle", "in a callback"])
def test_a_child_can_train(where):
    """Helpers do not go along; in a callback the child's training goes on, alone."""
    sizes, X, y, options = big()
    expected = parameters(trained(sizes, "float64", X, y, 4, **options, n_threads=1)[0])
    program = f"""
import os, sys, hashlib
from test_threads import *
sizes, X, y, options = big()
children = []
def fork(net, epoch, logs):
    if epoch == 1 and not children:
        children.append(os.fork())
net = Network(sizes, activation="tanh", seed=1)
net.train(X, y, epochs=4, **options, n_threads=2, callbacks={"fork" if "call" in where else None})
if not children:
    children.append(os.fork())
    if children[0] == 0:
        net = Network(sizes, activation="tanh", seed=1)
        net.train(X, y, epochs=4, **options, n_threads=2)
digest = hashlib.sha256(repr(parameters(net)).encode()).hexdigest()
os.write(1, digest.encode() + b"\\n")  # at once, as two processes do it
if children[0] == 0:
    os._exit(0)
assert os.waitpid(children[0], 0)[1] == 0
"""
    run = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", program],
        capture_output=True, text=True, timeout=60, cwd=os.path.dirname(__file__), check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    digest = hashlib.sha256(repr(expected).encode()).hexdigest()
    assert run.stdout.split() == [digest, digest]


@pytest.mark.skipif(sys.platform != "linux", reason="it asks glibc")
def test_helpers_round_as_the_caller_does():
    """Whatever some library has set for its thread: here that all is rounded up."""
    sizes, X, y, options = big()
    nearest = all_of(*trained(sizes, "float64", X, y, **options, n_threads=1))
    libm = ctypes.CDLL("libm.so.6")
    up = 0x800 if os.uname().machine == "x86_64" else 0x400000
    found = []
    try:
        assert libm.fesetround(up) == 0
        for n_threads in 1, 2, 3:
            found.append(all_of(*trained(sizes, "float64", X, y, **options, n_threads=n_threads)))
    finally:
        libm.fesetround(0)
    assert found[0] == found[1] == found[2] != nearest


def test_teams_that_cannot_be_made():
    """Whichever allocation fails: an error, or fewer threads."""
    program = """
import _testcapi
from fastnn._core.kernels import Team
for first in range(12):
    _testcapi.set_nomemory(first, first + 1)
    try:
        size = Team(4).size
    except MemoryError:
        size = 0
    finally:
        _testcapi.remove_mem_hooks()
    assert 0 <= size <= 4
assert Team(4).size == 4
print("done")
"""
    pytest.importorskip("_testcapi")
    assert printed_by(program) == "done"


@pytest.mark.parametrize(("wanted", "there"), [(3, 2), (4, 3), (8, 5), (8, 7), (4, 1)])
def test_fewer_threads_than_wanted(wanted, there, monkeypatch):
    """As a system gives no more: there is room for whatever each of them does."""
    net = Network([40, 30, 2], activation="tanh", seed=0)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2000, 40)), rng.random((2000, 2))
    team_of = kernels.Team
    monkeypatch.setattr(teams, "_idle", [])
    monkeypatch.setattr(kernels, "Team", lambda size: team_of(there))
    for n in 32 * there, 32 * wanted, 2000:
        of = X[:n], y[:n]
        for ask in net.feedforward, net.evaluate, net.gradients:
            given = of[:1] if ask == net.feedforward else of
            expected = ask(*given, n_threads=1)
            found = ask(*given, n_threads=wanted)
            np.testing.assert_equal(found, expected)
        settings = {"learning_rate": 0.1, "batch_size": 500}
        one, several = (
            trained([40, 30, 2], "float64", *of, **settings, n_threads=n)[0] for n in (1, wanted)
        )
        assert parameters(one) == parameters(several)


def test_a_small_stack_of_the_users_threads():
    program = """
import threading
from test_threads import *
threading.stack_size(32768)
rng = np.random.default_rng(0)
X = rng.random((2000, 784))
put_zeros(X, 0.2, rng)
Network([784, 128, 1]).train(
    X, rng.random(2000), epochs=1, learning_rate=0.01, batch_size=256, n_threads=2
)
print(threading.stack_size())
"""
    assert printed_by(program) == "32768"


@pytest.mark.unwatched
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_c_has_forked():
    """Of which Python's hooks know nothing."""
    program = """
import ctypes
from test_threads import *
sizes, X, y, options = big()
trained(sizes, "float64", X, y, **options, n_threads=2)
child = ctypes.PyDLL(None).fork()
trained(sizes, "float64", X, y, **options, n_threads=2)
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
def fork(net, epoch, logs):
    if epoch == 1:
        children.append(ctypes.PyDLL(None).fork())
children = []
trained(sizes, "float64", X, y, **options, n_threads=2, callbacks=fork)
if children[0] == 0:
    os._exit(0)
assert os.waitpid(children[0], 0)[1] == 0
print("done")
"""
    assert printed_by(program) == "done"


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="there are no such signals")
def test_helpers_take_no_signals():
    program = """
from test_threads import *
sizes, X, y, options = big()
trained(sizes, "float64", X, y, **options, n_threads=4)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.kill(os.getpid(), signal.SIGUSR1)
print(signal.sigwait([signal.SIGUSR1]).name)
"""
    assert printed_by(program) == "SIGUSR1"


def printed_by(program):
    """In a process of its own, which would hang or crash."""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
        cwd=os.path.dirname(__file__), check=False,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.mark.unwatched
def test_without_any_helper():
    """Where the system lets nobody start a thread, all is done by the one that is there."""
    pytest.importorskip("resource")
    program = """
import resource, threading
from test_threads import *
sizes, X, y, options = big()
before = trained(sizes, "float64", X, y, **options, n_threads=1)
if os.getuid() == 0:  # whom no limit concerns
    os.setgid(65534)
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
try:
    threading.Thread(target=print).start()
except RuntimeError:
    after = trained(sizes, "float64", X, y, **options, n_threads=4)
    same = [repr(parameters(one[0])) for one in (after, before)]
    print(same[0] == same[1], len(teams._idle))
    X = np.repeat(X, 50, axis=0)
    print(np.array_equal(*(after[0].feedforward(X, n_threads=n) for n in (1, 3))))
"""
    printed = printed_by(program)
    if not printed:
        pytest.skip("threads cannot be limited here")
    assert printed.split() == ["True", "0", "True"]


def test_idle_teams_are_few():
    sizes, X, y, options = big()
    for n_threads in 2, 3, 8, 2, 5:
        trained(sizes, "float64", X, y, 1, **options, n_threads=n_threads)
        assert sum(team.size - 1 for team, _ in teams._idle) <= os.cpu_count()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen")
def test_helpers_have_the_cores_of_the_caller(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    all_cores = os.sched_getaffinity(0)
    if len(all_cores) == 1:
        pytest.skip("there is one core")
    teams._idle.clear()
    try:
        for cores in {min(all_cores)}, all_cores, {max(all_cores)}:
            os.sched_setaffinity(0, cores)
            before = set(os.listdir("/proc/self/task"))
            for _ in range(2):
                with teams.team_of(3):
                    helpers = set(os.listdir("/proc/self/task")) - before
                    assert len(helpers) == 2  # others are made, once
                    assert all(os.sched_getaffinity(int(one)) == cores for one in helpers)
    finally:
        os.sched_setaffinity(0, all_cores)


def test_room_is_for_what_there_is():
    """Not for whole blocks of each of many members."""
    layout = Network([10, 100_000, 1], dtype="float32")._layout
    room = teams.Room.of_blocks(8, layout, 40, batch_size=4)
    assert room.workspaces.nbytes <= 8 * layout.workspace(4).nbytes
    layout = Network([10, 8, 1])._layout
    n_blocks = [teams.Room.of_blocks(2, layout, 40, n).places[-1] for n in (4, 64, 65, 128, 10_000)]
    assert n_blocks == [2, 2, 4, 4, 2 * teams.MOST_BLOCKS]


# How many


def test_precedence(monkeypatch):
    monkeypatch.setattr(threads, "usable_cores", lambda: 6)
    for name in "FASTNN_NUM_THREADS", "OMP_NUM_THREADS":
        monkeypatch.delenv(name, raising=False)
    assert fastnn.num_threads() == 6
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")
    assert fastnn.num_threads() == 4
    monkeypatch.setenv("FASTNN_NUM_THREADS", "3")
    assert fastnn.num_threads() == 3
    monkeypatch.setenv("FASTNN_NUM_THREADS", "99")
    assert fastnn.num_threads() == 6
    for nothing in "many", "0", "", "-1", "1" * 5000:
        monkeypatch.setenv("FASTNN_NUM_THREADS", nothing)
        assert fastnn.num_threads() == 4
    with contextlib.ExitStack() as stack:
        stack.callback(fastnn.set_num_threads, None)
        fastnn.set_num_threads(8)
        assert fastnn.num_threads() == 8
        with fastnn.use_threads(2):
            assert fastnn.num_threads() == 2
            fastnn.set_num_threads(9)
            assert fastnn.num_threads() == 2
            with fastnn.use_threads(None):
                assert fastnn.num_threads() == 9
            assert threads.get(5, "n_threads") == 5
            assert threads.get(None, "n_threads") == 2
        assert fastnn.num_threads() == 9
    assert fastnn.num_threads() == 4


def test_use_threads_is_of_this_thread_alone():
    with fastnn.use_threads(7):
        found = []
        thread = threading.Thread(target=lambda: found.append(threads.get(None, "n_threads")))
        thread.start()
        thread.join()
    assert found == [None]


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True])
def test_what_is_no_number_of_threads(value):
    sizes, X, y, options = big()
    net = Network(sizes)
    for call in (
        fastnn.set_num_threads,
        lambda n: fastnn.use_threads(n).__enter__(),
        lambda n: net.train(X, y, epochs=1, **options, n_threads=n),
    ):
        with pytest.raises((TypeError, ValueError), match="n_threads must be"):
            call(value)


V1 = "4:memory:/box\n3:cpu,cpuacct:/box/inner\n0::/\n"


@pytest.mark.parametrize(
    ("cgroup", "files", "cores"),
    [
        ("0::/box/inner\n", {"box/inner/cpu.max": "max 100000"}, np.inf),
        ("0::/box/inner\n", {"box/inner/cpu.max": "50000 100000"}, 0.5),
        ("0::/box/inner\n", {"box/cpu.max": "300000 100000", "box/inner/cpu.max": "max 1"}, 3),
        ("0::/elsewhere\n", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/../..\n", {"cpu.max": "150000 100000"}, 1.5),
        (
            V1, {
                "cpu,cpuacct/box/inner/cpu.cfs_quota_us": "-1",
                "cpu,cpuacct/box/inner/cpu.cfs_period_us": "100000",
                "cpu,cpuacct/box/cpu.cfs_quota_us": "50000",
                "cpu,cpuacct/box/cpu.cfs_period_us": "100000",
            }, 0.5,
        ),
        (V1, {"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 2.5),
        (V1, {"cpu/cpu.cfs_quota_us": "nonsense", "cpu/cpu.cfs_period_us": ""}, np.inf),
        (None, {}, np.inf),
    ],
)  # fmt: skip
def test_the_quota_of_a_cgroup(cgroup, files, cores, tmp_path, monkeypatch):
    if cgroup is not None:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(cgroup)
    for name, content in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content + "\n")
    assert threads._quota(tmp_path) == cores
    monkeypatch.setattr(threads, "_quota", lambda: cores)
    assert threads.usable_cores() == max(1, min(len(os.sched_getaffinity(0)), int(min(cores, 99))))


@pytest.mark.unwatched
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_takes_one(method, monkeypatch):
    for name in "FASTNN_NUM_THREADS", "OMP_NUM_THREADS":
        monkeypatch.delenv(name, raising=False)
    context = multiprocessing.get_context(method)
    with context.Pool(1) as pool:
        assert pool.apply(fastnn.num_threads) == 1
        assert pool.apply(threads.usable_cores) == threads.usable_cores()
    monkeypatch.setenv("FASTNN_NUM_THREADS", "2")
    with context.Pool(1) as pool:
        assert pool.apply(fastnn.num_threads) == min(2, threads.usable_cores())
