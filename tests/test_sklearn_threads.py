"""n_threads of fastnn.sklearn: the same model, whatever it is."""

import numpy as np
import pytest
from common import every_dtype
from scipy.sparse import csr_array
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from fastnn import threads, use_threads
from fastnn._core import kernels
from fastnn.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 30))
Y = RNG.integers(3, size=400)


def members(monkeypatch, name):
    """Of each call of a kernel."""
    seen, kernel = [], getattr(kernels, name)

    def noting(*arguments):
        help = next(one for one in arguments if getattr(one, "dtype", None) == kernels.HELP)
        seen.append(int(help["n_members"][0]))
        return kernel(*arguments)

    monkeypatch.setattr(kernels, name, noting)
    return seen


@every_dtype
@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("stops", [False, True])
def test_any_number_gives_the_same_model(solver, stops, form, dtype, monkeypatch):
    rows = form(X.astype(dtype))
    trained = members(monkeypatch, "gradients" if solver == "lbfgs" else "train")
    found = []
    for n_threads in 1, 2, 3:
        trained.clear()
        model = MLPClassifier(
            (20, 10), solver=solver, early_stopping=stops and solver != "lbfgs", max_iter=8, tol=0,
            n_threads=n_threads, random_state=0,
        ).fit(rows, Y)  # fmt: skip
        assert set(trained) == {n_threads}
        arrays = *model.coefs_, *model.intercepts_, model.predict_proba(rows)
        scores = getattr(model, "validation_scores_", None)
        found.append(([one.tobytes() for one in arrays], model.loss_, scores))
    assert found[0] == found[1] == found[2]


def test_what_somebody_says(monkeypatch):
    """The parameter, or else what fastnn.threads says."""
    trained, predicted = members(monkeypatch, "train"), members(monkeypatch, "feedforward")
    for n_threads, expected in (None, 2), (3, 3):
        model = MLPRegressor(n_threads=n_threads, max_iter=2, tol=0)
        with use_threads(2):
            model.fit(X, Y)
            model.predict(X)
        assert set(trained) == set(predicted) == {expected}
        trained.clear(), predicted.clear()
    monkeypatch.setattr(threads, "usable_cores", lambda: 1)
    MLPRegressor(max_iter=2).fit(X, Y)
    assert set(trained) == {1}
    for value in 0, -1, 1.5, "2":
        with pytest.raises(InvalidParameterError, match="The 'n_threads' parameter"):
            MLPRegressor(n_threads=value).fit(X, Y)


def test_lbfgs_does_not_hang_on_the_threads_of_a_blas():
    """SciPy's sums over parameters: with several threads they are added in another order."""
    found = set()
    for n_threads in 1, 2:
        with threadpool_limits(n_threads, user_api="blas"):
            model = MLPClassifier((400,), solver="lbfgs", max_iter=10, random_state=0).fit(X, Y)
        found.add(model.coefs_[0].tobytes())
    assert len(found) == 1
