"""What can be exported: networks, estimators, and pipelines of scalers before an estimator."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks
from fastnn.export._exported import Exported, Scaling

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")


def exported(model: Any) -> Exported:
    """A network, an estimator or a pipeline, whose scaling is in the first layer.

    TypeError or ValueError for what cannot be exported, or has parameters that are not finite.
    """
    found, scaling = scaled(model)
    return found if scaling is None else folded(found, scaling)


def scaled(model: Any) -> tuple[Exported, Scaling | None]:
    """The same, with the scaling beside the network, if there is any."""
    if callable(getattr(type(model), "_exported", None)):
        found, scaling = model._exported(), None
    elif _is_pipeline(model):
        found, scaling = _of_pipeline(model)
    else:
        raise TypeError(
            "model must be a fastnn.Network, an estimator of fastnn.sklearn, or a Pipeline that "
            f"ends in one, got {_checks.description(model)}{_hint(model)}"
        )
    check_finite(found)
    return found, scaling


def check_finite(found: Exported) -> None:
    """ValueError for a parameter that is not, by its layer."""
    for i, (W, b) in enumerate(zip(found.weights, found.biases, strict=True)):
        for array, name in ((W, "weights"), (b, "biases")):
            if not np.isfinite(array).all():
                first = array[~np.isfinite(array)][0]
                raise ValueError(
                    f"{name}[{i}], of layer {i + 1} of {len(found.weights)}, must be finite in "
                    f"{found.dtype} to be exported, and one of them is {first}; train anew with a "
                    "smaller learning_rate, or set it"
                )


def folded(found: Exported, scaling: Scaling) -> Exported:
    """(factor x + shift) W + b is x (factor W) + (b + shift W), and rounded once."""
    W, b = found.weights[0].astype(np.longdouble), found.biases[0].astype(np.longdouble)
    with np.errstate(over="ignore"):
        W, b = (
            (scaling.factor[:, np.newaxis] * W).astype(found.dtype),
            (b + scaling.shift @ W).astype(found.dtype),
        )
    for j in range(len(W)):
        if not np.isfinite(W[j]).all():
            raise ValueError(
                f"input {j} is scaled by {float(scaling.factor[j]):.3g}, with which the first "
                f"layer's weights exceed {found.dtype}; give that input in a larger unit"
            )
    if not np.isfinite(b).all():
        raise ValueError(
            f"inputs are shifted by up to {float(np.abs(scaling.shift).max()):.3g} when they are "
            f"scaled, with which the first layer's biases exceed {found.dtype}; give inputs that "
            "lie nearer to 0"
        )
    return replace(found, weights=[W, *found.weights[1:]], biases=[b, *found.biases[1:]])


def unfolded(found: Exported) -> Exported:
    """The network before its own scaling became part of the first layer, to rounding."""
    assert found.scaling is not None
    factor, shift = found.scaling
    return replace(folded(found, Scaling(1 / factor, -shift / factor)), scaling=None)


def _is_pipeline(model: Any) -> bool:
    """Nobody has one who has not imported its module."""
    module = sys.modules.get("sklearn.pipeline")
    return module is not None and isinstance(model, module.Pipeline)


def _hint(model: Any) -> str:
    """What to export instead, as the end of a message."""
    if isinstance(model, type):
        return "; give a fitted object of it"
    if hasattr(model, "best_estimator_"):
        return "; give its best_estimator_"
    if hasattr(model, "estimators_"):
        return "; give its members, one by one"
    if type(model).__name__ in ("MLPClassifier", "MLPRegressor"):
        return "; give Network.from_sklearn(model), or fit the class of that name in fastnn.sklearn"
    return ""


def _of_pipeline(pipeline: Any) -> tuple[Exported, Scaling | None]:
    *steps, (name, last) = _steps(pipeline, "")
    if not callable(getattr(type(last), "_exported", None)):
        raise TypeError(
            "the pipeline must end in an estimator of fastnn.sklearn to be exported, and its step "
            f"{name!r} is {_checks.description(last)}{_hint(last)}"
        )
    scalers = [(name, step) for name, step in steps if step is not None and step != "passthrough"]
    for name, step in scalers:
        _check_scaler(name, step)
    found = last._exported()
    if not scalers:
        return found, None
    n_inputs = found.layer_sizes[0]
    factor, shift = np.ones(n_inputs, np.longdouble), np.zeros(n_inputs, np.longdouble)
    for name, step in scalers:
        if step.n_features_in_ != n_inputs:
            raise ValueError(
                f"step {name!r} of the pipeline has {step.n_features_in_} features, and the "
                f"network {n_inputs} inputs; fit the pipeline as a whole"
            )
        f, s = _scaling_of(step)
        factor, shift = f * factor, f * shift + s
    names = getattr(scalers[0][1], "feature_names_in_", None)
    names = None if names is None else tuple(map(str, names))
    return replace(found, feature_names=names), Scaling(factor, shift)


def _steps(pipeline: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Steps by their names, and those of a pipeline in a pipeline as if they stood there."""
    for name, step in pipeline.steps:
        if _is_pipeline(step):
            yield from _steps(step, f"{prefix}{name}__")
        else:
            yield f"{prefix}{name}", step


def _check_scaler(name: str, step: Any) -> None:
    """A step that is none is refused, and one that is not fitted or that clips."""
    from sklearn import preprocessing
    from sklearn.utils.validation import check_is_fitted

    if type(step) not in [getattr(preprocessing, one) for one in SCALERS]:
        raise TypeError(
            f"step {name!r} of the pipeline must be one of {', '.join(SCALERS)} or 'passthrough' "
            f"to become part of the first layer, and is a {type(step).__name__}; export the "
            "estimator alone, pipeline[-1], and do before it what pipeline[:-1].transform does; or "
            "for ONNX give the pipeline to skl2onnx.to_onnx, which knows more steps"
        )
    check_is_fitted(step)
    if getattr(step, "clip", False):
        raise ValueError(
            f"step {name!r} of the pipeline has clip=True, which is no scaling outside of the data "
            f"that it was fitted to; to go on without, pipeline.set_params({name}__clip=False)"
        )


def _scaling_of(scaler: Any) -> tuple[Array, Array]:
    """As its transform does it, by its present settings."""
    n = scaler.n_features_in_
    one, zero = np.ones(n, np.longdouble), np.zeros(n, np.longdouble)
    kind = type(scaler).__name__
    if kind == "MinMaxScaler":
        return one * scaler.scale_, zero + scaler.min_
    center, divisor = zero, one
    if kind == "StandardScaler":
        center = zero + scaler.mean_ if scaler.with_mean else zero
        divisor = one * scaler.scale_ if scaler.with_std else one
    elif kind == "RobustScaler":
        center = zero + scaler.center_ if scaler.with_centering else zero
        divisor = one * scaler.scale_ if scaler.with_scaling else one
    elif kind == "MaxAbsScaler":
        divisor = one * scaler.scale_
    return one / divisor, -center / divisor
