"""Hashes of what training makes of parameters, a line for each of many settings.

    python -P tests/parameter_hashes.py > before.txt

A change that is to change no bit leaves every line as it is, on one machine and at one level of
kernels. Only public names are in use, so versions can be compared with each other.
"""

import hashlib
import itertools
import warnings

import numpy as np

from fastnn import Network, callbacks, optimizers, schedules

N = 150
ACTIVATIONS = [
    "identity",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "softplus",
    "silu",
    "gelu",
]


def samples(n_in, n_out, dtype, density=1.0, loss="mse"):
    rng = np.random.default_rng(n_in * 1000 + n_out)
    X = rng.standard_normal((N, n_in))
    X *= rng.random((N, n_in)) < density
    if loss == "cross_entropy":
        return X.astype(dtype), rng.integers(n_out, size=N)
    return X.astype(dtype), rng.random((N, n_out)).astype(dtype)


def of_arrays(arrays):
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def trained(sizes, dtype, *, activation="sigmoid", loss="mse", density=1.0, **settings):
    X, y = samples(sizes[0], sizes[-1], dtype, density, loss)
    net = Network(sizes, activation=activation, loss=loss, dtype=dtype, seed=1)
    history = net.train(X, y, **({"epochs": 3, "learning_rate": 0.05} | settings))
    weights, biases = net.gradients(X, y)
    return of_arrays(
        [*net.weights, *net.biases, history.history["loss"], net.feedforward(X), *weights, *biases]
    )


def of_networks():
    for dtype in ("float32", "float64"):
        for form, sizes in itertools.product(
            ("direct", "fused", "zero_skip", "blocked"), ([13, 9, 3], [70, 33, 5])
        ):
            yield f"{form} {sizes} {dtype}", trained(sizes, dtype, form=form, density=0.3)
        yield f"narrow {dtype}", trained([2, 2, 1], dtype)
        yield f"quads {dtype}", trained([90, 128, 4], dtype, density=0.2)
        yield f"quads, batches {dtype}", trained([90, 128, 4], dtype, density=0.2, batch_size=7)
        for batch_size in (5, 64, N):
            yield (
                f"batches of {batch_size} {dtype}",
                trained([20, 11, 2], dtype, batch_size=batch_size),
            )
        for name, batch_size in itertools.product(
            ("momentum", "nesterov", "adam", "adamw", "rmsprop", "adagrad"), (1, 16)
        ):
            found = trained([12, 10, 2], dtype, optimizer=name, batch_size=batch_size)
            yield f"{name} {batch_size} {dtype}", found
        for form in ("direct", "zero_skip", "blocked"):
            decays = optimizers.SGD(l2=0.01)
            yield f"l2 {form} {dtype}", trained([40, 12, 2], dtype, optimizer=decays, form=form)
        clipped = optimizers.Momentum(l2=0.01, clip_norm=0.1)
        yield f"clip_norm {dtype}", trained([12, 8, 2], dtype, optimizer=clipped, batch_size=40)
        yield (
            f"schedule {dtype}",
            trained([12, 8, 2], dtype, learning_rate=schedules.OneCycle(0.1, epochs=3)),
        )
        yield (
            f"weights {dtype}",
            trained([12, 8, 2], dtype, sample_weight=np.linspace(0, 2, N), batch_size=8),
        )
        yield (
            f"cross_entropy {dtype}",
            trained([64, 30, 10], dtype, activation=["sigmoid", "softmax"], loss="cross_entropy"),
        )
        yield f"bce {dtype}", trained([9, 5, 3], dtype, activation=["tanh", "sigmoid"], loss="bce")
        for activation in ACTIVATIONS:
            found = trained([6, 9, 3], dtype, activation=[activation, "identity"], loss="huber")
            yield f"{activation} {dtype}", found
    stops = {"tol": 0.001, "patience": 2, "epochs": 50}
    yield "tol", trained([12, 8, 2], "float64", **stops)
    best = callbacks.EarlyStopping(monitor="loss", patience=2)
    yield "early stopping", trained([12, 8, 2], "float64", callbacks=best, epochs=40)


def of_estimators():
    from fastnn.sklearn import MLPClassifier, MLPRegressor

    for dtype in ("float32", "float64"):
        X, y = samples(15, 3, dtype)
        for solver, stops in [*itertools.product(("sgd", "adam"), (False, True)), ("lbfgs", False)]:
            for kind, target in ((MLPRegressor, y), (MLPClassifier, y.argmax(1))):
                estimator = kind(
                    hidden_layer_sizes=(20,),
                    solver=solver,
                    max_iter=20,
                    random_state=0,
                    early_stopping=stops,
                ).fit(X, target)
                arrays = [*estimator.coefs_, *estimator.intercepts_]
                yield f"{kind.__name__} {solver} {stops} {dtype}", of_arrays(arrays)


def of_streams():
    from fastnn.river import MLPClassifier, MLPRegressor

    X, y = samples(6, 1, float)
    rows = [dict(zip("abcdef", row, strict=True)) for row in X.tolist()]
    for name in ("sgd", "adam", "nesterov"):
        regressor = MLPRegressor(optimizer=name, seed=3)
        classifier = MLPClassifier(optimizer=name, seed=3)
        for i, (row, target) in enumerate(zip(rows, y[:, 0].tolist(), strict=True)):
            known = dict(itertools.islice(row.items(), 2 + i % 5))
            regressor.learn_one(known, target)
            classifier.learn_one(known, "low" if target < 0.5 else "high", w=1 + i % 2)
        found = [regressor.predict_one(row) for row in rows]
        found += [classifier.predict_proba_one(row)["low"] for row in rows]
        yield f"streams {name}", of_arrays([found])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for what, found in itertools.chain(of_networks(), of_estimators(), of_streams()):
        print(found, what, flush=True)
