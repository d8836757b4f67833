"""Ctrl-C during training is answered at once, and leaves the network at a completed step."""

import signal
from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np
import pytest

from fastnn import Network
from fastnn._training.course import Course
from fastnn._training.forms import FORMS
from fastnn.schedules import CosineDecay

MOMENTS = 50
MOST_LATE = 0.1  # seconds
ETA = 2.0**-30  # a power of two, so that sums of it are exact; small, so that nothing saturates


@dataclass
class Workload:
    """Training that can be replayed up to any step, because the last bias counts the steps.

    The loss is the mean absolute error, and the targets are out of reach: each step adds eta / K
    to each of the K output biases, whatever the batch.
    """

    layer_sizes: list[int]
    n_samples: int
    batch_size: int
    epochs: int  # half a minute's work: training that is deaf to Ctrl-C ends, too
    longest_delay: float  # seconds
    form: str = "auto"
    density: float = 1  # the part of X that is not zero

    def __post_init__(self):
        rng = np.random.default_rng(0)
        self.X = rng.uniform(-1, 1, (self.n_samples, self.layer_sizes[0]))
        self.X[rng.random(self.X.shape) >= self.density] = 0
        self.y = np.full((self.n_samples, self.layer_sizes[-1]), 1e6)
        self.options = {
            "learning_rate": ETA,
            "batch_size": self.batch_size,
            "form": self.form,
        }

    def network(self):
        activations = ["tanh"] * (len(self.layer_sizes) - 2) + ["identity"]
        return Network(self.layer_sizes, activation=activations, loss="mae", seed=0)

    def train(self, net, epochs):
        return net.train(self.X, self.y, epochs=epochs, **self.options).history["loss"]

    def completed_steps(self, net):
        return round(net.biases[-1][-1] / (ETA / self.layer_sizes[-1]))

    def replay(self, steps):
        """The network after so many steps of undisturbed training."""
        epochs, rest = divmod(steps, self.n_samples // self.batch_size)
        net = self.network()
        self.train(net, epochs)
        if rest:
            batches = net._rng.permuted(np.arange(self.n_samples))[: rest * self.batch_size]
            net.train(self.X[batches], self.y[batches], epochs=1, shuffle=False, **self.options)
        return net


def interrupt(workload, net, delay):
    """Train until a KeyboardInterrupt after `delay`; how late it came, and how much work later."""
    start, start_of_work = perf_counter(), process_time()
    try:
        signal.setitimer(signal.ITIMER_REAL, delay)
        workload.train(net, workload.epochs)
    except KeyboardInterrupt:
        return perf_counter() - start - delay, process_time() - start_of_work - delay
    raise AssertionError("training ran to its end")


def parameters(net):
    return [array.tobytes() for array in net.weights + net.biases]


@pytest.mark.unwatched
@pytest.mark.usefixtures("_alarm")
@pytest.mark.parametrize(
    ("workload", "chunk"),
    [
        pytest.param(
            Workload([2, 2, 1], n_samples=4, batch_size=1, epochs=10**8, longest_delay=0.04),
            None,
            id="many epochs a chunk",
        ),
        pytest.param(
            Workload([2, 2, 1], n_samples=4, batch_size=1, epochs=10**6, longest_delay=0.04),
            3,
            id="mostly between chunks",
        ),
        pytest.param(
            Workload([784, 100, 8], n_samples=100, batch_size=1, epochs=10**4, longest_delay=0.04),
            None,
            id="long steps",
        ),
        pytest.param(
            Workload([64, 30, 8], n_samples=3000, batch_size=1, epochs=3000, longest_delay=0.04),
            700,
            id="some chunks an epoch",
        ),
        pytest.param(
            Workload([64, 30, 8], n_samples=3000, batch_size=1500, epochs=3000, longest_delay=0.06),
            400,
            id="some chunks a batch",
        ),
    ],
)
def test_fifty_moments(workload, chunk, chunks_have):
    if chunk:
        chunks_have(chunk)
    assert_answered_at_once(workload, MOMENTS)


@pytest.mark.unwatched
@pytest.mark.usefixtures("_alarm")
@pytest.mark.parametrize("density", [1, 0.1])
@pytest.mark.parametrize("form", FORMS)
def test_ten_moments_in_every_form(form, density, chunks_have):
    """Cut within epochs, which end within a block."""
    chunks_have(100)
    workload = Workload([64, 30, 8], 300, 1, 30_000, 0.02, form, density)
    assert_answered_at_once(workload, 10)


def assert_answered_at_once(workload, moments):
    completed, lateness, work = [], [], []
    for delay in np.random.default_rng(0).uniform(1e-4, workload.longest_delay, moments):
        net = workload.network()
        late, work_till_answer = interrupt(workload, net, delay)
        lateness.append(late)
        work.append(work_till_answer)

        steps = workload.completed_steps(net)
        assert parameters(net) == parameters(workload.replay(steps))
        completed.append(steps)

        # Nothing of what was interrupted is left over for later training.
        twin = net.copy()
        losses = workload.train(net, 1)
        assert np.isfinite(losses).all()
        assert losses == workload.train(twin, 1)
        assert workload.completed_steps(net) > steps
        assert parameters(net) == parameters(twin)
    assert len(set(completed)) > 1
    # On a busy machine a process may wait for a core at any moment, so the clock alone is
    # believed for half of the moments only.
    assert max(work) <= MOST_LATE
    assert np.median(lateness) <= MOST_LATE


@pytest.mark.parametrize("n_chunks", [1, 2, 3])
def test_all_that_training_keeps_is_of_the_same_moment(n_chunks, chunks_have, monkeypatch):
    """Interrupted after some chunks of a lap, of which two are an epoch."""
    chunks_have(32)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, 3)), rng.random(64)
    options = {"learning_rate": CosineDecay(0.1, epochs=9), "tol": 0.0, "patience": 99}
    chunks = iter(range(n_chunks))
    run_chunk = Course._run_chunk

    def run_some(*arguments):
        if next(chunks, None) is None:
            raise KeyboardInterrupt
        return run_chunk(*arguments)

    net, twin = Network([3, 4, 1], seed=0), Network([3, 4, 1], seed=0)
    with monkeypatch.context() as patched:
        patched.setattr(Course, "_run_chunk", run_some)
        with pytest.raises(KeyboardInterrupt):
            net.train(X, y, epochs=9, **options)
    whole, rest = divmod(n_chunks, 2)
    twin.train(X, y, epochs=whole, **options)
    for name in ("time", "schedule", "stopping", "lowest", "stale", "optimizer"):
        if whole or name == "time":
            assert getattr(net._trainer, name) == getattr(twin._trainer, name)
    if rest:  # the order of the epoch that was broken off is spent
        twin._rng.permuted(np.arange(64))
        twin._model.write(net._parameters)
    assert net.train(X, y, epochs=2, **options).history == (
        twin.train(X, y, epochs=2, **options).history
    )
    assert parameters(net) == parameters(twin)


def test_what_has_not_begun_leaves_no_trace(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    net = Network([3, 4, 1], seed=0)
    twin = net.copy()
    monkeypatch.setattr(Course, "_run_chunk", interrupted)
    options = {"learning_rate": CosineDecay(0.1, epochs=9), "optimizer": "adam", "tol": 0.0}
    with pytest.raises(KeyboardInterrupt):
        net.train(np.ones((4, 3)), np.ones(4), epochs=9, **options)
    assert vars(net._trainer) == vars(twin._trainer)
    assert net._rng.bit_generator.state == twin._rng.bit_generator.state
    assert parameters(net) == parameters(twin)
