"""What is used of scikit-learn beside its public names, and whether it is there.

Classes of fastnn stand in for some private methods. Were one of them called by another name in
scikit-learn, it would no longer be ours that runs, and nobody would notice but by the clock. So
what is called, and from where, is looked up in the code of scikit-learn's functions.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NoReturn

import sklearn
from sklearn import neural_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

VERSIONS = "scikit-learn>=1.6,<1.10"


def refuse(faults: list[str]) -> NoReturn:
    raise ImportError(
        f"fastnn.sklearn does not know scikit-learn {sklearn.__version__}: {faults[0]}"
        f"{f', and {len(faults) - 1} more' if len(faults) > 1 else ''}. "
        f'It works with {VERSIONS}: pip install "{VERSIONS}"'
    )


try:
    from sklearn.base import _fit_context
    from sklearn.neural_network._base import LOSS_FUNCTIONS
    from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
    from sklearn.utils import _safe_indexing as safe_indexing
    from sklearn.utils._param_validation import Interval, StrOptions
    from sklearn.utils.metaestimators import available_if as _available_if
    from sklearn.utils.validation import _check_sample_weight as check_sample_weight
    from sklearn.utils.validation import validate_data
except ImportError as error:
    refuse([str(error)])

__all__ = [
    "LOSS_FUNCTIONS", "AdamOptimizer", "BaseMultilayerPerceptron", "Interval", "SGDOptimizer",
    "StrOptions", "available_if", "check_sample_weight", "fit_context", "replaces_any",
    "safe_indexing", "validate_data",
]  # fmt: skip

if TYPE_CHECKING:  # scikit-learn's have no types; a method keeps its own
    F = TypeVar("F", bound=Callable[..., Any])

    def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[F], F]: ...

    def available_if(check: Callable[[Any], Any]) -> Callable[[F], F]: ...

else:
    fit_context, available_if = _fit_context, _available_if

# What each method of scikit-learn's must call or set.
CALLS = {
    "partial_fit": ("_fit",),
    "_fit": ("_validate_input", "_initialize", "_fit_stochastic", "_fit_lbfgs", "_random_state"),
    "_initialize": ("_init_coef", "coefs_", "intercepts_", "out_activation_", "best_loss_"),
    "_init_coef": ("activation", "_random_state"),
    "_fit_stochastic": ("_backprop", "_update_no_improvement_count", "_optimizer"),
    "_backprop": ("_forward_pass", "_compute_loss_grad"),
    "_fit_lbfgs": ("_loss_grad_lbfgs", "_unpack"),
    "predict": ("_predict",),
    "predict_proba": ("_forward_pass_fast",),
    "_predict": ("_forward_pass_fast",),
    "_score": ("_score_with_function",),
    "_score_with_function": ("_predict",),
    "_check_solver": ("solver",),
}
# The first parameters after self of those that are called here, or of which arguments are taken.
PARAMETERS = {
    "_fit": ("X", "y"),
    "_validate_input": ("X", "y", "incremental", "reset"),
    "_initialize": ("y", "layer_units", "dtype"),
    "_init_coef": ("fan_in", "fan_out", "dtype"),
    "_fit_lbfgs": ("X", "y"),
    "_loss_grad_lbfgs": ("packed_coef_inter", "X", "y"),
    "_forward_pass_fast": ("X", "check_input"),
}


def find_faults() -> list[str]:
    """In what scikit-learn's classes are not as they are in VERSIONS."""
    faults = []
    for estimator in (neural_network.MLPClassifier, neural_network.MLPRegressor):
        for method, names in CALLS.items():
            if method == "predict_proba" and estimator is neural_network.MLPRegressor:
                continue
            code = getattr(_function(estimator, method), "__code__", None)
            missing = [name for name in names if code is None or name not in code.co_names]
            faults += [f"{estimator.__name__}.{method} uses no {name}" for name in missing]
        for method, names in PARAMETERS.items():
            function = _function(estimator, method)
            found = [] if function is None else [*inspect.signature(function).parameters]
            if tuple(found[1 : len(names) + 1]) != names:
                faults.append(f"{estimator.__name__}.{method} does not take {', '.join(names)}")
    return faults


def replaces_any(estimator: Any, names: Iterable[str], owner: type) -> bool:
    """Whether one of these methods is not the owner's, but a subclass's or the object's own."""
    return any(
        getattr(getattr(estimator, name), "__func__", None) is not getattr(owner, name)
        for name in names
    )


def _function(estimator: type, method: str) -> Any:
    """What is written in scikit-learn's source, without decorators; None if there is no such."""
    found = inspect.getattr_static(estimator, method, None)
    found = getattr(found, "fn", found)  # available_if
    return None if found is None else inspect.unwrap(found)


if faults := find_faults():
    refuse(faults)
