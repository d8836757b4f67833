"""States with wrong parts, as somebody else's program may write them: refused, or a network.

What is refused leaves the network that gets it as it was. Of whatever is taken, all that a network
does goes well, and it can be saved and read again.
"""

import copy
import io
import math

import numpy as np
from model_files import all_of
from random_networks import parameters

from fastnn import Network, TrainingDivergedError, callbacks, optimizers, schedules
from fastnn._training.trainer_state import Best, TrainerState

CASES = 5_000
WATCHED = True
X, Y = np.ones((5, 3)), np.ones((5, 2))
OPTIONS = {"epochs": 2, "learning_rate": 1e-3, "batch_size": 2}
ODD = [
    None, True, -1, 0, 1, 2, 3, 0.5, 1e308, 2**31, 2**63, 2**128, math.nan, math.inf, "", "x",
    "mse", "adam", "softmax", b"", [], {}, (), [1], (3, 4, 2), (3, 2), [3, 4, 2, 2], {"a": 1},
    object(), np.zeros(0), np.zeros(3), np.full(40, np.nan), np.ones(40, np.float32),
    np.ones((40, 1)), np.ones(40, ">f8"), np.ones(40, object), float,
    np.dtype("float16"), np.dtype("float32"),
    np.random.default_rng(0), np.random.RandomState(0), TrainerState(), Best(), TrainerState,
    optimizers.Adam(), optimizers.SGD(clip_norm=1), schedules.StepDecay(0.1, 2),
    callbacks.EarlyStopping(), Network,
]  # fmt: skip


def trained(rng):
    net = Network([3, 4, 2], seed=0, dtype=rng.choice(["float64", "float32"]))
    optimizer = rng.choice(["sgd", "adam", "momentum", "adagrad"])
    stopping = [callbacks.EarlyStopping(monitor="loss", patience=50)] * int(rng.integers(2))
    net.train(X, Y, optimizer=optimizer, callbacks=stopping, **OPTIONS)
    return net


def places(part):
    """What can be set in a part of a state: functions that set it, and what there is."""
    if isinstance(part, dict):
        for key in part:
            yield (lambda new, key=key: part.__setitem__(key, new)), part[key]
    elif hasattr(part, "__dict__") and not isinstance(part, type):
        for key in vars(part):
            yield (lambda new, key=key: vars(part).__setitem__(key, new)), vars(part)[key]


def all_places(part, depth=0):
    for put, inner in places(part):
        yield put, inner
        if depth < 3:
            yield from all_places(inner, depth + 1)


def odd(rng, there):
    """Something else for what is there: often of its kind."""
    way = rng.integers(5)
    if isinstance(there, np.ndarray) and there.dtype.names is None and way < 3:
        changed = there.copy()
        if way == 0 and changed.size:
            changed.flat[rng.integers(changed.size)] = rng.choice([math.nan, math.inf, 1e300, 0.0])
        elif way == 1:
            changed = changed[: rng.integers(changed.size + 1)]
        else:
            changed = changed.astype(rng.choice(["f4", "f8", ">f8", "f2", "i8", "c16"]))
        return changed
    if isinstance(there, np.ndarray) and there.dtype.names and way < 3:
        changed = there.copy()
        name = there.dtype.names[rng.integers(len(there.dtype.names))]
        with np.errstate(all="ignore"):
            changed[name] = np.array(rng.choice([0, 1, 2, 77, -1])).astype(changed.dtype[name])
        return changed
    if isinstance(there, tuple | list) and there and way < 3:
        changed = list(there)
        changed[rng.integers(len(changed))] = ODD[rng.integers(len(ODD))]
        return type(there)(changed)
    if isinstance(there, int | float) and way < 2:
        return there * rng.choice([-1, 0.5, 2, 1e9]).item()
    return ODD[rng.integers(len(ODD))]


def use(net):
    """All that a network does, once."""
    net.feedforward(np.ones((3, net.layer_sizes[0])))
    X, Y = (np.ones((5, width)) for width in (net.layer_sizes[0], net.layer_sizes[-1]))
    for optimizer in ("adam", "sgd", "momentum"):
        net.train(X, Y, optimizer=optimizer, **OPTIONS)
    net.update(X[0], Y[0], 1e-3)
    net.copy().gradients(X, Y)
    file = io.BytesIO()
    net.save(file, trainer=True)
    file.seek(0)
    assert all_of(Network.load(file))[0] == all_of(net)[0]


def case(i, rng, folder):
    state = copy.deepcopy(trained(rng).__getstate__())
    found = list(all_places(state))
    found += 5 * [one for one in found if isinstance(one[1], np.ndarray)]
    for _ in range(rng.choice([1, 1, 2, 4])):
        put, there = found[rng.integers(len(found))]
        put(odd(rng, there))
    if rng.random() < 0.05:
        del state[list(state)[rng.integers(len(state))]]
    net = trained(rng)
    before = all_of(net)
    try:
        net.__setstate__(state)
    except (TypeError, ValueError, MemoryError):
        assert all_of(net) == before
        return "refused"
    assert all(np.isfinite(one).all() for one in parameters(net))
    refusal = ""
    try:
        use(net)
    except TrainingDivergedError:
        return "taken, and diverged"
    except (TypeError, ValueError) as error:
        refusal = str(error)
    # Settings of the user's own are looked at when they are used.
    assert not refusal or "must" in refusal or "reset_trainer" in refusal, refusal
    return "taken, and refused later" if refusal else "taken"
