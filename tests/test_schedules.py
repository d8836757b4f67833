"""Learning-rate schedules: PyTorch's numbers, loops by hand, and the place that they keep."""

import copy
import dataclasses
import itertools
import json
import pickle
import warnings

import numpy as np
import pytest
import reference
import schedules_of_torch as torch_
from common import chunks_of, every_dtype
from random_networks import TOLERANCE, assert_all_close, bits, parameters, put_zeros, trained

from fastnn import Network, TrainingDivergedError, schedules
from fastnn._training.forms import FORMS
from fastnn.callbacks import LambdaCallback
from fastnn.optimizers import SGD, Adam, Momentum
from fastnn.schedules import (
    SCHEDULES,
    CosineDecay,
    Cyclical,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    StepDecay,
    WarmUp,
)

OF_TORCH = json.loads(torch_.FILE.read_text(encoding="utf-8"))
every_form = pytest.mark.parametrize("form", ["auto", *FORMS])

N = 75  # samples: two blocks, and a part of one

# In three epochs, each goes through all that it has.
EXAMPLES = [
    StepDecay(0.1, every=0.75, factor=0.5),
    ExponentialDecay(0.1, factor=0.3),
    InverseTimeDecay(0.1, decay=2),
    CosineDecay(0.1, epochs=2.5, final=0.01),
    WarmUp(0.1, epochs=1.25),
    WarmUp(CosineDecay(0.1, epochs=1), epochs=1.25, start_factor=0.5),
    OneCycle(0.1, epochs=2.75),
    Cyclical(0.01, 0.1, step_size=0.4),
    Cyclical(0.01, 0.1, step_size=0.4, mode="triangular2"),
    Cyclical(0.01, 0.1, step_size=0.4, mode="exp_range", gamma=0.5),
]
every_schedule = pytest.mark.parametrize("schedule", EXAMPLES, ids=repr)


def halved(epoch):
    return 0.1 * 0.5**epoch


def make(layer_sizes=(20, 13, 3), dtype="float64", density=1, activation="tanh"):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, layer_sizes[0])).astype(dtype)
    put_zeros(X, density, rng)
    y = rng.normal(size=(N, layer_sizes[-1])).astype(dtype)
    activations = [activation] * (len(layer_sizes) - 2) + ["identity"]
    return Network(layer_sizes, activation=activations, dtype=dtype, seed=0), X, y


def reference_of(net):
    return reference.ReferenceNetwork.from_parameters(
        [W.tolist() for W in net.weights], [b.tolist() for b in net.biases],
        activation=net.activations, loss=net.loss,
    )  # fmt: skip


def rates_of(learning_rate, epochs, n_updates):
    """A list of rates for each epoch."""
    if isinstance(learning_rate, schedules.Schedule):
        return [
            [float(learning_rate(e + k / n_updates)) for k in range(n_updates)]
            for e in range(epochs)
        ]
    return [[learning_rate(e)] * n_updates for e in range(epochs)]


def by_reference(net, X, y, rates, batch_size=1, **options):
    """Parameters and losses after batches one by one, each with its rate."""
    plain = reference_of(net)
    X, y = X.tolist(), y.tolist()
    losses = []
    for of_epoch in rates:
        total = 0.0
        for start, rate in zip(range(0, len(X), batch_size), of_epoch, strict=True):
            batch = X[start : start + batch_size], y[start : start + batch_size]
            [loss] = plain.train(
                *batch, epochs=1, learning_rate=rate, batch_size=batch_size, **options
            )
            total += loss * len(batch[0])
        losses.append(total / len(X))
    return plain.weights + plain.biases, losses


# The rates


@pytest.mark.parametrize("name", torch_.CASES)
def test_rates_are_those_of_torch(name):
    kind, settings, updates_in_epoch, *_ = torch_.CASES[name]
    schedule = getattr(schedules, kind)(**settings)
    rates = schedule(np.arange(len(OF_TORCH[name])) / updates_in_epoch)
    np.testing.assert_allclose(rates, OF_TORCH[name], rtol=1e-12, atol=1e-16)


def test_a_schedule_after_a_warm_up_is_that_of_torch():
    then = CosineDecay(torch_.INITIAL, torch_.COSINE_EPOCHS, torch_.FINAL)
    schedule = WarmUp(then, torch_.WARM_UP_EPOCHS, torch_.START_FACTOR)
    expected = OF_TORCH[torch_.WARM_UP_THEN_COSINE]
    np.testing.assert_allclose(schedule(np.arange(len(expected))), expected, rtol=1e-12)


def test_inverse_time_decay_is_that_of_keras():
    """keras.optimizers.schedules.InverseTimeDecay: initial / (1 + rate · step / decay_steps)."""
    initial, decay_steps, decay_rate = 0.2, 5, 0.3
    expected = [initial / (1 + decay_rate * step / decay_steps) for step in range(40)]
    schedule = InverseTimeDecay(initial, decay=decay_rate)
    np.testing.assert_allclose(schedule(np.arange(40) / decay_steps), expected, rtol=1e-14)


@pytest.mark.parametrize("updates_in_epoch", [3, 7, 10, 100])
def test_step_decay_within_epochs_is_never_late(updates_in_epoch):
    """After each update, or each third: t / every is then a whole number, but for rounding."""
    updates = np.arange(5 * updates_in_epoch)
    for n in (1, 3):
        schedule = StepDecay(1, every=n / updates_in_epoch, factor=0.5)
        t = updates // updates_in_epoch + updates % updates_in_epoch / updates_in_epoch
        np.testing.assert_array_equal(schedule(t), 0.5 ** (updates // n))


@pytest.mark.parametrize(
    ("schedule", "last"),
    [
        (CosineDecay(0.2, epochs=3, final=0.05), 0.05),
        (CosineDecay(0.2, epochs=3), 0),
        (OneCycle(0.2, epochs=3, start_divisor=10, final_divisor=8), 0.2 / 10 / 8),
        (WarmUp(0.2, epochs=3), 0.2),
        (WarmUp(CosineDecay(0.2, epochs=1, final=0.05), epochs=2), 0.05),
        (WarmUp(WarmUp(0.2, epochs=1), epochs=2), 0.2),
    ],
    ids=repr,
)
def test_a_schedule_that_has_an_end_stays_there(schedule, last):
    rates = schedule([2.9, 3, 3.001, 4, 100, 1e9])
    assert rates[0] != pytest.approx(last, rel=1e-5, abs=1e-5)
    np.testing.assert_allclose(rates[1:], last, rtol=1e-15)


@pytest.mark.parametrize(
    ("schedule", "before", "epochs", "which"),
    [
        (CosineDecay(0.1, epochs=3), 0, 3, None),
        (CosineDecay(0.1, epochs=3), 0, 4, "0 of them are gone: the last 1 of 4 epochs"),
        (CosineDecay(0.1, epochs=3), 0, 9, "the last 6 of 9 epochs"),
        (CosineDecay(0.1, epochs=2.5), 0, 3, None),
        (CosineDecay(0.1, epochs=2.5), 0, 4, "is 0 after 2.5 epochs, and 0 of them"),
        (CosineDecay(0.1, epochs=3), 2, 1, None),
        (CosineDecay(0.1, epochs=3), 2, 2, "2 of them are gone: the last 1 of 2 epochs"),
        (CosineDecay(0.1, epochs=3), 3, 2, "3 of them are gone: all of 2 epochs"),
        (CosineDecay(0.1, epochs=3), 5, 0, None),
        (CosineDecay(0.1, epochs=3, final=1e-9), 3, 9, None),
        (WarmUp(CosineDecay(0.1, epochs=3), epochs=2), 0, 5, None),
        (WarmUp(CosineDecay(0.1, epochs=3), epochs=2), 0, 6, "is 0 after 5 epochs"),
        (WarmUp(0.1, epochs=2), 0, 99, None),
        (OneCycle(0.1, epochs=2), 0, 99, None),
        (Cyclical(0.0, 0.1), 0, 99, None),
        (0.1, 0, 9, None),
    ],
    ids=repr,
)
def test_epochs_at_rate_zero_are_warned_of(schedule, before, epochs, which):
    net = Network([1, 1], seed=0)
    settings = {"learning_rate": schedule, "batch_size": 9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.train([[1.0]], [1.0], epochs=before, **settings)
    parameters = net._parameters.tobytes()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = net.train([[1.0]], [1.0], epochs=epochs, **settings)
    if which is None:
        assert not caught
        return
    (warning,) = caught
    assert which in str(warning.message)
    assert warning.category is UserWarning
    assert warning.filename == __file__
    assert history.history["learning_rate"][-1] == 0
    if "all" in which:
        assert net._parameters.tobytes() == parameters


def test_where_that_warning_is_an_error_nothing_has_changed():
    net = Network([1, 1], seed=0)
    net.train([[1.0]], [1.0], epochs=2, learning_rate=0.1, tol=0.0)
    before = pickle.dumps(net)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="change nothing"):
            net.train([[2.0]], [1.0], epochs=2, learning_rate=CosineDecay(0.1, epochs=1), tol=0.0)
    assert pickle.dumps(net) == before


@every_schedule
def test_a_number_and_an_array_of_times_give_the_same(schedule):
    times = np.linspace(0, 3, 50).reshape(5, 10)
    rates = schedule(times)
    assert rates.shape == times.shape
    assert rates.dtype == np.float64
    for t, rate in zip(times.ravel().tolist(), rates.ravel(), strict=True):
        assert schedule(t) == pytest.approx(rate, rel=1e-15)  # ** of arrays rounds another way
    assert float(schedule(0)) == float(schedule(np.float32(0)))


def test_rates_that_underflow_are_zero():
    for schedule in (StepDecay(0.1, 1), ExponentialDecay(0.1, 0.1)):
        assert schedule(1e6) == 0
    assert Cyclical(0.01, 0.1, mode="exp_range", gamma=0.5)(1e6) == 0.01


@every_schedule
def test_a_schedule_is_a_value(schedule):
    assert schedule == dataclasses.replace(schedule)
    assert schedule == pickle.loads(pickle.dumps(schedule))
    assert hash(schedule) == hash(copy.deepcopy(schedule))
    assert eval(repr(schedule), vars(schedules)) == schedule
    first = dataclasses.fields(schedule)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(schedule, first, 0.5)


def test_settings_become_floats():
    schedule = StepDecay(np.float32(0.5), every=2)
    assert schedule == StepDecay(0.5, 2.0)
    assert [type(value) for value in vars(schedule).values()] == [float] * 3


def test_the_examples_are_of_all_schedules():
    assert {type(one) for one in EXAMPLES} == set(SCHEDULES)
    assert {one.mode for one in EXAMPLES if isinstance(one, Cyclical)} == set(schedules.CYCLES)


# Training by them


@every_dtype
@every_form
@pytest.mark.parametrize("layer_sizes", [[2, 2, 1], [20, 13, 3], [40, 50, 3]])
def test_single_samples_are_updates_to_rounding(layer_sizes, form, dtype):
    """[2, 2, 1] goes through a pass of its own, and rows of 50 units are wide."""
    for learning_rate in (EXAMPLES[-1], EXAMPLES[3], halved):
        net, X, y = make(layer_sizes, dtype, density=0.5)
        options = {"epochs": 2, "learning_rate": learning_rate, "shuffle": False, "form": form}
        ours, history = trained(net, X, y, **options)
        rates = rates_of(learning_rate, 2, N)
        losses = [
            np.mean([net.update(x, y_x, rate) for x, y_x, rate in zip(X, y, rates_e, strict=True)])
            for rates_e in rates
        ]
        tolerance = 200 * np.finfo(dtype).eps
        assert_all_close([history.history["loss"]], [losses], tolerance)
        assert_all_close(parameters(ours), parameters(net), tolerance)


@pytest.mark.unwatched
@pytest.mark.parametrize(
    ("optimizer", "step", "options"),
    [
        (SGD(), None, {}),
        (SGD(l2=0.5), None, {"l2": 0.5}),
        (SGD(clip_norm=0.5), None, {"clip_norm": 0.5}),
        (Momentum(rate_inside=True), reference.momentum(rate_inside=True), {}),
        (Adam(epsilon=0.1, l2=0.1), reference.adam(epsilon=0.1), {"l2": 0.1}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("batch_size", [1, 20, 40])
@every_dtype
def test_batches_are_those_of_the_reference(optimizer, step, options, batch_size, dtype):
    net, X, y = make([9, 5, 2], dtype, density=0.5)
    for learning_rate in (Cyclical(0.001, 0.02, step_size=0.4), lambda epoch: 0.02 / (1 + epoch)):
        rates = rates_of(learning_rate, 2, -(-N // batch_size))
        expected, losses = by_reference(
            net, X, y, rates, batch_size, optimizer=step, **options
        )  # fmt: skip
        ours, history = trained(
            net, X, y, epochs=2, learning_rate=learning_rate, batch_size=batch_size,
            shuffle=False, optimizer=optimizer,
        )  # fmt: skip
        assert_all_close([history.history["loss"]], [losses], TOLERANCE[dtype])
        assert_all_close(parameters(ours), expected, TOLERANCE[dtype])


STRENGTH = 18.0  # lambda


@pytest.mark.unwatched
@pytest.mark.parametrize(
    "learning_rate",
    [
        # eta lambda goes from 0.001 to 0.9, in both kinds of decay within most blocks; and from
        # block to block; and epoch to epoch.
        Cyclical(0.001 / STRENGTH, 0.9 / STRENGTH, step_size=0.4),
        StepDecay(0.9 / STRENGTH, every=64 / N, factor=0.0333),
        WarmUp(0.36 / STRENGTH, epochs=1, start_factor=0.9),
        lambda epoch: [0.9, 0.001][epoch] / STRENGTH,
    ],
    ids=["cycle", "steps", "about the border", "function"],
)
@pytest.mark.parametrize("layer_sizes", [[3, 2, 1], [20, 13, 3], [34, 49, 1]])
@every_dtype
def test_weak_and_strong_decay_are_those_of_the_reference(layer_sizes, learning_rate, dtype):
    net, X, y = make(layer_sizes, dtype, density=0.4)
    rates = rates_of(learning_rate, 2, N)
    assert np.max(rates) * STRENGTH > 0.35 > np.min(rates) * STRENGTH
    expected, losses = by_reference(net, X, y, rates, l2=STRENGTH)
    for form in ("auto", *FORMS):
        ours, history = trained(
            net, X, y, epochs=2, learning_rate=learning_rate, shuffle=False,
            optimizer=SGD(l2=STRENGTH), form=form,
        )  # fmt: skip
        assert_all_close([history.history["loss"]], [losses], TOLERANCE[dtype])
        assert_all_close(parameters(ours), expected, TOLERANCE[dtype])


@every_form
@pytest.mark.parametrize("batch_size", [1, 3, 40])
@pytest.mark.parametrize("l2", [0, 2])
@pytest.mark.parametrize("layer_sizes", [[2, 2, 1], [20, 13, 3]])
def test_a_rate_that_never_changes_is_a_number(layer_sizes, l2, batch_size, form):
    """With L2 to rounding, as what is known of all rates then decides."""
    net, X, y = make(layer_sizes, density=0.3)
    options = {"epochs": 3, "batch_size": batch_size, "form": form, "optimizer": SGD(l2=l2)}
    number = bits(*trained(net, X, y, learning_rate=0.1, **options))
    for learning_rate in (lambda epoch: 0.1, ExponentialDecay(0.1, 1), WarmUp(0.1, 1, 1)):
        assert bits(*trained(net, X, y, learning_rate=learning_rate, **options)) == number


def test_a_rate_of_zero_leaves_all_as_it_is():
    net, X, y = make()
    before = net._parameters.tobytes()
    history = net.train(X, y, epochs=2, learning_rate=lambda epoch: 0, shuffle=False)
    assert net._parameters.tobytes() == before
    assert history.history["loss"] == pytest.approx([net.evaluate(X, y)] * 2, rel=1e-12)


def test_a_perceptron_has_schedules_too():
    net = Network([5, 2], activation="step", seed=0)
    X = np.random.default_rng(0).normal(size=(N, 5))
    y = (X[:, :2] > 0.3).astype(float)
    schedule = ExponentialDecay(1, 0.5)
    expected, losses = by_reference(net, X, y, rates_of(schedule, 3, N))
    history = net.train(X, y, epochs=3, learning_rate=schedule, shuffle=False)
    assert_all_close(parameters(net), expected, 1e-12)
    assert_all_close([history.history["loss"]], [losses], 1e-12)


# Their place in time


@pytest.mark.unwatched
@pytest.mark.filterwarnings("ignore:learning_rate=WarmUp.* is 0 after")
@pytest.mark.parametrize("batch_size", [1, 20])
@pytest.mark.parametrize("learning_rate", [*EXAMPLES, halved], ids=repr)
def test_cuts_into_calls_and_chunks(learning_rate, batch_size):
    for dtype, shuffle, l2 in (("float64", True, 4), ("float32", True, 0), ("float64", False, 0)):
        net, X, y = make(dtype=dtype, density=0.4)
        options = {"learning_rate": learning_rate, "batch_size": batch_size, "shuffle": shuffle}
        options["optimizer"] = SGD(l2=l2)
        uncut, history = trained(net, X, y, epochs=6, **options)
        for chunk in (None, 7, N, 2 * N + 1):
            with chunks_of(chunk):
                cut = net.copy()
                parts = [cut.train(X, y, epochs=e, **options).history for e in (3, 0, 2, 1)]
            for name, column in history.history.items():
                assert [*itertools.chain(*(part[name] for part in parts))] == column
            assert cut._parameters.tobytes() == uncut._parameters.tobytes()
            assert cut._rng.bit_generator.state == uncut._rng.bit_generator.state


@pytest.mark.filterwarnings("ignore:learning_rate=WarmUp.* is 0 after")
@pytest.mark.parametrize("learning_rate", [*EXAMPLES, halved], ids=repr)
def test_history_has_the_first_rate_of_each_epoch(learning_rate):
    net, X, y = make()
    for batch_size in (1, 20, N):
        net.reset_trainer()
        options = {"epochs": 3, "learning_rate": learning_rate, "batch_size": batch_size}
        rates = net.train(X, y, **options).history["learning_rate"]
        assert [type(rate) for rate in rates] == [float] * 3
        assert rates == pytest.approx([float(learning_rate(e)) for e in range(3)], rel=1e-15)
        looked_at = net.train(X, y, **options, callbacks=lambda net, epoch, logs: None)
        expected = [float(learning_rate(e)) for e in range(3, 6)]
        assert looked_at.history["learning_rate"] == pytest.approx(expected, rel=1e-15)
    assert net.train(X, y, epochs=2, learning_rate=0.5).history["learning_rate"] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("one", "same", "another"),
    [
        (ExponentialDecay(0.1, 0.5), ExponentialDecay(0.1, 0.5), ExponentialDecay(0.1, 0.25)),
        (ExponentialDecay(0.1, 0.5), ExponentialDecay(0.1, 0.5), InverseTimeDecay(0.1, 0.5)),
        (
            WarmUp(CosineDecay(0.1, 4), 5),
            WarmUp(CosineDecay(0.1, 4), 5),
            WarmUp(CosineDecay(0.1, 8), 5),
        ),
        (ExponentialDecay(0.1, 0.5), ExponentialDecay(0.1, 0.5), halved),
        (halved, halved, lambda epoch: 0.1 / (1 + epoch)),
    ],
)
def test_who_goes_on_and_who_begins_anew(one, same, another):
    net, X, y = make()

    def first_rate(learning_rate, epochs=1):
        rates = net.train(X, y, epochs=epochs, learning_rate=learning_rate).history["learning_rate"]
        return rates[0] if rates else None

    def at(t, learning_rate):
        return pytest.approx(float(learning_rate(t)), rel=1e-15)

    assert first_rate(one, epochs=2) == at(0, one)
    assert first_rate(same) == at(2, one)
    assert first_rate(0.01, epochs=5) == 0.01
    net.update(X[0], y[0], 0.01)
    net.update(X[0].tolist(), y[0].tolist(), 0.01)
    assert first_rate(one) == at(3, one)
    assert first_rate(another, epochs=2) == at(0, another)
    assert first_rate(another) == at(2, another)
    assert first_rate(one) == at(0, one)
    assert first_rate(one) == at(1, one)
    net.reset_trainer()
    assert first_rate(same) == at(0, one)
    for kept in (copy.deepcopy(net), net.copy(), pickle.loads(pickle.dumps(net))):
        net = kept
        assert first_rate(one) == at(1, one)


def test_no_epochs_leave_the_place_alone():
    net, X, y = make()
    net.train(X, y, epochs=2, learning_rate=halved)
    net.train(X, y, epochs=0, learning_rate=EXAMPLES[0])
    rates = net.train(X, y, epochs=1, learning_rate=halved).history["learning_rate"]
    assert rates == [halved(2)]


def test_time_stops_where_tolerance_does():
    """Although rates of epochs ahead are known."""
    net, X, y = make()
    options = {"learning_rate": halved, "tol": 1e-3, "patience": 2}
    ran = len(net.train(X, y, epochs=300, **options).epoch)
    assert 3 < ran < 300
    rates = net.train(X, y, epochs=1, learning_rate=halved).history["learning_rate"]
    assert rates == [halved(ran)]


def test_functions_get_the_numbers_of_epochs():
    for chunk in (None, 1, N, 2 * N):
        called = []
        with chunks_of(chunk):
            net, X, y = make()

            def note(epoch, called=called):
                called.append(epoch)
                return 0.01

            for epochs in (5, 2):
                net.train(X, y, epochs=epochs, learning_rate=note)
        assert called == [0, 1, 2, 3, 4, 5, 6]
        assert {type(epoch) for epoch in called} == {int}


def test_functions_may_give_any_number():
    net, X, y = make()
    results = {
        tuple(bits(*trained(net, X, y, epochs=2, learning_rate=lambda _, rate=rate: rate))[0])
        for rate in (0.125, np.float32(0.125), np.float64(0.125), np.array(0.125))
    }
    assert len(results) == 1
    net.train(X, y, epochs=3, learning_rate=[0.25, 0.125, 0.0625].__getitem__)


# Bad rates


@pytest.mark.parametrize(
    ("rate", "exception", "got"),
    [
        (float("nan"), ValueError, "nan"),
        (float("inf"), ValueError, "inf"),
        (-0.1, ValueError, "-0.1"),
        ("0.1", TypeError, "'0.1'"),
        (None, TypeError, "None"),
        ([0.1, 0.2], TypeError, "[0.1, 0.2]"),
        (True, TypeError, "True"),
        (1j, TypeError, "1j"),
    ],
)
def test_a_function_that_goes_wrong(rate, exception, got):
    def good(epoch):
        return 0.01

    def wrong(epoch):
        return rate if epoch == 2 and broken else 0.01

    # Rates are asked for up to where somebody looks.
    for callbacks, done in ((LambdaCallback(every=1), 2), (LambdaCallback(every=2), 2), ((), 0)):
        net, X, y = make()
        expected, _ = trained(net, X, y, epochs=done, learning_rate=good)
        broken = True
        with pytest.raises(exception) as error:
            net.train(X, y, epochs=10, learning_rate=wrong, callbacks=callbacks)
        assert type(error.value) is exception
        assert str(error.value).startswith("learning_rate(2) must be a ")
        assert got in str(error.value)
        assert net._parameters.tobytes() == expected._parameters.tobytes()
        broken = False
        net.train(X, y, epochs=4, learning_rate=wrong)
        expected.train(X, y, epochs=4, learning_rate=good)
        assert net._parameters.tobytes() == expected._parameters.tobytes()


def test_a_function_that_raises():
    net, X, y = make()
    expected, _ = trained(net, X, y, epochs=2, learning_rate=0.25)
    with pytest.raises(IndexError, match="list index"):
        net.train(
            X, y, epochs=3, learning_rate=[0.25, 0.25].__getitem__, callbacks=LambdaCallback()
        )
    assert net._parameters.tobytes() == expected._parameters.tobytes()


@pytest.mark.parametrize("batch_size", [1, 20])
@pytest.mark.parametrize(
    ("learning_rate", "epoch", "rate"),
    [
        (lambda epoch: [0.01, 0.01, 1e200][epoch], 2, "1e+200"),
        (StepDecay(1e200, every=1), 0, "1e+200"),
        (WarmUp(1e200, epochs=1, start_factor=0.1), 0, "1e+199"),
    ],
)
def test_divergence_names_the_rate_of_its_step(learning_rate, epoch, rate, batch_size):
    net, X, y = make(activation="identity")
    before = net._parameters.tobytes()
    with pytest.raises(TrainingDivergedError) as error:
        net.train(X, y, epochs=3, learning_rate=learning_rate, batch_size=batch_size)
    assert f"in epoch {epoch}, step " in str(error.value)
    if isinstance(learning_rate, WarmUp):
        step = int(str(error.value).split("step ")[1].split(" ")[0].strip(","))
        n_updates = -(-N // batch_size)
        rate = repr(float(learning_rate((step - 1) / n_updates)))
    assert f"at learning_rate={rate}:" in str(error.value)
    assert net._parameters.tobytes() == before


ABOVE_ZERO = [
    (0, ValueError, "above 0"),
    (-1, ValueError, "above 0"),
    (float("inf"), ValueError, "finite"),
    (float("nan"), ValueError, "finite"),
    ("1", TypeError, "must be a number"),
    (None, TypeError, "must be a number"),
    (True, TypeError, "must be a number"),
    ([1.0], TypeError, "must be a number"),
]
NOT_NEGATIVE = [(-0.1, ValueError, "at least 0"), *ABOVE_ZERO[2:]]
FACTOR = [(1.01, ValueError, "above 0 and at most 1"), *ABOVE_ZERO[:2], *ABOVE_ZERO[4:]]
FACTOR += [(float("nan"), ValueError, "above 0 and at most 1")]
INSIDE = [(value, ValueError, "above 0 and below 1") for value in (0, 1, -1, 2, float("nan"))]
INSIDE += ABOVE_ZERO[4:]
MODE = [
    ("Triangular", ValueError, "'triangular', 'triangular2', 'exp_range'"),
    (None, TypeError, "'triangular', 'triangular2', 'exp_range'"),
]
GOOD = {
    StepDecay: {"initial": 0.1, "every": 2, "factor": 1},
    ExponentialDecay: {"initial": 0.1, "factor": 1},
    InverseTimeDecay: {"initial": 0.1, "decay": 0},
    CosineDecay: {"initial": 0.1, "epochs": 0.5, "final": 0},
    WarmUp: {"then": 0.1, "epochs": 1, "start_factor": 1},
    OneCycle: {
        "maximum": 0.1, "epochs": 1, "warm_up": 0.01, "start_divisor": 0.5, "final_divisor": 0.5,
    },
    Cyclical: {
        "minimum": 0, "maximum": 0.1, "step_size": 0.5, "mode": "exp_range", "gamma": 1,
    },
}  # fmt: skip
BAD = {
    "initial": ABOVE_ZERO,
    "every": ABOVE_ZERO,
    "factor": FACTOR,
    "decay": NOT_NEGATIVE,
    "epochs": ABOVE_ZERO,
    "final": NOT_NEGATIVE,
    "then": [
        *ABOVE_ZERO,
        (
            StepDecay,
            TypeError,
            "of fastnn.schedules, got type <class 'fastn...es.StepDecay'>; write StepDecay(...)",
        ),
        (len, TypeError, "a number"),
    ],
    "start_factor": FACTOR,
    "maximum": ABOVE_ZERO,
    "warm_up": INSIDE,
    "start_divisor": ABOVE_ZERO,
    "final_divisor": ABOVE_ZERO,
    "minimum": [*NOT_NEGATIVE],
    "step_size": ABOVE_ZERO,
    "mode": MODE,
    "gamma": FACTOR,
}


@pytest.mark.parametrize("kind", SCHEDULES)
def test_bad_settings(kind):
    kind(**GOOD[kind])
    assert list(GOOD[kind]) == [field.name for field in dataclasses.fields(kind)]
    for name in GOOD[kind]:
        for value, exception, fragment in BAD[name]:
            with pytest.raises(exception, match=f"^{name} must be ") as error:
                kind(**{**GOOD[kind], name: value})
            assert type(error.value) is exception
            assert fragment in str(error.value)


def test_cycles_go_up():
    with pytest.raises(ValueError, match=r"^maximum must be at least minimum, 0\.2, got 0\.1"):
        Cyclical(0.2, 0.1)
    assert Cyclical(0.1, 0.1)(1.5) == 0.1


@pytest.mark.parametrize("value", ["cosine", None, [0.1, 0.2], {"initial": 0.1}, StepDecay])
def test_what_is_no_learning_rate(value):
    net, X, y = make()
    before = pickle.dumps(net)
    with pytest.raises(TypeError, match=r"^learning_rate must be a number, one of fastnn\.sched"):
        net.train(X, y, epochs=1, learning_rate=value)
    assert pickle.dumps(net) == before


@pytest.mark.parametrize(
    "wrong",
    [None, 0.1, [0.1], ["0.1"] * 8, np.full(8, 0.1 + 0j), np.full(8, np.inf), np.full(8, np.nan)],
    ids=repr,
)
def test_what_a_schedule_of_ones_own_may_not_return(wrong):
    class Own(schedules.Schedule):
        def rates(self, t):
            return np.reshape(wrong, t.shape) if np.size(wrong) == t.size else wrong

    net = Network([2, 1], seed=0)
    before = net._parameters.tobytes()
    with pytest.raises(ValueError, match=r"rates must return a number|finite rates of at least 0"):
        net.train(np.ones((8, 2)), np.ones(8), epochs=1, learning_rate=Own())
    assert net._parameters.tobytes() == before


def test_of_a_schedule_of_ones_own_the_end_is_not_known():
    """So there is no warning of epochs after it."""

    class Own(CosineDecay):
        def rates(self, t):
            return super().rates(t % self.epochs)

    for schedule in Own(0.1, epochs=2), WarmUp(Own(0.1, epochs=2), epochs=1):
        net = Network([1, 1], seed=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            net.train([[1.0]], [1.0], epochs=9, learning_rate=schedule)


def test_a_schedule_of_ones_own_gets_times_of_its_own():
    class Own(schedules.Schedule):
        def rates(self, t):
            t *= 0
            return t + 0.1

    times = np.arange(3.0)
    assert Own()(times).tolist() == [0.1, 0.1, 0.1]
    assert times.tolist() == [0, 1, 2]
