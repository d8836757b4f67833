"""Tables in place of arrays: their numbers, the names of their columns, and words for both."""

import copy
import pickle
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from common import every_dtype
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn import Network, TrainingDivergedError, _data_checks, _tables, callbacks

pytestmark = pytest.mark.unwatched

NAMES = ("age", "member", "visits", "score")
N = 7


def frame(n=N):
    """Columns of floats, booleans and whole numbers."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(n, 2))
    return pd.DataFrame(
        {
            "age": numbers[:, 0],
            "member": rng.random(n) < 0.5,
            "visits": rng.integers(-9, 9, n),
            "score": numbers[:, 1].astype(np.float32),
        }
    )


def as_sparse(df):
    return df.astype({name: pd.SparseDtype(df[name].dtype, 0) for name in ("age", "visits")})


def as_arrow_types(df):
    return df.convert_dtypes(dtype_backend="pyarrow")


def as_batch(df):
    return pa.RecordBatch.from_pandas(df, preserve_index=False)


def as_chunks(df):
    halves = [pa.Table.from_pandas(part, preserve_index=False) for part in (df[:3], df[3:])]
    return pa.concat_tables(halves)


def as_many_types(df):
    one_by_one = {"member": "boolean", "visits": object, "score": pd.ArrowDtype(pa.float32())}
    return df.astype(one_by_one)


def as_decimals(df):
    exact = {"age": df["age"].map(Decimal), "visits": df["visits"].map(Fraction)}
    return df.assign(**exact)


TABLES = {
    "int, float and bool": lambda df: df,
    "all float": lambda df: df.astype(float),
    "nullable": lambda df: df.convert_dtypes(),
    "nullable floats": lambda df: df.astype("Float64"),
    "of PyArrow's types": as_arrow_types,
    "objects": lambda df: df.astype(object),
    "many types": as_many_types,
    "categories": lambda df: df.astype({"member": "category", "visits": "category"}),
    "sparse": as_sparse,
    "decimals": as_decimals,
    "strange index": lambda df: df.set_axis([f"row {i}" for i in range(len(df))]),
    "polars": pl.from_pandas,
    "polars objects": lambda df: pl.from_pandas(df).with_columns(
        pl.Series("member", df["member"].tolist(), dtype=pl.Object)
    ),
    "PyArrow": lambda df: pa.Table.from_pandas(df, preserve_index=False),
    "batch of PyArrow": as_batch,
    "chunks of PyArrow": as_chunks,
}
every_table = pytest.mark.parametrize("made", TABLES.values(), ids=TABLES)


def net_of(n_outputs=1, dtype="float64", **options):
    return Network([4, 3, n_outputs], activation="tanh", dtype=dtype, seed=0, **options)


def trained(net, X, y, **options):
    return net.train(X, y, **{"epochs": 2, "learning_rate": 0.1, **options}).history


def targets(n=N):
    return np.random.default_rng(1).uniform(size=n)


def without_names(net):
    net._model.feature_names = None
    return pickle.dumps(net)


CALLS = {
    "train": trained,
    "train in batches": lambda net, X, y: trained(net, X, y, batch_size=3, optimizer="adam"),
    "evaluate": Network.evaluate,
    "gradients": Network.gradients,
    "check_gradients": Network.check_gradients,
    "feedforward": lambda net, X, y: net.feedforward(X),
    "validate": lambda net, X, y: trained(net, np.ones((2, 4)), [0, 1], validation_data=(X, y)),
}


# Numbers


@every_dtype
@every_table
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_table_gives_what_its_array_of_floats_gives(call, made, dtype):
    df, y = frame(), targets()
    outcomes = []
    for X in made(df), df.to_numpy(dtype=float):
        net = net_of(dtype=dtype)
        outcomes.append((pickle.dumps(call(net, X, y)), without_names(net)))
    assert outcomes[0] == outcomes[1]


@every_table
def test_a_long_table(made):
    df = frame(_tables.FEW_NUMBERS)
    nets = [net_of(), net_of()]
    expected = trained(nets[0], df.to_numpy(dtype=float), targets(len(df)))
    assert trained(nets[1], made(df), targets(len(df))) == expected
    assert nets[1].feature_names == NAMES
    assert without_names(nets[1]) == without_names(nets[0])


@every_table
def test_no_rows(made):
    if made is not as_chunks:
        assert net_of().feedforward(made(frame()[:0])).shape == (0, 1)


COLUMN = st.one_of(
    st.sampled_from(["int8", "int64", "uint64", "float16", "float32", "float64", "bool"]),
    st.sampled_from(["Int64", "UInt64", "Float64", "boolean", "int64[pyarrow]", "double[pyarrow]"]),
    st.just("object"),
)


@settings(derandomize=True, deadline=None)
@given(
    types=st.lists(COLUMN, min_size=1, max_size=5),
    seed=st.integers(0, 99),
    library=st.sampled_from(["pandas", "polars", "pyarrow"]),
)
def test_each_column_is_converted_as_by_numpy(types, seed, library):
    rng = np.random.default_rng(seed)
    wide = rng.integers(0, 2**63, 3) >> rng.integers(0, 63, 3)
    columns = []
    for one in types:
        small = one in ("int8", "float16", "float32", "bool", "boolean")
        numbers = wide % 2 if small else wide.astype(float) if "double" in one else wide
        columns.append(pd.Series(numbers).astype(one))
    X = pd.DataFrame(dict(enumerate(columns)))
    if library != "pandas":
        X.columns = X.columns.map(str)
        X = pa.Table.from_pandas(X) if library == "pyarrow" else pl.from_pandas(X)
    found = _data_checks.samples(X, "X", len(types), np.dtype(float))
    expected = np.column_stack([np.asarray(column, float) for column in columns])
    assert found.tobytes() == np.ascontiguousarray(expected).tobytes()
    assert found.flags.c_contiguous


def test_dask():
    dd = pytest.importorskip("dask.dataframe")
    df = frame()
    X = dd.from_pandas(df.convert_dtypes(), npartitions=2)
    net = net_of()
    trained(net, X, targets())
    assert net.feature_names == NAMES
    assert net.feedforward(X).tobytes() == net.feedforward(df.to_numpy(float)).tobytes()


# Targets and weights

COLUMNS = {
    "Series": pd.Series,
    "with another index": lambda y: pd.Series(y, index=range(50, 50 + len(y))),
    "nullable": lambda y: pd.Series(y).convert_dtypes(),
    "of PyArrow's types": lambda y: pd.Series(y).convert_dtypes(dtype_backend="pyarrow"),
    "objects": lambda y: pd.Series(y, dtype=object),
    "categories": lambda y: pd.Series(y, dtype="category"),
    "Index": pd.Index,
    "extension array": lambda y: pd.Series(y).convert_dtypes().array,
    "frame": lambda y: pd.DataFrame({"y": y}),
    "frame of objects": lambda y: pd.DataFrame({"y": y}, dtype=object),
    "polars": pl.Series,
    "frame of polars": lambda y: pl.DataFrame({"y": y}),
    "PyArrow": pa.array,
    "chunks of PyArrow": lambda y: pa.chunked_array([y[:3], y[3:]]),
    "table of PyArrow": lambda y: pa.table({"y": y}),
}
every_column = pytest.mark.parametrize("made", COLUMNS.values(), ids=COLUMNS)


@every_column
@pytest.mark.parametrize("numbers", ["float", "int", "bool"])
def test_columns_of_targets_and_of_weights(made, numbers):
    X = frame().to_numpy(float)
    y = (targets() * (1 if numbers == "float" else 3)).astype(numbers)
    outcomes = []
    for given_y, weight in ((y, y), (made(y), made(y))):
        net = net_of()
        history = trained(net, X, given_y, sample_weight=weight)
        history |= trained(net, X, y, validation_data=(X, given_y, weight))
        loss = net.evaluate(X, given_y, sample_weight=weight)
        outcomes.append((history, loss, pickle.dumps(net)))
    assert outcomes[0] == outcomes[1]


@every_column
def test_columns_of_class_numbers(made):
    X, y = frame().to_numpy(float), np.arange(N) % 3
    losses = [
        Network([4, 3], activation="softmax", loss="cross_entropy", seed=0).evaluate(X, one)
        for one in (y, made(y))
    ]
    assert losses[0] == losses[1]


@every_table
def test_frames_of_several_targets(made):
    X, Y = frame().to_numpy(float), frame()
    losses = [trained(net_of(4), X, one)["loss"] for one in (made(Y), Y.to_numpy(float))]
    assert losses[0] == losses[1]


# One sample

ROWS = {
    "row of several types": lambda df: df.iloc[2],
    "row of floats": lambda df: df.astype(float).iloc[2],
    "nullable row": lambda df: df.convert_dtypes().iloc[2],
    "frame of one row": lambda df: df.iloc[[2]],
    "polars": lambda df: pl.from_pandas(df)[2],
    "PyArrow": lambda df: pa.Table.from_pandas(df, preserve_index=False).slice(2, 1),
}
every_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


@every_row
def test_one_row(row):
    df = frame()
    x = df.to_numpy(float)[2]
    net, twin = net_of(), net_of()
    assert net.feedforward(row(df)).ravel().tobytes() == net.feedforward(x).tobytes()
    assert net.update(row(df), 1, 0.1) == twin.update(x, 1, 0.1)
    assert net.feature_names == NAMES
    assert without_names(net) == pickle.dumps(twin)
    net.update(row(df), pd.Series([0.5]), 0.1)
    twin.update(x, 0.5, 0.1)
    assert without_names(net) == pickle.dumps(twin)


@every_column
def test_a_class_number_in_a_column_of_one(made):
    x = frame().to_numpy(float)[2]
    nets = [Network([4, 3], activation="softmax", loss="cross_entropy", seed=0) for _ in range(2)]
    if made is COLUMNS["chunks of PyArrow"]:
        made = pa.array
    assert nets[0].update(x, made(np.array([2])), 0.1) == nets[1].update(x, 2, 0.1)


def test_a_row_of_targets():
    x, Y = frame().to_numpy(float)[2], frame()
    for row in ROWS.values():
        net, twin = net_of(4), net_of(4)
        assert net.update(x, row(Y), 0.1) == twin.update(x, Y.to_numpy(float)[2], 0.1)
        assert net.feature_names is None


@every_row
def test_other_names_of_one_row(row):
    df = frame()
    net = net_of()
    trained(net, df, targets())
    before = pickle.dumps(net)
    for other in (df[list(NAMES[::-1])], df.rename(columns={"age": "Age"})):
        with pytest.raises(ValueError, match=r"X must have .* net.feature_names"):
            net.feedforward(row(other))
        with pytest.raises(ValueError, match=r"x must have .* net.feature_names"):
            net.update(row(other), 1, 0.1)
    assert pickle.dumps(net) == before


# What is refused


def altered(name, row, value):
    """A frame with something else in one place, among objects, with an index of its own."""
    df = frame().astype({name: object}).set_axis(range(100, 100 + N))
    df.at[100 + row, name] = value
    return df


TIMES = pd.to_datetime([None, None, *["2020-02-01"] * (N - 2)])
TIME = str(TIMES.to_numpy()[2])  # to nanoseconds in pandas 2
TEXT = "X must hold real numbers, got text 'm' in column 'member', row 2"
MISSING = "X must have no missing values, got {} in column 'age', row 3"
LABEL = " (index label 103)"
REFUSED = {
    "text": (lambda: altered("member", 2, "m"), TypeError, TEXT + " (index label 102); encode it "
             "first, for example with pandas.get_dummies(X)"),
    "text of pandas": (lambda: frame().assign(member=list("xxmmmmm")).iloc[2:], TypeError,
                       "text 'm' in column 'member', row 0 (index label 2)"),
    "text after missing": (lambda: frame().assign(member=[None, None, *"mmmmm"]), TypeError,
                           TEXT + "; encode it"),
    "text in polars": (lambda: pl.from_pandas(frame()).with_columns(member=pl.lit("m")),
                       TypeError, "'m' in column 'member', row 0; encode it first, for example "
                       "with X.to_dummies()"),
    "categories in polars": (
        lambda: pl.from_pandas(frame()).with_columns(
            member=pl.Series(["m"] * N, dtype=pl.Categorical)
        ), TypeError, "'m' in column 'member', row 0; encode it"),
    "text in PyArrow": (lambda: pa.table({**frame(), "member": [None, *"mmmmmm"]}), TypeError,
                        "'m' in column 'member', row 1; encode it first, for example with "
                        "pandas.get_dummies(X.to_pandas())"),
    "categories": (lambda: frame().assign(member=pd.Categorical(list("mmmmmmm"))), TypeError,
                   "'m' in column 'member', row 0; encode it"),
    "written numbers": (lambda: altered("age", 3, "1.5"), TypeError, "text '1.5' in column 'age', "
                        f"row 3{LABEL}; make numbers of text first, for example with "
                        "pandas.to_numeric"),
    "bytes": (lambda: altered("age", 3, b"no"), TypeError, "got text b'no' in column 'age'"),
    "None": (lambda: altered("age", 3, None), ValueError, MISSING.format("None") + LABEL + "; fill "
             "or drop it, for example with X.fillna or X.dropna"),
    "NA": (lambda: altered("age", 3, pd.NA), ValueError, MISSING.format("<NA>") + LABEL),
    "NaT": (lambda: altered("age", 3, pd.NaT), ValueError, MISSING.format("NaT") + LABEL),
    "NaN": (lambda: altered("age", 3, np.nan), ValueError, MISSING.format("nan") + LABEL),
    "Decimal NaN": (lambda: altered("age", 3, Decimal("nan")), ValueError, MISSING.format("")[:32]),
    "NaN among floats": (lambda: altered("age", 3, np.nan).astype(float), ValueError,
                         MISSING.format("nan") + LABEL),
    "NaN among several types": (lambda: altered("age", 3, np.nan).astype({"age": float}),
                                ValueError, MISSING.format("nan") + LABEL),
    "missing boolean": (lambda: altered("member", 3, None).astype({"member": "boolean"}),
                        ValueError, "got <NA> in column 'member', row 3" + LABEL),
    "missing integer": (lambda: altered("visits", 3, None).astype({"visits": "Int64"}),
                        ValueError, "got nan in column 'visits', row 3" + LABEL),
    "missing in PyArrow's type": (
        lambda: altered("visits", 3, None).astype({"visits": "int64[pyarrow]"}), ValueError,
        "in column 'visits', row 3" + LABEL),
    "null in polars": (
        lambda: pl.from_pandas(frame()).with_columns(age=pl.Series([1, 1, 1, *[None] * 4])),
        ValueError, MISSING.format("nan") + "; fill or drop it, for example with X.fill_null"),
    "boolean null in polars": (
        lambda: pl.DataFrame({name: [True, True, True, None] for name in NAMES}),
        ValueError, MISSING.format("None") + "; fill"),
    "null in PyArrow": (lambda: pa.table({**frame(), "age": [1, 1, 1, None, 1, 1, 1]}),
                        ValueError, MISSING.format("nan") + "; fill or drop it, for example with "
                        "pyarrow.compute.fill_null"),
    "nothing but null": (lambda: pa.table({**frame(), "age": [None] * N}), ValueError,
                         "got None in column 'age', row 0"),
    "infinity": (lambda: altered("age", 3, -np.inf), ValueError,
                 "X must be finite, got -inf in column 'age', row 3" + LABEL),
    "beyond floats": (lambda: altered("age", 3, -(10**400)), ValueError, "got -inf in column"),
    "complex": (lambda: altered("age", 3, 1j), TypeError, "got complex 1j in column 'age', row 3"),
    "complex column": (lambda: frame().assign(age=1j), TypeError, "in column 'age', row 0"),
    "list": (lambda: altered("age", 3, [1]), TypeError, "got list [1] in column 'age', row 3"),
    "array": (lambda: altered("age", 3, np.array(1.0)), TypeError, "got ndarray array(1.) in"),
    "time": (lambda: frame().assign(age=TIMES), TypeError, f"got the date or time {TIME} in "
             "column 'age', row 2; make numbers of such values first"),
    "time zone": (lambda: frame().assign(age=TIMES.tz_localize("UTC")), TypeError,
                  "got the date or time 2020-02-01 00:00:00+00:00 in column 'age', row 2"),
    "no time": (lambda: frame().assign(age=TIMES[:1].repeat(N)), ValueError, "got NaT in column"),
    "duration": (lambda: frame().assign(age=pd.Timedelta(1, "s")), TypeError, "got the duration "),
    "dates in polars": (lambda: pl.from_pandas(frame().assign(age=TIMES)), TypeError,
                        f"got the date or time {TIME} in column 'age', row 2"),
    "dates in PyArrow": (lambda: pa.table({**frame(), "age": TIMES}), TypeError, "in column 'age'"),
    "period": (lambda: frame().assign(age=pd.period_range("2020", periods=N)), TypeError,
               "got Period Period('2020-01-01', 'D') in column 'age', row 0"),
    "lists in polars": (lambda: pl.from_pandas(frame()).with_columns(
        age=pl.Series([[1, 2]] * N, dtype=pl.Array(pl.Int64, 2))), ValueError,
        "X must have columns of one number in each row, got columns of shape (7,) and (7, 2)"),
    "lazy": (lambda: pl.from_pandas(frame()).lazy(), TypeError, "is computed by X.collect()"),
    "column too few": (lambda: frame()[["age", "member"]], ValueError, "X must have 4 columns"),
    "no column": (lambda: frame()[[]], ValueError, "X must have 4 columns, one per input"),
}  # fmt: skip


@pytest.mark.parametrize(("made", "exception", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_number_is_named(call, made, exception, message):
    net, before = net_of(), pickle.dumps(net_of())
    with pytest.raises(exception) as refused:
        CALLS[call](net, made(), targets())
    assert type(refused.value) is exception
    assert message in str(refused.value)
    prefix = "validation_data: " if call == "validate" else ""
    assert str(refused.value).startswith(f"{prefix}X must")
    assert pickle.dumps(net) == before


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (lambda: altered("member", 2, "m").iloc[2], "got text 'm' in column 'member'; encode it"),
        (lambda: altered("age", 2, None).iloc[2], "got None in column 'age'; fill or drop it"),
        (lambda: frame().astype(float).iloc[0] * np.nan, "got nan in column 'age'; fill or drop"),
        (lambda: pl.Series([0, None, 1, 2]), "got nan in column 1; fill"),
        (lambda: frame().iloc[0][:3], " must have 4 numbers, one per input of the network, got 3"),
    ],
)
def test_what_is_no_number_in_one_row_is_named(x, message):
    net, before = net_of(), pickle.dumps(net_of())
    for call in (net.feedforward, lambda x: net.update(x, 1, 0.1)):
        with pytest.raises((TypeError, ValueError), match=re.escape(message)):
            call(x())
    assert pickle.dumps(net) == before


@pytest.mark.parametrize(
    ("y", "exception", "message"),
    [
        (lambda: pd.Series(list("abcabca")), TypeError, "got text 'a' in row 0; make class numbers "
         "of labels, for example with numpy.unique(y, return_inverse=True) or pandas.factorize(y), "
         "or use fastnn.sklearn.MLPClassifier"),
        (lambda: list("abcabca"), TypeError, "dtype <U1, with text 'a' in row 0; make class numb"),
        (lambda: np.array(list("abcabca"), object), TypeError, "with text 'a' in row 0; make cla"),
        (lambda: pl.Series(list("abcabca")), TypeError, "text 'a' in row 0; make class numbers of"),
        (lambda: pa.array(list("abcabca")), TypeError, "text 'a' in row 0; make class numbers of"),
        (lambda: list("1010101"), TypeError, "with numpy.array(y, dtype=float)"),
        (lambda: pd.Series([0, 1, None, 1, 1, 1, 1], index=range(3, 10)), ValueError,
         "y must have no missing values, got nan in row 2 (index label 5); fill or drop it"),
        (lambda: pd.DataFrame({"out": [0, 1, None, 1, 1, 1, 1]}), ValueError,
         "got nan in column 'out', row 2; fill or drop it"),
        (lambda: pd.Series([0, 1, np.inf, 1, 1, 1, 1]), ValueError, "must be finite, got inf in r"),
        (lambda: pd.DataFrame({"a": range(N), "b": 1}), ValueError, "(7,) or (7, 1), got (7, 2)"),
    ],
)  # fmt: skip
def test_targets_that_are_no_numbers(y, exception, message):
    net, before = net_of(), pickle.dumps(net_of())
    with pytest.raises(exception, match=re.escape(message)):
        trained(net, frame(), y())
    assert pickle.dumps(net) == before


def test_weights_that_are_no_numbers():
    net, before = net_of(), pickle.dumps(net_of())
    for weight in ([1, 1, None, 1, 1, 1, 1], [1, 1, np.nan, 1, 1, 1, 1]):
        with pytest.raises(ValueError, match=r"sample_weight must have no missing .* in row 2; "):
            trained(net, frame(), targets(), sample_weight=pd.Series(weight, dtype=object))
    column = pd.DataFrame({"a": weight})
    with pytest.raises(ValueError, match=r"sample_weight must .* in column 'a', row 2; fill"):
        trained(net, frame(), targets(), sample_weight=column)
    assert pickle.dumps(net) == before


# Names


def test_names_are_those_of_the_columns():
    net = net_of()
    assert net.feature_names is None
    trained(net, frame().to_numpy(float), targets())
    assert net.feature_names is None
    trained(net, frame(), targets())
    assert net.feature_names == NAMES
    trained(net, frame().to_numpy(float), targets())
    assert net.feature_names == NAMES
    with pytest.raises(AttributeError):
        net.feature_names = None
    net.__init__([4, 1])
    assert net.feature_names is None


@pytest.mark.parametrize(
    "labels", [range(4), [*"abc", 3], [(1, "a"), (1, "b"), (2, "a"), (2, "b")]]
)
def test_labels_that_are_no_names(labels):
    net = net_of()
    X = frame().set_axis(pd.Index(list(labels)), axis=1)
    trained(net, X, targets())
    assert net.feature_names is None
    net.feedforward(X.iloc[0])
    trained(net, frame(), targets())
    trained(net, X, targets())
    assert net.feature_names == NAMES


def test_a_name_that_is_there_twice():
    net, before = net_of(), pickle.dumps(net_of())
    X = frame().set_axis(["age", "age", "visits", "age"], axis=1)
    columns = [X.iloc[:, i] for i in range(4)]
    for one in (X, X.astype(object), pa.Table.from_arrays(columns, list(X.columns))):
        with pytest.raises(ValueError, match=r"a name of its own .* got 'age' more th"):
            trained(net, one, targets())
    assert pickle.dumps(net) == before


OTHERS = {
    "order": (lambda df: df[list(NAMES[::-1])], "X must have its columns in the order of net.featu"
              "re_names, and has them in another; use X[list(net.feature_names)]"),
    "missing": (lambda df: df[["age", "visits"]], "lacks 'member', 'score'; rename or add columns"),
    "new": (lambda df: df.assign(height=1), "and has 'height', which the network does not know; "
            "use X[list(net.feature_names)]"),
    "renamed": (lambda df: df.rename(columns=str.upper), "lacks 'age', 'member', 'visits', 'score'"
                " and has 'AGE', 'MEMBER', 'VISITS', 'SCORE', which"),
    "many": (lambda df: pd.concat([df, pd.DataFrame(0, df.index, [*"abcdefg"])], axis=1),
             "has 'a', 'b', 'c', 'd', 'e' and 2 more, which"),
}  # fmt: skip
LIBRARIES = {
    "pandas": lambda df: df,
    "polars": pl.from_pandas,
    "PyArrow": lambda df: pa.Table.from_pandas(df, preserve_index=False),
}


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize(("other", "message"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_other_columns_are_refused(call, other, message, library):
    net, df = net_of(), frame()
    trained(net, df, targets())
    before = pickle.dumps(net)
    X = library(other(df))
    if isinstance(X, pa.Table):
        message = message.replace("X[list(net.feature_names)]", "X.select(list(net.feature_names))")
    with pytest.raises(ValueError, match=re.escape(message)):
        call(net, X, targets())
    assert pickle.dumps(net) == before
    if set(NAMES) <= set(other(df).columns):  # the remedy helps
        taken = X.select(list(NAMES)) if isinstance(X, pa.Table) else X[list(net.feature_names)]
        call(net, taken, targets())


def test_validation_data_of_other_columns():
    net, before, df = net_of(), pickle.dumps(net_of()), frame()
    with pytest.raises(ValueError, match="validation_data: X must have its columns in the order"):
        trained(net, df, targets(), validation_data=(df[list(NAMES[::-1])], targets()))
    assert pickle.dumps(net) == before
    trained(net, df.to_numpy(float), targets(), validation_data=(df, targets()))
    assert net.feature_names is None


def test_reset_trainer_forgets_them():
    net = net_of()
    trained(net, frame(), targets())
    net.reset_trainer()
    assert net.feature_names is None
    trained(net, frame()[list(NAMES[::-1])], targets())
    assert net.feature_names == NAMES[::-1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"y": [1]}, {"epochs": -1}, {"learning_rate": 0}, {"optimizer": "no"}, {"epochs": 0},
        {"validation_data": 5}, {"metrics": "no"}, {"progress": 5}, {"sample_weight": [1]},
    ],
)  # fmt: skip
def test_a_training_that_does_not_begin_brings_no_names(wrong):
    net, before = net_of(), pickle.dumps(net_of())
    options = {"y": targets(), "epochs": 1, "learning_rate": 0.1, **wrong}
    if wrong == {"epochs": 0}:
        net.train(frame(), **options)
    else:
        with pytest.raises((TypeError, ValueError)):
            net.train(frame(), **options)
    assert pickle.dumps(net) == before


def test_a_training_that_has_begun_brings_them():
    net = net_of()
    seen = []

    def interrupt(net, *_):
        seen.append(net.feature_names)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(net, frame(), targets(), callbacks=interrupt)
    assert [net.feature_names, *seen] == [NAMES, NAMES]
    net = Network([4, 1], activation="identity")
    with pytest.raises(TrainingDivergedError):
        trained(net, frame(), targets(), learning_rate=1e300)
    assert net.feature_names == NAMES


def test_an_update_that_diverges_brings_no_names():
    net = Network([4, 1], activation="identity")
    with pytest.raises(TrainingDivergedError):
        net.update(frame().iloc[0], 1e300, 1e300)
    assert net.feature_names is None


def test_names_that_another_training_brings_meanwhile():
    net, df = net_of(), frame()

    class Weights:
        def __array__(self, dtype=None, copy=None):
            trained(net, df[list(NAMES[::-1])], targets())
            return np.ones(N)

    with pytest.raises(RuntimeError, match="trained on other columns meanwhile"):
        trained(net, df, targets(), sample_weight=Weights())
    assert net.feature_names == NAMES[::-1]


def through_file(net, path, **options):
    net.save(path, **options)
    return Network.load(path)


PASSED_ON = {
    "file": through_file,
    "file with trainer": lambda net, path: through_file(net, path, trainer=True),
    "pickle": lambda net, path: pickle.loads(pickle.dumps(net)),
    "copy": lambda net, path: copy.copy(net),
    "deepcopy": lambda net, path: copy.deepcopy(net),
    "method": lambda net, path: net.copy(),
}


@pytest.mark.parametrize("names", [NAMES, ("ä", "\ud800", "", 'a"b\n')], ids=["usual", "strange"])
@pytest.mark.parametrize("passed_on", PASSED_ON.values(), ids=PASSED_ON)
def test_names_stay_with_the_network(passed_on, names, tmp_path):
    net = net_of()
    X = frame().set_axis(pd.Index(names, dtype=object), axis=1)
    trained(net, X, targets())
    other = passed_on(net, tmp_path / "net")
    assert other.feature_names == names
    assert other.feedforward(X).tobytes() == net.feedforward(X).tobytes()
    other.reset_trainer()
    assert net.feature_names == names


def test_a_checkpoint_has_them(tmp_path):
    checkpoint = callbacks.ModelCheckpoint(tmp_path / "net", monitor="loss")
    trained(net_of(), frame(), targets(), callbacks=checkpoint)
    assert Network.load(tmp_path / "net").feature_names == NAMES


def test_only_a_file_with_names_needs_a_version_that_knows_them(tmp_path):
    net = net_of()
    for X, version in ((frame().to_numpy(float), b"0001"), (frame(), b"0002")):
        trained(net, X, targets())
        net.save(tmp_path / "net")
        content = (tmp_path / "net").read_bytes()
        assert b"fastnn model " + version in content
        assert (b'"feature_names"' in content) == (version == b"0002")


def test_names_too_long_for_a_file(tmp_path):
    net = net_of()
    trained(net, frame().rename(columns={"age": "a" * 10**6}), targets())
    with pytest.raises(ValueError, match="of 2 layers and 4 names, has 1,000,"):
        net.save(tmp_path / "net")


# Tables that lie


def test_a_table_whose_columns_have_other_names_as_attributes():
    """In pandas, df.format is the column of this name."""
    names = ["format", "mask", "shape_", "tocsr"]
    net = net_of()
    trained(net, frame().set_axis(names, axis=1), targets())
    net.feedforward(frame().set_axis(names, axis=1).iloc[0])
    assert net.feature_names == tuple(names)
    with pytest.raises(TypeError, match="text 'csr' in column 'format'"):
        net.feedforward(frame().set_axis(names, axis=1).astype(object).assign(format="csr").iloc[0])


class Lies:
    """Looks like a frame, and answers what it is made with."""

    iloc = columns = None
    index = ()
    size = 10**6

    def __init__(self, columns, dtypes, items, array=None):
        self.columns, self.dtypes, self.numbers, self.array = columns, dtypes, items, array

    def items(self):
        return self.numbers

    def __array__(self, dtype=None, copy=None):
        return self.array


FLOATS = [np.dtype(float)] * 4


@pytest.mark.parametrize(
    ("lies", "message"),
    [
        (Lies(NAMES, FLOATS, [], np.ones((N, 3))), "X must have as many names as columns, got 4 n"),
        (Lies(NAMES[:3], FLOATS, [], np.ones((N, 4))), "got 3 names and 4 columns"),
        (Lies(NAMES, [None], [(0, np.ones(N)), (1, np.ones(2))]), "of shape (2,) and (7,)"),
        (Lies(NAMES, [None], [(0, np.ones((N, 2)))]), "of shape (7, 2)"),
        (Lies(NAMES, [None], 5), "X must be a table that can be read, got Lies"),
        (Lies(None, FLOATS, [], np.ones((N, 4, 1))), "(samples, 4), got shape (7, 4, 1)"),
        (Lies(None, FLOATS, [], np.array(1.0)), "(samples, 4), got shape ()"),
        (Lies(NAMES, FLOATS, [], np.full((N, 4), "m")), "could not convert string to float"),
    ],
)
def test_tables_that_lie(lies, message):
    net, before = net_of(), pickle.dumps(net_of())
    with pytest.raises(ValueError, match=re.escape(message)):
        trained(net, lies, targets())
    assert pickle.dumps(net) == before


def test_a_table_is_asked_once():
    asked = []

    class Changes(pd.DataFrame):
        def __array__(self, dtype=None, copy=None):
            asked.append(dtype)
            return np.full((N, 4), np.nan if len(asked) == 1 else np.inf)

    for call in (Network.feedforward, Network.evaluate, Network.check_gradients, trained):
        asked.clear()
        arguments = [] if call is Network.feedforward else [targets()]
        with pytest.raises(ValueError, match="X must have no missing values, got nan in column"):
            call(net_of(), Changes(frame().astype(float)), *arguments)
        assert len(asked) == 1


class Alias(str):
    """A name that equals all others."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        return True

    def __str__(self):
        return "alias"


def test_names_of_an_own_kind_of_text():
    def lies(names):
        return Lies([*map(Alias, names)], FLOATS, [], np.ones((N, 4)))

    net = net_of()
    trained(net, lies(NAMES), targets())
    assert net.feature_names == NAMES
    assert {type(name) for name in net.feature_names} == {str}
    with pytest.raises(ValueError, match="them in another"):
        net.feedforward(lies(NAMES[::-1]))
