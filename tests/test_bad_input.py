"""Every entry point refuses bad input with a message that helps, and leaves the network as it was.

The rows of the tables are: what is given, the exact class of the exception, and what its message
must contain (the argument, what was expected, what came).
"""

import dataclasses
import pickle
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import reference
from common import every_dtype
from random_networks import OUTPUTS

from fastnn import Network, _data_checks
from fastnn._backward import Backpropagating
from fastnn._core import layout
from fastnn._exchange import Exchanging
from fastnn._standardizing import Standardizable
from fastnn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, RMSprop

X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0.0, 1.0, 0.0])
DATA = {"X": X, "y": Y}

# A good call of each method, of which a test replaces one argument.
GOOD_CALLS = {
    "feedforward": {"X": X},
    "train": {**DATA, "epochs": 2, "learning_rate": 0.1},
    "update": {"x": X[0], "y": 1.0, "learning_rate": 0.1},
    "evaluate": DATA,
    "gradients": DATA,
    "check_gradients": DATA,
}
GOOD_PARAMETERS = {"weights": [X, [[1.0], [2.0]]], "biases": [[0.0, 1.0], [2.0]]}
WITH_DATA = [method for method, call in GOOD_CALLS.items() if "X" in call and "y" in call]
ARRAYS = [(m, name) for m, call in GOOD_CALLS.items() for name in call if name in ("X", "x", "y")]


def network(activation="sigmoid", loss="mse", dtype="float64", layer_sizes=(2, 3, 1)):
    return Network(layer_sizes, activation=activation, loss=loss, dtype=dtype, seed=0)


def classifier():
    return network("softmax", "cross_entropy", layer_sizes=[2, 3])


def assert_refused(function, arguments, exception, *fragments):
    with pytest.raises(exception) as refusal:
        function(**arguments)
    assert type(refusal.value) is exception
    for fragment in fragments:
        assert fragment in str(refusal.value)


def assert_call_refused(net, method, changed, exception, *fragments):
    before = pickle.dumps(net)  # parameters and random generator, bit for bit
    assert_refused(getattr(net, method), {**GOOD_CALLS[method], **changed}, exception, *fragments)
    assert pickle.dumps(net) == before


def test_the_good_calls_are_good_and_all_there_are():
    for method, arguments in GOOD_CALLS.items():
        getattr(network(), method)(**arguments)
    Network.from_parameters(**GOOD_PARAMETERS)
    public = {name for name in dir(Network) if name[0] != "_" and callable(getattr(Network, name))}
    elsewhere = {"copy", "load", "reset_trainer", "save", "summary"}
    elsewhere |= {*dir(Exchanging), *dir(Backpropagating), *dir(Standardizable)}
    assert public - elsewhere == {*GOOD_CALLS, "from_parameters"}


# What holds no real numbers


class BrokenArray:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("this tensor requires grad")


class Tensor(BrokenArray):
    def detach(self):
        """As that of PyTorch's tensors."""


class BrokenRepr:
    def __repr__(self):
        raise RuntimeError


ITSELF = []
ITSELF.append(ITSELF)
NO_REAL_NUMBERS = {
    "None": (None, TypeError, "real numbers, got NoneType None"),
    "text": ("abc", TypeError, "got str 'abc', of dtype <U3"),
    "list of text": (
        ["0", "1"], TypeError, "got list ['0', '1'], of dtype <U1, with text '0' in row 0; make",
        "numbers of text first, for example with numpy.array(",
    ),
    "bytes": ([b"0", b"1"], TypeError, "dtype |S1, with text b'0' in row 0"),
    "NumPy's text": (np.array(["0"], np.dtypes.StringDType()), TypeError, "StringDType"),
    "complex": (np.array([1j, 0]), TypeError, "got ndarray of shape (2,), of dtype complex128"),
    "complex without imaginary part": ([1 + 0j, 0], TypeError, "dtype complex128"),
    "missing number": (
        [0.0, None], TypeError, "got list [0.0, None], of dtype object, with None in row 1; remove",
    ),
    "objects": (np.array([0.0, 1.0], object), TypeError, "dtype object; use numpy.array("),
    "more than 64 bits": ([10**30, 0], TypeError, "dtype object; use numpy.array("),
    "Decimal": ([Decimal(1), Fraction(1, 2)], TypeError, "dtype object; use numpy.array("),
    "dict": ({"a": 1.0}, TypeError, "got dict {'a': 1.0}", "; a table of columns by name is"),
    "dicts": ([{"a": 1.0}], TypeError, "with a dict in row 0; use pandas.DataFrame("),
    "values of a dict": ({"a": 1.0}.values(), TypeError, "got dict_values", "; use list("),
    "set": ({0.0, 1.0}, TypeError, "got set", "; a set has no order: use a list"),
    "keys": ({0.0: 1}.keys(), TypeError, "got dict_keys", "; use list("),
    "generator": ((x for x in X), TypeError, "got generator", "; use list("),
    "map": (map(abs, [0, 1]), TypeError, "got map", "; use list("),
    "zip": (zip([0, 1], [0, 1], strict=True), TypeError, "got zip", "; use list("),
    "function": (np.ones, TypeError, "got function"),
    "dates": (
        np.zeros(2, "datetime64[s]"), TypeError, "dtype datetime64[s], with the date or time 1970-",
        "; make numbers of such values first",
    ),
    "durations": (
        np.zeros(2, "timedelta64[ns]"), TypeError, "dtype timedelta64[ns], with the duration 0",
    ),
    "structured": (
        np.zeros(2, [("a", float)]), TypeError, "dtype [('a', '<f8')]; use numpy.lib.recfunctions",
    ),
    "structured and masked": (
        np.ma.masked_array(np.zeros(2, [("a", float), ("b", int)]), mask=[True, False]), TypeError,
        "dtype [('a', '<f8'), ('b', '<i8')]; use numpy.lib.recfunctions",
    ),
    "without repr": (BrokenRepr(), TypeError, "got BrokenRepr"),
    "ragged": ([[1], [1, 2]], ValueError, "rows of equal length, got list [[1], [1, 2]]"),
    "within itself": (ITSELF, ValueError, "rows of equal length, got list [[["),
    "masked": (np.ma.array([0.0, 1.0], mask=[0, 1]), ValueError, "no masked numbers"),
    "broken __array__": (BrokenArray(), ValueError, "got BrokenArray", "requires grad"),
    "tensor": (Tensor(), ValueError, "this tensor requires grad; use ", ".detach().cpu().numpy()"),
}  # fmt: skip
no_real_numbers = pytest.mark.parametrize("case", NO_REAL_NUMBERS.values(), ids=NO_REAL_NUMBERS)


@pytest.mark.parametrize(("method", "argument"), ARRAYS)
@no_real_numbers
def test_no_real_numbers(method, argument, case):
    value, exception, *fragments = case
    fragments = [f"{argument} must", *fragments]
    assert_call_refused(network(), method, {argument: value}, exception, *fragments)


@pytest.mark.parametrize("argument", ["weights", "biases"])
@no_real_numbers
def test_parameters_without_real_numbers(argument, case):
    value, exception, *fragments = case
    changed = {**GOOD_PARAMETERS, argument: [GOOD_PARAMETERS[argument][0], value]}
    fragments = [f"{argument}[1] must", *fragments]
    assert_refused(Network.from_parameters, changed, exception, *fragments)


@pytest.mark.parametrize("labels", [["cat", "dog", "cat"], [["cat"], ["dog"], ["cat"]],
                                    np.array(["cat", 1, None], object)])  # fmt: skip
@pytest.mark.parametrize("method", WITH_DATA)
def test_classes_by_name(method, labels):
    remedy = "; make class numbers of labels, for example with numpy.unique(y, return_inverse=True)"
    assert_call_refused(classifier(), method, {"y": labels}, TypeError, "real numbers", remedy)
    with pytest.raises(TypeError) as refusal:
        getattr(network(), method)(**{**GOOD_CALLS[method], "X": labels})
    assert "class numbers" not in str(refusal.value)


# Shapes


@pytest.mark.parametrize("method", WITH_DATA)
@pytest.mark.parametrize(
    ("changed", "fragment"),
    [
        ({"X": 1.0}, "X must have two dimensions, (samples, 2), got shape ()"),
        ({"X": X[0]}, "got shape (2,); one sample is X.reshape(1, -1)"),
        ({"X": X[np.newaxis]}, "two dimensions, (samples, 2), got shape (1, 3, 2)"),
        (
            {"X": X[:, :, np.newaxis]},
            "; 2 numbers of each sample are a row in X.reshape(len(X), -1",
        ),
        ({"X": np.zeros((3, 2, 1, 1))}, "; 2 numbers of each sample are a row in X.reshape(len(X)"),
        ({"X": X[:, :1]}, "X must have 2 columns, one per input of the network, got shape (3, 1)"),
        ({"X": X.T}, "got shape (2, 3); if each column is a sample, use X.T"),
        ({"X": np.zeros((3, 3))}, "X must have 2 columns"),
        ({"X": X[:0], "y": Y[:0]}, "X must have at least one sample, got shape (0, 2)"),
        ({"X": []}, "got shape (0,)"),
        ({"y": 1.0}, "y must have shape (3,) or (3, 1), got ()"),
        ({"y": Y[:2]}, "y must be as long as X, 3 samples, got 2"),
        ({"y": [0, 1, 0, 1]}, "y must be as long as X, 3 samples, got 4"),
        ({"y": []}, "y must be as long as X, 3 samples, got 0"),
        ({"y": [Y]}, "y must be as long as X, 3 samples, got 1"),
        ({"y": np.zeros((3, 2))}, "y must have shape (3,) or (3, 1), got (3, 2)"),
        (
            {"y": np.zeros((3, 1, 1))},
            "y must have shape (3,) or (3, 1), got (3, 1, 1); use y.resha",
        ),
        ({"X": X[:1]}, "y must be as long as X, 1 sample, got 3"),
    ],
)
def test_shapes(method, changed, fragment):
    assert_call_refused(network(), method, changed, ValueError, fragment)


@pytest.mark.parametrize(
    ("value", "fragment"),
    [
        (1.0, "X must have two dimensions, (samples, 2), got shape ()"),
        ([X], "two dimensions, (samples, 2), got shape (1, 3, 2)"),
        ([1.0], "X must have 2 numbers, one per input of the network, got 1"),
        ([], "X must have 2 numbers, one per input of the network, got 0"),
        (X[:, :1], "X must have 2 columns, one per input of the network, got shape (3, 1)"),
        (X[:1].T, "got shape (2, 1); if each column is a sample, use X.T"),
        (X[:, :, np.newaxis], "; 2 numbers of each sample are a row in X.reshape(len(X), -1)"),
        (np.zeros((0, 3)), "X must have 2 columns, one per input of the network, got shape (0, 3)"),
    ],
)
def test_shapes_in_feedforward(value, fragment):
    assert_call_refused(network(), "feedforward", {"X": value}, ValueError, fragment)


def test_no_samples_have_no_outputs():
    assert network().feedforward(np.zeros((0, 2))).shape == (0, 1)


@pytest.mark.parametrize(
    ("changed", "fragment"),
    [
        ({"x": 1.0}, "x must be one sample of shape (2,), got ()"),
        ({"x": X}, "x must be one sample of shape (2,), got (3, 2)"),
        ({"x": X[:1].T}, "x must be one sample of shape (2,), got (2, 1); one sample is x.ravel()"),
        ({"x": [1.0]}, "x must have 2 numbers, one per input of the network, got 1"),
        ({"x": []}, "x must have 2 numbers, one per input of the network, got 0"),
        ({"y": [0, 1]}, "y must be a number or of shape (1,) for one sample, got (2,)"),
        ({"y": [[1]]}, "y must be a number or of shape (1,) for one sample, got (1, 1)"),
        ({"y": []}, "y must be a number or of shape (1,) for one sample, got (0,)"),
    ],
)
def test_shapes_in_update(changed, fragment):
    assert_call_refused(network(), "update", changed, ValueError, fragment)


def test_shapes_with_other_numbers_of_inputs_and_outputs():
    one_input = network(layer_sizes=[1, 1])
    hint = "1 number, one per input of the network, got 3; for many samples of one input use "
    assert_call_refused(one_input, "feedforward", {"X": Y}, ValueError, hint + "X.reshape(-1, 1)")
    three_outputs = network(layer_sizes=[2, 3])
    hint = "shape (3, 3), got (3,); class numbers go with loss='cross_entropy', or as rows: "
    assert_call_refused(three_outputs, "train", {"y": Y}, ValueError, hint + "numpy.eye(3)[y]")
    expected = "y must be of shape (3,) for one sample, got ()"
    assert_call_refused(three_outputs, "update", {"y": 1}, ValueError, expected)


# Numbers

# Argument, what holds the value, and where the message finds it: before the NaN that comes later.
ROWS = ("X", lambda value: [[0, 1], [1, value], [np.nan, 1]], "row 1, column 1")
PLACES = [
    *((method, *ROWS) for method in ["feedforward", *WITH_DATA]),
    *((method, "y", lambda value: [0, value, np.nan], "row 1") for method in WITH_DATA),
    ("feedforward", "X", lambda value: [0, value], "place 1"),
    ("update", "x", lambda value: [0, value], "place 1"),
]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@every_dtype
@pytest.mark.parametrize(("method", "argument", "holding", "place"), PLACES)
def test_not_finite(method, argument, holding, place, dtype, value):
    fragment = f"{argument} must be finite, got {value} in {place}"
    net = network(dtype=dtype)
    assert_call_refused(net, method, {argument: holding(value)}, ValueError, fragment)


@pytest.mark.parametrize("value", [1e39, -1e39])
@pytest.mark.parametrize(
    ("method", "argument", "holding", "place"),
    [row for row in PLACES if row[0] != "check_gradients"],  # which computes in float64
)
def test_infinite_in_float32(method, argument, holding, place, value):
    fragment = f"{argument} must be finite in the network's float32, got {value} in {place}"
    net = network(dtype="float32")
    assert_call_refused(net, method, {argument: holding(value)}, ValueError, fragment)


def test_a_target_that_is_one_number_has_no_place():
    given = {"y": np.inf}
    assert_call_refused(network(), "update", given, ValueError, "y must be finite, got inf; remove")
    given, expected = {"y": 1e39}, "y must be finite in the network's float32, got 1e+39, which"
    assert_call_refused(network(dtype="float32"), "update", given, ValueError, expected)


def test_check_gradients_computes_in_float64():
    assert network(dtype="float32").check_gradients([[1e39, 1e39]], [0]) < 1e-6


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_not_finite(value):
    _, W, place = ROWS
    of_W = f"weights[0] must be finite, got {value} in {place}"
    of_b = f"biases[0] must be finite, got {value} in place 1"
    parameters = {"weights": [X], "biases": [[0, 1]]}
    refuse = Network.from_parameters
    assert_refused(refuse, {**parameters, "weights": [W(value)]}, ValueError, of_W)
    assert_refused(refuse, {**parameters, "biases": [[0, value]]}, ValueError, of_b)


CLASS_NUMBERS = "y must hold class numbers from 0 to 2, as the network has 3 outputs; got "
CLASS_SHAPES = "y must have shape (3,) for class numbers or (3, 3) for rows that sum to 1, got "
SUM_TO_ONE = "y must have rows that sum to 1 for loss='cross_entropy'; got "


@pytest.mark.parametrize("method", WITH_DATA)
@pytest.mark.parametrize(
    ("y", "fragment"),
    [
        ([0, 1, 3], CLASS_NUMBERS + "3 in row 2; number the classes: classes, y = numpy.unique("),
        ([0, -1, -2], CLASS_NUMBERS + "-1 in row 1"),
        ([0, 0.1, 1.5], "y must hold whole class numbers; got 0.1 in row 1"),
        (np.array([0, 1, -1], np.int8), CLASS_NUMBERS + "-1 in row 2"),
        (np.array([0, 2**63, 0], np.uint64), CLASS_NUMBERS + f"{2**63} in row 1"),
        ([0, np.nan, np.inf], "y must be finite, got nan in row 1"),
        ([0, 1, np.inf], "y must be finite, got inf in row 2"),
        ([0, 1], "y must be as long as X, 3 samples, got 2"),
        (0, CLASS_SHAPES + "()"),
        ([[0], [1], [2]], CLASS_SHAPES + "(3, 1): the network has 3 outputs; class numbers are "
         "y.ravel()"),
        (np.eye(3)[:2], "y must be as long as X, 3 samples, got 2"),
        (np.eye(3, 4), CLASS_SHAPES + "(3, 4)"),
        ([[0, 1, 0], [0.5, 0.5, 0.5], [0, 0, 0]], SUM_TO_ONE + "1.5 in row 1"),
        ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], SUM_TO_ONE + "0.0 in row 2"),
        (np.full((3, 3), 1e308), SUM_TO_ONE + "inf in row 0"),
        ([[0, 1, 0], [2, 0, -1], [0, 1, 0]], "must not be negative for loss='cross_entropy'; got "
         "-1.0 in row 1, column 2"),
    ],
)  # fmt: skip
def test_classes(method, y, fragment):
    assert_call_refused(classifier(), method, {"y": y}, ValueError, fragment)


@pytest.mark.parametrize(
    ("y", "fragment"),
    [
        (3, CLASS_NUMBERS + "3; number the classes"),
        (-1, CLASS_NUMBERS + "-1; number the classes"),
        (0.5, "y must hold whole class numbers; got 0.5"),
        (np.nan, "y must be finite, got nan; remove"),
        ([1], "y must be a number or of shape (3,) for one sample, got (1,)"),
        ([[0, 1, 0]], "y must be a number or of shape (3,) for one sample, got (1, 3)"),
        ([1, 1, 0], SUM_TO_ONE + "2.0"),
        ([0, 2, -1], "must not be negative for loss='cross_entropy'; got -1.0 in place 2"),
    ],
)
def test_class_of_one_sample(y, fragment):
    assert_call_refused(classifier(), "update", {"y": y}, ValueError, fragment)


def test_a_class_number_that_float32_would_round_up_to_the_number_of_classes():
    n_classes = 2**24 + 4
    y = {"y": [n_classes - 1], "name": "y", "n_samples": 1, "loss_name": "cross_entropy"}
    arguments = {**y, "n_outputs": n_classes, "dtype": np.dtype("float32")}
    assert_refused(_data_checks.targets, arguments, ValueError, "exact in float32; got 16777219")


@pytest.mark.parametrize(
    ("y", "fragment"),
    [
        ([0, 1.5, 2], "y must lie in 0 to 1 for loss='bce'; got 1.5 in row 1, column 0"),
        ([0, 1, -0.5], "y must lie in 0 to 1 for loss='bce'; got -0.5 in row 2, column 0"),
    ],
)
@pytest.mark.parametrize("method", WITH_DATA)
def test_targets_of_bce(method, y, fragment):
    assert_call_refused(network(loss="bce"), method, {"y": y}, ValueError, fragment)


# Settings of training

POSITIVE = "learning_rate must be positive and finite"
NUMBER = "learning_rate must be a number, got "
NUMBER_OR_SCHEDULE = (
    "learning_rate must be a number, one of fastnn.schedules, or a function of the epoch, got "
)
FORMS = "'auto', 'direct', 'fused', 'zero_skip', 'blocked'"
OPTIMIZER_NAMES = f"optimizer must be one of {', '.join(map(repr, OPTIMIZERS))}, "
OPTIMIZER = (
    f"{OPTIMIZER_NAMES}or an object of fastnn.optimizers ("
    f"{', '.join(type(one).__name__ for one in OPTIMIZERS.values())}), got "
)


@pytest.mark.parametrize("method", ["train", "update"])
@pytest.mark.parametrize(
    ("value", "exception", "fragment"),
    [
        (0, ValueError, POSITIVE),
        (-0.1, ValueError, "2.23e-308 to 1.8e+308 in the network's float64, got float -0.1"),
        (np.nan, ValueError, "got float nan"),
        (np.inf, ValueError, "got float inf"),
        (5e-324, ValueError, "got float 5e-324"),
        pytest.param(10**400, ValueError, "got int 1000", id="more than float holds"),
        (np.array(-1.0), ValueError, "got ndarray array(-1.)"),
        (Decimal("NaN"), ValueError, "got Decimal Decimal('NaN')"),
        (Fraction(-1, 2), ValueError, "got Fraction Fraction(-1, 2)"),
        (None, TypeError, NUMBER + "NoneType None"),
        (True, TypeError, NUMBER + "bool True"),
        (np.True_, TypeError, NUMBER + "bool np.True_"),
        ("0.1", TypeError, NUMBER + "str '0.1'"),
        (b"1", TypeError, NUMBER + "bytes b'1'"),
        (bytearray(b"1"), TypeError, NUMBER + "bytearray"),
        (1 + 0j, TypeError, NUMBER + "complex (1+0j)"),
        (np.complex128(1), TypeError, NUMBER + "complex128"),
        (np.timedelta64(1, "s"), TypeError, NUMBER + "timedelta64"),
        ([0.1], TypeError, NUMBER + "list [0.1]"),
        (np.array([0.1]), TypeError, NUMBER + "ndarray of shape (1,)"),
        ({}, TypeError, NUMBER + "dict {}"),
        (BrokenRepr(), TypeError, NUMBER + "BrokenRepr"),
        ([[1], [1, 2]], ValueError, "learning_rate must be a number or"),
        (np.ma.masked, ValueError, "learning_rate must have no masked numbers"),
    ],
)
def test_learning_rate(method, value, exception, fragment):
    if method == "train":
        fragment = fragment.replace(NUMBER, NUMBER_OR_SCHEDULE)
    assert_call_refused(network(), method, {"learning_rate": value}, exception, fragment)


@pytest.mark.parametrize("method", ["train", "update"])
@pytest.mark.parametrize("value", [1e-60, 1e39])
def test_learning_rate_that_is_zero_or_infinite_in_float32(method, value):
    expected = "learning_rate must be positive and finite, 1.18e-38 to 3.4e+38 in the network's "
    fragment = f"{expected}float32, got float {value}"
    net = network(dtype="float32")
    assert_call_refused(net, method, {"learning_rate": value}, ValueError, fragment)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", ["train", "update"])
def test_learning_rates_up_to_the_largest_and_smallest_are_taken(method, dtype):
    limits = np.finfo(dtype)
    beyond = np.nextafter(float(limits.tiny), 0)
    fragment = "learning_rate must be positive and finite"
    assert_call_refused(
        network(dtype=dtype), method, {"learning_rate": beyond}, ValueError, fragment
    )
    for value in (float(limits.tiny), float(limits.max)):
        net = Network([1, 1], activation="identity", dtype=dtype, seed=0)
        if method == "train":
            net.train([[0.0]], [[0.0]], epochs=1, learning_rate=value)
        else:
            net.update([0.0], [0.0], learning_rate=value)


@pytest.mark.parametrize(
    ("argument", "value", "exception", "fragment"),
    [
        ("epochs", -1, ValueError, "epochs must be at least 0, got int -1"),
        ("batch_size", 0, ValueError, "batch_size must be at least 1, got int 0"),
        ("patience", 0, ValueError, "patience must be at least 1, got int 0"),
        *(
            (argument, value, exception, f"{argument} must be {fragment}")
            for argument in ("epochs", "batch_size", "patience")
            for value, exception, fragment in [
                (10**30, ValueError, f"at most {sys.maxsize}, got int {10**30}"),
                (-(10**30), ValueError, "at least"),
                (2.0, TypeError, "an integer, got float 2.0"),
                (np.nan, TypeError, "an integer, got float nan"),
                (None, TypeError, "an integer, got NoneType None"),
                (True, TypeError, "an integer, got bool True"),
                (np.True_, TypeError, "an integer, got bool np.True_"),
                ("2", TypeError, "an integer, got str '2'"),
                (Decimal(2), TypeError, "an integer, got Decimal"),
                (np.array([2]), TypeError, "an integer, got ndarray of shape (1,)"),
            ]
        ),
        pytest.param(
            "epochs", 10**5000, ValueError, "at most", id="more digits than Python prints"
        ),
        ("batch_size", "full", TypeError, "got str 'full'; the full batch is len(X)"),
        ("batch_size", None, TypeError, "got NoneType None; the full batch is len(X)"),
        (
            "metrics",
            5,
            TypeError,
            "a sequence of them, such as ['accuracy'], or a mapping that gives them names, got int",
        ),
        (
            "metrics",
            [SGD],
            TypeError,
            "; write SGD(...), an object of it",
        ),
        ("callbacks", "stop", TypeError, "such as [EarlyStopping()] of fastnn.callbacks, got str"),
        ("shuffle", None, TypeError, "shuffle must be True or False, got NoneType None"),
        ("shuffle", 1, TypeError, "shuffle must be True or False, got int 1"),
        ("shuffle", "no", TypeError, "shuffle must be True or False, got str 'no'"),
        ("tol", -1e-3, ValueError, "tol must be None or a finite number of at least 0, got float"),
        ("tol", np.nan, ValueError, "tol must be None or a finite number of at least 0"),
        ("tol", np.inf, ValueError, "tol must be None or a finite number of at least 0"),
        ("tol", "0", TypeError, "tol must be None or a finite number of at least 0, got str '0'"),
        ("tol", [0], TypeError, "tol must be None or a finite number of at least 0, got list [0]"),
        ("tol", False, TypeError, "tol must be None or a finite number of at least 0, got bool"),
        ("form", "Fused", ValueError, f"form must be one of {FORMS}, got str 'Fused'"),
        ("form", "narrow", ValueError, f"form must be one of {FORMS}, got str 'narrow'"),
        ("form", None, TypeError, f"form must be one of {FORMS}, got NoneType None"),
        ("form", ["fused"], TypeError, f"form must be one of {FORMS}, got list ['fused']"),
        ("optimizer", "adma", ValueError, OPTIMIZER_NAMES + "got str 'adma'"),
        ("optimizer", None, TypeError, OPTIMIZER + "NoneType None"),
        ("optimizer", SGD, TypeError, OPTIMIZER + "type <class 'fastn"),
        ("optimizer", {"l2": 0.1}, TypeError, OPTIMIZER + "dict {'l2': 0.1}"),
        ("optimizer", BrokenRepr(), TypeError, OPTIMIZER + "BrokenRepr"),
    ],
)
def test_settings_of_train(argument, value, exception, fragment):
    assert_call_refused(network(), "train", {argument: value}, exception, fragment)


NOT_NEGATIVE = "must be a finite number of at least 0, got "
ABOVE_ZERO = "must be a finite number above 0, got "
BELOW_ONE = "must be from 0 to below 1, got "
AT_MOST_ONE = "must be from 0 to 1, got "
SETTINGS_OF_OPTIMIZERS = {
    "l2": NOT_NEGATIVE,
    "clip_norm": ABOVE_ZERO,
    "momentum": AT_MOST_ONE,
    "beta_1": BELOW_ONE,
    "beta_2": BELOW_ONE,
    "rho": BELOW_ONE,
    "epsilon": ABOVE_ZERO,
    "weight_decay": NOT_NEGATIVE,
    "rate_inside": None,
    "epsilon_hat": None,
}


def refused(expected):
    """Values that a setting must refuse, each with the error and what it says."""
    if expected is None:
        for value, description in ((1, "int 1"), ("no", "str 'no'"), (None, "NoneType None")):
            yield value, TypeError, f"must be True or False, got {description}"
        return
    for value, description in (("0.1", "str '0.1'"), (True, "bool True"), ([0.1], "list [0.1]")):
        yield value, TypeError, f"must be a number, got {description}"
    for value in (-1e-3, np.nan, np.inf):
        yield value, ValueError, f"{expected}float {value}"
    if expected == ABOVE_ZERO:
        yield 0, ValueError, f"{expected}int 0"
    if expected == BELOW_ONE:
        yield 1, ValueError, f"{expected}int 1"
    if expected == AT_MOST_ONE:
        yield 1.001, ValueError, f"{expected}float 1.001"


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (type(optimizer), field.name)
        for optimizer in OPTIMIZERS.values()
        for field in dataclasses.fields(optimizer)
    ],
)
def test_settings_of_optimizers(kind, setting):
    for value, exception, fragment in refused(SETTINGS_OF_OPTIMIZERS[setting]):
        assert_refused(kind, {setting: value}, exception, f"{setting} {fragment}")
    if setting != "clip_norm":
        assert_refused(kind, {setting: None}, TypeError, f"{setting} must be ")


@pytest.mark.parametrize(
    ("optimizer", "fragment"),
    [
        (Adam(epsilon=1e-50), "optimizer.epsilon must be positive and finite, 1.18e-38 to "),
        (RMSprop(epsilon=1e39), "optimizer.epsilon must be positive and finite, 1.18e-38 to "),
        (SGD(clip_norm=1e-50), "optimizer.clip_norm must be positive and finite, 1.18e-38 to "),
        (AdamW(weight_decay=1e39), "optimizer.weight_decay must be at most 3.4e+38 in the "),
    ],
)
def test_settings_of_optimizers_that_float32_cannot_hold(optimizer, fragment):
    net = network(dtype="float32")
    assert_call_refused(net, "train", {"optimizer": optimizer}, ValueError, fragment)
    network().train(**GOOD_CALLS["train"], optimizer=optimizer)


@pytest.mark.parametrize("optimizer", [Adam(), SGD(clip_norm=1.0)])
def test_optimizers_for_a_perceptron(optimizer):
    net = network("step", layer_sizes=[2, 1])
    fragment = 'optimizer must be plain SGD for a network of "step" units, which learns by the '
    assert_call_refused(net, "train", {"optimizer": optimizer}, ValueError, fragment)


def test_l2_that_is_infinite_in_float32():
    fragment = "optimizer.l2 must be at most 3.4e+38 in the network's float32, got float 1e+39"
    assert_call_refused(
        network(dtype="float32"), "train", {"optimizer": SGD(l2=1e39)}, ValueError, fragment
    )


def test_l2_for_a_perceptron():
    net = network("step", layer_sizes=[2, 1])
    fragment = 'optimizer.l2 must be 0 for a network of "step" units, got float 0.1: the perceptron'
    assert_call_refused(net, "train", {"optimizer": SGD(l2=0.1)}, ValueError, fragment)
    net.train(**GOOD_CALLS["train"], optimizer=SGD())


ONE_LAYER, TWO_LAYERS = [2, 1], [2, 2, 1]


@pytest.mark.parametrize(
    ("layer_sizes", "activation", "loss", "method", "fragment"),
    [
        (TWO_LAYERS, "step", "mse", "train", "got 2 layers, loss='mse' and batch_size=1"),
        (TWO_LAYERS, ["step", "sigmoid"], "bce", "update", "got 2 layers, loss='bce'"),
        (ONE_LAYER, "step", "mae", "update", "got 1 layer, loss='mae' and batch_size=1"),
        (ONE_LAYER, "step", "mse", "gradients", 'gradients need activations with a derivative'),
        (ONE_LAYER, "step", "mse", "check_gradients", "gradients need activations with a"),
        (TWO_LAYERS, ["step", "relu"], "mse", "gradients", 'got "step"'),
    ],
)  # fmt: skip
def test_step_units_where_they_cannot_learn(layer_sizes, activation, loss, method, fragment):
    net = network(activation, loss, layer_sizes=layer_sizes)
    remedy = "use another activation, such as sigmoid"
    assert_call_refused(net, method, {}, ValueError, fragment, remedy)


def test_the_perceptron_rule_takes_one_sample_at_a_time():
    net = network("step", layer_sizes=ONE_LAYER)
    assert_call_refused(net, "train", {"batch_size": 2}, ValueError, "batch_size=1; got", "size=2")


# Construction

ACTIVATIONS = ", ".join(map(repr, [*reference.UNITS, "softmax"]))
LOSSES = ", ".join(map(repr, OUTPUTS))
INITIALIZERS = "'auto', 'he', 'glorot', 'normal', 'small'"
SIZES = "layer_sizes must be a sequence of integers, such as [2, 3, 1], got "
TOO_FEW = "layer_sizes must hold the number of inputs and at least one layer, as in [2, 1]; got "
NAMES = "activation must be a name, or a sequence of one name per layer, got "
SEED = "seed must be None or an integer of at least 0, got "
DTYPES = 'dtype must be "float32" or "float64", got '


@pytest.mark.parametrize(
    ("changed", "exception", "fragment"),
    [
        ({"layer_sizes": None}, TypeError, SIZES + "NoneType None"),
        ({"layer_sizes": 3}, TypeError, SIZES + "int 3"),
        ({"layer_sizes": "23"}, TypeError, SIZES + "str '23'"),
        ({"layer_sizes": {2: 3}}, TypeError, SIZES + "dict {2: 3}"),
        ({"layer_sizes": (n for n in (2, 1))}, TypeError, SIZES + "generator"),
        ({"layer_sizes": []}, ValueError, TOO_FEW + "list []"),
        ({"layer_sizes": [2]}, ValueError, TOO_FEW + "list [2]"),
        ({"layer_sizes": [2, 0, 1]}, ValueError, "layer_sizes[1] must be at least 1, got int 0"),
        ({"layer_sizes": [-1, 1]}, ValueError, "layer_sizes[0] must be at least 1, got int -1"),
        ({"layer_sizes": [2, 1.0]}, TypeError, "layer_sizes[1] must be an integer, got float 1.0"),
        ({"layer_sizes": [2, True]}, TypeError, "layer_sizes[1] must be an integer, got bool True"),
        ({"layer_sizes": ["2", 1]}, TypeError, "layer_sizes[0] must be an integer, got str '2'"),
        ({"layer_sizes": [[2], 1]}, TypeError, "layer_sizes[0] must be an integer, got list [2]"),
        ({"layer_sizes": np.ones(2)}, TypeError, "layer_sizes[0] must be an integer, got float64"),
        ({"layer_sizes": [2, 10**30]}, ValueError, f"layer_sizes[1] must be at most {sys.maxsize}"),
        ({"activation": "ReLU"}, ValueError, f"activation must be one of {ACTIVATIONS}, got str"),
        ({"activation": None}, TypeError, NAMES + "NoneType None"),
        ({"activation": 5}, TypeError, NAMES + "int 5"),
        ({"activation": b"relu"}, TypeError, NAMES + "bytes b'relu'"),
        ({"activation": {"relu"}}, TypeError, NAMES + "set"),
        ({"activation": ["relu"]}, ValueError, "activation must hold one name per layer, 2 in all "
         "(the inputs are not a layer); got 1: list ['relu']"),
        ({"activation": ["relu", "no"]}, ValueError, f"activation[1] must be one of {ACTIVATIONS}"),
        ({"activation": ["relu", None]}, TypeError, "activation[1] must be one of 'identity'"),
        ({"activation": "softmax"}, ValueError, 'activation must have "softmax" on the output '
         "layer only, got str 'softmax'; use for example ['sigmoid', 'softmax']"),
        ({"activation": ["softmax", "tanh"]}, ValueError, "on the output layer only, got list"),
        ({"loss": "MSE"}, ValueError, f"loss must be one of {LOSSES}, got str 'MSE'"),
        ({"loss": "perceptron"}, ValueError, f"loss must be one of {LOSSES}, got str 'perceptron'"),
        ({"loss": None}, TypeError, f"loss must be one of {LOSSES}, got NoneType None"),
        ({"loss": ["mse"]}, TypeError, f"loss must be one of {LOSSES}, got list ['mse']"),
        ({"loss": "bce", "activation": "tanh"}, ValueError,
         'loss="bce" needs "sigmoid" as the activation of the output layer, got "tanh"'),
        ({"loss": "cross_entropy"}, ValueError,
         '"cross_entropy" needs "softmax" as the activation of the output layer, got "sigmoid"'),
        ({"initializer": "xavier"}, ValueError, f"initializer must be one of {INITIALIZERS}, got"),
        ({"initializer": 3}, TypeError, f"{INITIALIZERS}, or a function of (rng, n_in, n_out, act"),
        ({"initializer": lambda *_: 3}, TypeError, "initializer must return W and b of a layer, g"),
        (
            {"initializer": lambda *_: (np.zeros((1, 1)), np.zeros(1))}, ValueError,
            "must return W of shape (2, 3) for a layer of 2 inputs and 3 units, got (1, 1)",
        ),
        (
            {"initializer": lambda rng, n, m, _: (np.zeros((n, m)), 0)}, ValueError,
            "initializer must return W and b of a layer: biases[0] must have shape (3,)",
        ),
        (
            {"initializer": lambda rng, n, m, _: (np.full((n, m), np.nan), [0] * m)}, ValueError,
            "initializer must return W and b of a layer: weights[0] must be finite",
        ),
        (
            {"initializer": lambda rng, n, m, _: (np.full((n, m), 1e300), [0] * m),
             "dtype": "float32"}, ValueError,
            "initializer must return numbers that are finite in the network's float32",
        ),
        ({"dtype": "float16"}, ValueError, DTYPES + "str 'float16'"),
        ({"dtype": int}, ValueError, DTYPES + "type <class 'int'>"),
        ({"dtype": "single!"}, ValueError, DTYPES + "str 'single!'"),
        ({"dtype": "f4,,"}, ValueError, DTYPES + "str 'f4,,'"),
        ({"dtype": None}, ValueError, DTYPES + "NoneType None"),
        ({"dtype": ITSELF}, ValueError, DTYPES + "list [[["),
        ({"seed": -1}, ValueError, "seed must be at least 0, got int -1"),
        ({"seed": 1.0}, TypeError, SEED + "float 1.0"),
        ({"seed": "1"}, TypeError, SEED + "str '1'"),
        ({"seed": True}, TypeError, SEED + "bool True"),
        ({"seed": ITSELF}, TypeError, SEED + "list [[["),
        ({"seed": np.random.default_rng(0)}, TypeError, SEED + "Generator"),
    ],
)  # fmt: skip
def test_construction(changed, exception, fragment):
    assert_refused(Network, {"layer_sizes": [2, 3, 1], **changed}, exception, fragment)


@pytest.mark.parametrize(
    ("changed", "exception", "fragment"),
    [
        ({"weights": None}, TypeError, "weights must be a sequence of one array per layer, got"),
        ({"weights": {0: X}}, TypeError, "weights must be a sequence of one array per layer, got"),
        ({"biases": iter([])}, TypeError, "biases must be a sequence of one array per layer, got"),
        ({"biases": "ab"}, TypeError, "biases must be a sequence of one array per layer, got str"),
        ({"weights": [], "biases": []}, ValueError, "weights must hold at least one array, got "),
        ({"biases": [[0, 0]]}, ValueError, "one array per layer, as weights: 2; got 1"),
        ({"weights": [X, [1.0, 2.0]]}, ValueError, "weights[1] must have shape (n_in, n_out), got"),
        ({"weights": [np.ones((3, 2)), np.ones((1, 3))], "biases": [np.ones(3), [1.0]]}, ValueError,
         "got (3,); weights are (n_in, n_out): give the transpose"),
        ({"weights": [X[:0], X]}, ValueError, "weights[0] must have shape (n_in, n_out), got (0, "),
        ({"weights": [X, X]}, ValueError, "weights[1] must have 2 rows, one per output of the "
         "layer below, got shape (3, 2)"),
        ({"biases": [[0.0, 1.0], 2.0]}, ValueError, "biases[1] must have shape (1,), as weights[1] "
         "has 1 column; got ()"),
        ({"biases": [[[0.0, 1.0]], [2.0]]}, ValueError, "biases[0] must have shape (2,), as "
         "weights[0] has 2 columns; got (1, 2)"),
        ({"activation": "no"}, ValueError, f"activation must be one of {ACTIVATIONS}, got str"),
        ({"loss": "no"}, ValueError, f"loss must be one of {LOSSES}, got str 'no'"),
        ({"loss": "cross_entropy"}, ValueError, 'loss="cross_entropy" needs "softmax"'),
        ({"seed": -1}, ValueError, "seed must be at least 0, got int -1"),
    ],
)  # fmt: skip
def test_from_parameters(changed, exception, fragment):
    arguments = {**GOOD_PARAMETERS, **changed}
    assert_refused(Network.from_parameters, arguments, exception, fragment)


# Memory


# Rows as wide as these are 64 bytes longer than their numbers.
@pytest.mark.parametrize(
    ("layer_sizes", "dtype", "n_bytes"),
    [
        ([10**9, 10**9], "float64", "32,000,000,288,000,000,000"),
        ([10**9, 10**9], "float32", "16,000,000,272,000,000,000"),
        ([2**62, 2**62], "float64", f"{32 * (2**62 + 1) * 2**62 + 256 * 2**62:,}"),
        ([1, *[10**6] * 100, 1], "float64", "3,168,"),
    ],
)
def test_networks_larger_than_memory(layer_sizes, dtype, n_bytes):
    arguments = {"layer_sizes": layer_sizes, "dtype": dtype}
    expected = "layer_sizes must make a network that fits into memory: these need "
    assert_refused(Network, arguments, MemoryError, expected + n_bytes, "use smaller layers")


def test_memory_for_training_is_counted(monkeypatch):
    parameters = 8 * (4 * 4 + 4)  # bytes of W and b
    layout.layout_of.cache_clear()  # as the memory of a machine does not change
    monkeypatch.setattr(layout, "_physical_memory", lambda: 4 * parameters - 1)
    fragments = f"these need {4 * parameters} bytes", f"this machine has {4 * parameters - 1}"
    assert_refused(Network, {"layer_sizes": [4, 4]}, MemoryError, *fragments)
    monkeypatch.setattr(layout, "_physical_memory", lambda: 4 * parameters)
    assert Network([4, 4]).n_parameters == 20


def test_arrays_larger_than_memory():
    vast = np.broadcast_to(0.0, (10**15, 2))
    fragment = "X must fit into memory, and needs 8,000,000,000,000,000 bytes"
    assert_call_refused(network(dtype="float32"), "feedforward", {"X": vast}, MemoryError, fragment)


def test_memory_errors_of_others_stay_what_they_are():
    class Vast:
        def __array__(self, dtype=None, copy=None):
            raise MemoryError("Unable to allocate 8 PiB")

    assert_call_refused(network(), "feedforward", {"X": Vast()}, MemoryError, "8 PiB")


# What looks odd and is good


@pytest.mark.parametrize("size", [np.uint8, np.int64, np.array])
def test_numpy_integers_are_sizes(size):
    assert Network([size(2), size(3)], seed=size(0)).layer_sizes == (2, 3)
    assert Network(np.array([2, 3, 1], np.int16)).layer_sizes == (2, 3, 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": value}
        for value in (np.float32(0.5), np.float16(0.5), np.array(0.5), np.longdouble(0.5),
                      Decimal("0.5"), Fraction(1, 2))
    ]
    + [
        {"epochs": np.uint8(3), "batch_size": np.int64(1), "patience": np.array(10)},
        {"shuffle": np.True_, "tol": np.float32(0)},
        {"tol": 0, "patience": sys.maxsize},
        {"batch_size": np.int8(1)},
    ],
)  # fmt: skip
def test_numpy_scalars_are_settings(settings):
    plain, odd = network(), network()
    usual = {"epochs": 3, "learning_rate": 0.5}
    history = plain.train(X, Y, **usual)
    assert odd.train(X, Y, **{**usual, **settings}).history == history.history
    assert pickle.dumps((odd.weights, odd.biases, odd._rng)) == pickle.dumps(
        (plain.weights, plain.biases, plain._rng)
    )


def test_softmax_of_one_unit():
    """Is refused where a network begins; one that is there, as in a stream of one class, is not."""
    for sizes, activation, loss in (
        ([2, 3, 1], ["relu", "softmax"], "mse"), ([2, 1], "softmax", "cross_entropy"),
    ):  # fmt: skip
        message = 'activation must not have "softmax" on an output layer of one unit.* "sigmoid"'
        with pytest.raises(ValueError, match=message):
            Network(sizes, activation=activation, loss=loss)
    assert Network([2, 2], activation="softmax", loss="cross_entropy").layer_sizes == (2, 2)


def test_one_class_has_nothing_to_learn():
    net = Network.from_parameters(
        [np.ones((2, 1))], [np.ones(1)], activation="softmax", loss="cross_entropy"
    )
    before = net.weights[0].copy(), net.biases[0].copy()
    assert net.train(X, [0, 0, 0], epochs=1, learning_rate=0.5).history["loss"] == [0.0]
    assert np.array_equal(net.weights[0], before[0])
    assert np.array_equal(net.biases[0], before[1])


def test_names_in_numpy_text_become_plain():
    net = Network([2, 3, 1], activation=np.array(["relu", "sigmoid"]), loss=np.str_("bce"))
    assert [type(name) for name in (*net.activations, net.loss)] == [str, str, str]


@pytest.mark.parametrize("seed", [None, 0, np.int64(7), 2**128])
def test_seeds(seed):
    first, second = (Network([20, 20], seed=seed).weights[0] for _ in range(2))
    assert np.array_equal(first, second) == (seed is not None)


@pytest.mark.parametrize("dtype", ["float32", "f4", np.float32, ">f4", np.dtype("float32")])
def test_ways_to_say_float32(dtype):
    assert Network([2, 1], dtype=dtype).dtype == np.float32


def test_a_caller_whose_floating_point_warnings_are_errors():
    with np.errstate(all="raise"):
        net = network(dtype="float32")
        assert np.isfinite(net.feedforward([[1e-60, 1e-42]])).all()
        fragment = "X must be finite in the network's float32, got 1e+60 in row 0, column 0"
        assert_call_refused(net, "evaluate", {"X": [[1e60, 0]]}, ValueError, fragment)
