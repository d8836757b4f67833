"""C headers: compiled, they compute what the model does; what cannot be exported is refused."""

import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from c_programs import (
    COMPILERS,
    WARNINGS,
    Programs,
    compiled,
    in_long_double,
    is_at_a_step,
    languages,
    random_network,
    watched,
    works,
)
from common import every_dtype
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_linnerud
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from fastnn import Network
from fastnn.export import to_c
from fastnn.export._c_words import KEYWORDS, OF_LIBRARY
from fastnn.export._outputs import decision
from fastnn.preprocessing import Standardizer
from fastnn.sklearn import MLPClassifier, MLPRegressor

if not COMPILERS:
    pytest.skip("neither gcc nor clang is here", allow_module_level=True)
pytestmark = pytest.mark.filterwarnings("ignore:(lbfgs failed|Stochastic Optimizer)")
TOLERANCE = {"float32": 2e-6, "float64": 1e-14}
FASTER = ["-O3", "-march=native", "-std=gnu11"]  # with vectors, and multiply-adds
IRIS = load_iris(return_X_y=True)
ACTIVATIONS = [
    "identity", "step", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu",
    "exp", "softmax",
]  # fmt: skip


def n_classes_of(found):
    """How many numbers classify gives."""
    return {None: 0, "each": found.layer_sizes[-1]}.get(decision(found), 1)


# Random networks


def networks(n, most):
    """n of them with rows, of any scale, and the scale."""
    rng = np.random.default_rng(19)
    found = []
    while len(found) < n:
        net = random_network(rng, most, ACTIVATIONS[len(found) % len(ACTIVATIONS)])
        scale = 10.0 ** rng.integers(-4, 5)
        X = (rng.normal(size=(8, net.layer_sizes[0])) * scale).astype(net.dtype)
        if not is_at_a_step(net, X):
            found.append((net, X, scale))
    return found


def check(net, X, scale, y, tolerance=TOLERANCE):
    """Against feedforward; beyond inputs of 1, rounding may do twice what it does there, too."""
    expected = net.feedforward(X)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(y[~finite], expected[~finite])
    with np.errstate(invalid="ignore"):
        bound = tolerance[net.dtype.name] * max(1, np.abs(expected[finite]).max(initial=0))
        if scale > 1:
            bound += 2 * np.abs(expected - in_long_double(net, X))[finite].max(initial=0)
        off = np.abs(y.astype(np.longdouble) - expected)
    assert (off <= bound)[finite].all(), (net, scale, float(off[finite].max()))


def check_classes(net, y, classes):
    how = decision(net._exported())
    if how == "largest":
        np.testing.assert_array_equal(classes[:, 0], y.argmax(axis=1))
    elif how is not None:
        np.testing.assert_array_equal(classes, y > 0.5)


def run_networks(folder, n, most, builds):
    programs, found = Programs(folder), networks(n, most)
    for i, (net, X, _) in enumerate(found):
        text = net.to_c(name=f"net_{i}", numbers="hex" if i % 2 else "decimal")
        programs.add(f"net_{i}", text, X, n_classes_of(net._exported()))
    for build in builds:
        results = programs.run(*build)
        for i, (net, X, scale) in enumerate(found):
            y, classes = results[f"net_{i}"]
            check(net, X, scale, y)
            check_classes(net, y, classes)
    return found


@pytest.mark.parametrize("compiler", COMPILERS)
def test_random_networks(tmp_path, compiler):
    other = languages(compiler)[-1]
    builds = [(compiler, "c99", ["-O2"]), (compiler, other, watched(compiler, other))]
    found = run_networks(tmp_path, 15, 24, builds)
    names = {name for net, _, _ in found for name in net.activations}
    assert len(names) == 12, "all activations, and exp"


@pytest.mark.long
@pytest.mark.parametrize(
    ("compiler", "language"), [(one, language) for one in COMPILERS for language in languages(one)]
)
def test_300_random_networks(tmp_path, compiler, language):
    builds = [(compiler, language, options) for options in (["-O2"], watched(compiler, language))]
    run_networks(tmp_path, 300, 64, builds)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_vectors_and_multiply_adds_change_rounding_only(tmp_path, compiler):
    programs = Programs(tmp_path)
    found = [(net, X, scale) for net, X, scale in networks(15, 24) if scale <= 1]
    for i, (net, X, _) in enumerate(found):
        programs.add(f"net_{i}", net.to_c(name=f"net_{i}"), X)
    results = programs.run(compiler, "c99", FASTER)
    for i, (net, X, scale) in enumerate(found):
        check(net, X, scale, results[f"net_{i}"][0])


# Activations


def one_unit(activation, dtype):
    """a = f(x), or of softmax of x and 0."""
    n = 2 if activation == "softmax" else 1
    W = np.eye(1, n, dtype=dtype)
    return Network.from_parameters(
        [W], [np.zeros(n, dtype)], activation=activation,
        loss="poisson" if activation == "exp" else "mse",
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_at_any_z(tmp_path, dtype):
    """To a few units in the last place of what they are, also where that is small."""
    info = np.finfo(dtype)
    z = np.concatenate([
        np.linspace(-40, 40, 801), np.linspace(-1, 1, 201), 10.0 ** np.arange(-30, 30),
        -(10.0 ** np.arange(-30, 30)), [0, -0.0, info.max, -info.max, info.tiny, -info.tiny],
        [info.smallest_subnormal, -info.smallest_subnormal, 87.5, -87.5, 709, -709],
    ]).astype(dtype)[:, None]  # fmt: skip
    programs, found = Programs(tmp_path), {}
    for name in ACTIVATIONS:
        found[name] = one_unit(name, dtype)
        programs.add(f"of_{name}", found[name].to_c(name=f"of_{name}"), z)
    results = programs.run(COMPILERS[0], "c99", watched(COMPILERS[0]))
    for name, net in found.items():
        y = results[f"of_{name}"][0]
        with np.errstate(all="ignore"):
            exact = in_long_double(net, z)
        assert not np.isnan(y).any(), name
        # What exp gets in gelu was rounded, and the larger it is, the more that does.
        inner = np.abs(z.clip(-20, 20).astype(np.longdouble))
        units = 4 + (3 * inner + 0.15 * inner**3 if name == "gelu" else 0)
        least = 10 * info.tiny * np.abs(z.astype(np.longdouble)).clip(1, 1000)
        least *= 1e10 if name == "gelu" else 1
        bound = units * info.eps * np.abs(exact) + least
        overflows = np.abs(exact) > info.max
        assert (y[overflows] == np.inf).all(), name
        off = np.abs(y[~overflows].astype(np.longdouble) - exact[~overflows])
        assert (off <= bound[~overflows]).all(), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_stays_nan_and_infinite_inputs_are_no_undefined_behaviour(tmp_path, dtype):
    programs = Programs(tmp_path)
    names = [name for name in ACTIVATIONS if name != "step"]
    z = np.array([[np.nan], [np.inf], [-np.inf]], dtype)
    for name in names:
        hidden = Network([1, 5, 3], activation=[name if name not in ("softmax", "exp") else "elu",
                         name if name != "exp" else "identity"], dtype=dtype, seed=0)  # fmt: skip
        programs.add(f"of_{name}", hidden.to_c(name=f"of_{name}"), z)
    results = programs.run(COMPILERS[0], "c99", watched(COMPILERS[0]))
    for name in names:
        assert np.isnan(results[f"of_{name}"][0][0]).all(), name


def test_nan_is_of_no_class(tmp_path):
    X, y = IRIS
    softmax = Network([4, 3], activation="softmax", loss="cross_entropy", seed=0)
    models = {
        "many": classifier().fit(X, y),
        "two": classifier().fit(X, y == 1),
        "labels": classifier().fit(X, labels(y)),
        "one": MLPClassifier((2,), max_iter=2).fit(X, np.full(len(X), 7)),
        "softmax": softmax,
        "sigmoid": Network([4, 1], loss="bce", seed=0),
    }
    rows = np.concatenate([X[:1], X[:1]])
    rows[1, 2] = np.nan
    programs = Programs(tmp_path)
    for name, model in models.items():
        programs.add(name, model.to_c(name=name), rows, 3 if name == "labels" else 1)
    for name, (_, classes) in programs.run(COMPILERS[0]).items():
        assert (classes[0] >= 0).all(), name
        assert (classes[1] == -1).all(), name
        assert "-1: look at it first" in models[name].to_c()


# Numbers

TRICKY = [
    0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, np.pi * 1e10, 123456789.0, 1e-30, 16777217.0, 2**-24, 1e22,
    9007199254740993.0,
]  # fmt: skip


@pytest.mark.parametrize("numbers", ["hex", "decimal"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_have_the_same_bits(tmp_path, dtype, numbers):
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    limits = [info.max, -info.max, info.tiny, -info.smallest_subnormal, 3 * info.smallest_subnormal]
    drawn = rng.integers(0, 256, 800 * info.dtype.itemsize, dtype=np.uint8).view(dtype)
    W = np.array([*TRICKY, *limits, *drawn[np.isfinite(drawn)]], dtype)[:, None]
    net = Network.from_parameters([W], [np.array([0.1], dtype)], activation="identity")
    (tmp_path / "m.h").write_text(net.to_c(name="m", numbers=numbers))
    source = tmp_path / "bits.c"
    real = "float" if dtype == "float32" else "double"
    source.write_text(
        '#include <stdio.h>\n#include "m.h"\n'
        f"int main(void) {{ {real} a[M_INPUTS] = {{0}}, b[1]; m_predict(a, b);\n"
        "fwrite(m_W1, sizeof m_W1, 1, stdout); fwrite(m_b1, sizeof m_b1, 1, stdout); return 0; }\n"
    )
    for compiler in COMPILERS:
        for language in languages(compiler):
            program = compiled(source, tmp_path, compiler, language)
            bits = subprocess.check_output([program])
            assert bits == W.tobytes() + np.array([0.1], dtype).tobytes()


def test_decimals_are_also_older_c_plus_plus(tmp_path):
    net = Network([3, 4, 2], activation=["gelu", "softmax"], dtype="float32", seed=0)
    (tmp_path / "m.h").write_text(net.to_c(name="m", numbers="decimal"))
    (tmp_path / "m.cpp").write_text(
        '#include "m.h"\nint main() { float x[3] = {0}, y[2]; m_predict(x, y); return 0; }\n'
    )
    if not works(COMPILERS[0], "c++17"):
        pytest.skip("there is no compiler for C++")
    command = [COMPILERS[0], "-std=c++11", *WARNINGS, "-c", "m.cpp"]
    subprocess.run(command, cwd=tmp_path, check=True)


def test_hexadecimal_floats_say_what_older_c_plus_plus_needs(tmp_path):
    if not works("gcc", "c++17"):
        pytest.skip("there is no GCC for C++")
    (tmp_path / "m.h").write_text(Network([3, 2], seed=0).to_c(name="m"))
    (tmp_path / "m.cpp").write_text('#include "m.h"\n')
    for standard, is_right in (("c++14", False), ("gnu++14", True), ("c++17", True)):
        command = ["gcc", f"-std={standard}", "-fsyntax-only", "m.cpp"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == is_right
        assert (
            is_right or "C++17: use -std=c++17 or gnu++11, or export decimal numbers" in done.stderr
        )


# Estimators and pipelines


def labels(y):
    return np.stack([y > 0, y == 1, y == 2], axis=1).astype(int)


def fitted(estimator, X, y):
    return estimator.fit(X, y)


def classifier(**settings):
    return MLPClassifier((8,), max_iter=30, solver="lbfgs", random_state=0, **settings)


def regressor(**settings):
    return MLPRegressor(
        hidden_layer_sizes=(8,), max_iter=30, solver="lbfgs", random_state=0, **settings
    )


def models():
    """By name: a fitted model and rows to predict."""
    X, y = IRIS
    digits, digit = load_digits(return_X_y=True)
    diabetes, progress = load_diabetes(return_X_y=True)
    exercise, body = load_linnerud(return_X_y=True)
    exercise = (exercise - exercise.mean(axis=0)) / exercise.std(axis=0)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    is_one = y == 1
    adam = MLPClassifier((12, 6), activation=["tanh", "silu"], max_iter=20, random_state=0)
    only = MLPClassifier((2,), max_iter=2).fit(X, np.full(len(X), 7))
    only.intercepts_[-1][:] = 5  # above 1/2
    poisson = MLPRegressor("poisson", (5,), max_iter=30, random_state=0, solver="lbfgs")
    return {
        "iris": (classifier().fit(X, y), X),
        "iris32": (classifier(activation="elu").fit(X.astype("f4"), y), X.astype("f4")),
        "digits": (adam.fit(digits, digit), digits),
        "strings": (classifier(activation="logistic").fit(X, names), X),
        "binary": (classifier(activation="tanh").fit(X, is_one), X),
        "two_strings": (classifier().fit(X, np.where(is_one, "yes", "no")), X),
        "multilabel": (classifier().fit(X, labels(y)), X),
        "one_class": (only, X),
        "diabetes": (regressor().fit(diabetes, progress), diabetes),
        "linnerud": (regressor(activation="softplus").fit(exercise, body), exercise),
        "poisson": (poisson.fit(diabetes, progress), diabetes),
    }


@pytest.mark.parametrize("compiler", COMPILERS)
def test_estimators(tmp_path, compiler):
    programs, found = Programs(tmp_path), models()
    for name, (model, X) in found.items():
        programs.add(name, model.to_c(name=name), X, n_classes_of(model._exported()))
    results = programs.run(compiler)
    for name, (model, X) in found.items():
        check_estimator(model, X, *results[name])
    assert {len(classes) for _, classes in results.values() if classes is not None}


def check_estimator(model, X, y, classes, factor=1, name=""):
    tolerance = factor * TOLERANCE[y.dtype.name]
    if classes is None:
        expected = model.predict(X).reshape(y.shape)
        np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance * np.abs(expected).max())
        return
    expected = model.predict_proba(X)
    expected = expected if y.shape[1] > 1 else expected[:, 1:]
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance, err_msg=name)
    predicted = classes if y.shape[1] == classes.shape[1] > 1 else model.classes_[classes[:, 0]]
    np.testing.assert_array_equal(predicted, model.predict(X))


SCALERS = {
    "standard": [StandardScaler()],
    "without_mean": [StandardScaler(with_mean=False)],
    "minmax": [MinMaxScaler((-2, 3))],
    "maxabs": [MaxAbsScaler()],
    "robust": [RobustScaler(quantile_range=(10, 80), unit_variance=True)],
    "several": [RobustScaler(), "passthrough", MinMaxScaler(), StandardScaler()],
}


@pytest.mark.parametrize("is_far", [False, True], ids=["near", "far"])
def test_pipelines(tmp_path, is_far):
    """Far are inputs whose mean is up to 10,000 times their spread; in float32, too.

    There scikit-learn rounds the mean itself, and so the rows are what float64 makes of them. In
    float64 it multiplies before it subtracts.
    """
    programs, found = Programs(tmp_path), {}
    for dtype in ("float32", "float64"):
        X = IRIS[0].astype(dtype)
        X = X * 2 + [100, 30_000, -5000, 0] if is_far else X * [1e-3, 1, 1e4, 1]
        for name, scalers in SCALERS.items():
            if is_far and name in ("without_mean", "maxabs"):
                continue  # the network itself gets large inputs then
            model = clone(make_pipeline(*scalers, classifier(activation="tanh", alpha=1)))
            name = f"{name}_{dtype}"
            found[name] = model.fit(X.astype(dtype), IRIS[1]), X.astype(dtype)
            programs.add(name, to_c(model, name=name), found[name][1], 1)
            assert is_far == (f"{name}_center" in to_c(model, name=name))
    results = programs.run(COMPILERS[0])
    for name, (model, X) in found.items():
        factor = 1000 if is_far and X.dtype == "float64" else 10
        check_estimator(model, X.astype("float64"), *results[name], factor=factor, name=name)


def test_float_of_what_was_trained_in_double(tmp_path):
    X, y = IRIS
    model = make_pipeline(StandardScaler(), classifier(activation="tanh", alpha=1)).fit(X, y)
    programs = Programs(tmp_path)
    programs.add("m", to_c(model, name="m", dtype="float32"), X.astype("float32"), 1)
    check_estimator(model, X, *programs.run(COMPILERS[0])["m"], factor=5)
    net = Network([2, 3, 1], dtype="float32", seed=0)
    assert "double" in net.to_c(dtype="float64")
    net = Network([2, 3, 1], seed=0)
    net.weights[1][0] = 1e39
    with pytest.raises(ValueError, match=r"weights\[1\], .* finite in float32 .* inf"):
        net.to_c(dtype="float32")


# Integers


def int8_model(dtype):
    X, y = load_digits(return_X_y=True)
    model = MLPClassifier((32,), max_iter=60, random_state=0)
    return model.fit(X[:1200].astype(dtype), y[:1200]), X[1200:].astype(dtype), y[1200:]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_int8_loses_little(tmp_path, dtype, capsys):
    model, X, y = int8_model(dtype)
    texts = {
        "exact": model.to_c(name="exact"),
        "int8": model.to_c(name="int8", quantize="int8", data=(X, y)),
    }
    printed = capsys.readouterr().out
    programs = Programs(tmp_path)
    for name, text in texts.items():
        programs.add(name, text, X, 1)
    results = programs.run(COMPILERS[0], "c99", watched(COMPILERS[0]))
    accuracy = {
        name: (model.classes_[classes[:, 0]] == y).mean() for name, (_, classes) in results.items()
    }
    assert accuracy["int8"] >= accuracy["exact"] - 0.01
    line = (
        f"int8: accuracy {accuracy['int8']:.4f} on 597 samples, and {accuracy['exact']:.4f} with "
        f"weights of {dtype}"
    )
    assert printed == line + "\n"
    assert line in texts["int8"]
    source = tmp_path / "sizes.c"
    source.write_text(
        '#include <stdio.h>\n#include "exact.h"\n#include "int8.h"\nint main(void) {'
        'printf("%zu %zu", sizeof exact_W1 + sizeof exact_W2, sizeof int8_W1 + sizeof int8_W2);'
        "return 0; }\n"
    )
    exact, int8 = map(int, subprocess.check_output(
        [compiled(source, tmp_path, COMPILERS[0], options=["-Wno-unused-function"])]
    ).split())  # fmt: skip
    assert exact == int8 * np.dtype(dtype).itemsize


def test_int8_keeps_inputs_of_other_units(tmp_path, capsys):
    """After a scaler, weights would else be as different as the units are."""
    X, y = IRIS
    X = X * [1e-4, 1, 1e4, 1]
    model = make_pipeline(StandardScaler(), classifier()).fit(X, y)
    programs = Programs(tmp_path)
    programs.add("m", to_c(model, name="m", quantize="int8", data=(X, y)), X, 1)
    classes = programs.run(COMPILERS[0])["m"][1]
    assert (classes[:, 0] == y).mean() >= model.score(X, y) - 0.01
    assert re.fullmatch(r"int8: accuracy [01]\.\d{4} on 150 samples, .*\n", capsys.readouterr().out)


def standardized(X, y, **settings):
    """A network with the standardizer of its inputs in its parameters."""
    scaler = Standardizer().fit(X)
    net = Network(
        [X.shape[1], 8, 1], activation=["relu", "sigmoid"], loss="bce", seed=0, **settings
    )
    net.train(scaler.transform(X), y, epochs=50, learning_rate=0.1)
    return net.with_standardizer(scaler)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_int8_of_a_standardizer_keeps_inputs_of_other_units(tmp_path, dtype, capsys):
    """Which are in the first layer, where nothing would be left of the second input's weights."""
    X = np.random.default_rng(0).normal([0, 0], [1, 1e4], (500, 2)).astype(dtype)
    y = (X[:, 0] + X[:, 1] / 1e4 > 0).astype(int)
    net = standardized(X, y, dtype=dtype)
    text = net.to_c(name="m", quantize="int8", data=(X, y))
    programs = Programs(tmp_path)
    programs.add("m", text, X, 1)
    classes = programs.run(COMPILERS[0])["m"][1][:, 0]
    right, exact = (classes == y).mean(), ((net.feedforward(X)[:, 0] > 0.5) == y).mean()
    assert right >= exact - 0.005 > 0.95
    printed = f"int8: accuracy {right:.4f} on 500 samples, and {exact:.4f} with weights of {dtype}"
    assert capsys.readouterr().out == printed + "\n"
    assert "as they are before scaling" in text


def test_int8_of_standardized_targets(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal([5, 2e5], [1, 1e4], (300, 2))
    y = np.stack([1e5 * X[:, 0], 50 + X[:, 1] / 1e4], axis=1)
    of_X, of_y = Standardizer().fit(X), Standardizer().fit(y)
    net = Network([2, 16, 2], activation=["tanh", "identity"], seed=0)
    net.train(of_X.transform(X), of_y.transform(y), epochs=100, learning_rate=0.05)
    programs = Programs(tmp_path)
    net = net.with_standardizer(of_X, targets=of_y)
    for name, quantize in (("exact", None), ("int8", "int8")):
        programs.add(name, net.to_c(name=name, quantize=quantize), X)
    results = programs.run(COMPILERS[0])
    assert np.abs(results["exact"][0] / net.feedforward(X) - 1).max() < 1e-13
    assert (np.abs(results["int8"][0] - net.feedforward(X)).mean(axis=0) < y.std(axis=0) / 40).all()


def test_the_score_of_the_model_itself_is_beside_that_of_another_dtype(capsys):
    X = IRIS[0]
    model = make_pipeline(StandardScaler(), classifier()).fit(X, IRIS[1])
    score = model.score(X, IRIS[1])
    own = f"and {score:.4f} with the model's own of float64\n"
    to_c(model, dtype="float32", data=IRIS)
    assert capsys.readouterr().out == f"float32: accuracy {score:.4f} on 150 samples, {own}"
    text = to_c(model, dtype="float32", data=IRIS, quantize="int8")
    printed = capsys.readouterr().out
    pattern = rf"int8: accuracy 0\.\d+ on 150 samples, {score:.4f} with weights of float32, {own}"
    assert re.fullmatch(pattern, printed)
    assert f"Lost by {printed.strip()}." in " ".join(text.split())


SECONDS = np.random.default_rng(0).normal([1.7e9, 0], [170, 1], (200, 2))


def in_float32(case):
    """What float32 keeps too little of: the model, data if only they say it, and the column."""
    X, y = SECONDS, (SECONDS.sum(axis=1) > 1.7e9).astype(int)
    scaler = Standardizer.from_parameters(
        X.mean(axis=0), X.std(axis=0), feature_names=["time", "b"]
    )
    return {
        "pipeline": (make_pipeline(StandardScaler(), classifier()).fit(X, y), None, 0),
        "range": (make_pipeline(MinMaxScaler(), classifier()).fit(X, y), None, 0),
        "network": (Network([2, 1], seed=0).with_standardizer(scaler), None, "'time'"),
        "data": (Network([2, 1], loss="bce", seed=0), (X, y), 0),
        "estimator": (classifier().fit(X - X.mean(axis=0), y), (X, y), 0),
    }[case]


@pytest.mark.parametrize("case", ["pipeline", "range", "network", "data", "estimator"])
def test_float32_that_keeps_too_few_digits_is_refused(case):
    model, data, column = in_float32(case)
    message = (
        rf"column {column} of the inputs has mean 1\.7e\+09 and scale \d+, of which float32 keeps "
        r'too few digits; use dtype="float64", or subtract .* in C in double'
    )
    with pytest.raises(ValueError, match=message):
        to_c(model, dtype="float32", data=data)
    assert "double model_" in to_c(model, data=data)


def test_columns_that_do_not_vary_are_no_reason_to_refuse_float32():
    data = np.full((5, 2), 1.7e9), np.zeros(5)
    assert "float model_" in Network([2, 1], loss="bce", seed=0).to_c(dtype="float32", data=data)


def test_the_class_of_a_single_probability_is_named():
    net = Network([2, 1], activation="sigmoid", loss="bce", seed=0)
    assert "y[0]  the probability of class 1\n" in to_c(net)
    assert "    x[0] to x[1]\n" in to_c(net)


@every_dtype
def test_doubles_alone_are_told_of_floats(dtype):
    text = Network([2, 1], dtype=dtype, seed=0).to_c()
    assert ('dtype="float32" for FPUs of single precision' in text) == (dtype == "float64")


def test_data_that_are_scaled_already(recwarn):
    X = IRIS[0] * [1, 1, 100, 1]
    model = make_pipeline(StandardScaler(), classifier()).fit(X, IRIS[1])
    recwarn.clear()  # of what has not converged
    to_c(model, data=(X, IRIS[1]))
    assert not recwarn
    advice = r"data\[0\] looks as if it were scaled already.*; give X as it is, and the same in C"
    with pytest.warns(UserWarning, match=advice) as found:
        to_c(model, data=(model[0].transform(X), IRIS[1]))
    assert found[0].filename == __file__
    X = IRIS[0] - IRIS[0].mean(axis=0)  # which are far away by their spread alone
    model = make_pipeline(StandardScaler(), classifier()).fit(X * [1, 1, 100, 1], IRIS[1])
    with pytest.warns(UserWarning, match="looks as if it were scaled already"):
        to_c(model, data=(X / X.std(axis=0), IRIS[1]))
    model = make_pipeline(StandardScaler(), classifier()).fit(IRIS[0], IRIS[1])
    close = make_pipeline(StandardScaler(), classifier()).fit(model[0].transform(X), IRIS[1])
    recwarn.clear()  # of what has not converged
    to_c(close, data=(model[0].transform(X), IRIS[1]))
    assert not recwarn


def test_what_is_printed_fits_the_model(capsys):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    cases = {
        r"mse \d\.\d{4} on 50 samples": (Network([3, 4, 2], seed=0), rng.normal(size=(50, 2))),
        r"accuracy \d\.\d{4} on": (
            Network([3, 4, 2], activation=["relu", "softmax"], loss="cross_entropy", seed=0),
            rng.integers(2, size=50),
        ),
        r"accuracy 0\.\d{4} ": (Network([3, 2], loss="bce", seed=0), rng.integers(2, size=(50, 2))),
        r"accuracy \d\.\d{4}": (Network([3, 1], loss="bce", seed=0), rng.integers(2, size=50)),
        r"R2 -?\d": (regressor().fit(X, X[:, 0]), X[:, 0]),
        r"accuracy 1.0000": (classifier().fit(X, labels(X[:, 0] > 0)), labels(X[:, 0] > 0)),
    }
    for expected, (model, y) in cases.items():
        model.to_c(quantize="int8", data=(X, y))
        assert re.match("int8: " + expected, capsys.readouterr().out)
    Network([3, 2], seed=0).to_c(quantize="int8")
    Network([3, 2], seed=0).to_c(data=(X, rng.normal(size=(50, 2))))
    assert capsys.readouterr().out == ""


def test_the_largest_weight_of_each_unit_is_127():
    net = Network([5, 40, 3], seed=0)
    text = net.to_c(quantize="int8")
    for i, W in enumerate(net.weights, 1):
        array = re.search(rf"signed char model_W{i}\[\d+\] = \{{(.*?)\}}", text, re.DOTALL)
        q = np.array(list(map(int, array[1].split(",")))).reshape(W.shape)
        assert (np.abs(q).max(axis=0) == 127).all()
        np.testing.assert_allclose(q / 127 * np.abs(W).max(axis=0), W, atol=np.abs(W).max() / 253)


def test_units_without_weights_are_quantized(tmp_path):
    W = np.array([[0, 1e-42, 1], [0, 0, -2]], "float32")
    net = Network.from_parameters([W], [np.float32([1, 2, 3])], activation="identity")
    programs = Programs(tmp_path)
    programs.add("m", net.to_c(name="m", quantize="int8"), np.float32([[1, 1]]))
    y = programs.run(COMPILERS[0], "c99", watched(COMPILERS[0]))["m"][0]
    np.testing.assert_allclose(y, [[1, 2, 2]], atol=0.02)


# Words of the user's

HOSTILE = [
    "*/", "/*", '"', "\\", "??/", "??/??/", "a\nb", "\r\t\x01\x7f", "größe", "名前", "🙂", "%s%n",
    "//", "*/ int main(void) { return 1; } /*", '"); system("true', "\u202e*/", "x\\", "'",
    "a\x1b7", "é7", "#define", "$arrays", "model_x", "MODEL_", "", " ",
]  # fmt: skip


def test_names_of_classes_and_features_are_no_code(tmp_path):
    pd = pytest.importorskip("pandas")
    n = len(HOSTILE)
    table = pd.DataFrame(np.eye(n), columns=HOSTILE)
    model = classifier().fit(table, np.array(HOSTILE, object))
    text = model.to_c(name="m")
    assert text.isascii()
    comment = text.partition("*/")[0]
    assert comment.count("\n") == text[: text.index("#ifndef")].count("\n") - 1
    (tmp_path / "m.h").write_text(text)
    source = tmp_path / "names.c"
    source.write_text(
        '#include <stdio.h>\n#include "m.h"\nint main(void) { float dummy = 0; (void)dummy;\n'
        "for (int k = 0; k < M_CLASSES; k++) { fputs(m_classes[k], stdout); putchar(0); }"
        "return 0; }\n"
    )
    expected = [one.encode("utf-8", "backslashreplace") for one in model.classes_]
    for compiler in COMPILERS:
        for language in languages(compiler):
            program = compiled(source, tmp_path, compiler, language, ["-trigraphs"])
            assert subprocess.check_output([program]).split(b"\0")[:-1] == expected


@pytest.mark.parametrize(
    ("classes", "kind"),
    [
        ([0, 1, 2], "int"),
        ([-32767, 5, 7], "int"),
        ([0, 32768, 70_000], "long"),
        ([-(2**31), 0, 1], "long long"),
        ([-(2**62), 0, 2**62], "long long"),
        (np.array([0, 1, 2**64 - 1], "uint64"), "unsigned long long"),
        ([False, True], "int"),
        ([-1 / 3, 0.1, 1e300], "double"),
    ],
)
def test_numbers_of_classes(tmp_path, classes, kind):
    y = np.asarray(classes)[IRIS[1] % len(classes)]
    model = classifier()
    model.fit(IRIS[0], IRIS[1] % len(classes))
    model.classes_ = model._label_binarizer.classes_ = np.unique(y)
    text = model.to_c(name="m")
    assert f"static const {kind} m_classes[M_CLASSES]" in text
    (tmp_path / "m.h").write_text(text)
    checks = " || ".join(
        f"m_classes[{k}] != ({kind}){'-' if one < 0 else ''}{literal(abs(one))}"
        for k, one in enumerate(np.unique(y).tolist())
    )
    source = tmp_path / "numbers.c"
    source.write_text(f'#include "m.h"\nint main(void) {{ return {checks}; }}\n')
    for language in languages(COMPILERS[0]):
        options = ["-Wno-float-equal"]
        program = compiled(source, tmp_path, COMPILERS[0], language, options)
        assert subprocess.run([program], check=False).returncode == 0


def literal(number):
    return repr(number) if isinstance(number, float) else f"{int(number)}ULL"


def test_a_class_with_a_nul_is_refused():
    model = classifier().fit(IRIS[0], np.array(["a", "b\0c", "d"], object)[IRIS[1]])
    with pytest.raises(ValueError, match=r"class names must have no NUL.*b\\x00c.*another name"):
        model.to_c()


# The header as such


def test_its_test_finds_what_is_wrong(tmp_path):
    X, y = IRIS
    texts = {
        "network": Network([4, 6, 2], seed=0).to_c(name="m"),
        "float": Network([4, 6, 2], activation="gelu", dtype="float32", seed=0).to_c(name="m"),
        "classes": classifier(activation="tanh", alpha=1).fit(X, y).to_c(name="m", data=(X, y)),
        "labels": classifier().fit(X, labels(y)).to_c(name="m"),
        "one": Network([4, 1], loss="bce", seed=0).to_c(name="m"),
        "pipeline": to_c(make_pipeline(StandardScaler(), classifier()).fit(X, y), name="m"),
        "int8": classifier().fit(X, y).to_c(name="m", quantize="int8"),
        "step": Network([4, 3, 1], activation=["step", "identity"], seed=0).to_c(name="m"),
    }
    for compiler in COMPILERS:
        for name, text in texts.items():
            assert run_own_test(tmp_path, compiler, text) == (0, "m: 10 rows, right"), name
    for name, text in texts.items():
        wrong = re.sub(r"(m_b1\[\d+\] = \{\s*)", r"\g<1>0.5 + ", text)
        returned, printed = run_own_test(tmp_path, COMPILERS[0], wrong, WARNINGS[:0])
        assert returned == 1, name
        assert re.fullmatch(r"m: \d+ of 10 rows are WRONG", printed)
    other = texts["classes"].replace("y[k] > y[best]", "y[k] < y[best]")
    assert run_own_test(tmp_path, COMPILERS[0], other) == (1, "m: 10 of 10 rows are WRONG")
    other = texts["labels"].replace("y[k] > 0x1p-1", "y[k] < 0x1p-1")
    assert run_own_test(tmp_path, COMPILERS[0], other) == (1, "m: 10 of 10 rows are WRONG")
    for name, text in texts.items():
        wrong = re.sub(r"(m_test_y\[.*\] = \{\s*)", r"\g<1>9 + ", text)
        assert run_own_test(tmp_path, COMPILERS[0], wrong, WARNINGS[:0]) == (
            1, "m: 1 of 10 rows are WRONG",
        ), name  # fmt: skip


@every_dtype
def test_rows_at_a_step_are_not_in_its_test(tmp_path, dtype):
    """Where floats and doubles are on two sides of it: that is no rounding to be tolerated."""
    W = np.array([[1], [1], [-1]], dtype) * (-1 if dtype == "float32" else 1)
    net = Network.from_parameters(
        [W, np.array([[0.05]], dtype)], [np.zeros(1, dtype)] * 2, activation=["step", "identity"]
    )
    X = np.array([[0.1, 0.2, 0.3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    text = net.to_c(name="m", data=(X, np.zeros(4)))
    assert run_own_test(tmp_path, COMPILERS[0], text) == (0, "m: 3 rows, right")
    wrong = re.sub(r"(m_b2\[1\] = \{\s*)", r"\g<1>0.01 + ", text)
    assert run_own_test(tmp_path, COMPILERS[0], wrong, WARNINGS[:0])[0] == 1


def test_of_a_single_class_the_output_says_nothing(tmp_path, capsys):
    X, y = IRIS[0], np.full(len(IRIS[0]), "on")
    for output in (-5, 5):  # below 1/2, and above
        model = MLPClassifier((2,), max_iter=2, random_state=0).fit(X, y)
        model.intercepts_[-1][:] = output
        text = model.to_c(name="m", quantize="int8", data=(X, y))
        assert "accuracy 1.0000 on 150 samples, and 1.0000" in capsys.readouterr().out
        assert run_own_test(tmp_path, COMPILERS[0], text) == (0, "m: 10 rows, right")


@pytest.mark.parametrize("name", [
    "int__", "_int", "class-", "double ", "main_", "_____exp", "a" * 39 + "_b!", "1", "", "a__b",
    "string", "stdint", "int",
])  # fmt: skip
def test_names_that_messages_suggest_can_be_had(name):
    with pytest.raises(ValueError, match="use") as info:
        one_unit("tanh", "float64").to_c(name=name)
    suggested = re.findall(r'"([^"]*)"', str(info.value))[-1]
    assert f"{suggested}_predict" in one_unit("tanh", "float64").to_c(name=suggested)


@pytest.mark.parametrize("given", [{}, {"dtype": "float32"}, {"quantize": "int8"}], ids=str)
@pytest.mark.parametrize("with_data", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inputs_that_are_scaled_by_zero(tmp_path, dtype, with_data, given):
    X, y = IRIS
    X = X.astype(dtype)
    model = make_pipeline(MinMaxScaler(), classifier()).fit(X, y)
    model[0].scale_[1], model[0].min_[1] = 0, 0.5
    text = to_c(model, name="m", data=(X, y) if with_data else None, **given)
    assert run_own_test(tmp_path, COMPILERS[0], text) == (0, "m: 10 rows, right")


def test_rows_that_overflow_in_floats_are_not_in_its_test(tmp_path):
    g = 1e25
    net = Network.from_parameters(
        [np.array([[g, -g]], "f4"), np.array([[g, 1], [1, g]], "f4")], [np.zeros(2, "f4")] * 2,
        activation=["identity", "softmax"], loss="cross_entropy",
    )  # fmt: skip
    text = net.to_c(name="m")  # feedforward gives NaN for such inputs, too
    assert "M_TEST" not in text or run_own_test(tmp_path, COMPILERS[0], text)[0] == 0


def test_an_empty_pipeline_is_refused():
    with pytest.raises(TypeError, match=r"an estimator of fastnn\.sklearn, and it is empty"):
        to_c(Pipeline([]))


def run_own_test(folder, compiler, text, warnings=WARNINGS):
    """As its top says."""
    (folder / "m.h").write_text(text)
    line = re.search(r"Test +cc (.*) && (.*)", text)
    command = [compiler, *warnings, *line[1].split()]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run([line[2]], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


def test_all_that_is_in_it_is_constant_or_code(tmp_path):
    """And names nothing from elsewhere, but for memcpy where a compiler has none itself."""
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("nm is not here")
    X, y = IRIS
    texts = [
        classifier(activation=one).fit(X, y).to_c(name="m")
        for one in ("tanh", "softplus", "gelu", "elu")
    ]
    for text in texts:
        (tmp_path / "m.h").write_text(text)
        (tmp_path / "m.c").write_text(
            '#include "m.h"\nint f(const double *x, double *y) { m_predict(x, y);'
            "return m_classify(x) + m_classes[0]; }\n"
        )
        subprocess.run([COMPILERS[0], "-O2", "-c", "m.c"], cwd=tmp_path, check=True)
        symbols = subprocess.check_output([nm, "m.o"], cwd=tmp_path, text=True)
        kinds = set(re.findall(r" ([A-Za-z]) (?!f\b)", symbols))
        assert kinds <= {"r", "R", "t"}, symbols


def test_several_in_one_file_and_names_like_its_own(tmp_path):
    programs = Programs(tmp_path)
    net = Network([2, 3, 2], activation=["gelu", "softmax"], loss="cross_entropy", seed=0)
    X = np.array([[0.1, -0.4]])
    names = ["a", "b", "x", "y", "z", "e", "n", "k", "W", "r", "f", "real", "model", "model_test",
             "model_x_model", "MODEL2", "my_model", "power", "wrong", "rows", "x" * 40]  # fmt: skip
    for name in names:
        programs.add(name, net.to_c(name=name), X, 1)
    for name, (y, _) in programs.run(COMPILERS[0]).items():
        np.testing.assert_allclose(y, net.feedforward(X), atol=1e-14, err_msg=name)
    for name in ("real", "model_x", "r"):
        text = net.to_c(name=name)
        (tmp_path / f"{name}.h").write_text(text)
        command = [COMPILERS[0], *WARNINGS, f"-D{name.upper()}_TEST", "-x", "c", f"{name}.h"]
        subprocess.run([*command, "-o", "test"], cwd=tmp_path, check=True)
        printed = subprocess.check_output(["./test"], cwd=tmp_path, text=True)
        assert printed == f"{name}: 10 rows, right\n"


def test_large_networks(tmp_path):
    net = Network([300, 256, 100, 10], activation="relu", dtype="float32", seed=0)
    assert net.n_parameters > 100_000
    X = np.random.default_rng(0).normal(size=(3, 300)).astype("float32")
    programs = Programs(tmp_path)
    programs.add("m", net.to_c(name="m"), X)
    check(net, X, 1, programs.run(COMPILERS[0])["m"][0])


def test_softmax_of_one_output(tmp_path):
    net = Network.from_parameters([[[2.0]]], [[0.5]], activation="softmax", loss="cross_entropy")
    programs = Programs(tmp_path)
    programs.add("m", net.to_c(name="m"), np.array([[3.0], [-1e300]]), 1)
    y, classes = programs.run(COMPILERS[0])["m"]
    assert y.tolist() == [[1], [1]]
    assert classes.tolist() == [[0], [0]]


def test_of_equal_outputs_the_first_is_the_class(tmp_path):
    net = Network([2, 4], activation="softmax", loss="cross_entropy", initializer="small", seed=0)
    for array in net.weights + net.biases:
        array[:] = 0
    programs = Programs(tmp_path)
    programs.add("m", net.to_c(name="m"), np.array([[1.0, 2.0]]), 1)
    assert programs.run(COMPILERS[0])["m"][1].tolist() == [[0]]


def test_two_models_of_one_name_do_not_compile(tmp_path):
    nets = {name: Network([2, 3, 1], seed=seed) for name, seed in (("a", 0), ("b", 1), ("c", 0))}
    for name, net in nets.items():
        net.to_c(tmp_path / f"{name}.h", name="m")
    main = "int main(void) { double x[2] = {0}, y[1]; m_predict(x, y); return m_self_test(); }\n"
    for names, is_right in (("a", True), ("aca", True), ("ab", False), ("ba", False)):
        text = "".join(f'#include "{name}.h"\n' for name in names) + main
        (tmp_path / "main.c").write_text(text)
        for compiler in COMPILERS:
            command = [compiler, *WARNINGS, "main.c", "-o", "main"]
            done = subprocess.run(
                command, cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert (done.returncode == 0) == is_right, done.stderr
            message = "two different models are named m: export one with another name"
            assert is_right == (message not in done.stderr)
            if is_right:
                subprocess.run(["./main"], cwd=tmp_path, check=True)


# Files and refusals


@pytest.mark.parametrize(
    ("file", "name", "shown"),
    [
        ("flowers.h", "flowers", "flowers.h"),
        ("my-net.v2.h", "my_net_v2", "my-net.v2.h"),
        ("3d.h", "model_3d", "3d.h"),
        ("int.h", "int_model", "int.h"),
        ("--.h", "model", "model.h"),
        ("größe.h", "gr_e", "gr_e.h"),
        ("a b.h", "a_b", "'a b.h'"),
        ("__a__b__", "a_b", "__a__b__"),
        ("x" * 50 + ".h", "x" * 40, "x" * 50 + ".h"),
    ],
)
def test_the_name_is_that_of_the_file(tmp_path, file, name, shown):
    path = tmp_path / file
    text = NET.to_c(path)
    assert f"void {name}_predict" in text
    assert text.startswith(f"/* {shown}: a neural")
    assert f"cc -D{name.upper()}_TEST -x c {shown} -o {name}_test" in text
    if shown != "model.h" and file.isascii():
        line = re.search(r"Test +cc (.*)", text)
        done = subprocess.run(
            f"{COMPILERS[0]} {line[1]}", shell=True, cwd=tmp_path, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
    assert "void m_predict" in NET.to_c(path, name="m")


def test_the_text_is_returned_and_written(tmp_path):
    net = Network([2, 3, 1], seed=0)
    path = tmp_path / "model.h"
    path.write_text("older")
    text = net.to_c(path)
    assert path.read_text() == text == net.to_c() == to_c(net)
    assert "void model_predict" in text
    assert os.listdir(tmp_path) == ["model.h"]


@pytest.mark.parametrize("part", ["missing/model.h", "."])
def test_a_path_that_cannot_be_written_leaves_nothing(tmp_path, part):
    with pytest.raises(OSError, match="path must be"):
        Network([2, 3, 1], seed=0).to_c(tmp_path / part)
    assert os.listdir(tmp_path) == []


def test_what_is_refused_leaves_the_file(tmp_path):
    path = tmp_path / "model.h"
    path.write_text("older")
    net = Network([2, 3, 1], seed=0)
    net.biases[1][0] = np.nan
    with pytest.raises(ValueError, match=r"biases\[1\], of layer 2 of 2"):
        net.to_c(path)
    with pytest.raises(TypeError, match=r"'pca'.*PCA"):
        to_c(make_pipeline(PCA(2), classifier()).fit(*IRIS), path)
    assert path.read_text() == "older"


NET = Network([2, 3, 1], seed=0)
REFUSED = [
    (
        {"name": "my-model"},
        ValueError,
        r'name must be an identifier.*got str .my-model.; .*"my_mod',
    ),
    ({"name": "3d"}, ValueError, 'use for example "model_3d"'),
    ({"name": ""}, ValueError, 'use for example "model"'),
    ({"name": "größe"}, ValueError, 'use for example "gr_e"'),
    ({"name": "__x"}, ValueError, 'use for example "x"'),
    ({"name": "_X"}, ValueError, 'use for example "X"'),
    ({"name": "a__b"}, ValueError, 'use for example "a_b"'),
    ({"name": "a_"}, ValueError, 'use for example "a"'),
    ({"name": "model\n"}, ValueError, 'use for example "model"'),
    ({"name": "a b; int c"}, ValueError, "name must be an identifier"),
    ({"name": "int"}, ValueError, 'must not be "int", which is a keyword.*use "int_model"'),
    ({"name": "template"}, ValueError, "a keyword of C or C"),
    ({"name": "main"}, ValueError, 'taken by the C library; use "main_model"'),
    ({"name": "expf"}, ValueError, "taken by the C library"),
    ({"name": "a" * 41}, ValueError, "at most 40 characters, got 41"),
    ({"name": 5}, TypeError, "name must be a string, got int 5"),
    ({"numbers": "octal"}, ValueError, "numbers must be one of 'hex', 'decimal'"),
    ({"quantize": "int4"}, ValueError, "quantize must be one of 'int8'"),
    ({"quantize": True}, TypeError, "quantize must be one of 'int8'"),
    ({"dtype": "float16"}, ValueError, 'dtype must be "float32" or "float64"'),
    ({"path": 5}, TypeError, "path must be a path"),
    ({"data": [[1, 2]]}, TypeError, r"data must be a tuple \(X, y\)"),
    ({"data": ([[1, 2, 3]], [1])}, ValueError, r"data\[0\] must have 2 columns"),
    ({"data": ([[1, 2]], [1, 2])}, ValueError, r"data\[1\] must"),
]


@pytest.mark.parametrize(("given", "error", "message"), REFUSED)
def test_arguments_that_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        NET.to_c(**given)


def test_data_of_other_classes_are_refused():
    model = classifier().fit(*IRIS)
    with pytest.raises(
        ValueError, match=r"data\[1\] must hold classes that .* got 'a'; .* 0, 1, 2"
    ):
        model.to_c(data=(IRIS[0][:1], ["a"]))
    with pytest.raises(ValueError, match=r"data\[1\] must be 1 classes, one of each row, got \(2,"):
        model.to_c(data=(IRIS[0][:1], [0, 1]))


def test_columns_of_a_pipeline_are_those_of_its_model():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(IRIS[0], columns=list("abcd"))
    model = make_pipeline(StandardScaler(), classifier()).fit(table, IRIS[1])
    order = (
        r"order of model\.feature_names_in_, .*use data\[0\]\[list\(model\.feature_names_in_\)\]"
    )
    cases = {
        order: table[list("dcba")],
        "lacks 'a' .*; rename or add columns$": table.rename(columns={"a": "e"}),
    }
    for message, given in cases.items():
        with pytest.raises(ValueError, match=message):
            to_c(model, data=(given, IRIS[1]))
    net = Network([4, 3], loss="bce", seed=0)
    net.train(table, labels(IRIS[1]), epochs=1, learning_rate=0.1)
    with pytest.raises(ValueError, match=r"in the order of net\.feature_names"):
        net.to_c(data=(table[list("dcba")], labels(IRIS[1])))


def test_all_words_of_c_are_refused():
    for name in sorted(KEYWORDS | OF_LIBRARY):
        with pytest.raises(ValueError, match="name must"):
            NET.to_c(name=name)
