"""Trained models as programs and graphs: C headers, and models of ONNX.

A model is a `fastnn.Network`, an estimator of `fastnn.sklearn`, or a `Pipeline` of scikit-learn's
that ends in one of these, after scalers (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler),
which become part of the first layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn import _checks, _files

if TYPE_CHECKING:
    import os

    import onnx

__all__ = ["to_onnx"]


def to_onnx(model: Any, path: str | os.PathLike[str] | None = None) -> onnx.ModelProto:
    """A model as a graph of ONNX, which ONNX Runtime 1.14 and newer, and many others, compute.

    Parameters
    ----------
    model : Network, estimator, ensemble or Pipeline
    path : path or None, default None
        Where to write it: as a whole, or after an error not at all. None: nowhere.

    Returns
    -------
    onnx.ModelProto
        Of opset 17 and IR version 8, with the model's own numbers. Its input is ``X``, (None,
        n_inputs), of the dtype of the parameters, which is that of all arithmetic. Its outputs are

        - of a network ``Y``, (None, n_outputs);
        - of a regressor ``variable``, (None, n_outputs), as skl2onnx calls it;
        - of a classifier ``label``, (None,), and ``probabilities``, (None, n_classes), as with
          skl2onnx's option ``zipmap=False``. Labels are text or int64, which booleans become, too;
        - for several labels ``label``, (None, n_labels), of 0 and 1, and ``probabilities``.

        Names of features are in its metadata, as ``feature_names``, in JSON.

    Raises
    ------
    ImportError
        Without onnx, which ``pip install "fastnn[onnx]"`` installs.
    TypeError, ValueError
        For what is no such model, a pipeline with another step, parameters that are not finite,
        classes that are neither text nor integers, and models of more than 2 GB, which protobuf
        refuses.
    OSError
        If the path cannot be written.

    See Also
    --------
    skl2onnx.to_onnx : takes pipelines of any steps, with estimators of `fastnn.sklearn` in them.

    Examples
    --------
    >>> import onnxruntime
    >>> from fastnn import Network, datasets, export
    >>> X, y = datasets.load_people()
    >>> net = Network([2, 2, 1], seed=0)
    >>> history = net.train(X, y, epochs=1000, learning_rate=0.1)
    >>> model = export.to_onnx(net)
    >>> session = onnxruntime.InferenceSession(model.SerializeToString())
    >>> session.run(None, {"X": [[-7.0, -3.0]]})[0].round(1)
    array([[1.]])
    """
    to = None if path is None else _checks.path(path, "path")
    from fastnn.export import _onnx

    made = _onnx.model_of(_onnx.members(model))
    if to is not None:
        _files.write(to, made.SerializeToString())
    return made
