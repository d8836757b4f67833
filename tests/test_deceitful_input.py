"""Objects that answer otherwise the second time they are asked: numbers, or an error."""

import copy
import itertools
import pickle
import threading
import warnings

import numpy as np
import pytest
from random_networks import parameters

from fastnn import Network, callbacks, optimizers, schedules
from fastnn._core import kernels

RATE = 1e-3


def problem():
    rng = np.random.default_rng(0)
    return Network([5, 4, 3], seed=0), rng.normal(size=(60, 5)), rng.uniform(size=(60, 3))


def as_bytes(net):
    return [array.tobytes() for array in parameters(net)]


def trained(net, X, y, **options):
    net.train(X, y, epochs=2, **{"learning_rate": RATE, **options})
    return as_bytes(net)


# Arrays


def set_shape_of(array, shape):
    """In place, of which NumPy warns since 2.5, and which users' code does nevertheless."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting the shape on", DeprecationWarning)
        array.shape = shape


@pytest.mark.parametrize("which", ["X", "y", "validation X", "validation y"])
@pytest.mark.parametrize("when", ["check", "on_train_begin", "on_epoch_end"])
def test_shapes_that_a_callback_sets(when, which):
    net, X, y = problem()
    V, v = X.copy(), y.copy()
    expected = trained(net.copy(), X.copy(), y.copy(), validation_data=(V.copy(), v.copy()))
    array = {"X": X, "y": y, "validation X": V, "validation y": v}[which]

    class SetsShape(callbacks.Callback):
        pass

    def set_shape(*_):
        set_shape_of(array, (array.size, 1))

    setattr(SetsShape, when, set_shape)
    found = trained(net, X, y, validation_data=(V, v), metrics="mae", callbacks=SetsShape())
    assert found == expected
    assert array.shape == (array.size, 1)


def test_a_shape_that_weights_set():
    net, X, y = problem()

    class Weights:
        def __array__(self, dtype=None, copy=None):
            set_shape_of(X, (300, 1))
            return np.ones(60)

    expected = net.evaluate(X.copy(), y)
    assert net.evaluate(X, y, sample_weight=Weights()) == expected
    assert X.shape == (300, 1)


class Reshaped(np.ndarray):
    def reshape(self, *_, **__):
        return self

    def __getitem__(self, place):
        return np.empty((10**4, 1))


class Unshared(np.ndarray):
    def __array_function__(self, function, types, arguments, settings):
        if function is np.may_share_memory:
            return False
        return super().__array_function__(function, types, arguments, settings)


@pytest.mark.parametrize("kind", [Reshaped, Unshared])
def test_out_of_another_class(kind):
    net, X, _ = problem()
    out = np.empty((60, 3))
    given = out.view(kind)
    assert net.feedforward(X, out=given) is given
    assert out.tobytes() == net.feedforward(X).tobytes()
    net = Network([5, 4, 4], seed=0)  # whose weights have no padding
    with pytest.raises(ValueError, match="out must not be the weights or biases"):
        net.feedforward(X[:4], out=net.weights[1].view(kind))


def test_out_that_begins_before_the_parameters():
    net = Network([5, 4, 3], seed=0)
    raw = net._parameters
    while isinstance(raw.base, np.ndarray):
        raw = raw.base
    first = net._parameters.ctypes.data - raw.ctypes.data
    raw = raw.view(np.uint8)
    out = raw[first - 8 : first + 16].view(float) if first >= 8 else raw[first:][:24].view(float)
    before = as_bytes(net)
    with pytest.raises(ValueError, match="out must not be the weights or biases"):
        net.feedforward(np.zeros(5), out=out)
    assert as_bytes(net) == before


# Names, numbers and sequences


class SaysTwo(list):
    def __len__(self):
        return 2


@pytest.mark.parametrize("names", [["sigmoid"], ["sigmoid", "tanh", "relu"]])
def test_a_sequence_of_another_length(names):
    with pytest.raises(ValueError, match=r"activation must hold one name per layer, 2 in all"):
        Network([2, 8, 1], activation=SaysTwo(names))


class Alias(str):
    __hash__ = str.__hash__

    def __eq__(self, other):
        return True

    def __str__(self):
        return "quads"


def test_a_name_that_equals_all_others():
    net, X, y = problem()
    with pytest.raises(ValueError, match="form must be one of"):
        trained(net, X, y, form=Alias("direct"))


class LikeInt(type):
    def __hash__(cls):
        return hash(int)

    def __eq__(cls, other):
        return True


class Lies(metaclass=LikeInt):
    def __init__(self, number, call=None):
        self.number, self.call = number, call

    def __le__(self, other):
        return True

    __ge__ = __lt__ = __gt__ = __le__

    def __float__(self):
        if self.call:
            self.call()
        return self.number


@pytest.mark.parametrize("number", [1e12, -1.0, 3.0, np.nan, np.inf])
def test_a_class_number_that_lies(number):
    net = Network([5, 3], activation="softmax", loss="cross_entropy", seed=0)
    before = as_bytes(net)
    with pytest.raises((TypeError, ValueError), match="y must"):
        net.update(np.zeros(5), Lies(number), 0.1)
    assert as_bytes(net) == before


def test_a_learning_rate_that_sets_the_network_up_anew():
    net = Network([5, 3], seed=0)
    net.update(np.zeros(5), np.zeros(3), Lies(0.1, lambda: net.__init__([900, 3], seed=1)))
    assert net.layer_sizes == (900, 3)
    assert as_bytes(net) == as_bytes(Network([900, 3], seed=1))


# Optimizers and schedules


@pytest.mark.parametrize("first", range(6))
def test_an_optimizer_that_changes_its_kind(first):
    calls = itertools.count()

    class Changes(optimizers.Adagrad):
        @property
        def kind(self):
            return "adam" if next(calls) <= first else "adagrad"

    for batch_size in (1, 40):
        net, X, y = problem()
        trained(net, X, y, optimizer=Changes(), batch_size=batch_size)
        assert all(np.isfinite(array).all() for array in parameters(net))


def test_an_optimizer_whose_settings_change():
    net, X, y = problem()
    expected = trained(net.copy(), X, y, optimizer="adam")
    adam = optimizers.Adam()

    def change(*_):
        object.__setattr__(adam, "beta_1", 7.0)

    assert trained(net, X, y, optimizer=adam, callbacks=change) == expected


@pytest.mark.parametrize("rates", [np.full((2, 2), RATE), np.full(3, RATE), RATE, "no"])
def test_a_schedule_of_another_shape(rates):
    class Shapeless(schedules.Schedule):
        def __call__(self, t):
            return rates

    net, X, y = problem()
    before = as_bytes(net)
    with pytest.raises((ValueError, TypeError)):
        trained(net, X, y, learning_rate=Shapeless())
    assert as_bytes(net) == before


def test_a_schedule_that_gives_a_negative_rate():
    class Climbs(schedules.Schedule):
        def rates(self, t):
            return t - 5

    net, X, y = problem()
    with pytest.raises(ValueError, match=r"learning_rate must .*, got -5"):
        trained(net, X, y, learning_rate=Climbs())


class Locked:
    """A learning rate that cannot be copied."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, epoch):
        return RATE


class Owner:
    """Has a network, and is what it is trained by."""

    def __init__(self):
        self.net = problem()[0]

    def rate(self, epoch):
        return RATE


@pytest.mark.parametrize("of", ["a lock", "the network"])
def test_a_learning_rate_that_cannot_be_copied(of, tmp_path):
    _, X, y = problem()
    owner = Owner()
    net, rate = owner.net, Locked() if of == "a lock" else owner.rate
    trained(net, X, y, learning_rate=rate)
    net.save(tmp_path / "net", trainer=True)
    others = [net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    others.append(Network.load(tmp_path / "net"))
    assert {one._trainer.time for one in others} == {2}
    expected = trained(net, X, y, learning_rate=rate)
    assert all(trained(one, X, y, learning_rate=rate) == expected for one in others)


# Networks


@pytest.mark.parametrize(
    "wrong", [{"initializer": "no"}, {"seed": -1}, {"dtype": "int8"}, {"loss": "bce2"}]
)
def test_an_init_that_is_refused_changes_nothing(wrong):
    net, X, y = problem()
    trained(net, X, y)
    before = as_bytes(net)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        net.__init__([5, 4, 3], **wrong)
    assert as_bytes(net) == before


def test_the_best_epoch_is_replaced_as_a_whole():
    """A copy that is made amid a callback has the value of one epoch with its parameters."""
    net, X, y = problem()
    stopping = callbacks.EarlyStopping(monitor="loss")
    seen = []

    class Looks(callbacks.EarlyStopping):
        def kept(self, net):
            best = net.copy()._trainer.best.get(self, None)
            seen.append(best and (best.value, best.parameters is not None))
            return super().kept(net)

    looks = Looks(monitor="loss")
    net.train(X, y, epochs=5, learning_rate=0.1, callbacks=[looks, stopping])
    assert all(one == (None, False) or one[1] for one in seen if one)
    best = stopping.best(net)
    assert best.waited == 0
    assert best.parameters.tobytes() == net._parameters.tobytes()


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (np.ones(6)[::2], np.ones(3)),
        (np.ones(3), np.ones(6)[::-2]),
        (np.ones(3), np.ones(4)),
        (np.ones(3, np.float32), np.ones(3)),
    ],
)
def test_copies_of_what_does_not_fit(source, target):
    with pytest.raises(ValueError, match="must be contiguous and have the same size"):
        kernels.copy([source], [target])


def test_parameters_of_the_best_epoch_that_do_not_fit():
    net, X, y = problem()
    stopping = callbacks.EarlyStopping(monitor="loss")
    net.train(X, y, epochs=2, learning_rate=0.1, callbacks=stopping)
    before = as_bytes(net)
    best = stopping.best(net)
    for wrong in (net._parameters[::-1], net._parameters[:-1].copy()):
        best.parameters = wrong
        with pytest.raises(ValueError, match="must be contiguous and have the same size"):
            stopping.restore(net)
    assert as_bytes(net) == before
