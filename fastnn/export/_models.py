"""What can be exported: networks, estimators, and these with scalers of inputs and of targets."""

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
    if not _is_pipeline(model) and not _is_estimator(model):
        raise TypeError(
            "model must be a fastnn.Network, an estimator of fastnn.sklearn, or a Pipeline that "
            f"ends in one, got {_described(model)}"
        )
    parts = _parts(model)
    check_finite(parts[0])
    return parts


def _parts(model: Any) -> tuple[Exported, Scaling | None]:
    if _is_pipeline(model):
        return _of_pipeline(model)
    return _of_transformed(model) if _is_transformed(model) else (model._exported(), None)


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


def with_targets(found: Exported, scaling: Scaling) -> Exported:
    """factor (a W + b) + shift, of which the last layer becomes a part; rounded once."""
    factor, shift = scaling
    W, b = found.weights[-1].astype(np.longdouble), found.biases[-1].astype(np.longdouble)
    with np.errstate(over="ignore"):
        W = (factor * W).astype(found.dtype)
        b = (factor * b + shift).astype(found.dtype)
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError(
            f"targets are scaled by up to {float(factor.max()):.3g}, with which the last layer's "
            f"parameters exceed {found.dtype}; give the targets in a larger unit"
        )
    return replace(found, weights=[*found.weights[:-1], W], biases=[*found.biases[:-1], b])


def unfolded(found: Exported) -> Exported:
    """The network before its own scaling became part of the first layer, to rounding."""
    assert found.scaling is not None
    factor, shift = found.scaling
    return replace(folded(found, Scaling(1 / factor, -shift / factor)), scaling=None)


def _is_pipeline(model: Any) -> bool:
    return _is(model, "sklearn.pipeline", "Pipeline")


def _is_transformed(model: Any) -> bool:
    return _is(model, "sklearn.compose", "TransformedTargetRegressor")


def _is_estimator(model: Any) -> bool:
    """Or a network."""
    return callable(getattr(type(model), "_exported", None)) or _is_transformed(model)


def _is(model: Any, module: str, kind: str) -> bool:
    """Nobody has one who has not imported its module."""
    found = sys.modules.get(module)
    return found is not None and isinstance(model, getattr(found, kind))


def _described(model: Any) -> str:
    """As a part of a message, with what to export instead as its end."""
    text, name = _checks.description(model), type(model).__name__
    if isinstance(model, type):
        return f"{text}; give a fitted object of it"
    if hasattr(model, "best_estimator_"):
        return f"{text}; give its best_estimator_"
    if hasattr(model, "estimators_"):
        return f"{text}; give its members, one by one"
    if name in ("MLPClassifier", "MLPRegressor"):
        return (
            f"scikit-learn's own {name}; fit fastnn.sklearn.{name} in its place (same arguments), "
            "or give Network.from_sklearn of it alone"
        )
    return text


def _of_pipeline(pipeline: Any) -> tuple[Exported, Scaling | None]:
    found_steps = list(_steps(pipeline, ""))
    if not found_steps:
        raise TypeError("the pipeline must end in an estimator of fastnn.sklearn, and it is empty")
    *steps, (name, last) = found_steps
    if not _is_estimator(last):
        raise TypeError(
            "the pipeline must end in an estimator of fastnn.sklearn to be exported, and its step "
            f"{name!r} is {_described(last)}"
        )
    scalers = [(name, step) for name, step in steps if step is not None and step != "passthrough"]
    for name, step in scalers:
        _check_scaler(name, step)
    found, inner = _parts(last)
    if not scalers:
        return found, inner
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
    if inner is not None:
        factor, shift = inner.factor * factor, inner.factor * shift + inner.shift
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


def _of_transformed(model: Any) -> tuple[Exported, Scaling | None]:
    """Of a TransformedTargetRegressor, whose scaler of targets becomes part of the last layer."""
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(model, "regressor_")
    regressor, scaler = model.regressor_, model.transformer_
    if not _is_pipeline(regressor) and not _is_estimator(regressor):
        raise TypeError(
            "the TransformedTargetRegressor must have an estimator of fastnn.sklearn, or a "
            f"Pipeline that ends in one, and its regressor is {_described(regressor)}"
        )
    found, scaling = _parts(regressor)
    if isinstance(scaler, FunctionTransformer) and scaler.inverse_func is None:
        return found, scaling  # it leaves targets as they are
    other = "export its regressor_, and undo in C what its transformer_ does to targets"
    if not _is_scaler(scaler):
        raise TypeError(
            "the TransformedTargetRegressor must have one of "
            f"{', '.join(SCALERS)} as its transformer to become part of the last layer, got "
            f"{_checks.description(scaler)}; {other}"
        )
    if getattr(scaler, "clip", False):
        raise ValueError(f"the transformer of targets has clip=True, which is no scaling; {other}")
    if found.activations[-1] != "identity":
        raise ValueError(
            'targets can be scaled where the output layer is "identity", and here it is '
            f'"{found.activations[-1]}"; {other}'
        )
    factor, shift = _scaling_of(scaler)
    return with_targets(found, Scaling(1 / factor, -shift / factor)), scaling


def _is_scaler(step: Any) -> bool:
    from sklearn import preprocessing

    return type(step) in [getattr(preprocessing, one) for one in SCALERS]


def _check_scaler(name: str, step: Any) -> None:
    """A step that is none is refused, and one that is not fitted or that clips."""
    from sklearn.utils.validation import check_is_fitted

    if not _is_scaler(step):
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
