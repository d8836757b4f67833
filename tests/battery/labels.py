"""Labels and CSR arrays that lie, overflow or contradict themselves, given to all that takes them.

Each is refused in words, or stands for numbers: then the result is that of their dense copy.
"""

import warnings

import numpy as np
from arrays import outcome
from model_files import all_of
from scipy import sparse

from fastnn import Network, TrainingDivergedError, train_many
from fastnn.optimizers import SGD
from fastnn.sklearn import MLPClassifier

CASES = 10_000
WATCHED = True
N, N_INPUTS, N_CLASSES = 6, 5, 3
OPTIONS = {"epochs": 2, "learning_rate": 1e-2, "shuffle": False}
WILD = [-1, -(2**31), 2**31 - 1, 2**31, 2**32 + 1, 2**40, 2**62, -(2**63), 2**63 - 1, 7, N_INPUTS]

CALLS = {
    "feedforward": lambda net, X, y: net.feedforward(X),
    "evaluate": lambda net, X, y: net.evaluate(X, y),
    "gradients": lambda net, X, y: net.gradients(X, y),
    "backward": lambda net, X, y: net.backward(X, np.ones((N, N_CLASSES)), input_gradients=False),
    "train": lambda net, X, y: net.train(X, y, **OPTIONS).history["loss"],
    "batches": lambda net, X, y: net.train(X, y, batch_size=4, optimizer="adam", **OPTIONS).history[
        "loss"
    ],
    "l2": lambda net, X, y: net.train(X, y, optimizer=SGD(l2=0.1), **OPTIONS).history["loss"],
    "validation": lambda net, X, y: net.train(
        np.ones((3, N_INPUTS)), [0, 1, 2], validation_data=(X, y), metrics="accuracy", **OPTIONS
    ).history["val_loss"],
    "many": lambda net, X, y: [
        one.history["loss"] for one in train_many([net, net.copy()], X, y, **OPTIONS)
    ],
}


def network(rng):
    return Network(
        [N_INPUTS, 4, N_CLASSES],
        activation=["tanh", "softmax"],
        loss="cross_entropy",
        dtype=rng.choice(["float32", "float64"]),
        seed=0,
    )


def attacked_labels(rng):
    """Labels of a type and a shape, of which some may be no class."""
    labels = rng.integers(N_CLASSES, size=N)
    kinds = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "f2", "?", "O", "U", "c16"]
    labels = labels.astype(rng.choice(kinds))
    n_wild = rng.choice([0, 0, 1, 3])
    for _ in range(n_wild):
        wild = rng.choice([*WILD, 0.5, np.nan, np.inf, -0.0, 1e300])
        try:
            with np.errstate(all="ignore"):
                labels[rng.integers(N)] = (
                    labels.dtype.type(wild) if labels.dtype != object else wild
                )
        except (OverflowError, ValueError, TypeError):
            continue
    way = rng.integers(10)
    if way == 0:
        return labels[:-1]
    if way == 1:
        return labels[:, np.newaxis]
    if way == 2:
        return labels.tolist()
    if way == 3:
        return np.repeat(labels, 2)[::2]
    if way == 4:
        return labels[::-1]
    if way == 5:
        return labels.astype(labels.dtype.newbyteorder())
    if way == 6:
        return (
            sparse.csr_array(np.eye(N_CLASSES)[labels.astype(int) % 3]) if n_wild == 0 else labels
        )
    return labels


def attacked_rows(rng):
    """A CSR array, one of whose parts may be wrong in itself or beside the others."""
    dense = rng.choice([0.0, 0.0, 1.0, -2.0, 0.5], (N, N_INPUTS))
    X = sparse.csr_array(dense.astype(rng.choice(["f4", "f8"])))
    for part in ("indptr", "indices"):
        integer = rng.choice(
            ["i4", "i8", "u4", "u8", "i2", "f8"], p=[0.4, 0.4, 0.05, 0.05, 0.05, 0.05]
        )
        setattr(X, part, getattr(X, part).astype(integer))
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        part = rng.choice(["indptr", "indices", "data"])
        array = getattr(X, part)
        way = rng.integers(9)
        place = rng.integers(len(array)) if len(array) else 0
        if way <= 3 and len(array):
            near = array[place] + rng.choice([-1, 1])
            wild = near if rng.random() < 0.5 else rng.choice(WILD)
            with np.errstate(all="ignore"):
                array[place] = np.array(wild).astype(array.dtype)
        elif way == 4:
            setattr(X, part, array[:-1])
        elif way == 5:
            setattr(X, part, np.append(array, array[:1]))
        elif way == 6:
            setattr(X, part, np.repeat(array, 2)[::2])
        elif way == 7 and part == "data" and len(array):
            array[place] = rng.choice([np.nan, np.inf, -0.0, 1e300, 0.0])
        elif way == 8:
            setattr(
                X,
                part,
                array[::-1] if part == "indices" else array.astype(array.dtype.newbyteorder()),
            )
    if rng.random() < 0.05:
        X._shape = (N, int(rng.choice([0, 1, N_INPUTS - 1, N_INPUTS + 1, 2**31, 2**62])))
    if rng.random() < 0.05:
        X._shape = (int(rng.choice([0, 1, N - 1, N + 1, 2**40])), N_INPUTS)
    return X


def meaning(X):
    """The dense rows that a CSR array stands for, or None where its parts contradict each other."""
    starts, columns = np.asarray(X.indptr), np.asarray(X.indices)
    whole = all(np.array_equal(part, np.floor(part)) for part in (starts, columns))
    if X.shape[1] != N_INPUTS or len(starts) != X.shape[0] + 1 or not whole:
        return None
    starts, columns = [int(one) for one in starts], [int(one) for one in columns]
    if starts[0] != 0 or sorted(starts) != starts or starts[-1] > min(len(columns), len(X.data)):
        return None
    dense = np.zeros(X.shape)
    for i in range(len(dense)):
        for k in range(starts[i], starts[i + 1]):
            if not 0 <= columns[k] < N_INPUTS:
                return None
            dense[i, columns[k]] += X.data[k]
    return dense if np.isfinite(dense).all() and np.isfinite(X.data[: starts[-1]]).all() else None


def check_rows(rng):
    X, y = attacked_rows(rng), rng.integers(N_CLASSES, size=N)
    dense = meaning(X)
    net = network(rng)
    before = all_of(net)
    for name, call in CALLS.items():
        twin = net.copy()
        found = outcome(call, twin, X, y)
        if isinstance(found, TrainingDivergedError):
            continue
        if isinstance(found, Exception):
            assert all_of(twin) == before, (name, found)
            continue
        # What would not fit into float32 is refused there.
        assert dense is not None, (name, "took", X.indptr, X.indices, X.data, X.shape)
        other = outcome(call, net.copy(), dense, y)
        assert not isinstance(other, Exception), (name, other)
        a, b = numbers(found), numbers(other)
        rtol = 1e-4 if net.dtype == np.float32 else 1e-10
        assert np.allclose(a, b, rtol=rtol, atol=rtol / 100, equal_nan=True), (name, a, b)
    return "rows that are right" if dense is not None else "rows that are wrong"


def numbers(image_of):
    """The float64 numbers behind an image, in a row."""
    if isinstance(image_of, list):
        return np.concatenate([numbers(one) for one in image_of])
    return np.frombuffer(image_of)


def check_labels(rng):
    y = attacked_labels(rng)
    X = rng.uniform(-1, 1, (N, N_INPUTS))
    net = network(rng)
    before = all_of(net)
    as_classes = None
    if not sparse.issparse(y):
        listed = np.asarray(y).reshape(-1).tolist()
        if len(listed) == N and all(
            isinstance(one, int | float) and one in range(N_CLASSES) for one in listed
        ):
            as_classes = np.array([int(one) for one in listed])
    for name, call in CALLS.items():
        twin = net.copy()
        found = outcome(call, twin, X, y)
        if isinstance(found, Exception):
            assert all_of(twin) == before, (name, found)
        elif name not in ("feedforward", "backward"):
            if as_classes is None:  # one row of shares for each sample
                shares = np.asarray(y.toarray() if sparse.issparse(y) else y, float)
                assert shares.shape == (N, N_CLASSES), (name, "took", y)
                as_classes = shares
            assert found == outcome(call, net.copy(), X, as_classes), (name, y)
    return "labels that are taken" if as_classes is not None else "labels that are refused"


def check_estimator(rng):
    """scikit-learn's words or ours; what is fitted knows the labels that it was given."""
    y = attacked_labels(rng)
    # No such rows as above: SciPy throws at them, of which AddressSanitizer knows nothing there.
    X = rng.uniform(-1, 1, (N, N_INPUTS))
    model = MLPClassifier(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y)
        except (TypeError, ValueError):
            return "estimators that refuse"
        if not sparse.issparse(y):
            found = model.predict(np.ones((2, model.n_features_in_)))
            assert set(found.tolist()) <= set(np.ravel(y).tolist())
    return "estimators that fit"


def case(i, rng, folder):
    return rng.choice([check_rows, check_rows, check_labels, check_estimator])(rng)
