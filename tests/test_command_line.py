"""The verbs of the command line: what they learn, what they give, and what they say to mistakes."""

import contextlib
import csv
import gzip
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from model_files import content
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_refused_model_file import members_of, sealed

from fastnn import Network, _files
from fastnn.__main__ import main
from fastnn._command import learning
from fastnn._command.reading import read
from fastnn.plot import HistoryDisplay

pytestmark = pytest.mark.unwatched

PAGE = Path(__file__).parent.parent / "docs" / "how_to" / "command-line.md"
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may all")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="devices of Linux")


def passengers(n=500):
    """A table like that of the Titanic's passengers, in which women and the rich survive."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "Pclass": rng.integers(1, 4, n),
            "Sex": rng.choice(["male", "female"], n),
            "Age": rng.normal(32, 12, n).clip(0.5, 80).round(1),
            "Fare": rng.exponential(25, n).round(4),
            "Embarked": rng.choice(["Southampton", "Cherbourg", "Queenstown"], n),
        }
    )
    z = 2.5 * (table["Sex"] == "female") - 0.9 * table["Pclass"] - 0.02 * table["Age"]
    z += 0.02 * table["Fare"] + rng.normal(0, 0.5, n) + 0.6
    table.insert(0, "Survived", np.where(z > 0, "yes", "no"))
    return table


def numbers(n=60):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"a": rng.normal(7, 2, n), "b": rng.normal(4e4, 9e3, n)})
    table["y"] = 3 * table["b"] * (1 - table["a"] / 100) + 0.25
    return table


NUMBERS, PASSENGERS = numbers().to_csv(index=False), passengers(60).to_csv(index=False)
SMALL = "a,b,kind\n" + "".join(f"{i % 7},{i % 5}.5,{'xyz'[i % 3]}\n" for i in range(30))


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, stdin=None):
        if stdin is not None:
            given = io.TextIOWrapper(io.BytesIO(stdin))
            monkeypatch.setattr(sys, "stdin", given)
        try:
            code = main(list(map(str, arguments)))
        except SystemExit as exit:
            code = exit.code
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, err=printed.err)

    return run


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Files of networks that the command line has saved, and of one that Python has."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "numbers.csv").write_text(NUMBERS)
    (folder / "people.csv").write_text(PASSENGERS)
    (folder / "small.csv").write_text(SMALL)
    for name, target in (("numbers", "y"), ("people", "Survived"), ("small", "kind")):
        with contextlib.redirect_stdout(io.StringIO()):
            path = str(folder / f"{name}.npz")
            table = str(folder / f"{name}.csv")
            assert main(["train", table, "--target", target, "--save", path]) == 0
    Network([2, 3, 1], seed=0).save(folder / "python.npz")
    return folder


def process(*arguments, python=(), **options):
    """The command line as a process of its own."""
    command = [sys.executable, "-P", *(python or ["-m", "fastnn"]), *map(str, arguments)]
    return subprocess.run(command, timeout=60, check=False, **{"capture_output": True, **options})


def predictions(text):
    header, *rows = csv.reader(io.StringIO(text))
    assert header == ["prediction"]
    assert {len(row) for row in rows} <= {1}
    return [row[0] for row in rows]


def encoded(table, net):
    """As a user does it with pandas."""
    return pd.get_dummies(table, dtype=float)[list(net.feature_names)]


# What is learned, and given


def test_a_classifier_from_end_to_end(run, tmp_path):
    table = passengers()
    table[:400].to_csv("known.csv", index=False)
    table[400:].to_csv("new.csv", index=False)
    done = run("train", "known.csv", "--target", "Survived", "--save", "net.npz", "--plot", "l.png")
    assert (done.code, done.err) == (0, "")
    assert "400 rows, 3 columns of numbers, 2 of text\n" in done.out
    assert "target 'Survived': 2 classes, 'no', 'yes'\n" in done.out
    said = re.search(r"accuracy (0\.\d+) on 80 rows held out .*same class: (0\.\d+)", done.out)
    accuracy, always = map(float, said.groups())
    assert accuracy > max(0.75, always + 0.2)
    assert (tmp_path / "l.png").read_bytes().startswith(b"\x89PNG")

    done = run("predict", "net.npz", "new.csv", "-o", "out.csv")
    assert (done.code, done.out) == (0, "")
    assert done.err == "fastnn predict: left out: 'Survived' (the target)\n"
    found = predictions((tmp_path / "out.csv").read_text())
    assert np.mean(np.array(found) == table["Survived"][400:]) > 0.75

    net = Network.load("net.npz")
    assert net.layer_sizes == (8, 32, 16, 1)
    p = net.feedforward(encoded(table[400:], net))
    assert found == [["no", "yes"][int(one > 0.5)] for one in p[:, 0]]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", ["people", "numbers", "small"])
def test_a_program_in_c_predicts_the_same(run, models, tmp_path, compiler, name):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not here")
    done = run("export", models / f"{name}.npz", "--to", "c", "--name", "net", "-o", "net.h")
    assert (done.code, done.out, done.err) == (0, "", "")
    is_class = name != "numbers"
    (tmp_path / "main.c").write_text(
        """
#include <stdio.h>
#include "net.h"
int main(void)
{
    double x[NET_INPUTS], y[NET_OUTPUTS];
    for (;;) {
        for (int j = 0; j < NET_INPUTS; j++)
            if (scanf("%lf", &x[j]) != 1) return 0;
        net_predict(x, y);
"""
        + ("puts(net_classes[net_classify(x)]);" if is_class else 'printf("%.17g\\n", y[0]);')
        + "\n    }\n}\n"
    )
    subprocess.run([compiler, "-O2", "main.c", "-o", "main", "-lm"], check=True)
    table = pd.read_csv(models / f"{name}.csv")
    net = Network.load(models / f"{name}.npz")
    rows = "\n".join(" ".join(map(repr, row)) for row in encoded(table, net).to_numpy().tolist())
    program = subprocess.run("./main", input=rows, text=True, capture_output=True, check=True)
    expected = predictions(run("predict", models / f"{name}.npz", models / f"{name}.csv").out)
    found = program.stdout.splitlines()
    if is_class:
        assert found == expected
        assert len(set(found)) > 1
    else:
        np.testing.assert_allclose(np.array(found, float), np.array(expected, float), rtol=1e-12)


@pytest.mark.parametrize("name", ["people", "numbers", "small"])
def test_a_header_for_microcontrollers(run, models, tmp_path, name):
    """Of float and int8, with names of classes; what that costs is told of the table itself."""
    path, table = models / f"{name}.npz", models / f"{name}.csv"
    done = run(
        "export", path, "--to", "C", "--dtype", "float32", "--quantize", "int8", "--data", table,
        "--numbers", "decimal", "-o", "a-net.h",
    )  # fmt: skip
    assert (done.code, done.out) == (0, "")
    what = "R2" if name == "numbers" else "accuracy"
    n = len(pd.read_csv(table))
    number = r"(-?\d\.\d{4})"
    found = re.fullmatch(
        rf"fastnn export: int8: {what} {number} on {n} samples, {number} with weights of "
        rf"float32, and {number} with the model's own of float64\n",
        done.err,
    )
    assert found
    target = pd.read_csv(table, dtype=str)[
        {"people": "Survived", "numbers": "y", "small": "kind"}[name]
    ]
    predicted = predictions(run("predict", path, table).out)
    if name == "numbers":
        y, p = target.to_numpy(float), np.array(predicted, float)
        score = 1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    else:
        score = np.mean(target.to_numpy() == np.array(predicted))
    assert float(found[3]) == pytest.approx(score, abs=6e-5)
    text = Path("a-net.h").read_text()
    assert "a_net_predict(const float x" in text
    assert "static const signed char a_net_W1" in text
    assert "p-" not in text.partition("a_net_center")[2].partition("a_net_predict")[0]
    assert ("a_net_classes[" in text) == (name != "numbers")
    done = run("export", path, "--to", "c", "--quantize", "int8")
    assert "model_predict(const double x" in done.out
    assert done.err == ""


def test_classes_that_are_numbers_are_written_otherwise_in_another_table(run, tmp_path):
    rows = "".join(f"{i % 7},{i % 3}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("a,y\n" + rows)
    (tmp_path / "u.csv").write_text("y,a,more\n" + "0.0,1,x\n2.00,5,x\n1,4,x\n")
    (tmp_path / "v.csv").write_text("y,a\n7,1\n")
    assert run("train", "t.csv", "--target", "y", "--save", "net.npz", "--epochs", 2).code == 0
    done = run("export", "net.npz", "--to", "c", "--quantize", "int8", "--data", "u.csv")
    assert done.code == 0
    assert re.match(r"fastnn export: int8: accuracy \d\.\d+ on 3 samples", done.err)
    done = run("export", "net.npz", "--to", "c", "--data", "v.csv")
    message = (
        "fastnn export: v.csv, line 2, column 'y': '7' is none of the classes that the network"
    )
    assert done.err.startswith(message)


def test_columns_of_which_float32_keeps_too_little(run, tmp_path):
    rows = "".join(f"{1_700_000_000 + i},{i % 2}\n" for i in range(60))
    (tmp_path / "t.csv").write_text("time,y\n" + rows)
    assert run("train", "t.csv", "--target", "y", "--save", "net.npz", "--epochs", 2).code == 0
    assert run("export", "net.npz", "--to", "c", "-o", "net.h").code == 0
    done = run("export", "net.npz", "--to", "c", "--dtype", "float32", "-o", "other.h")
    assert done.code == 1
    assert done.err.startswith(
        "fastnn export: column 'time' of the inputs has mean 1.7e+09 and scale"
    )
    assert not os.path.exists("other.h")


def test_onnx_predicts_the_same(run, models):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    for name in ("people", "numbers", "small"):
        path = models / f"{name}.npz"
        assert run("export", path, "--to", "onnx", "-o", "net.onnx").code == 0
        session = onnxruntime.InferenceSession("net.onnx")
        table, net = pd.read_csv(models / f"{name}.csv"), Network.load(path)
        found = session.run(None, {"X": encoded(table, net).to_numpy()})[0].ravel().tolist()
        expected = predictions(run("predict", path, models / f"{name}.csv").out)
        if name == "numbers":
            np.testing.assert_allclose(found, np.array(expected, float), rtol=1e-12)
        else:
            assert found == expected


def test_numbers_are_those_of_python_to_the_bit(run, models):
    table, net = numbers(), Network.load(models / "numbers.npz")
    found = predictions(run("predict", models / "numbers.npz", models / "numbers.csv").out)
    assert found == [repr(one) for one in net.feedforward(table[["a", "b"]])[:, 0].tolist()]
    assert np.corrcoef(np.array(found, float), table["y"])[0, 1] > 0.99
    assert net.standardizer.feature_names == net.feature_names == ("a", "b")
    again = net.without_standardizer()
    x, y = net.standardizer.transform(table[["a", "b"]]), net.target_standardizer.transform(table.y)
    before = again.evaluate(x, y)
    again.train(x, y, epochs=20, learning_rate=0.001)
    assert again.evaluate(x, y) < before


def test_columns_may_be_in_any_order(run, models, tmp_path):
    table = passengers(60)
    before = predictions(run("predict", models / "people.npz", models / "people.csv").out)
    mixed = table[["Fare", "Sex", "Embarked", "Age", "Pclass"]].assign(note="x")
    mixed.to_csv("mixed.csv", sep=";", decimal=",", encoding="utf-8-sig")
    done = run("predict", models / "people.npz", "mixed.csv", "--decimal", ",")
    assert predictions(done.out) == before
    assert done.err == "fastnn predict: left out: 'note', 1 column without a name\n"
    mixed.drop(columns="note").to_parquet("mixed.parquet", index=False)
    done = run("predict", models / "people.npz", "mixed.parquet", "-o", "-")
    assert (predictions(done.out), done.err) == (before, "")
    done = run("predict", models / "people.npz", "-", stdin=mixed.to_csv(sep="\t").encode())
    assert predictions(done.out) == before


@pytest.mark.parametrize("extra", [[], ["--hidden", "5"], ["--hidden", "none"], ["--seed", "7"]])
def test_the_same_flags_give_the_same_file(run, tmp_path, extra):
    (tmp_path / "t.csv").write_text(SMALL)
    contents = []
    for name in ("one.npz", "two.npz"):
        run("train", "t.csv", "--target", "kind", "--epochs", 20, *extra, "--save", name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    run("train", "t.csv", "--target", "kind", "--epochs", 20, "--seed", "3", "--save", "three.npz")
    assert (tmp_path / "three.npz").read_bytes() != contents[0]
    assert Network.load("one.npz").layer_sizes == {
        "5": (2, 5, 3), "none": (2, 3)
    }.get(extra[-1] if extra else "", (2, 32, 16, 3))  # fmt: skip


@pytest.mark.parametrize(("column", "kind", "classes"), [
    (["red", "blue"] * 20, None, ["blue", "red"]),
    (["10", "9"] * 20, None, ["9", "10"]),
    (["1.0", "1", "2", "2.0"] * 10, None, ["1.0", "2"]),
    ([str(i % 20) for i in range(40)], None, [str(i) for i in range(20)]),
    ([str(i % 21) for i in range(42)], None, None),
    ([str(i % 21) for i in range(42)], "classes", [str(i) for i in range(21)]),
    (["1", "2"] * 20, "numbers", None),
    (["0.5", "1.5"] * 20, None, None),
    (["0.5", "1.5"] * 20, "classes", ["0.5", "1.5"]),
    (["-3", "1e2"] * 20, None, ["-3", "1e2"]),
    (["Ä, \"b\"", "x\ny"] * 20, None, ["x\ny", "Ä, \"b\""]),
], ids=range(11))  # fmt: skip
def test_what_a_target_is(run, column, kind, classes):
    pd.DataFrame({"x": range(len(column)), "t": column}).to_csv("t.csv", index=False)
    flags = ["--as", kind] if kind else []
    settings = ["--epochs", "2", "--save", "net.npz", *flags]
    done = run("train", "t.csv", "--target", "t", *settings)
    assert done.code == 0, done.err
    found = predictions(run("predict", "net.npz", "t.csv").out)
    assert len(found) == len(column)
    if classes is None:
        assert "a number" in done.out
        assert len(set(found)) > 2
    else:
        assert f"{len(classes)} classes" in done.out
        assert set(found) <= set(classes)
        described = json.loads(np.load("net.npz")["model.json"])["table"]["target"]
        assert described == {"name": "t", "classes": classes}


def test_what_columns_are(run):
    table = pd.DataFrame(
        {
            "n": ["1", " 2.5", "-3e-2", ".5", "7.", "+1"] * 10,
            "code": [100, 200, 300] * 20,
            "yes": ["True", "False"] * 30,
            "same": ["?"] * 60,
            "id": range(60),
            "t": [0.25, 1.75, 3] * 20,
        }
    )
    table.to_csv("t.csv")
    flags = ["--ignore", "id", "--categories", "code", "--epochs", "2", "--save", "net.npz"]
    done = run("train", "t.csv", "--target", "t", *flags)
    assert done.code == 0, done.err
    left = "left out: 'same' (the same in all rows), 'id', 1 column without a name\n"
    assert left in done.out
    names = ("n", "code_100", "code_200", "code_300", "yes_False", "yes_True")
    assert Network.load("net.npz").feature_names == names
    done = run("info", "net.npz")
    assert (done.code, done.err) == (0, "")
    for line in ("layers        6-32-16-1: relu, relu, identity", "target        't': a number",
                 "  'n': a number", "  'code': '100', '200', '300'", "  'yes': 'False', 'True'",
                 "standardizer  of inputs and targets, "):  # fmt: skip
        assert line in done.out


def test_a_network_of_pythons_is_described_and_exported(run, models):
    done = run("info", models / "python.npz")
    assert "layers        2-3-1: sigmoid, sigmoid" in done.out
    assert "table         none" in done.out
    assert "standardizer" not in done.out
    done = run("export", models / "python.npz", "--to", "c")
    assert (done.code, done.err) == (0, "")
    assert "model_predict" in done.out
    assert "model_classes" not in done.out


def test_a_report_without_rows_held_out_for_it(run, tmp_path):
    (tmp_path / "t.csv").write_text(NUMBERS)
    done = run("train", "-", "--target", "y", "--test-fraction", 0, stdin=NUMBERS.encode())
    assert done.code == 0
    assert "standard input: 60 rows, 2 columns of numbers, 0 of text" in done.out
    assert "on 48 rows that it was trained on\n" in done.out
    assert "12 rows held out to tell it\n" in done.out
    assert "held out for this" not in done.out
    assert "not saved" in done.out
    assert os.listdir() == ["t.csv"]


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_dialects(tmp_path, line, delimiter):
    rows = [["a", 'b, "c"', " d "], ["1", "x;y", "3"], [], ["4", "two\nlines", " 6 "]]
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if line == "\r" else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line, quoting=quoting)
    writer.writerows(rows)
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    for given in (None, delimiter):
        sheet = read(str(tmp_path / "t.csv"), given, ".")
        expected = {"a": ["1", "4"], 'b, "c"': ["x;y", "two\nlines"], "d": ["3", "6"]}
        assert sheet.columns == expected
        assert sheet.places == [2, 4]


@pytest.mark.parametrize(("values", "flags", "read_as"), [
    (["1.485", "0.213", "12.001"] * 10, [], [1.485, 0.213, 12.001]),
    (["1.485", "3.213", "12.001"] * 10, [], [1.485, 3.213, 12.001]),  # each with a point
    (["7", "1.485", "3.213"] * 10, [], [7, 1.485, 3.213]),
    (["12", "1.485", "13.213"] * 10, [], [12, 1.485, 13.213]),
    (["563", "1.485", "3.25"] * 10, [], [563, 1.485, 3.25]),
    (["1563", "1.485", "3.213"] * 10, [], [1563, 1.485, 3.213]),
    (["563", "1.485", "3.213"] * 10, ["--decimal", "."], [563, 1.485, 3.213]),
    (["563", "1,485", "3,213"] * 10, ["--decimal", ","], [563, 1.485, 3.213]),
], ids=range(8))  # fmt: skip
def test_three_decimals_are_decimals(run, values, flags, read_as):
    table = pd.DataFrame({"a": values, "t": ["p", "q"] * 15})
    table.to_csv("t.csv", index=False, sep=";")
    done = run("train", "t.csv", "--target", "t", "--epochs", "1", "--save", "net.npz", *flags)
    assert (done.code, done.err) == (0, "")
    mean = Network.load("net.npz").standardizer.mean
    rows = learning.parts(np.array([0.0, 1.0] * 15), True, 0.2, 0)["train"]
    np.testing.assert_allclose(mean, np.mean(np.array(read_as * 10)[rows]))


@pytest.mark.parametrize("texts", [
    ["192.168.10", "10.168.20"], ["01.02.2024", "11.12.2023"], ["12:30", "9:15"], ["5 kg", "6 kg"],
    ["1.2.3", "1.2.4"], ["2024-05-01", "2024-05-02"], ["10-20", "20-30"], ["+", "-"],
], ids=range(8))  # fmt: skip
def test_texts_with_digits_are_categories(run, texts):
    pd.DataFrame({"a": texts * 10, "t": ["p", "q", "q", "p"] * 5}).to_csv("t.csv", index=False)
    done = run("train", "t.csv", "--target", "t", "--epochs", "1", "--save", "net.npz")
    assert done.code == 0, done.err
    assert Network.load("net.npz").feature_names == tuple(f"a_{one}" for one in sorted(texts))


def test_parquet_keeps_numbers(tmp_path):
    table = pd.DataFrame(
        {
            "x": np.random.default_rng(0).normal(size=20) * 1e-7,
            "f": np.float32([0.1] * 20),
            "i": [2**60 + 1] * 20,
            "b": [True, False] * 10,
            "s": pd.Categorical(["ä", None] * 10),
        }
    )
    table.to_parquet(tmp_path / "t.parquet")
    columns = read(str(tmp_path / "t.parquet"), None, ",").columns
    assert np.array(columns["x"], float).tolist() == table["x"].tolist()
    assert np.float32(columns["f"][0]) == np.float32(0.1)
    assert columns["i"][0] == str(2**60 + 1)
    assert columns["b"][:2] == ["True", "False"]
    assert columns["s"][:2] == ["ä", ""]


def test_rows_of_each_class_are_in_each_part():
    y = np.repeat([0, 1, 2, 3], [50, 30, 15, 1])
    rows = learning.parts(y, True, 0.2, 0)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(96))
    assert {name: len(of) for name, of in rows.items()} == {"train": 62, "stop": 15, "test": 19}
    for name, part in (("test", 0.2), ("stop", 0.16), ("train", 0.64)):
        counts = np.bincount(y[rows[name]], minlength=4)
        assert np.abs(counts - part * np.array([50, 30, 15, 1])).max() <= 1.01
    assert 95 in rows["train"]
    other = learning.parts(y, True, 0.2, 1)
    assert not np.array_equal(other["test"], rows["test"])
    assert len(learning.parts(y * 0.5, False, 0, 0)["test"]) == 0


TABLES = {
    "iris": (datasets.load_iris, True),
    "wine": (datasets.load_wine, True),
    "diabetes": (datasets.load_diabetes, False),
    "friedman": (lambda **_: datasets.make_friedman1(400, noise=1, random_state=0), False),
}


def score(X, y):
    """What the network in a file gives on rows: accuracy, or R²."""
    a = Network.load("net.npz").feedforward(X)
    if a.shape[1] > 1:
        return np.mean(a.argmax(axis=1) == y)
    return 1 - np.sum((a[:, 0] - y) ** 2) / np.sum((y - y.mean()) ** 2)


@pytest.mark.parametrize("name", TABLES)
def test_it_learns_as_well_as_scikit_learns_defaults(run, name):
    """On the same rows held out, over three seeds, by what is said."""
    load, is_class = TABLES[name]
    X, y = load(return_X_y=True)
    table = pd.DataFrame(X).add_prefix("x")
    table["t"] = np.array(["red", "green", "blue"])[y] if is_class else y
    table.to_csv("t.csv", index=False)
    mine, theirs = [], []
    for seed in range(3):
        kind = "classes" if is_class else "numbers"
        flags = ["--as", kind, "--seed", seed, "--save", "net.npz"]
        done = run("train", "t.csv", "--target", "t", *flags)
        mine.append(float(re.search(r"(?:accuracy|R2) (-?\d\.\d+).* held out for", done.out)[1]))
        numbered = np.unique(table["t"], return_inverse=True)[1] if is_class else y
        rows = learning.parts(numbered, is_class, 0.2, seed)
        assert mine[-1] == pytest.approx(score(X[rows["test"]], numbered[rows["test"]]), abs=5e-4)
        known, test = np.concatenate([rows["train"], rows["stop"]]), rows["test"]
        settings = {"max_iter": 200, "random_state": seed}
        if is_class:
            model = make_pipeline(StandardScaler(), MLPClassifier(**settings))
        else:
            model = TransformedTargetRegressor(
                make_pipeline(StandardScaler(), MLPRegressor(**settings)),
                transformer=StandardScaler(),
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            theirs.append(model.fit(X[known], y[known]).score(X[test], y[test]))
    assert np.mean(mine) > np.mean(theirs) - 0.02


def test_the_page_shows_what_is_printed(tmp_path):
    """But for numbers behind a point, and which epoch was the best: other CPUs round otherwise."""
    page = PAGE.read_text(encoding="utf-8")
    program = re.search(r"```{code-cell} python\n(.*?)```", page, re.DOTALL)[1]
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    expected = "".join(re.findall(r"```console\n(.*?)```", page, re.DOTALL))
    printed = ""
    for command in re.findall(r"^\$ (.*)$", expected, re.MULTILINE):
        done = subprocess.run(
            f'fastnn() {{ {sys.executable} -P -m fastnn "$@"; }}; {command}', shell=True,
            cwd=tmp_path, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        printed += f"$ {command}\n{done.stdout}"
    rounded = re.compile(r"0\.\d+|(?<=epoch )\d+ of \d+")
    assert rounded.sub("?", printed) == rounded.sub("?", expected)
    in_python = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    done = subprocess.run(
        [sys.executable, "-c", in_python], cwd=tmp_path, check=True, text=True, capture_output=True
    )
    assert done.stdout == re.search(r"^print\(.*\)  # (.*\n)", in_python, re.MULTILINE)[1]
    said, known = (re.findall(r"accuracy (\S+)", text) for text in (printed, expected))
    assert list(map(float, said)) == pytest.approx(list(map(float, known)), abs=0.05)


def test_the_picture_shows_losses_without_the_penalty(run, models, monkeypatch):
    drawn = {}

    class Display(HistoryDisplay):
        def plot(self, ax=None):
            drawn.update(self.columns, epoch=self.epoch, ax=ax)
            return super().plot(ax)

    monkeypatch.setattr("fastnn.plot._history.HistoryDisplay", Display)
    table = models / "small.csv"
    done = run("train", table, "--target", "kind", "--save", "net.npz", "--plot", "l.png")
    assert Path("net.npz").read_bytes() == (models / "small.npz").read_bytes()
    best = int(re.search(r"epoch (\d+) of", done.out)[1])
    assert drawn["epoch"] == list(range(1, len(drawn["loss"]) + 1))
    assert int(np.argmin(drawn["val_loss"])) + 1 == best
    lines = {line.get_label(): line for line in drawn["ax"].get_lines()}
    assert list(lines) == ["training", "validation", f"best epoch, {best}"]
    assert list(lines[f"best epoch, {best}"].get_xdata()) == [best, best]
    numbered = np.arange(30) % 3
    rows = learning.parts(numbered, True, 0.2, 0)["train"]
    X = pd.read_csv(table)[["a", "b"]].to_numpy(float)
    loss = Network.load("net.npz").evaluate(X[rows], numbered[rows])
    np.testing.assert_allclose(drawn["loss"][best - 1], loss, rtol=1e-9)


def test_excels_line_of_the_delimiter(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfsep=;\r\na,x;b,y\r\n1;2\r\n")
    sheet = read(str(tmp_path / "t.csv"), None, None)
    assert sheet.columns == {"a,x": ["1"], "b,y": ["2"]}
    assert sheet.places == [3]


HINTED = ["p", "q"] * 15
# Columns of a table, and the lines about them.
HINTS = {
    "none": ({"a": range(0, 60, 2)}, ""),
    "classes": ({"a": [*range(28), 5, 6], "t": ["Yes", "no", "yes"] * 10},
                "classes of 't': 'Yes' and 'yes' differ in capitals only, and are two"),
    "categories": ({"a": ["Oslo", "Rome", "ROME"] * 10},
                   "categories of 'a': 'ROME' and 'Rome' differ in capitals only, and are two"),
    "dates": ({"a": ["2024-05-01", "2024-05-02", "2024-06-01"] * 10},
              "column 'a' has dates, .* add --ignore a"),
    "German dates": ({"a c": ["1.5.2024", "21.05.2024", "01.06.2024"] * 10},
                     "column 'a c' has dates, .* add --ignore 'a c'"),
    "numbers of rows": ({"a": range(7, 37)}, "column 'a' grows by 1 .*, add --ignore a"),
    "codes": ({"plz": ["01067", "80331", "04109"] * 10},
              "column 'plz' has numbers such as '01067', .*, add --categories plz"),
    "one row": ({"a": range(0, 60, 2), "t": ["p", *["q", "r"] * 14, "r"]},
                "the class 'p' has one row only, which cannot be learned and tested"),
    "two rows": ({"a": range(0, 60, 2), "t": ["1", "2", *["3", "3.0"] * 14]},
                 "each of the classes '1', '2' has one row only, .*"),
}  # fmt: skip


@pytest.mark.parametrize("name", HINTS)
def test_hints_are_a_line_each_and_change_nothing(run, name):
    columns, expected = HINTS[name]
    pd.DataFrame({"t": HINTED} | columns).to_csv("t.csv", index=False)
    done = run("train", "t.csv", "--target", "t", "--epochs", "1", "--save", "net.npz")
    assert done.code == 0
    assert re.fullmatch(f"fastnn train: {expected}\n" if expected else "", done.err), done.err
    assert os.path.exists("net.npz")


def test_a_last_epoch_that_was_the_best_is_said(run, models):
    table = ["train", models / "numbers.csv", "--target", "y"]
    done = run(*table, "--epochs", "5")
    assert "epoch 5 of 5 was the best" in done.out
    assert done.err == (
        "fastnn train: it was still getting better at the last epoch: give more by --epochs\n"
    )
    assert run(*table).err == ""


# What is in the file


def test_a_file_is_that_of_a_network_and_says_what_it_is_for(models, tmp_path):
    net = Network.load(models / "people.npz")
    described = json.loads(members_of((models / "people.npz").read_bytes())["model.json"])
    assert described["table"] == {
        "columns": [
            {"name": "Pclass"},
            {"name": "Sex", "categories": ["female", "male"]},
            {"name": "Age"},
            {"name": "Fare"},
            {"name": "Embarked", "categories": ["Cherbourg", "Queenstown", "Southampton"]},
        ],
        "target": {"name": "Survived", "classes": ["no", "yes"]},
    }
    assert described["feature_names"] == list(net.feature_names)
    net.save(tmp_path / "net")
    assert "table" not in json.loads(members_of((tmp_path / "net").read_bytes())["model.json"])
    assert content(Network.load(tmp_path / "net")) == content(net)


@pytest.mark.parametrize("change", [
    lambda table: table.clear(),
    lambda table: table.update(columns=5),
    lambda table: table.update(columns=[{"name": "Sex", "categories": ["female", "male"]}]),
    lambda table: table["columns"].pop(),
    lambda table: table["columns"][0].update(name=5),
    lambda table: table["columns"][1].update(categories=["female"]),
    lambda table: table["columns"][1].update(categories="no"),
    lambda table: table["columns"][1].update(categories=[1, 2]),
    lambda table: table["target"].update(classes=["no", "yes", "maybe"]),
    lambda table: table["target"].update(classes=7),
    lambda table: table.pop("target"),
], ids=range(11))  # fmt: skip
def test_a_table_that_is_not_this_networks(run, models, tmp_path, change):
    members = members_of((models / "people.npz").read_bytes())
    described = json.loads(members["model.json"])
    change(described["table"])
    (tmp_path / "net.npz").write_bytes(sealed(members | {"model.json": json.dumps(described)}, 3))
    Network.load("net.npz")
    expected = "'net.npz' does not describe a table"
    refused(run("info", "net.npz"), 1, expected)
    refused(run("predict", "net.npz", models / "people.csv"), 1, expected)


# Mistakes


def refused(done, code, message):
    """With one line, of what was asked for, and nothing given."""
    assert done.code == code, done
    assert re.fullmatch(r"fastnn[^\n]*: [^\n]*\n", done.err), done.err
    assert re.search(message, done.err), done.err


def zipped(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "")
    return file.getvalue()


ROWS = "".join(f"{i},{i * 7 % 5},{'pq'[i % 2]}\n" for i in range(20))
LONG = "".join(f"{i},text {i},{'pq'[i % 2]}\n" for i in range(30))
TRAIN = ["train", "t.csv", "--target", "t"]
SAVE = ["--save", "net.npz"]
# What is in t.csv, the arguments, the exit status, and a part of what is said.
MISTAKES = {
    # flags
    "no target": (ROWS, ["train", "t.csv"], 2, "required: --target"),
    "short version": (ROWS, ["--vers"], 2, "unrecognized arguments: --vers"),
    "no table": (ROWS, ["train", "--target", "t"], 2, "required: TABLE"),
    "unknown verb": (ROWS, ["trian"], 2, "invalid choice: 'trian'"),
    "unknown flag": (ROWS, [*TRAIN, "--layers", "3"], 2, "unrecognized arguments: --layers 3"),
    "short flag": (ROWS, ["train", "t.csv", "--tar", "t"], 2, "required: --target"),
    "no value": (ROWS, [*TRAIN, "--save"], 2, "--save: expected one argument"),
    "no units": (ROWS, [*TRAIN, "--hidden", "0"], 2, "--hidden: must be numbers of units"),
    "words for units": (ROWS, [*TRAIN, "--hidden", "3,a"], 2, "such as 32,16.*got '3,a'"),
    "no epochs": (ROWS, [*TRAIN, "--epochs", "0"], 2, "--epochs: must be .* from 1 to .* '0'"),
    "many units": (ROWS, [*TRAIN, "--hidden", "9" * 30], 2, "from 1 to 100,000"),
    "many epochs": (ROWS, [*TRAIN, "--epochs", "9" * 30], 2, "from 1 to 1000000000"),
    "digits without end": (ROWS, [*TRAIN, "--seed", "9" * 9999], 2, "whole number from 0"),
    "half an epoch": (ROWS, [*TRAIN, "--epochs", "1.5"], 2, "whole number .* got '1.5'"),
    "a seed below 0": (ROWS, [*TRAIN, "--seed=-1"], 2, "--seed: must be .* from 0 to .* '-1'"),
    "all is tested": (ROWS, [*TRAIN, "--test-fraction", "1"], 2, "must be from 0 to 0.9, got '1'"),
    "no number": (ROWS, [*TRAIN, "--test-fraction", "nan"], 2, "from 0 to 0.9, got 'nan'"),
    "unknown kind": (ROWS, [*TRAIN, "--as", "class"], 2, "invalid choice: 'class'"),
    "two delimiters": (ROWS, [*TRAIN, "--delimiter", "ab"], 2, "must be one character"),
    "a quote": (ROWS, [*TRAIN, "--delimiter", '"'], 2, "must be one character"),
    "decimals": (ROWS, [*TRAIN, "--decimal", "x"], 2, "--decimal: invalid choice"),
    "picture": (ROWS, [*TRAIN, "--plot", "l.bmp"], 2, "--plot must end in .pdf, .png, .svg"),
    "no format": (ROWS, ["export", "NET"], 2, "required: --to"),
    "unknown format": (ROWS, ["export", "NET", "--to", "java"], 2, "invalid choice: 'java'"),
    "name": (ROWS, ["export", "NET", "--to", "c", "--name", "3d"], 2, "--name must be an ident"),
    "keyword": (ROWS, ["export", "NET", "--to", "c", "--name", "int"], 2, "--name must not be"),
    "near flag": (ROWS, ["export", "NET", "--too", "c"], 2, "mean --to[?].*export --help"),
    "format": (ROWS, ["export", "NET", "--format", "c"], 2, "did you mean --to[?].*export --help"),
    "flag of another": (ROWS, ["info", "NET", "--to", "c"], 2, "--to c .see fastnn info --help"),
    "dtype in ONNX": (ROWS, ["export", "NET", "--to", "onnx", "--dtype", "float32"], 2, "no such"),
    "data in ONNX": (ROWS, ["export", "NET", "--to", "onnx", "--data", "t.csv"], 2, "no such test"),
    "name in ONNX": (ROWS, ["export", "NET", "--to", "onnx", "--name", "x"], 2, "no such name"),
    "too many": (ROWS, ["info", "NET", "NET"], 2, "unrecognized arguments"),
    "unlike flag": (ROWS, [*TRAIN, "--layers", "3"], 2, r"^fastnn train: .* --layers 3 \("),
    "like a flag": (ROWS, [*TRAIN, "--epoch", "3"], 2, r"--epoch 3; did you mean --epochs\?"),
    "flag of train": (ROWS, ["info", "NET", "--save=x"], 2, "^fastnn info: unrecognized"),
    "a report for a model": ("a,b,t\n" + ROWS, [*TRAIN, "--save", "-"], 2, "--save must name"),
    "ignored target": ("a,b,t\n" + ROWS, [*TRAIN, "--ignore", "t"], 2, "would leave out"),
    "two in one": ("a,b,c d,t\n" + "1,2,3,p\n" * 9 + "2,3,4,q\n", [*TRAIN, "--ignore", "a, c d"], 1,
                   "; give each its own: --ignore a --ignore 'c d'$"),
    "two categories": ("a,b,c,t\n" + "1,2,3,p\n" * 10, [*TRAIN, "--categories", "a,b"], 1,
                       "; give each its own: --categories a --categories b$"),
    # files
    "gzip": (gzip.compress(b"a,t"), TRAIN, 1, "t.csv is compressed by gzip; .*gunzip"),
    "Excel": (zipped("xl/workbook.xml"), TRAIN, 1, "is a workbook of Excel; save the sheet as"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1", TRAIN, 1, "is a workbook of Excel; save"),
    "arrays": (zipped("X.npy"), TRAIN, 1, "holds arrays of NumPy; save them as CSV"),
    "an archive": (zipped("t.csv"), TRAIN, 1, "is compressed by zip; give what unzip"),
    "a model for a table": (None, ["predict", "NET", "NET"], 1, "is a model file .* model first"),
    "Parquet as CSV": (b"PAR1\x15", TRAIN, 1, "is Parquet, whose name must end in .parquet or .pq"),
    "other delimiter": ("a,x;b,y;c,z;t,u\n1;2;3;p\n", TRAIN, 1,
                        "line 2 has 1 field, .* are 5, with comma .*; add --delimiter ';'$"),
    "another in the rows": ("a;b;t\n" + ROWS, TRAIN, 1,
                            "line 2 has 1 field, .* are 3, with semi.*; the row has a comma "),
    "no file": (None, TRAIN, 1, "'t.csv': No such file"),
    "a folder": ("folder", TRAIN, 1, "'t.csv' is a folder"),
    "empty": ("", TRAIN, 1, "t.csv is empty"),
    "blank": (" \n\n \n", TRAIN, 1, "t.csv is empty"),
    "nothing but a mark": (b"\xef\xbb\xbf", TRAIN, 1, "t.csv is empty"),
    "names alone": ("a,t\n", TRAIN, 1, "t.csv has names of columns, and no rows"),
    "no names": (",,\n1,2,3\n", TRAIN, 1, "line 1 must have the names of the columns"),
    "rows alone": (ROWS, TRAIN, 1, "name '0'; the first line must have the names"),
    "one row": ("5.1,3.5,x\n" + ROWS, TRAIN, 1, "no column .*; the first line must have"),
    "twice": ("a,b,a,t\n" + ROWS, TRAIN, 1, "more than one column of the name 'a'"),
    "short row": ("a,b,t\n" + ROWS + "1,2\n", TRAIN, 1, "line 22 has 2 fields, .* line 1 are 3"),
    "long row": ("a,b,t\n1,2,p,4\n" + ROWS, TRAIN, 1, "line 2 has 4 fields, .*comma"),
    "open quote": ('a,b,t\n1,"2,p\n' + ROWS, TRAIN, 1, "line 2: a quote .* not closed"),
    "quote and more": ('a,b,t\n1,2,p\n1,"2"x,p\n' + ROWS, TRAIN, 1, "line 3: ',' expected after"),
    "long field": ("a,b,t\n" + ROWS + "1," + "9" * 200_000 + ",p\n", TRAIN, 1, "line 22: field l"),
    "NUL": ("a,b,t\n" + ROWS + "1,\0,p\n", TRAIN, 1, "line 22 has a NUL byte: it is no text"),
    "Latin 1": ("a,b,t\nü,2,p\n".encode("latin1"), TRAIN, 1, r"line 2 is not in UTF-8 \(byte 0xfc"),
    "UTF-16": (("a,b,t\n" + ROWS).encode("utf-16"), TRAIN, 1, "is in UTF-16, and must be in UTF-8"),
    "no Parquet": ("a,b,t\n" + ROWS, ["train", "t.parquet", "--target", "t"], 1, "no Parquet that"),
    # tables
    "other target": ("a,b,T\n" + ROWS, TRAIN, 1, "no column 't', the target.*mean 'T'"),
    "target alone": ("t\n" + "p\nq\n" * 9, TRAIN, 1, "no column beside the target"),
    "all ignored": ("a,t\n" + "1,p\n2,q\n" * 9, [*TRAIN, "--ignore", "a"], 1, "no column beside"),
    "ignored": ("a,b,t\n" + ROWS, [*TRAIN, "--ignore", "c"], 1, "no column 'c', for --ignore"),
    "categories": ("a,b,t\n" + ROWS, [*TRAIN, "--categories", "c"], 1, "'c', for --categories"),
    "few rows": ("a,t\n" + "1,p\n2,q\n" * 4, TRAIN, 1, "has 8 rows, and 10 are the least"),
    "few to train on": ("a,b,t\n" + ROWS, [*TRAIN, "--test-fraction", ".9"], 1, "1 of 20 rows are"),
    "constant": ("a,b,t\n" + ROWS.replace("p", "1.5").replace("q", "1.5"), TRAIN, 1, "nothing to"),
    "one class": ("a,b,t\n" + ROWS.replace("p", "q"), TRAIN, 1, "has one class only, 'q'"),
    "many classes": ("a,t\n" + "".join(f"1,x{i}\n2,x{i}\n3,y{i}\n" for i in range(30)), TRAIN, 1,
                     "has 60 different values in 90 rows, too many for classes"),
    "all the same": ("a,t\n" + "1,p\n1,q\n" * 9, TRAIN, 1, "the same in all rows, but for the tar"),
    "missing": ("a,b,t\n" + ROWS + ",,p\n,2,q\n", TRAIN, 1,
                r"line 22, column 'a': .* missing, as in 2 of 22 rows; others are in 'b' \(1\)"),
    "missing target": ("a,b,t\n" + ROWS + "1,2,\n", TRAIN, 1,
                       "line 22, column 't': the value is missing; fill or remove such rows$"),
    "NA": ("a,b,t\n" + ROWS + "NA,2,p\n", TRAIN, 1, "line 22, column 'a': 'NA', so .* is missing"),
    "nan": ("a,b,t\n" + ROWS + "1,nan,p\n", TRAIN, 1, "column 'b': 'nan', so .* is missing"),
    "inf": ("a,b,t\n" + ROWS + "1,inf,p\n", TRAIN, 1, "column 'b': 'inf' is no number"),
    "underscore": ("a,b,t\n" + ROWS + "1_0,2,p\n", TRAIN, 1, "column 'a': '1_0' is no number"),
    "unit": ("a,b,t\n" + ROWS + "1,2 kg,p\n", TRAIN, 1,
             "line 22, column 'b': '2 kg' is no number; correct it, or add --categories b"),
    "decimal comma": ("a;b;t\n" + ROWS.replace(",", ";") + "1;2,5;p\n", TRAIN, 1, '--decimal ","'),
    "decimal commas": ("a;t\n" + "1,5;p\n2,5;q\n" * 9, TRAIN, 1, "line 2.*--decimal"),
    "decimal commas in the target": ("a;t\n" + "1;1,5\n2;2,5\n" * 9 + "3;1.250,5\n", TRAIN, 1,
                                     "line 2, column 't': '1,5' is no number; .*--decimal"),
    "thousands": ("a;t\n" + "563;p\n1.485;q\n" * 9 + "2.975;p\n", TRAIN, 1,
                  r"line 3, column 'a': '1\.485' may be 1485, as all 10 of 19 values with a "
                  r"\"\.\" have three digits after it; if .*, .*; if .* --decimal \"\.\" to say"),
    "small ones beside thousands": ("a;t\n" + "12;p\n1.485;q\n77;p\n2.975;q\n85;p\n" * 3, TRAIN, 1,
                                    "line 3, column 'a': '1.485' may be 1485, as all 6 of 15"),
    "thousands in the target": ("a;t\n" + "1;563\n2;1.485\n" * 9, TRAIN, 1,
                                "line 3, column 't': '1.485' may be 1485"),
    "English thousands": ("a;t\n" + '563;p\n"2,491";q\n' * 9, TRAIN, 1,
                          "line 3, column 'a': '2,491' may be 2491, .* three digits after it; it "
                          "seems to stand between thousands; take it out$"),
    "few thousands": ("a;t\n" + "563;p\n" * 19 + "2,491;q\n", TRAIN, 1,
                      'the one of 20 values with a "," has three .*; take it out$'),
    "thousands alone": ("a;t\n" + "1,563;p\n2,491;q\n" * 9, TRAIN, 1,
                        "'1,563' may be 1563, .*; if it stands between thousands, .*; if before"),
    "thousands by --decimal": ("a;b;t\n" + "563;1,5;p\n2.491;2,5;q\n" * 9,
                               [*TRAIN, "--decimal", ","], 1, "'2.491' may be 2491.*take it out$"),
    "thousands to predict": ("a,b\n563,1\n1.485,2\n", ["predict", "NET", "t.csv"], 1,
                             "line 3, column 'a': '1.485' may be 1485"),
    "the other cell": ("a;t\n" + "563;p\n1,5;q\n2,25;q\n" * 9, TRAIN, 1,
                       "line 3, column 'a': '1,5' is no number; .*--decimal"),
    "German numbers": ("a;t\n" + "1.049,00;p\n563,00;q\n" * 9, TRAIN, 1,
                       r"column 'a' looks like numbers, such as '1\.049,00'; take out \"\.\" and "
                       'add --decimal ",", or add --categories a'),
    "numbers with both": ("a;t\n" + "1,049.00;p\n563.00;q\n" * 9, TRAIN, 1,
                          "such as '1,049.00'; take out \",\", or add --categories a"),
    "millions": ("a;t\n" + "1.049.000;p\n2.563.000;q\n" * 9, TRAIN, 1, 'take out "\\.", or'),
    "percent": ("a;t\n" + "".join(f"{i} %;p\n{i}.5%;q\n" for i in range(30)), TRAIN, 1,
                "column 'a' looks like numbers, such as '0 %'; take out \"%\" and spaces, or"),
    "euros": ("a;t\n" + "1.049,00 €;p\n5,00 €;q\n" * 9, TRAIN, 1,
              'take out "€" and "\\." and spaces and add --decimal ",", or'),
    "no-break spaces": ("a;t\n" + "1\u202f049;p\n2\xa0000;q\n" * 9, TRAIN, 1,
                        "take out spaces, or"),
    "euros in the target": ("a;t\n" + "1;1,234 €\n2;5,678 €\n" * 9, TRAIN, 1,
                            'take out "€" and spaces, or add --as classes'),
    "too large": ("a,b,t\n" + ROWS + "1e999,2,p\n", TRAIN, 1, "'1e999' is too large for a number"),
    "lost digits": ("a,t\n" + "".join(f"1e16,{i}.5\n10000000000000002,1.5\n" for i in range(9)),
                    TRAIN, 1, "column 'a' .*too few digits; .*--ignore"),
    "names": ("a,name of it,t\n" + LONG, TRAIN, 1, "30 different texts .* --ignore 'name of it'"),
    "text for numbers": ("a,b,t\n" + ROWS, [*TRAIN, "--as", "numbers"], 1, "'p' is no number"),
    "mixed target": ("a,t\n" + "1,2\n2,3\n3,x\n" * 9, TRAIN, 1, "'x' is no number; .*--as classes"),
    "same input": ("a,a_x,t\n" + "x,1,p\ny,2,q\n" * 9, TRAIN, 1, "both be the input 'a_x'"),
    # places to write to
    "no such folder": ("a,b,t\n" + ROWS, [*TRAIN, "--save", "no/net"], 1,
                       "--save must be in a folder that exists, .* by mkdir -p /.*/no$"),
    "picture nowhere": ("a,b,t\n" + ROWS, [*TRAIN, "--plot", "no/l.png"], 1, "--plot must be in a"),
    "onto a folder": ("a,b,t\n" + ROWS, [*TRAIN, "--save", "."], 1, "that of a file"),
    "onto the table": ("a,b,t\n" + ROWS, [*TRAIN, "--save", "t.csv"], 1, "the file that is read"),
    "output nowhere": (SMALL, ["predict", "NET", "t.csv", "-o", "no/x"], 1, "-o must be in a fold"),
    "output onto it": (SMALL, ["predict", "NET", "t.csv", "-o", "t.csv"], 1, "that is read"),
    "export nowhere": ("", ["export", "NET", "--to", "c", "-o", "no/x"], 1, "-o must be in a fold"),
    # models
    "no model": (SMALL, ["predict", "no.npz", "t.csv"], 1, "'no.npz': No such file"),
    "a folder of models": (SMALL, ["predict", ".", "t.csv"], 1, "'.': Is a directory"),
    "a table for a model": (SMALL, ["predict", "t.csv", "t.csv"], 1, "not a model file of fastnn"),
    "an empty model": ("", ["info", "t.csv"], 1, "'t.csv' is empty"),
    "damaged": ("DAMAGED", ["predict", "t.csv", "t.csv"], 1, "is damaged: its checksum is wrong"),
    "truncated": ("TRUNCATED", ["export", "t.csv", "--to", "c"], 1, "is truncated"),
    "no columns": (SMALL, ["predict", "PYTHON", "t.csv"], 1, "a network alone, without the col"),
    # tables to be predicted
    "lacks a column": ("a,c\n1,2\n", ["predict", "NET", "t.csv"], 1, "lacks the column 'b'"),
    "lacks both": ("kind\nx\n", ["predict", "NET", "t.csv"], 1, "lacks the columns 'a', 'b'"),
    "new category": ("Pclass,Sex,Age,Fare,Embarked\n1,male,3,4,Cherbourg\n1,male,3,4,Oslo\n",
                     ["predict", "PEOPLE", "t.csv"], 1,
                     "line 3, column 'Embarked': 'Oslo' is none of the categories"),
    "like a category": ("Pclass,Sex,Age,Fare,Embarked\n1,Male,3,4,Cherbourg\n",
                        ["predict", "PEOPLE", "t.csv"], 1, r"'male'; did you mean 'male'\?$"),
    "like a column": ("A,b\n1,2\n", ["predict", "NET", "t.csv"], 1,
                      r"lacks the column 'a', .* 'A', 'b'; did you mean 'A'\?$"),
    "no category": ("Pclass,Sex,Age,Fare,Embarked\n1,,3,4,Cherbourg\n",
                    ["predict", "PEOPLE", "t.csv"], 1, "line 2, column 'Sex': the value is mi"),
    "missing number": ("a,b\n1,2\n\n3,\n", ["predict", "NET", "t.csv"], 1,
                       "line 4, column 'b': the value is missing; fill or remove such rows$"),
    "text at prediction": ("a,b\n1,x\n", ["predict", "NET", "t.csv"], 1, "'x' is no number"),
    "nothing to predict": ("a,b\n", ["predict", "NET", "t.csv"], 1, "no rows"),
    "too large to predict": ("a,b\n1,1e101\n", ["predict", "NET", "t.csv"], 1, "too large"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(run, models, tmp_path, mistake):
    table, arguments, code, message = MISTAKES[mistake]
    net = (models / "small.npz").read_bytes()
    if table == "folder":
        (tmp_path / "t.csv").mkdir()
    elif table in ("DAMAGED", "TRUNCATED"):
        (tmp_path / "t.csv").write_bytes(
            net[:300] + b"?" + net[301:] if table == "DAMAGED" else net[:-9]
        )
    elif isinstance(table, bytes):
        (tmp_path / "t.csv").write_bytes(table)
    elif table is not None:
        (tmp_path / "t.csv").write_text(table, encoding="utf-8")
        (tmp_path / "t.parquet").write_text(table, encoding="utf-8")
    before = {name: os.stat(name).st_mtime_ns for name in os.listdir()}
    paths = {"NET": "small.npz", "PEOPLE": "people.npz", "PYTHON": "python.npz"}
    arguments = [models / paths[one] if one in paths else one for one in arguments]
    if arguments[0] == "train" and "--save" not in arguments:
        arguments += SAVE
    done = run(*arguments)
    refused(done, code, message)
    if arguments[0] != "train":
        assert done.out == ""
    assert {name: os.stat(name).st_mtime_ns for name in os.listdir()} == before


@as_root
def test_places_that_may_not_be_written(run, models, tmp_path):
    (tmp_path / "t.csv").write_text(SMALL)
    (tmp_path / "closed").mkdir(mode=0o500)
    refused(
        run("train", "t.csv", "--target", "kind", "--save", "closed/net"), 1, "files may be made"
    )
    (tmp_path / "t.csv").chmod(0)
    refused(run("train", "t.csv", "--target", "kind"), 1, "'t.csv': Permission denied")


@linux_only
@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/full"])
def test_devices_are_no_files(run, models, tmp_path, device):
    (tmp_path / "t.csv").write_text(SMALL)
    refused(run("train", device, "--target", "kind"), 1, "no regular file")
    refused(run("info", device), 1, "no regular file")
    refused(run("train", "t.csv", "--target", "kind", "--save", device), 1, "no regular file")
    refused(run("predict", models / "small.npz", "t.csv", "-o", device), 1, "no regular file")


def test_what_was_there_stays_where_writing_fails(run, models, tmp_path, monkeypatch):
    (tmp_path / "out").write_text("what was there")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    for arguments in (
        ["predict", models / "small.npz", models / "small.csv"],
        ["export", models / "small.npz", "--to", "c"],
    ):
        done = run(*arguments, "-o", "out")
        assert done.code == 1
        assert done.err.endswith("fastnn " + arguments[0] + ": 'out': No space left on device\n")
    done = run("train", models / "small.csv", "--target", "kind", "--save", "out", "--epochs", "1")
    refused(done, 1, "'out': No space left on device")
    assert (tmp_path / "out").read_text() == "what was there"
    assert os.listdir() == ["out"]


@pytest.mark.parametrize("package", ["matplotlib", "pyarrow", "onnx"])
def test_packages_that_are_missing_are_named(models, tmp_path, package):
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    extra, arguments = {
        "matplotlib": ("plot", ["train", "t.parquet", "--target", "t", "--plot", "l.png"]),
        "pyarrow": ("parquet", ["train", "t.parquet", "--target", "t"]),
        "onnx": ("onnx", ["export", models / "small.npz", "--to", "onnx", "-o", "net.onnx"]),
    }[package]
    program = f"import sys; sys.modules[{package!r}] = None; from fastnn.__main__ import main; "
    python = ["-c", program + "sys.exit(main())"]
    done = process(*arguments, python=python, cwd=tmp_path)
    err = done.stderr.decode()
    refused(SimpleNamespace(code=done.returncode, err=err), 1, rf'pip install "fastnn\[{extra}\]"')
    assert os.listdir(tmp_path) == ["t.parquet"]


def test_memory_that_is_short(run, models, monkeypatch):
    def short(*_, **__):
        raise MemoryError

    monkeypatch.setattr(learning, "learn", short)
    refused(run("train", models / "small.csv", "--target", "kind"), 1, "not enough memory")


# Streams, as a shell has them


@linux_only
@pytest.mark.parametrize("verb", ["predict", "export", "train", "info", "help"])
def test_a_full_disk(models, verb):
    arguments = {
        "predict": ["predict", models / "small.npz", models / "small.csv"],
        "export": ["export", models / "small.npz", "--to", "c"],
        "train": ["train", models / "small.csv", "--target", "kind"],
        "info": ["info", models / "small.npz"],
        "help": [],
    }[verb]
    with open("/dev/full", "wb") as full:
        done = process(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert re.fullmatch(r"fastnn.*: the standard output: No space left on device", last)
    assert len(done.stderr.splitlines()) == 1 + (verb == "predict")


@pytest.mark.parametrize("verb", ["predict", "export", "train"])
def test_a_reader_that_goes_away(models, verb):
    arguments = {
        "predict": ["predict", models / "small.npz", models / "small.csv"],
        "export": ["export", models / "small.npz", "--to", "c"],
        "train": ["train", models / "small.csv", "--target", "kind"],
    }[verb]
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = process(*arguments, capture_output=False, stdout=write_end, stderr=subprocess.PIPE)
    os.close(write_end)
    assert done.returncode == 1
    left_out = b"fastnn predict: left out: 'kind' (the target)\n"
    assert done.stderr == (left_out if verb == "predict" else b"")


def in_shell(command, models):
    python = f"{sys.executable} -P -m fastnn"
    return subprocess.run(
        command.replace("fastnn", python, 1), shell=True, cwd=models, timeout=60, check=False,
        capture_output=True, text=True,
    )  # fmt: skip


@linux_only
@pytest.mark.parametrize(("command", "code", "err"), [
    ("fastnn train - --target kind <&-", 1, "fastnn train: standard input is closed, .*"),
    ("fastnn train - --target kind < /dev/null", 1, "fastnn train: standard input is empty"),
    ("fastnn predict small.npz small.csv >&-", 1, "(.*\n)?.*standard output is closed.*"),
    ("fastnn export small.npz --to c >&-", 1, "fastnn export: standard output is closed.*"),
    ("fastnn info small.npz >&-", 0, ""),
    ("fastnn train small.csv --target kind --epochs 1 >&-", 0, ""),
    ("fastnn predict no.npz small.csv 2>&-", 1, ""),
    ("fastnn predict small.npz small.csv 2>&- | sort -u | wc -l", 0, ""),
    ("cat small.csv | fastnn predict small.npz - | tail -1", 0, ".*the target.*"),
    ("fastnn train <(cat small.csv) --target kind", None, None),
], ids=range(10))  # fmt: skip
def test_streams_of_a_shell(models, command, code, err):
    if err is None:
        command, code, err = f"bash -c '{command}'", 0, ""
    done = in_shell(command, models)
    assert done.returncode == code, done
    assert re.fullmatch(err, done.stderr.rstrip("\n")), done.stderr


@linux_only
def test_onnx_is_not_for_a_terminal(models):
    import pty

    main_end, terminal = pty.openpty()
    done = process(
        "export", models / "small.npz", "--to", "onnx", capture_output=False, stdout=terminal,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(terminal)
    os.close(main_end)
    assert done.returncode == 2
    assert done.stderr.startswith(b"fastnn export: ONNX is no text for a terminal; give a file by")


@linux_only
def test_somebody_at_a_terminal_sees_that_it_goes_on(models, tmp_path):
    import pty

    main_end, terminal = pty.openpty()
    program = (
        "import sys; from fastnn._command import training; from fastnn.__main__ import main;"
        "training.SECONDS_UNTIL_PROGRESS = 0; training.SECONDS_BETWEEN = 60; sys.exit(main())"
    )
    arguments = ["train", models / "small.csv", "--target", "kind", "--save", tmp_path / "net.npz"]
    done = process(
        *arguments, python=["-c", program], capture_output=False, stdout=subprocess.PIPE,
        stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    shown = os.read(main_end, 10**6).decode()
    os.close(main_end)
    assert done.returncode == 0
    assert re.search(r"\repoch \d+, loss of held-out rows \d", shown)
    assert re.search(r"\r +\r$", shown)
    assert (tmp_path / "net.npz").read_bytes() == (models / "small.npz").read_bytes()


@pytest.mark.parametrize("when", ["reading", "training"])
def test_ctrl_c(models, tmp_path, when):
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fastnn._command import learning; from fastnn.__main__ import main\n"
        "learning.PATIENCE = 10**9; print('ready', flush=True); sys.exit(main())"
    )
    table = "-" if when == "reading" else models / "people.csv"
    target = ["--target", "Survived", "--epochs", 10**8, "--save", tmp_path / "net.npz"]
    with subprocess.Popen(
        [sys.executable, "-P", "-c", program, "train", str(table), *map(str, target)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        lines = 1 if when == "reading" else 3  # the last of which is said before training begins
        for _ in range(lines):
            assert running.stdout.readline()
        time.sleep(0.3)
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        running.stdin.close()
        assert running.wait(timeout=60) == 130
        assert running.stderr.read() == b"\nInterrupted.\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_words_that_a_terminal_cannot_show(models, tmp_path, encoding):
    table = tmp_path / "t.csv"
    table.write_text("größe,t\n" + "1,naïve\n2,\u2603\n" * 9, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    net = tmp_path / "net.npz"
    done = process("train", table, "--target", "t", "--epochs", 1, "--save", net, env=environment)
    assert done.returncode == 0, done.stderr
    snowman = "\u2603" if encoding == "utf-8" else r"\u2603"
    assert f"'{snowman}'" in done.stdout.decode(encoding)
    done = process("predict", net, table, env=environment)
    assert set(predictions(done.stdout.decode("utf-8"))) <= {"naïve", "\u2603"}


def test_help_fits_into_80_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for verb in (), ("train",), ("predict",), ("info",), ("export",), ("demo",):
        done = run(*verb, "--help")
        assert done.code == 0
        assert max(map(len, done.out.splitlines())) < 80
        assert done.out.startswith("usage: fastnn")
        if verb in {("info",), ("export",)}:
            assert re.search(r"\bMODEL +of fastnn train, or of Network.save\n", done.out)


# What few meet


@pytest.mark.parametrize("text", ["half", "-0.1", "0.95", "nan"])
def test_a_fraction_that_is_none(run, models, text):
    failed = run("train", models / "small.csv", "--target", "kind", "--test-fraction", text)
    assert failed.code == 2
    assert f"must be from 0 to 0.9, got '{text}'" in failed.err


def test_info_of_a_network_that_a_frame_has_named(run):
    net = Network([2, 1], seed=0)
    frame = pd.DataFrame({"width": [0.0, 1.0], "height": [1.0, 0.0]})
    net.train(frame, [0.0, 1.0], epochs=1, learning_rate=0.1)
    net.save("net.npz")
    found = run("info", "net.npz")
    assert found.code == 0
    assert re.search(r"^inputs +(.*)$", found.out, re.MULTILINE)[1] == "'width', 'height'"
    assert re.search(r"^table +(.*)$", found.out, re.MULTILINE)[1] == (
        "none: it was not made by fastnn train"
    )


def test_data_for_a_network_without_a_table(run, models):
    failed = run(
        "export", models / "python.npz", "--to", "c", "--quantize", "int8", "--data",
        models / "small.csv",
    )  # fmt: skip
    assert failed.code == 1
    assert "Network.load(path).to_c(data=(X, y)) takes data" in failed.err
