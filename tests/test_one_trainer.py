"""Who may change a network, and what others see of it meanwhile."""

import copy
import os
import pickle
import signal
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest
from random_networks import bits, parameters

import fastnn
from fastnn import Network
from fastnn._training.single_steps import SingleSteps
from fastnn.optimizers import SGD

ETA = 2.0**-20  # a power of two, so that sums of it are exact


def counting(n_outputs=4, hidden=()):
    """A network, and training data of zeros: each step adds eta / n_outputs to the last biases."""
    sizes = [2, *hidden, n_outputs]
    activations = [*(["tanh"] * len(hidden)), "identity"]
    net = Network(sizes, activation=activations, loss="mae", seed=0)
    return net, np.zeros((64, 2)), np.full((64, n_outputs), 1e6)


def steps(biases):
    """How many steps have been made; all biases must say the same, and a whole number."""
    numbers = np.unique(np.asarray(biases))
    assert numbers.size == 1, "no completed step"
    return numbers.item() * len(biases) / ETA


def train(net, X, y, epochs, **options):
    return net.train(X, y, epochs=epochs, learning_rate=ETA, **options)


class Training:
    """``with Training(...)``: a training in another thread, from its first epoch on to the end."""

    def __init__(self, net, X, y, **options):
        self.net, self.data, self.options = net, (X, y), options
        self.begun, self.ends = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.error = None

    def look(self, net, epoch, logs):
        self.begun.set()
        return self.ends.is_set()

    def run(self):
        try:
            train(self.net, *self.data, 10**7, callbacks=self.look, **self.options)
        except BaseException as error:  # for the test's own thread
            self.error = error
            self.begun.set()

    def __enter__(self):
        self.thread.start()
        assert self.begun.wait(60)
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()
        if self.error is not None:
            raise self.error


# One trainer


@pytest.mark.parametrize(
    "call",
    [
        lambda net, X, y: train(net, X, y, 1),
        lambda net, X, y: train(net, X, y, 0),
        lambda net, X, y: net.update(X[0], y[0], ETA),
        lambda net, X, y: net.update(X[0].tolist(), y[0].tolist(), ETA),
        lambda net, X, y: net.__init__([2, 4], seed=1),
        lambda net, X, y: net.__setstate__(Network([2, 4]).__getstate__()),
        lambda net, X, y: net.reset_trainer(),
    ],
    ids=[
        "train",
        "for no epoch",
        "update",
        "of lists",
        "__init__",
        "__setstate__",
        "reset_trainer",
    ],
)
def test_a_training_is_the_only_one(call):
    net, X, y = counting()
    with Training(net, X, y), pytest.raises(RuntimeError, match="trained by another thread"):
        call(net, X, y)
    done = steps(net.biases[-1])
    assert done == int(done) > 0
    call(net, X, y)


def test_of_trainings_that_begin_together_one_runs():
    for _ in range(20):
        net, X, y = counting()
        at_once, ends = threading.Barrier(4), threading.Event()

        def run(net=net, X=X, y=y, at_once=at_once, ends=ends):
            at_once.wait()
            train(net, X, y, 10**7, callbacks=lambda *_: ends.is_set())

        with ThreadPoolExecutor(4) as pool:
            runs = [pool.submit(run) for _ in range(4)]
            while sum(one.done() for one in runs) < 3:
                pass
            ends.set()
        errors = [str(one.exception()) for one in runs if one.exception()]
        assert len(errors) == 3
        assert all("is being trained by another thread" in error for error in errors)


@pytest.mark.parametrize("kind", [np.asarray, list])
def test_updates_take_turns(kind):
    """Those of arrays and those of lists, which take another way, together."""
    net, X, y = counting()
    at_once = threading.Barrier(8)
    n = 300

    def update(i):
        x, target = (X[0], y[0]) if i % 2 else (kind(X[0]), kind(y[0]))
        at_once.wait()
        for _ in range(n):
            net.update(x, target, ETA)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(update, range(8)))
    assert steps(net.biases[-1]) == 8 * n


def test_an_update_waits_for_a_step_of_river():
    net, X, y = counting()
    begun, ends = threading.Event(), threading.Event()

    class Row:
        def __array__(self, dtype=None, copy=None):
            begun.set()
            ends.wait()
            return X[0]

    with ThreadPoolExecutor(2) as pool:
        step = pool.submit(SingleSteps(net, SGD(), ETA).step, Row(), y[0])
        begun.wait()
        update = pool.submit(net.update, X[0], y[0], ETA)
        wait([update], timeout=0.1)
        ends.set()
        step.result()
        update.result()
    assert steps(net.biases[-1]) == 2


def test_a_training_waits_for_an_update():
    net, X, y = counting()
    ends = threading.Event()
    made = []

    def update():
        n = 0
        while not ends.is_set():
            try:
                net.update(X[0].tolist(), y[0].tolist(), ETA)
            except RuntimeError:
                continue
            n += 1
        made.append(n)

    threads = [threading.Thread(target=update) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        train(net, X, y, 1)
    ends.set()
    for thread in threads:
        thread.join()
    assert steps(net.biases[-1]) == 50 * len(X) + sum(made)


@pytest.mark.usefixtures("_alarm")
def test_ctrl_c_while_a_training_waits_for_an_update():
    net, X, y = counting()
    waits, answered = threading.Event(), threading.Event()
    was_answered = []

    def update():
        with net._model.turn(trains=False):
            waits.set()
            was_answered.append(answered.wait(10))

    thread = threading.Thread(target=update)
    thread.start()
    waits.wait()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(KeyboardInterrupt):
        train(net, X, y, 1)
    answered.set()
    thread.join()
    assert was_answered == [True]
    train(net, X, y, 1)


@pytest.mark.parametrize("when", ["on_train_begin", "on_epoch_end", "on_train_end"])
def test_a_callback_may_ask_the_network_but_not_train_it(when):
    net, X, y = counting(hidden=[4])
    rng = np.random.default_rng(0)
    X = rng.normal(size=X.shape)
    seen = []

    def look(net, *_):
        if len(seen) > 2:
            return
        W, b = [array.copy() for array in net.weights], [array.copy() for array in net.biases]
        twin = Network.from_parameters(W, b, activation=["tanh", "identity"], loss="mae")
        assert net.feedforward(X).tobytes() == twin.feedforward(X).tobytes()
        assert net.feedforward(X[0]).tobytes() == twin.feedforward(X[0]).tobytes()
        assert net.evaluate(X, y) == twin.evaluate(X, y)
        assert net.gradients(X, y)[0][0].tobytes() == twin.gradients(X, y)[0][0].tobytes()
        for other in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
            assert [array.tobytes() for array in parameters(other)] == [
                array.tobytes() for array in parameters(net)
            ]
            train(other, X, y, 1)
        for call in (
            lambda: train(net, X, y, 1),
            lambda: net.update(X[0], y[0], ETA),
            lambda: net.update(list(X[0]), list(y[0]), ETA),
            lambda: net.__init__([2, 1]),
            lambda: net.reset_trainer(),
        ):
            with pytest.raises(RuntimeError, match=r"such as a callback: .* made by copy\(\)"):
                call()
        seen.append(1)

    callback = fastnn.callbacks.LambdaCallback(**{when: look})
    expected = net.copy()
    history = train(net, X, y, 5, callbacks=callback)
    assert seen
    assert bits(net, history) == bits(expected, train(expected, X, y, 5))


def test_a_network_that_cannot_be_hashed():
    class Comparable(Network):
        def __eq__(self, other):
            return True

    net = Comparable([2, 3])
    net.train(np.ones((4, 2)), np.ones((4, 3)), epochs=1, learning_rate=0.1)


def test_a_thread_that_a_callback_starts_is_refused():
    net, X, y = counting()
    errors = []

    def look(*_):
        with ThreadPoolExecutor(1) as pool:
            errors.append(pool.submit(train, net, X, y, 1).exception())

    train(net, X, y, 1, callbacks=look)
    assert "is being trained by another thread" in str(errors[0])


@pytest.mark.parametrize("way", ["__init__", "__setstate__", "__dict__"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_callback_that_sets_the_network_up_anew(optimizer, way):
    other = Network([6, 900, 2], seed=1)

    def set_up(net, epoch, logs):
        if way == "__init__":
            net.__init__([6, 900, 2], seed=1)
        elif way == "__setstate__":
            net.__setstate__(other.__getstate__())
        else:
            net.__dict__.update(other.__dict__)

    net = Network([6, 9, 2], seed=0)
    X, y = np.ones((60, 6)), np.ones((60, 2))
    with pytest.raises(RuntimeError, match=r"is being trained|was set up anew"):
        net.train(
            X, y, epochs=8, learning_rate=0.01, callbacks=set_up, optimizer=optimizer,
            validation_data=(X, y), metrics="mae",
        )  # fmt: skip
    assert net.layer_sizes == ((6, 900, 2) if way == "__dict__" else (6, 9, 2))
    net.train(X, y, epochs=1, learning_rate=0.01)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit, ZeroDivisionError])
def test_a_callback_that_raises_leaves_the_network_free(error):
    def stop(net, epoch, logs):
        if epoch == 1:
            raise error

    net, X, y = counting()
    with pytest.raises(error):
        train(net, X, y, 5, callbacks=stop)
    assert steps(net.biases[-1]) == 2 * len(X)
    train(net, X, y, 1)
    net.update(X[0], y[0], ETA)
    assert steps(net.biases[-1]) == 3 * len(X) + 1


# What others see


def predicted(net, path):
    return net.feedforward(np.zeros((300, 2)))


def predicted_by_threads(net, path):
    return net.feedforward(np.zeros((300, 2)), n_threads=3)


def predicted_in_few_rows(net, path):
    return net.feedforward(np.zeros((20, 2)))


def predicted_alone(net, path):
    return net.feedforward(np.zeros(2))


def copied(net, path):
    return net.copy().biases[-1]


def pickled(net, path):
    return pickle.loads(pickle.dumps(net)).biases[-1]


def saved(net, path):
    net.save(path, trainer=True)
    return Network.load(path).biases[-1]


@pytest.mark.parametrize(
    "see",
    [
        predicted, predicted_by_threads, predicted_in_few_rows, predicted_alone, copied, pickled,
        saved,
    ],
)  # fmt: skip
def test_others_see_a_completed_step(see, tmp_path, chunks_have):
    """A layer so wide that its parameters do not change in an instant, and changes often."""
    chunks_have(64)
    net, X, y = counting(4096)
    seen = []
    with Training(net, X, y):
        while len(seen) < 60 or len(set(seen)) < 3:
            rows = np.atleast_2d(see(net, tmp_path / "net"))
            done = {steps(row) for row in rows}
            assert len(done) == 1
            seen.append(done.pop())
            assert seen[-1] == int(seen[-1]) > 0
    assert seen == sorted(seen)


def test_a_copy_made_meanwhile_has_the_optimizers_state_of_its_step():
    """By momentum 1, after t steps v is t g and b is -eta g t (t + 1) / 2."""
    net, X, y = counting(2048)
    momentum = fastnn.optimizers.Momentum(momentum=1.0)
    found = []
    with Training(net, X, y, optimizer=momentum):
        while len(found) < 40 or len(set(found)) < 2:
            twin = net.copy()
            b, v = twin.biases[-1], twin._layout.views(twin._trainer.optimizer.part(0))[1][-1]
            assert np.unique(b).size == np.unique(v).size == 1
            g = -1 / 2048
            t = round(v[0] / g)
            assert v[0] == t * g
            assert b[0] == -ETA * g * t * (t + 1) / 2
            found.append(t)
    assert found == sorted(found)


# After a fork


def forks(test):
    """Unwatched, as AddressSanitizer may be locked in the child by a thread that was ending."""
    needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
    return needs_fork(pytest.mark.unwatched(test))


def in_child(check):
    """Whether check() passes in the child of a fork."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are threads
        process = os.fork()
    if process == 0:
        code = 1
        try:
            check()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(process, 0)[1] == 0


def is_free(net, X, y):
    done = steps(net.biases[-1])
    assert done == int(done) > 0
    assert net.feedforward(X).shape == y.shape
    train(net.copy(), X, y, 1)
    train(net, X, y, 1)
    net.update(X[0], y[0], ETA)
    net.update(X[0].tolist(), y[0].tolist(), ETA)
    train(net, X, y, 1)
    assert steps(net.biases[-1]) == done + 2 * len(X) + 2


@forks
def test_the_child_of_a_fork_has_a_free_network():
    net, X, y = counting(1024)
    with Training(net, X, y):
        for _ in range(10):
            assert in_child(lambda: is_free(net, X, y))


@forks
def test_a_fork_that_meets_a_draw():
    net, X, y = counting()
    draws, forked = threading.Event(), threading.Event()
    free = []

    def draw():
        with net._rng.bit_generator.lock:  # which NumPy takes for a draw
            draws.set()
            forked.wait(60)

    def fork(net, epoch, logs):
        thread = threading.Thread(target=draw)
        thread.start()
        draws.wait(60)
        free.append(in_child(lambda: is_free(net, X, y)))
        forked.set()
        thread.join()

    train(net, X, y, 1, callbacks=fork)
    assert free == [True]


@forks
def test_a_callback_that_forks():
    net, X, y = counting()
    free = []

    def fork(net, epoch, logs):
        free.append(in_child(lambda: is_free(net, X, y)))

    train(net, X, y, 3, callbacks=fork)
    assert free == [True] * 3
    assert steps(net.biases[-1]) == 3 * len(X)
