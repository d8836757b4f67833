"""Ctrl-C during training is answered at once, and leaves the network at a completed step."""

import ast
import contextlib
import functools
import linecache
import signal
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import pytest
from model_files import all_of
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import _multilayer_perceptron

import fastnn
from fastnn import Network, threads, train_many
from fastnn._core import chunks
from fastnn._training.course import Course
from fastnn._training.forms import FORMS
from fastnn._training.orders import Reshuffled, Shuffled
from fastnn.callbacks import EarlyStopping, LambdaCallback
from fastnn.schedules import CosineDecay
from fastnn.sklearn import MLPRegressor, fit_many

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


def test_a_sample_that_takes_long_is_a_chunk():
    assert chunks.samples_per_chunk(Network([2, 1])._layout, passes=1e9) == 1


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


@pytest.mark.parametrize("order", [Shuffled, Reshuffled])
def test_orders_are_drawn_all_or_none(order):
    """Broken off in the middle of several epochs' orders."""

    class BrokenOff:
        def __init__(self, generator):
            self.generator, self.calls = generator, 0

        def __getattr__(self, name):
            return getattr(self.generator, name)

        def permuted(self, *arguments, **more):
            self.generator.permuted(*arguments, **more)
            raise KeyboardInterrupt

        def shuffle(self, places):
            self.generator.shuffle(places)
            self.calls += 1
            if self.calls == 2:
                raise KeyboardInterrupt

    def generator():
        return np.random.default_rng(0) if order is Shuffled else np.random.RandomState(0)

    broken_off = order(9, BrokenOff(generator()))
    with pytest.raises(KeyboardInterrupt):
        broken_off.draw(3)
    other = order(9, generator())
    for one in broken_off, other:
        rng = one.rng if order is Shuffled else one.random_state
        if isinstance(rng, BrokenOff):
            rng = rng.generator
        after = order(9, rng)
        after.order = one.order
        assert after.draw(2).tolist() == order(9, generator()).draw(2).tolist()


@pytest.mark.parametrize("where", ["draw", "begin"])
def test_a_training_that_does_not_begin_changes_nothing(where, monkeypatch):
    """Also of what earlier ones have left: another optimizer, and where early stopping was."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, 3)), rng.random(64)
    validation = {"validation_data": (rng.normal(size=(64, 3)), rng.random(64))}
    stopping = {"callbacks": EarlyStopping(patience=50), **validation, "learning_rate": 2.0}
    net = Network([3, 8, 1], seed=0)
    net.train(X, y, epochs=40, optimizer="momentum", **stopping)
    twin = net.copy()
    assert net._trainer.last is not None

    def interrupted(*arguments):
        raise KeyboardInterrupt

    callback = LambdaCallback(on_train_begin=interrupted if where == "begin" else None)
    with monkeypatch.context() as patched:
        if where == "draw":
            patched.setattr(Shuffled, "draw", interrupted)
        with pytest.raises(KeyboardInterrupt):
            net.train(X, y, epochs=2, learning_rate=0.1, optimizer="adam", callbacks=callback)
    assert net._trainer.optimizer.optimizer == twin._trainer.optimizer.optimizer
    assert parameters(net) == parameters(twin)
    assert net.train(X, y, epochs=2, optimizer="momentum", **stopping).history == (
        twin.train(X, y, epochs=2, optimizer="momentum", **stopping).history
    )


def interrupted_fit(solver, X, y, **patches):
    """A fit, with methods of Course that are broken off, which ends with a warning."""
    fitted = MLPRegressor(
        hidden_layer_sizes=(4,),
        solver=solver,
        random_state=0,
        batch_size=16,
        max_iter=50,
        n_iter_no_change=10,
    )
    with pytest.MonkeyPatch.context() as patched:
        for name, replaced in patches.items():
            patched.setattr(Course, name, replaced)
        with pytest.warns(UserWarning, match="interrupted by user"):
            fitted.fit(X, y)
    return fitted


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_fit_is_where_its_steps_are(solver, chunks_have):
    """Broken off before a lap, whose losses are not yet there, or within an epoch."""
    chunks_have(32)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(128, 3)), rng.random(128)
    run_lap, run_chunk, calls = Course.run_lap, Course._run_chunk, iter(range(99))

    def second_lap_is_broken_off(course, *arguments):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return run_lap(course, *arguments)

    between = interrupted_fit(solver, X, y, run_lap=second_lap_is_broken_off)
    assert between.n_iter_ == len(between.loss_curve_) == len(set(between.loss_curve_))
    assert between.t_ == 128 * between.n_iter_
    calls = iter(range(99))

    def third_chunk_is_broken_off(course, *arguments):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return run_chunk(course, *arguments)

    within = interrupted_fit(solver, X, y, _run_chunk=third_chunk_is_broken_off)
    assert within.n_iter_ == 0
    if solver == "adam":  # a batch is half a chunk
        assert within._optimizer.t == 4
        state = within._optimizer.state
        assert state.powers == pytest.approx((0.9**4, 0.999**4))


@pytest.mark.parametrize(("where", "done"), [("__enter__", 2), ("__exit__", 3)])
def test_ctrl_c_where_a_lap_begins_or_ends(where, done, monkeypatch):
    """Python answers signals where a function begins, these among them."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4, 3)), rng.random(4)
    options = {
        "learning_rate": CosineDecay(0.1, epochs=9),
        "tol": 0.0,
        "callbacks": lambda *_: None,
    }
    function, calls = getattr(Course, where), []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return function(*arguments)

    net, twin = Network([3, 4, 1], seed=0), Network([3, 4, 1], seed=0)
    with monkeypatch.context() as patched:
        patched.setattr(Course, where, interrupted)
        with pytest.raises(KeyboardInterrupt):
            net.train(X, y, epochs=9, **options)
    twin.train(X, y, epochs=done, **options)
    assert parameters(net) == parameters(twin)
    assert net._rng.bit_generator.state == twin._rng.bit_generator.state
    for name in "time", "stopping", "lowest", "stale":
        assert getattr(net._trainer, name) == getattr(twin._trainer, name)


def learned(model):
    """What a fit leaves."""
    names = (
        "n_features_in_",
        "n_outputs_",
        "n_iter_",
        "t_",
        "loss_curve_",
        "_no_improvement_count",
    )
    arrays = [one.tobytes() for one in model.coefs_ + model.intercepts_]
    return arrays, [getattr(model, name) for name in names], getattr(model._optimizer, "t", 0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, TimeoutError])
def test_a_fit_that_an_error_ends_between_laps(error, monkeypatch, chunks_have):
    """As a handler of signals may raise one: epochs that are done are noted."""
    X, y = few_samples(chunks_have)
    last_lap, calls = Course.last_lap, []

    def interrupted(course):
        calls.append(course)
        if len(calls) == 2:
            raise error
        return last_lap(course)

    def model(max_iter):
        return MLPRegressor(
            hidden_layer_sizes=(4,), max_iter=max_iter, n_iter_no_change=20, random_state=0
        )

    broken_off = model(9)
    with monkeypatch.context() as patched:
        patched.setattr(Course, "last_lap", interrupted)
        is_ctrl_c = error is KeyboardInterrupt
        with pytest.warns(UserWarning, match="interrupted") if is_ctrl_c else pytest.raises(error):
            broken_off.fit(X, y)
    assert broken_off.n_iter_ == 4
    with pytest.warns(ConvergenceWarning):
        whole = model(4).fit(X, y)
    assert learned(broken_off) == learned(whole)


@pytest.mark.parametrize("where", ["settle", "end"])
def test_ctrl_c_pressed_twice(where, monkeypatch):
    """The second one comes to what the first has begun to clean up."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, 3)), rng.random(64)
    owner = Course if where == "settle" else EarlyStopping
    clean_up, calls = getattr(owner, where), []

    def interrupted(net, epoch, logs):
        if epoch == 5:
            calls.append(epoch)
            raise KeyboardInterrupt

    def broken_off(*arguments, **more):
        if len(calls) == 1:
            calls.append(where)
            raise KeyboardInterrupt
        return clean_up(*arguments, **more)

    options = {"learning_rate": 1.0, "validation_data": (rng.normal(size=(9, 3)), rng.random(9))}
    net, twin = Network([3, 8, 1], seed=0), Network([3, 8, 1], seed=0)
    with monkeypatch.context() as patched:
        patched.setattr(owner, where, broken_off)
        with pytest.raises(KeyboardInterrupt):
            net.train(X, y, epochs=9, callbacks=[EarlyStopping(patience=9), interrupted], **options)
    assert calls == [5, where]
    history = twin.train(X, y, epochs=6, callbacks=EarlyStopping(patience=9), **options).history
    assert np.argmin(history["val_loss"]) < 5
    assert all_of(net) == all_of(twin)


@pytest.mark.parametrize("stepped", [False, True])
def test_names_of_columns_are_there_after_the_step(stepped, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    frame = pd.DataFrame({"width": [0.5], "height": [1.0]})
    net = Network([2, 1], seed=0)
    before = parameters(net)
    monkeypatch.setattr(Course, "last_lap" if stepped else "_run_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        net.update(frame, [1.0], learning_rate=0.1)
    assert (parameters(net) != before) is stepped
    assert net.feature_names == (("width", "height") if stepped else None)


# At any line of fastnn's


def test_no_loop_lets_it_past_what_ends_a_training():
    """From Python 3.12 on, Ctrl-C where a `while condition` begins anew is seen by no `except`,
    `finally` or `with` around it (github.com/python/cpython/issues/130279), and on 3.13 none where
    a `for` does that ends with an `if`, or a comprehension that has one. A `while True` is seen.
    """

    def is_unseen(node):
        match node:
            case ast.While():
                return not isinstance(node.test, ast.Constant)
            case ast.For():
                return isinstance(node.body[-1], ast.If)
            case ast.ListComp() | ast.SetComp() | ast.DictComp():
                return any(one.ifs for one in node.generators)

    def unseen(node):
        """Below it, but for other functions, which whoever calls them guards."""
        if is_unseen(node):
            yield node.lineno
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.GeneratorExp):
            for child in ast.iter_child_nodes(node):
                yield from unseen(child)

    for file in Path(fastnn.__file__).parent.glob("**/*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Try | ast.With):
                assert [line for one in node.body for line in unseen(one)] == [], file


@functools.cache
def heads_of_with(file):
    """Numbers of the lines in which `with` statements begin, up to their colons."""
    statements = ast.walk(ast.parse(Path(file).read_text(encoding="utf-8")))
    return {
        number
        for one in statements
        if isinstance(one, ast.With)
        for number in range(one.lineno, one.body[0].lineno)
    }


def interrupted_at(line, function, also=None):
    """Call it with Ctrl-C at so-manieth line that is run of fastnn's, or of its `with` statements;
    whether there are so many. also: another file whose lines count.
    """
    folder, left, last_lines = str(Path(fastnn.__file__).parent), [line], {}

    def of_line(frame, event, _):
        if event == "line":
            code, number = frame.f_code.co_filename, frame.f_lineno
            last, last_lines[frame] = last_lines.get(frame, 0), number
            before, this = (linecache.getline(code, one).strip() for one in (number - 1, number))
            # Python answers signals where something is called, and not at a "try:" or a "finally:",
            # nor where a `with` statement ends.
            ends = last > number and number in heads_of_with(code)
            if this != "try:" and before != "finally:" and not ends:
                left[0] -= 1
                if left[0] == 0:
                    raise KeyboardInterrupt
        return of_line

    def is_ours(frame):
        return frame.f_code.co_filename.startswith(folder) or frame.f_code.co_filename == also

    def of_call(frame, *_):
        is_of_with = frame.f_code.co_filename == contextlib.__file__ and is_ours(frame.f_back)
        return of_line if is_ours(frame) or is_of_with else None

    before = sys.gettrace()
    sys.settrace(of_call)
    try:
        function()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return left[0] <= 0


def few_samples(chunks_have):
    chunks_have(40)  # so that a lap has two epochs
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 3)), rng.random(20)


@pytest.mark.unwatched
@pytest.mark.parametrize("n_networks", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": 0.1},
        {"learning_rate": CosineDecay(0.1, 9), "optimizer": "adam", "batch_size": 5, "tol": 0.0},
        {"learning_rate": 0.1, "callbacks": lambda *_: None, "metrics": "r2", "tol": 0.0},
    ],
)
def test_all_of_a_training_is_of_one_epoch(options, n_networks, chunks_have):
    """Its parameters, its generator and its trainer are those after some number of epochs."""
    X, y = few_samples(chunks_have)
    options |= {"patience": 9}

    def trained(epochs):
        nets = [Network([3, 4, 1], seed=seed) for seed in range(n_networks)]
        if n_networks == 1:
            yield from nets
            yield nets[0].train(X, y, epochs=epochs, **options)
        else:
            yield from nets
            yield train_many(nets, X, y, epochs=epochs, n_threads=1, **options)

    whole = [[all_of(net) for net in list(trained(epochs))[:-1]] for epochs in range(5)]
    line = 1
    while True:
        training = trained(4)
        nets = [next(training) for _ in range(n_networks)]
        if not interrupted_at(line, lambda: next(training)):  # noqa: B023
            break
        for net, states in zip(nets, zip(*whole, strict=True), strict=True):
            assert all_of(net) in states, line
        line += 1 if n_networks == 1 else 7
    assert line > 300


@pytest.mark.unwatched
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("stops", [False, True])
def test_a_fit_begins_or_changes_nothing(stops, chunks_have):
    """Where it comes to scikit-learn's lines that draw initial weights, too."""
    X, y = few_samples(chunks_have)
    model = MLPRegressor(
        hidden_layer_sizes=(4, 4), max_iter=1, early_stopping=stops, random_state=0
    ).fit(X, y)
    before, other = learned(model), (X[:, :2], np.stack([y, -y], axis=1))
    seen = set()
    line = 1
    while True:
        again = deepcopy(model)
        if not interrupted_at(line, lambda: again.fit(*other), _multilayer_perceptron.__file__):  # noqa: B023
            break
        if again.n_features_in_ == 3:
            assert learned(again) == before, line
        else:
            assert again.predict(other[0]).shape == (20, 2)
            again.set_params(early_stopping=False).partial_fit(*other)
        seen.add(again.n_features_in_)
        line += 1
    assert seen == {2, 3}


@pytest.mark.unwatched
@pytest.mark.filterwarnings("ignore")
def test_the_score_is_that_of_the_best_epoch(chunks_have):
    X, y = few_samples(chunks_have)

    def model(max_iter):
        return MLPRegressor(
            hidden_layer_sizes=(4,), max_iter=max_iter, early_stopping=True,
            validation_fraction=0.3, learning_rate_init=0.03, random_state=1,
        )  # fmt: skip

    whole = [model(n).fit(X, y) for n in range(1, 5)]
    known = [(one.best_validation_score_, one.coefs_[0].tobytes()) for one in whole]
    assert len(set(known)) > 2
    line = 1
    while True:
        made = model(4)
        if not interrupted_at(line, lambda: made.fit(X, y)):  # noqa: B023
            break
        n = len(getattr(made, "validation_scores_", ()))
        if n:
            found = made.best_validation_score_, made.coefs_[0].tobytes()
            assert found in known[max(0, n - 2) : n] or (n == 1 and found[0] == -np.inf), line
        line += 1


@pytest.mark.unwatched
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_models", [1, 3])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_all_of_a_fit_is_of_one_epoch(solver, n_models, chunks_have):
    X, y = few_samples(chunks_have)
    model = MLPRegressor(
        hidden_layer_sizes=(4,), solver=solver, batch_size=5, max_iter=4, n_iter_no_change=20
    )

    def models(max_iter=4):
        return [
            clone(model).set_params(random_state=np.random.RandomState(seed), max_iter=max_iter)
            for seed in range(n_models)
        ]  # whose generators go on from fit to fit

    whole = {n: [one.fit(X, y) for one in models(n)] for n in range(1, 5)}
    line = 1
    while True:
        made = models()
        fit = made[0].fit if n_models == 1 else lambda *data: fit_many(made, *data, n_threads=1)  # noqa: B023
        if not interrupted_at(line, lambda: fit(X, y)):  # noqa: B023
            break
        assert threads.get(None, "n_threads") is None
        for i, one in enumerate(made):
            n = len(getattr(one, "loss_curve_", ()))
            if n:
                expected = whole[n][i]
                assert one.loss_curve_ == expected.loss_curve_
                for name in ("n_iter_", "t_", "loss_", "best_loss_"):
                    assert getattr(one, name) == getattr(expected, name), (name, line)
                for mine, theirs in zip(one.coefs_, expected.coefs_, strict=True):
                    np.testing.assert_array_equal(mine, theirs)
                expected = deepcopy(expected)
                for epoch in one, expected:
                    epoch.partial_fit(X, y)
                for mine, theirs in zip(one.coefs_, expected.coefs_, strict=True):
                    np.testing.assert_array_equal(mine, theirs, f"line {line}")
        line += 1 if n_models == 1 else 7
    assert line > 300
