"""Arrays of all kinds, given to each argument of a network's methods that takes numbers.

What is refused leaves the network as it was, to the last bit. What is taken gives what a plain copy
of its numbers gives, and is as it was. Whether it may be taken hangs on its numbers and its shape.
"""

import array
import math
import re

import numpy as np
from model_files import all_of

from fastnn import Network, train_many

CASES = 20_000
WATCHED = True
N_INPUTS, N_OUTPUTS = 4, 2
WORDS = re.compile(r"\b(must|needs?|cannot|got|has no|takes|training diverged)\b")
REAL = "?bBhHiIlLqQefd"  # longdouble is for object arrays and their like: whatever it says
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e-310, -1e-40, 1e10, -1e30]
RARE = [1e39, -1e300, math.inf, -math.inf, math.nan]


def options(n):
    return {"epochs": 1, "learning_rate": 1e-3, "shuffle": bool(n % 2)}


def ones(n, width):
    return np.ones((n, width))


def train_twice(net, X, y, n):
    return [one.history["loss"] for one in train_many([net, net.copy()], X, y, **options(n))]


# What is called, by the argument that gets the array: (network, array, rows) -> numbers.
ROLES = {
    "feedforward X": lambda net, given, n: net.feedforward(given),
    "feedforward out": lambda net, given, n: net.feedforward(ones(n, N_INPUTS), out=given),
    "hidden X": lambda net, given, n: net.hidden(given, 0),
    "evaluate X": lambda net, given, n: net.evaluate(given, ones(n, N_OUTPUTS)),
    "evaluate y": lambda net, given, n: net.evaluate(ones(n, N_INPUTS), given),
    "gradients X": lambda net, given, n: net.gradients(given, ones(n, N_OUTPUTS)),
    "gradients y": lambda net, given, n: net.gradients(ones(n, N_INPUTS), given),
    "backward X": lambda net, given, n: net.backward(given, ones(n, N_OUTPUTS)),
    "backward dL_da": lambda net, given, n: net.backward(ones(n, N_INPUTS), given),
    "update x": lambda net, given, n: net.update(given, ones(1, N_OUTPUTS)[0], 1e-3),
    "update y": lambda net, given, n: net.update(ones(1, N_INPUTS)[0], given, 1e-3),
    "update learning_rate": lambda net, given, n: net.update(
        ones(1, N_INPUTS)[0], ones(1, N_OUTPUTS)[0], given
    ),
    "train X": lambda net, given, n: net.train(given, ones(n, N_OUTPUTS), **options(n)).history,
    "train y": lambda net, given, n: net.train(ones(n, N_INPUTS), given, **options(n)).history,
    "train sample_weight": lambda net, given, n: (
        net.train(ones(n, N_INPUTS), ones(n, N_OUTPUTS), sample_weight=given, **options(n)).history
    ),
    "train validation_data": lambda net, given, n: (
        net.train(
            ones(3, N_INPUTS),
            ones(3, N_OUTPUTS),
            validation_data=(given, ones(n, N_OUTPUTS)),
            **options(n),
        ).history
    ),
    "train_many X": lambda net, given, n: train_twice(net, given, ones(n, N_OUTPUTS), n),
    "train_many y": lambda net, given, n: train_twice(net, ones(n, N_INPUTS), given, n),
    "weights": lambda net, given, n: Network.from_parameters(
        [given, ones(3, N_OUTPUTS)], [ones(1, 3)[0], ones(1, N_OUTPUTS)[0]]
    ).feedforward(ones(2, N_INPUTS)),
}


class Giving:
    """Anybody's class that gives an array when it is asked for one."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numbers, dtype)


class OtherArray(np.ndarray):
    pass


def numbers_of(rng, shape, dtype):
    """An array of this type, and the same numbers in float64 or None, where there are none."""
    kind = np.dtype(dtype).kind
    numbers = rng.choice(NUMBERS, shape)
    if rng.random() < 0.15 and numbers.size:
        numbers.flat[rng.integers(numbers.size)] = rng.choice(RARE)
    with np.errstate(all="ignore"):
        if kind in "iub":
            numbers = numbers * rng.choice([1, 2, 100])
            numbers = np.where(np.abs(numbers) < 100, numbers, 7).astype(np.int64).astype(dtype)
        elif kind in "fcO":
            numbers = numbers.astype(dtype)
        elif kind in "SU":
            numbers = numbers.astype(str).astype(dtype)
        elif kind in "mM":
            numbers = np.where(np.abs(numbers) < 100, numbers, 7).astype(np.int64).astype(dtype)
        else:
            numbers = np.zeros(shape, dtype)
        return numbers, numbers.astype(np.float64) if kind in "biuf" else None


def laid_out(rng, numbers):
    """The same numbers, in one of the ways in which arrays lie in memory."""
    way = rng.integers(9)
    if way == 1:
        return np.asfortranarray(numbers)
    if way == 2 and numbers.ndim:
        return np.repeat(numbers, 2, axis=0)[::2]
    if way == 3 and numbers.ndim:
        return numbers[::-1].copy()[::-1]
    if way == 4 and numbers.dtype != object:  # not aligned
        room = np.zeros(numbers.nbytes + 1, np.uint8)
        there = room[1:].view(numbers.dtype).reshape(numbers.shape)
        there[...] = numbers
        return there
    if way == 5:
        numbers = numbers.copy()
        numbers.flags.writeable = False
        return numbers
    if way == 6 and numbers.ndim == 2:
        return np.repeat(np.repeat(numbers, 3, axis=1), 2, axis=0)[::2, ::3]
    if way == 7 and numbers.dtype.kind in "iufcmM":
        return numbers.astype(numbers.dtype.newbyteorder())
    if way == 8 and numbers.ndim and len(numbers):  # each row is the first
        return np.broadcast_to(numbers[:1], numbers.shape)
    return numbers.copy()


def contained(rng, numbers):
    """In what else people hand in; and whether the types of its numbers are Python's."""
    way = rng.integers(14)
    if way == 0:
        return numbers.tolist()
    if way == 1 and numbers.ndim:
        return tuple(map(tuple, numbers)) if numbers.ndim > 1 else tuple(numbers)
    if way == 2:
        return numbers.view(OtherArray)
    if way == 3:
        return Giving(numbers)
    if way == 4 and numbers.ndim and numbers.dtype.char in "bBhHiIlLqQfd":
        return memoryview(numbers)
    if way == 5 and numbers.ndim == 1 and numbers.dtype.char in "bBhHiIlLqQfd":
        return array.array(numbers.dtype.char, numbers.tolist())
    if way == 6 and numbers.ndim == 2 and rng.random() < 0.3:
        return np.ma.masked_array(numbers, mask=rng.random(numbers.shape) < 0.2)
    if way == 7 and numbers.ndim == 2 and len(numbers) > 1 and rng.random() < 0.5:
        rows = numbers.tolist()
        return [*rows[:-1], rows[-1][:-1]]  # the last row is shorter
    return numbers


def draw(rng):
    """An array, or what stands for one, and its numbers as float64, or None."""
    dtype = rng.choice(
        [*REAL] * 3 + ["d"] * 20 + ["f"] * 20 + ["g", "F", "D", "O", "U", "S", "M8[s]", "m8[s]"]
    )
    if rng.random() < 0.01:
        dtype = [("a", float), ("b", int)]
    n = int(rng.choice([0, 1, 2, 3, 5, 33, 40]))
    width = int(rng.choice([N_INPUTS, N_OUTPUTS, 3, 1, 0, 5], p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05]))
    shapes = [(n, width)] * 8 + [(width,)] * 3 + [(n,), (), (1, n, width), (n, width, 1)]
    shape = shapes[rng.integers(len(shapes))]
    numbers, _ = numbers_of(rng, shape, dtype)
    numbers = laid_out(rng, numbers)
    with np.errstate(all="ignore"):
        plain = numbers.astype(np.float64) if numbers.dtype.kind in "biuf" else None
    return contained(rng, numbers), plain


def image(numbers):
    """What results are compared by."""
    if isinstance(numbers, dict):
        return {name: image(one) for name, one in numbers.items()}
    if isinstance(numbers, list | tuple):
        return [image(one) for one in numbers]
    if hasattr(numbers, "weights"):
        return image([numbers.weights, numbers.biases])
    return np.asarray(numbers, np.float64).tobytes()


def outcome(call, *arguments):
    """The image of what a call returns, or its error, which must say what is expected."""
    error = None
    try:
        with np.errstate(all="ignore"):
            return image(call(*arguments))
    except (TypeError, ValueError) as raised:  # TrainingDivergedError is one
        error = raised
    assert WORDS.search(str(error)), error
    return error


def bytes_of(given):
    return np.asarray(given).tobytes() if isinstance(given, np.ndarray) else None


def case(i, rng, folder):
    net = Network(
        [N_INPUTS, 3, N_OUTPUTS],
        activation="tanh",
        dtype=rng.choice(["float32", "float64"]),
        seed=0,
    )
    given, plain = draw(rng)
    n = plain.shape[0] if plain is not None and plain.ndim else 3
    before, content = all_of(net), bytes_of(given)
    taken = 0
    for role, call in ROLES.items():
        twin = net.copy()
        found = outcome(call, twin, given, n)
        is_out = role == "feedforward out"
        if isinstance(found, Exception):
            assert all_of(twin) == before, (role, "changed by what it refuses", given)
            if plain is None or is_out or type(given) is not np.ndarray or given.dtype == bool:
                continue  # True is no learning rate, and stands for nothing in weights
            # A plain copy of the numbers is refused as well.
            also = outcome(call, net.copy(), plain.copy(), n)
            assert isinstance(also, Exception), (role, "refused as it lies", given, found)
            continue
        taken += 1
        if is_out:
            assert isinstance(given, np.ndarray), (role, given)
            assert given.shape == (n, N_OUTPUTS), (role, given)
            content, plain = bytes_of(given), given.astype(np.float64)
            continue
        assert bytes_of(given) == content, (role, "has changed what it was given", given)
        if plain is None or np.ma.isMaskedArray(given):
            numbers = np.array(np.asarray(given), np.float64)
        else:
            numbers = plain
        assert np.isfinite(numbers).all() or "dL_da" in role, (role, "took", given)
        expected = outcome(call, net.copy(), numbers.copy(), n)
        assert found == expected, (role, given, found, expected)
    return "taken somewhere" if taken else "taken nowhere"
