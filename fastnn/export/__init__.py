"""Trained models as programs and graphs: C headers, and models of ONNX.

A model is a `fastnn.Network`, an estimator of `fastnn.sklearn`, or a `Pipeline` of scikit-learn's
that ends in one of these, after scalers (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler),
which become part of the first layer; or a TransformedTargetRegressor of one of them, whose scaler
becomes part of the last layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn import _checks, _files, _words

if TYPE_CHECKING:
    import os

    import onnx
    from numpy.typing import ArrayLike, DTypeLike

__all__ = ["to_c", "to_onnx"]


@_words.explained
def to_c(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    numbers: str = "hex",
    quantize: str | None = None,
    data: tuple[ArrayLike, ArrayLike] | None = None,
    dtype: DTypeLike | None = None,
) -> str:
    """A trained model as a C header, which computes its outputs and needs nothing else.

    It is C99 and C++, has no heap and nothing that changes, and so may be used by many threads at
    once; its top says how to build and to test it. In "model.h" there are

    - ``void model_predict(const float x[MODEL_INPUTS], float y[MODEL_OUTPUTS])``, with double for
      float64;
    - of classifiers ``int model_classify(const float x[])``, the place of the class in
      ``model_classes``, an array of strings or numbers, MODEL_CLASSES of them; and of networks with
      the loss cross_entropy, or bce and one output, the class number; -1, if an output is NaN;
    - of classifiers of labels, and of networks with bce and several outputs,
      ``void model_classify(const float x[], int on[])``, 1 for each output above 1/2, and -1 for
      NaN;
    - ``int model_self_test(void)``, which holds the above to rows that fastnn has computed, and
      returns how many of them are wrong; and under ``#ifdef MODEL_TEST`` a ``main`` that prints it.

    Outputs equal `Network.feedforward`, or of an estimator predict_proba, predict of a regressor,
    up to rounding: the order of sums is another. exp and what is made of it are in the header, by a
    series: what is included is stdint.h and string.h, for memcpy, which compilers have themselves,
    and no library is linked, unless for the exp of a regressor with the loss "poisson". NaN gives
    NaN. float and double are those of IEEE 754; where double is shorter, as on AVR, a model of
    float64 that needs exp does not compile.

    Parameters
    ----------
    model : Network, estimator or Pipeline
        A `fastnn.Network`; a fitted estimator of `fastnn.sklearn`; or a fitted ``Pipeline`` that
        ends in one, after StandardScaler, MinMaxScaler, MaxAbsScaler or RobustScaler, one or more.
        What these do becomes part of the first layer, where the standardizer of
        `Network.with_standardizer` is already; and of the last one, what these do to targets in a
        ``TransformedTargetRegressor``. In the first inputs far from 0, of a mean above 16 standard
        deviations, would lose digits; they are scaled first then, and so they are with quantize.
    path : str, path-like or None, default None
        Where to write it; a file that is there is replaced at one moment. None: nowhere.
    name : str or None, default None
        How names begin, those of macros in capitals: an identifier of C. None: what the path's last
        part has before its ending, with "_" for what C does not take, so that "my-net.h" has
        ``my_net_predict``; and "model" without a path. Two headers of one name in a program do not
        compile, unless they are of the same model.
    numbers : {"hex", "decimal"}, default "hex"
        How parameters are written. Both give the same bits to the compiler; hexadecimal floats are
        C99 and C++17, and older C++ has decimals only.
    quantize : {"int8"} or None, default None
        "int8": weights are integers of one byte, with a scale for each unit. Inputs, biases and
        arithmetic stay as they are, and the weights take a quarter of the bytes, or of float64 an
        eighth.
    data : (X, y) or None, default None
        Samples, as the model is evaluated on them. Rows of X are those of the header's test,
        instead of random ones; and with quantize, or another dtype than the model's, it is printed
        how well the model does with and without: the accuracy, where outputs stand for classes or
        labels, R² of regressors, and the loss of other networks. X is as in C, before scaling;
        there is a warning if it looks scaled already.
    dtype : {"float32", "float64"} or None, default None
        In which it computes, float or double. None: as the model does; an estimator that was fitted
        on float64 computes in double, which is slow on most microcontrollers. To go to float32 is
        refused where a scaler or data have a column whose mean is so large beside its scale that
        float32 keeps too few of its digits, by the rule of `Network.with_standardizer`.

    Returns
    -------
    str
        The text of the header, all ASCII.

    Raises
    ------
    TypeError, ValueError
        For what cannot be exported, such as other steps of a pipeline or parameters that are not
        finite, and for names that C or C++ have for themselves; the message says what to do.
    OSError
        If the file cannot be written; what was there before still is.

    Examples
    --------
    >>> from fastnn import Network
    >>> net = Network([4, 16, 3], activation=["relu", "softmax"], dtype="float32", seed=0)
    >>> text = net.to_c(name="iris")
    >>> print(*[line for line in text.splitlines() if "void iris_predict" in line])
    static inline void iris_predict(const float x[IRIS_INPUTS], float y[IRIS_OUTPUTS])
    """
    from fastnn.export import _c

    to = None if path is None else _checks.path(path, "path")
    if to is not None:
        _checks.new_file(to, "path")
    header = _c.Header.of(
        model, to, name=name, numbers=numbers, quantize=quantize, data=data, dtype=dtype
    )
    text = header.text()
    if to is not None:
        _files.write(to, text.encode())
    if header.program.lost is not None:
        print(header.program.lost)
    return text


@_words.explained
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
