"""States that are not what ``__getstate__`` gives: converted where that is safe, else refused."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from common import every_dtype
from model_files import all_of
from random_networks import bits, parameters

from fastnn import Network, optimizers, schedules
from fastnn._training.trainer_state import Best, TrainerState
from fastnn.callbacks import EarlyStopping

X, Y = np.linspace(-1, 1, 20).reshape(5, 4), np.linspace(0, 1, 10).reshape(5, 2)
OPTIONS = {"epochs": 5, "learning_rate": 0.01}


def trained(layer_sizes=(4, 3, 2), dtype="float64", **options):
    net = Network(layer_sizes, dtype=dtype, seed=0)
    n_in, n_out = layer_sizes[0], layer_sizes[-1]
    net.train(np.ones((5, n_in)), np.ones((5, n_out)), **{**OPTIONS, **options})
    return net


def from_state(state):
    net = Network.__new__(Network)
    net.__setstate__(state)
    return net


@every_dtype
def test_a_state_that_was_given_comes_back(dtype):
    net = trained(
        dtype=dtype, optimizer="adam", learning_rate=schedules.CosineDecay(0.01, 9), tol=0.0,
        callbacks=EarlyStopping(monitor="loss"),
    )  # fmt: skip
    state = net.__getstate__()
    assert list(state) == ["layer_sizes", "activations", "loss", "rng", "parameters", "trainer"]
    for again in (from_state(state), pickle.loads(pickle.dumps(net))):
        assert all_of(again) == all_of(net)
    assert not np.shares_memory(from_state(state)._parameters, state["parameters"])


@every_dtype
def test_the_other_order_of_bytes_is_converted(dtype):
    net = trained(dtype=dtype, optimizer="momentum")
    state = net.__getstate__()
    state["parameters"] = state["parameters"].astype(state["parameters"].dtype.newbyteorder())
    kept = state["trainer"].optimizer
    kept.block = kept.block.astype(kept.block.dtype.newbyteorder())
    again = from_state(state)
    assert all_of(again) == all_of(net)
    assert again.feedforward(X).tobytes() == net.feedforward(X).tobytes()
    options = {**OPTIONS, "optimizer": "momentum"}
    assert bits(again, again.train(X, Y, **options)) == bits(net, net.train(X, Y, **options))


@pytest.mark.parametrize("where", ["parameters", "trainer.optimizer.block"])
def test_numbers_between_the_parameters_are_refused(where):
    """Kernels rely on padding of zeros."""
    state = trained(optimizer="adam").__getstate__()
    block = state.get(where, state["trainer"].optimizer.block)
    block[np.flatnonzero(block == 0)[0]] = 7
    with pytest.raises(ValueError, match=f"{where} must be a block of parameters for these lay"):
        from_state(state)


class Poisson(np.random.Generator):
    pass


@dataclass(frozen=True, kw_only=True)
class Forgetful(optimizers.Adam):
    """Says that nothing is kept."""

    n_states = 0


def parameters_of(size, dtype="float64"):
    return np.zeros(size, dtype)


N = Network([4, 3, 2])._parameters.size
WRONG = [
    ("layer_sizes", None), ("layer_sizes", (4,)), ("layer_sizes", (4, 3, 2.0)),
    ("layer_sizes", (4, 3, 3, 2)), ("layer_sizes", (4, 0, 2)), ("layer_sizes", (2, 3, 4)),
    ("activations", None), ("activations", ("sigmoid",)), ("activations", ("sigmoid", "no")),
    ("activations", ("softmax", "sigmoid")), ("activations", (1, 2)),
    ("loss", None), ("loss", "poison"), ("loss", "cross_entropy"),
    ("rng", 3), ("rng", None), ("rng", np.random.RandomState(0)),
    ("rng", Poisson(np.random.PCG64())),
    ("rng", np.random.Generator(np.random.MT19937(0))),
    ("parameters", None), ("parameters", [0.0] * N), ("parameters", parameters_of(N - 1)),
    ("parameters", parameters_of(1)), ("parameters", parameters_of(())),
    ("parameters", parameters_of((1, N))), ("parameters", parameters_of(N, "int64")),
    ("parameters", parameters_of(N, "float16")), ("parameters", parameters_of(N, "float32")),
    ("parameters", parameters_of(N, "complex128")), ("parameters", parameters_of(N, object)),
    ("parameters", np.full(N, np.nan)), ("parameters", np.full(N, np.inf)),
    ("trainer", None), ("trainer", {}), ("trainer", TrainerState),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG, ids=str)
def test_a_wrong_state_is_refused(key, value):
    state = trained().__getstate__() | {key: value}
    net = trained()
    before = all_of(net)
    with pytest.raises((ValueError, TypeError), match=f"{key}|activations"):
        net.__setstate__(state)
    assert all_of(net) == before


@pytest.mark.parametrize("state", [None, [], {}, 7, "layer_sizes"])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(ValueError, match="state of a network must be a dict with layer_sizes, act"):
        Network.__new__(Network).__setstate__(state)


@pytest.mark.parametrize("missing", Network([1, 1]).__getstate__())
def test_a_part_is_missing(missing):
    state = trained().__getstate__()
    del state[missing]
    with pytest.raises(ValueError, match="must be a dict with"):
        from_state(state)


@pytest.mark.parametrize(
    "names", [5, "abcd", {}, [], ["a", "b", "c"], ["a", "b", "c", "c"], ["a", "b", "c", None]]
)
def test_names_of_other_inputs_are_refused(names):
    state = trained().__getstate__()
    with pytest.raises((ValueError, TypeError), match="feature_names must be None or 4 different"):
        from_state({**state, "feature_names": names})
    assert from_state({**state, "feature_names": [*"abcd"]}).feature_names == (*"abcd",)


OTHERS = {
    "of a smaller network": lambda: trained((2, 1), optimizer="adam")._trainer.optimizer,
    "of a larger network": lambda: trained((40, 3, 2), optimizer="adam")._trainer.optimizer,
    "of float32": lambda: trained(dtype="float32", optimizer="adam")._trainer.optimizer,
    "a number": lambda: 3,
    "an optimizer": lambda: optimizers.Adam(),
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_optimizers_state_of_another_network_is_refused(other):
    state = trained(optimizer="adam").__getstate__()
    state["trainer"].optimizer = OTHERS[other]()
    with pytest.raises((ValueError, TypeError), match=r"trainer\.optimizer"):
        from_state(state)


@pytest.mark.parametrize("other", list(OTHERS)[:2])
def test_training_does_not_go_on_with_it(other):
    net = trained(optimizer="adam")
    before = [array.tobytes() for array in parameters(net)]
    net._trainer.optimizer = OTHERS[other]()
    with pytest.raises(ValueError, match=r"is that of another network: reset_trainer\(\) begins"):
        net.train(X, Y, optimizer="adam", **OPTIONS)
    assert [array.tobytes() for array in parameters(net)] == before
    net.reset_trainer()
    net.train(X, Y, optimizer="adam", **OPTIONS)


def change(trainer, **parts):
    for name, value in parts.items():
        setattr(trainer, name, value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda trainer: change(trainer, time=-1),
        lambda trainer: change(trainer, time=0.5),
        lambda trainer: change(trainer, stale="no"),
        lambda trainer: change(trainer, lowest=np.nan),
        lambda trainer: change(trainer, lowest="low"),
        lambda trainer: change(trainer, stopping=(0.1,)),
        lambda trainer: change(trainer, stopping=(-1.0, 3)),
        lambda trainer: change(trainer, stopping=(0.1, 0)),
        lambda trainer: change(trainer, schedule=3),
        lambda trainer: change(trainer, best=[]),
        lambda trainer: change(trainer, best={1: 2}),
        lambda trainer: change(trainer, best={1: Best(waited=-1)}),
        lambda trainer: change(trainer, best={1: Best(value=np.nan)}),
        lambda trainer: change(trainer, best={1: Best(parameters=np.zeros(3))}),
        lambda trainer: change(trainer, best={1: Best(parameters=np.full(N, np.nan))}),
        lambda trainer: vars(trainer).pop("time"),
        lambda trainer: change(trainer.optimizer, block=trainer.optimizer.block[:-1]),
        lambda trainer: change(trainer.optimizer, block=None),
        lambda trainer: change(trainer.optimizer, record=None),
        lambda trainer: change(trainer.optimizer, record=trainer.optimizer.record[:0]),
        lambda trainer: change(trainer.optimizer, optimizer="no"),
        lambda trainer: change(trainer.optimizer, optimizer=optimizers.SGD()),
        lambda trainer: trainer.optimizer.block.fill(np.inf),
        lambda trainer: trainer.optimizer.record["power_1"].fill(2),
        lambda trainer: vars(trainer.optimizer).pop("record"),
    ],
)
def test_a_trainer_that_is_spoilt_is_refused(spoil):
    state = trained(optimizer="adam").__getstate__()
    spoil(state["trainer"])
    with pytest.raises((ValueError, TypeError), match=r"trainer|optimizer"):
        from_state(state)


def test_a_record_is_made_anew_from_the_settings():
    """What of it is no number of steps might be anything else."""
    net = trained(optimizer="adam")
    state = net.__getstate__()
    for name in ("kind", "nesterov", "rate_inside", "epsilon_hat"):
        state["trainer"].optimizer.record[name] = 77
    assert all_of(from_state(state)) == all_of(net)


def test_an_optimizer_that_denies_its_state():
    """What kernels keep hangs on their kind of optimizer alone."""
    net = Network([4, 3, 2], seed=0)
    net.train(X, Y, optimizer=Forgetful(), **OPTIONS)
    expected = Network([4, 3, 2], seed=0)
    expected.train(X, Y, optimizer="adam", **OPTIONS)
    assert net._parameters.tobytes() == expected._parameters.tobytes()
    assert pickle.loads(pickle.dumps(net))._trainer.optimizer.optimizer == Forgetful()


def test_a_network_with_numbers_that_are_not_finite_can_be_copied():
    """As it comes from the user's own hand, from whom alone it can come; but no pickle is it."""
    net = trained()
    net.weights[0][0, 0] = np.nan
    assert np.isnan(net.copy().weights[0][0, 0])
    with pytest.raises(ValueError, match="parameters must be finite, got nan"):
        pickle.loads(pickle.dumps(net))
