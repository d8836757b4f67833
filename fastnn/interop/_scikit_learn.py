"""scikit-learn: its fitted multilayer perceptrons, and those of fastnn.sklearn."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

from fastnn import _checks
from fastnn.export._exported import Exported
from fastnn.interop._layers import loss_for, not_a

if TYPE_CHECKING:
    from fastnn._exchange import Exchanging

    N = TypeVar("N", bound=Exchanging)

EXPECTED = "a fitted MLPClassifier or MLPRegressor"


def from_sklearn(model: Any, *, seed: int | None = None, network: type[N]) -> N:
    """The network of a fitted multilayer perceptron of scikit-learn, or of `fastnn.sklearn`.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
        Fitted.
    seed : int or None, default None
        As for `Network`.
    network : type
        The class of the network: `fastnn.Network`.

    Returns
    -------
    Network
        With copies of ``coefs_`` and ``intercepts_``, of their dtype, and with the names in
        ``feature_names_in_``. Its outputs are what ``predict`` gives of regressors, and
        ``predict_proba`` of classifiers: of two classes one output, the probability of
        ``classes_[1]``; of more one for each of ``classes_``, and of labels one for each.
        The loss is that of the model by its name here: "squared_error" is mse, which is twice as
        large, and "log_loss" is cross_entropy, or bce where outputs are sigmoid. Poisson regressors
        have "exp" outputs and the loss "poisson": such networks predict, train and are saved,
        though ``Network(...)`` itself does not take these names.

    Raises
    ------
    TypeError
        If it is another object, such as a Pipeline, with what to give in its place.
    ValueError
        If it is not fitted (NotFittedError of scikit-learn).

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = datasets.load_people()
    >>> model = MLPClassifier([3], solver="lbfgs", random_state=0).fit(X, y)
    >>> net = Network.from_sklearn(model)
    >>> net
    <Network([2, 3, 1], activation=['relu', 'sigmoid'], loss='bce', dtype='float64'), 13 parameters>
    >>> bool((net.feedforward(X)[:, 0].round(6) == model.predict_proba(X)[:, 1].round(6)).all())
    True
    """
    theirs = sys.modules.get("sklearn.neural_network")
    if hasattr(model, "_exported") and not isinstance(model, type):
        found: Exported = model._exported()
        if found.kind == "network":
            raise not_a(EXPECTED, "model", model, "; a network has copy()")
    elif theirs is not None and isinstance(model, (theirs.MLPClassifier, theirs.MLPRegressor)):
        found = _of_theirs(model)
    else:
        raise not_a(EXPECTED, "model", model, _in_its_place(model))
    net = network.from_parameters(
        found.weights, found.biases, activation=found.activations,
        loss=_public_loss(found.loss, found.activations[-1]), seed=seed,
    )  # fmt: skip
    net._model.feature_names = _checks.feature_names(
        found.feature_names, "feature_names_in_", net._model.layer_sizes[0]
    )
    return net


def _of_theirs(model: Any) -> Exported:
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(model)
    activations = [model.activation] * (len(model.coefs_) - 1) + [model.out_activation_]
    names = getattr(model, "feature_names_in_", None)
    return Exported(
        model.coefs_, model.intercepts_,
        tuple("sigmoid" if name == "logistic" else name for name in activations),
        model.loss, feature_names=None if names is None else tuple(names),
    )  # fmt: skip


def _public_loss(loss: str, output_activation: str) -> str:
    """By its name for networks; that of Poisson regressors has no other one."""
    if loss in ("log_loss", "binary_log_loss"):
        return loss_for(output_activation, None)
    return "mse" if loss == "squared_error" else loss


def _in_its_place(model: Any) -> str:
    """What to give instead, for objects that hold an estimator."""
    if isinstance(model, type):
        return ""
    if hasattr(model, "steps"):
        return "; give its last step, model[-1], and to the network what model[:-1] makes of X"
    for name in ("best_estimator_", "best_estimator", "regressor_", "estimators_", "estimator"):
        if hasattr(model, name):
            return f"; give its {name}{'[0], or another one' if name == 'estimators_' else ''}"
    return ""
