"""What makes scikit-learn's estimators fastnn's, and back; and that fastnn's really compute."""

import pickle
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier as NameOfThisModule

import fastnn.sklearn
from fastnn._core import kernels
from fastnn.sklearn import MLPClassifier, MLPRegressor, patch, unpatch
from fastnn.sklearn._scikit_learn import VERSIONS

pytestmark = [
    pytest.mark.unwatched,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
THEIRS = neural_network.MLPClassifier, neural_network.MLPRegressor
CLASSES = ["MLPClassifier", "MLPRegressor"]


@pytest.fixture(autouse=True)
def without_a_patch():
    yield
    unpatch()
    assert (neural_network.MLPClassifier, neural_network.MLPRegressor) == THEIRS


def name_of_this_module():
    return NameOfThisModule


def test_patch_reaches_what_is_imported_before_and_after():
    with patch():
        assert neural_network.MLPClassifier is MLPClassifier
        assert neural_network.MLPRegressor is MLPRegressor
        assert name_of_this_module() is MLPClassifier
        module = ModuleType("of_a_library")
        exec("from sklearn.neural_network import MLPRegressor as Regressor", vars(module))
        assert module.Regressor is MLPRegressor
    assert neural_network.MLPClassifier is THEIRS[0]
    assert name_of_this_module() is THEIRS[0]


def test_patches_end_in_any_order():
    outer = patch()
    with patch():
        assert neural_network.MLPClassifier is MLPClassifier
    assert neural_network.MLPClassifier is MLPClassifier
    inner = patch()
    outer.end()
    assert neural_network.MLPClassifier is THEIRS[0]
    inner.end()
    patch()
    patch()
    unpatch()
    assert name_of_this_module() is THEIRS[0]
    unpatch()


def test_a_name_that_somebody_else_has_set_stays():
    class Own(THEIRS[0]):
        pass

    with patch():
        neural_network.MLPClassifier = int
    assert neural_network.MLPClassifier is int
    neural_network.MLPClassifier = THEIRS[0]


def test_a_class_that_somebody_derives_meanwhile_stays():
    with patch():

        class Derived(neural_network.MLPClassifier):
            pass

        neural_network.MLPClassifier = Derived
    assert neural_network.MLPClassifier is Derived
    neural_network.MLPClassifier = THEIRS[0]


def test_modules_hold_things_of_every_kind(monkeypatch):
    class Meta(type):
        def __eq__(self, other):
            return self is other  # and so it has no hash

    class Proxy:
        @property
        def __class__(self):
            raise RuntimeError("nothing is behind this proxy")

    monkeypatch.setattr(sys.modules[__name__], "odd", Meta("Odd", (), {}), raising=False)
    monkeypatch.setattr(sys.modules[__name__], "proxy", Proxy(), raising=False)
    with patch():
        assert name_of_this_module() is MLPClassifier
    assert name_of_this_module() is THEIRS[0]


def test_pickles_of_both_kinds():
    X, y = load_iris(return_X_y=True)
    theirs = THEIRS[0](max_iter=2, random_state=0).fit(X, y)
    with patch():
        ours = neural_network.MLPClassifier(max_iter=2, random_state=0).fit(X, y)
        stored = pickle.dumps(theirs), pickle.dumps(ours)
        assert [type(pickle.loads(one)) for one in stored] == [THEIRS[0], MLPClassifier]
    assert [type(pickle.loads(one)) for one in stored] == [THEIRS[0], MLPClassifier]


def run(tmp_path, *arguments):
    command = [sys.executable, "-m", "fastnn.sklearn", *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)


def test_a_script(tmp_path):
    (tmp_path / "beside.py").write_text("from sklearn.neural_network import MLPRegressor\n")
    (tmp_path / "script.py").write_text(
        textwrap.dedent("""\
            import sys
            import beside
            from sklearn.neural_network import MLPClassifier
            print(__name__, sys.argv, MLPClassifier.__module__, beside.MLPRegressor.__module__)
            """)
    )
    expected = "__main__ {} fastnn.sklearn fastnn.sklearn\n"
    found = run(tmp_path, "script.py", "-m", "1")
    assert found.stdout == expected.format(["script.py", "-m", "1"]), found.stderr
    found = run(tmp_path, "-m", "script", "2")
    assert found.stdout.startswith("__main__ ['/") or found.stdout.startswith("__main__ ['")
    assert found.stdout.endswith("fastnn.sklearn fastnn.sklearn\n"), found.stderr


@pytest.mark.parametrize("arguments", [[], ["-m"], ["--what"], ["missing.py"]])
def test_wrong_arguments(tmp_path, arguments):
    found = run(tmp_path, *arguments)
    assert found.returncode == 1
    assert "usage: python -m fastnn.sklearn" in found.stderr
    assert "Traceback" not in found.stderr
    assert run(tmp_path, "--help").stdout.startswith("usage")


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(
    "settings",
    [
        {}, {"solver": "sgd"}, {"solver": "sgd", "momentum": 0}, {"solver": "lbfgs"},
        {"early_stopping": True}, {"activation": "sigmoid"}, {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (4, 3), "activation": ["tanh", "tanh"]},
    ],
    ids=str,
)  # fmt: skip
def test_to_sklearn(name, settings):
    """It predicts the same, and goes on alike."""
    X, y = load_iris(return_X_y=True)
    ours = getattr(fastnn.sklearn, name)(max_iter=20, random_state=0, **settings).fit(X, y)
    theirs = pickle.loads(pickle.dumps(ours.to_sklearn()))
    assert type(theirs).__module__.startswith("sklearn.")
    for _ in range(3):
        np.testing.assert_allclose(outputs(theirs, X), outputs(ours, X), rtol=1e-9)
        np.testing.assert_allclose(theirs.score(X, y), ours.score(X, y), rtol=1e-9)
        if settings.get("solver") == "lbfgs" or "early_stopping" in settings:
            break
        for one in (theirs, ours):
            one.partial_fit(X[:100], y[:100])
    for one in (theirs, ours):
        one.set_params(warm_start=True, max_iter=5).fit(X, y)
    np.testing.assert_allclose(outputs(theirs, X), outputs(ours, X), rtol=1e-6, atol=1e-9)


def outputs(estimator, X):
    return getattr(estimator, "predict_proba", estimator.predict)(X)


def test_to_sklearn_of_what_scikit_learn_does_not_have():
    X, y = load_iris(return_X_y=True)
    ours = MLPClassifier(max_iter=5, class_weight="balanced", callbacks=[], loss="mse").fit(X, y)
    np.testing.assert_allclose(ours.to_sklearn().predict_proba(X), ours.predict_proba(X), rtol=1e-9)
    assert not hasattr(MLPRegressor(loss="mae").to_sklearn(), "coefs_")
    for activation, sizes in (("gelu", (5,)), (["tanh", "relu"], (5, 5))):
        ours = MLPClassifier(sizes, activation, max_iter=2).fit(X, y)
        with pytest.raises(ValueError, match="activation must be one of identity, logistic"):
            ours.to_sklearn()


def counted(kernel, ran, name):
    def run(*arguments, **options):
        ran[name] += 1
        return kernel(*arguments, **options)

    return run


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_kernels_do_the_work(name, solver, monkeypatch):
    """As many of them as there are evaluations, and predictions of theirs."""
    X, y = load_iris(return_X_y=True)
    ran = {"train": 0, "gradients": 0, "feedforward": 0}
    for kernel in ran:
        monkeypatch.setattr(kernels, kernel, counted(getattr(kernels, kernel), ran, kernel))
    estimator = getattr(fastnn.sklearn, name)(solver=solver, max_iter=7).fit(X, y)
    kernel = "gradients" if solver == "lbfgs" else "train"
    assert ran[kernel] >= (7 if solver == "lbfgs" else 1)
    estimator.predict(X)
    assert ran["feedforward"] >= 1
    if solver != "lbfgs":
        before = ran["train"]
        estimator.partial_fit(X, y)
        assert ran["train"] > before


RENAMINGS = {
    "a method that is called": "base._fit = renamed(base._fit); del base._fit_stochastic",
    "a method that calls": "base._fit_lbfgs = lambda self, X, y: self._objective(X, y)",
    "a way to outputs": "base._score_with_function = lambda self, X, y: self._new_predict(X)",
    "a parameter": "base._initialize = lambda self, units, y, dtype: None",
    "a module": "sys.modules['sklearn.neural_network._stochastic_optimizers'] = None",
}


@pytest.mark.parametrize("renaming", RENAMINGS)
def test_another_scikit_learn_is_refused(renaming):
    """Instead of becoming scikit-learn's class silently."""
    code = f"""
import sys, types
from sklearn import neural_network
base = neural_network._multilayer_perceptron.BaseMultilayerPerceptron
def renamed(function):
    code = function.__code__
    names = tuple(name.replace("_fit_stochastic", "_fit_by_steps") for name in code.co_names)
    return types.FunctionType(code.replace(co_names=names), function.__globals__)
{RENAMINGS[renaming]}
import fastnn.sklearn
"""
    found = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    last = found.stderr.splitlines()[-1]
    assert last.startswith("ImportError: fastnn.sklearn does not know scikit-learn"), found.stderr
    assert 'pip install "scikit-learn>=1.6,<1.10"' in last


def test_the_versions_are_those_of_the_extra():
    project = Path(__file__).parents[1] / "pyproject.toml"
    extras = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    assert extras["sklearn"] == [VERSIONS]
