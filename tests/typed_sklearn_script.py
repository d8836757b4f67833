"""A script as users write it with fastnn.sklearn, for type checkers and to be run.

What scikit-learn's classes have no types for has some here: nothing of it is Any.
"""

from typing import Any, assert_type

import numpy as np
import pandas
from numpy.typing import NDArray

from fastnn import Network, callbacks, datasets
from fastnn.sklearn import (
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
    fit_many,
    patch,
)

Floats = NDArray[np.floating[Any]]


class Mine(MLPClassifier):
    """A classifier of the user's own."""


def early(net: Network, epoch: int, logs: callbacks.Logs) -> bool:
    return logs["loss"] < 0.1


X, y = datasets.load_digits()
classifier = Mine((30, 20), ["relu", "tanh"], random_state=0, callbacks=[early])
assert_type(classifier.fit(X, y), Mine)
assert_type(classifier.fit(pandas.DataFrame(X), pandas.Series(y), np.ones(len(y))), Mine)
assert_type(classifier.fit(X, y).partial_fit(X, y, classes=range(10)), Mine)
assert_type(classifier.set_params(alpha=0.1), Mine)
assert_type(classifier.predict(X), NDArray[Any])
assert_type(classifier.predict_proba(X), Floats)
assert_type(classifier.predict_log_proba(X), Floats)
assert_type(classifier.classes_, NDArray[Any])
assert_type(classifier.get_params(), dict[str, Any])

regressor = MLPRegressor(
    hidden_layer_sizes=8,
    solver="sgd",
    learning_rate="adaptive",
    learning_rate_init=0.01,
    random_state=np.random.RandomState(0),
    early_stopping=True,
    validation_loss=True,
    max_iter=300,
    callbacks=callbacks.EarlyStopping(monitor="validation_score"),
)
assert_type(regressor.fit(X / 16, y), MLPRegressor)
assert_type(regressor.predict(X / 16), NDArray[Any])
assert_type((regressor.n_iter_, regressor.n_layers_), tuple[int, int])
assert_type(regressor.coefs_ + regressor.intercepts_, list[Floats])
assert_type((regressor.loss_, regressor.out_activation_), tuple[float, str])
assert_type(regressor.loss_curve_ + regressor.validation_loss_curve_, list[float])
assert_type(MLPRegressor().partial_fit(X, y), MLPRegressor)
assert_type(regressor.to_network(seed=0), Network)
assert_type(Network.from_sklearn(regressor), Network)

several = [Mine(tol=0.1, random_state=seed) for seed in range(2)]
assert_type(fit_many(several, X, y, n_threads=2), list[Mine])
assert_type(fit_many(several, X, y, folds=3), list[list[tuple[Mine, float]]])
ensemble = MLPEnsembleClassifier(tol=0.1, n_estimators=2, bootstrap=True, random_state=0)
assert_type(ensemble.fit(X, y), MLPEnsembleClassifier)
assert_type(ensemble.predict(X), NDArray[Any])
assert_type((ensemble.predict_proba(X), ensemble.predict_log_proba(X)), tuple[Floats, Floats])
assert_type(ensemble.estimators_, list[MLPClassifier])
assert_type(ensemble.score(X, y), float)
mean = MLPEnsembleRegressor(tol=1, n_estimators=2, random_state=0).fit(X / 16, y)
assert_type(mean.predict(X), Floats)
assert_type(mean.predict(X, return_std=True), tuple[Floats, Floats])
assert_type(mean.estimators_[0].loss_curve_, list[float])
with patch():
    print(assert_type(classifier.score(X, y), float) > 0.9)
print(assert_type(regressor.score(X / 16, y), float) > 0.5)
