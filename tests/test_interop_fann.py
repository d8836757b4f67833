"""Networks from files of FANN, and as such; beside its library where that is installed."""

import contextlib
import json
import re
import tracemalloc

import fann_networks
import numpy as np
import pytest
from common import every_dtype
from fann_networks import LINEAR, SIGMOID, TANH, Fann
from interop_networks import assert_near, described, random_network, samples

from fastnn import ModelFileError, Network

WRITTEN = json.loads(fann_networks.FILE.read_text(encoding="ascii"))
needs_fann = pytest.mark.skipif(not fann_networks.is_there(), reason="on Debian: libfann2")
NAMES = ["identity", "sigmoid", "tanh"]
FUNCTIONS = dict(zip(NAMES, (LINEAR, SIGMOID, TANH), strict=True))


def file_of(folder, text):
    path = folder / "net.net"
    path.write_bytes(text.encode())
    return path


# Files that FANN has written


@every_dtype
@pytest.mark.parametrize("case", ["sigmoid and linear", "tanh"])
def test_outputs_of_files(case, dtype, tmp_path):
    given = WRITTEN[f"{case}, {dtype}"]
    path = file_of(tmp_path, given["file"])
    net = Network.from_fann(path, dtype=dtype)
    expected = {"sigmoid and linear": ("sigmoid", "identity"), "tanh": ("tanh",) * 3}[case]
    assert (net.activations, net.loss, net.dtype) == (expected, "mse", dtype)
    assert_near(net.feedforward(given["X"]), given["outputs"], dtype)
    path.write_text(given["file"].replace("e-01) ", "e+301) "), encoding="ascii")
    if dtype == "float32":
        with pytest.raises(ModelFileError, match="are not finite"):
            Network.from_fann(path, dtype=dtype)
    path.write_text(given["file"], encoding="ascii")
    wide = Network.from_fann(path)
    assert wide.dtype == np.float64
    assert_near(wide.feedforward(given["X"]), given["outputs"], dtype)


def test_scales_are_left_out_with_a_warning(tmp_path):
    given = WRITTEN["scaled"]
    path = file_of(tmp_path, given["file"])
    with pytest.warns(UserWarning, match="includes scales, which are left out") as caught:
        net = Network.from_fann(path)
    assert caught[0].filename == __file__
    assert_near(net.feedforward(given["X"]), given["outputs"], "float32")


def test_lines_may_end_as_on_windows(tmp_path):
    given = WRITTEN["tanh, float64"]
    plain, other = tmp_path / "plain", tmp_path / "other"
    plain.write_bytes(given["file"].encode())
    other.write_bytes(given["file"].replace("\n", "\r\n").encode())
    assert described(Network.from_fann(other)) == described(Network.from_fann(plain))


def test_settings(tmp_path):
    path = file_of(tmp_path, WRITTEN["tanh, float64"]["file"])
    nets = [Network.from_fann(path, loss="huber", seed=1) for _ in range(2)]
    X = np.random.default_rng(0).normal(size=(30, 2))
    losses = [net.train(X, X[:, 0], epochs=2, learning_rate=0.1).history["loss"] for net in nets]
    assert nets[0].loss == "huber"
    assert losses[0] == losses[1]
    with pytest.raises(ValueError, match=r"^loss must be one of"):
        Network.from_fann(path, loss="no such")
    with pytest.raises(ValueError, match=r"^dtype must be"):
        Network.from_fann(path, dtype="float16")
    with pytest.raises(ValueError, match='loss="bce" needs "sigmoid"'):
        Network.from_fann(path, loss="bce")


def test_functions_of_later_versions(tmp_path):
    """Which releases do not have; the sources compute them as here."""
    text = WRITTEN["tanh, float64"]["file"]
    for number, name in ((18, "relu"), (19, "leaky_relu")):
        path = file_of(tmp_path, re.sub(r"\((\d), 5, ", rf"(\1, {number}, ", text))
        net = Network.from_fann(path)
        assert net.activations == (name,) * 3


# Beside the library


@needs_fann
@every_dtype
@pytest.mark.parametrize("seed", range(12))
def test_outputs_of_the_library(seed, dtype, tmp_path):
    rng = np.random.default_rng(seed)
    sizes = [int(n) for n in rng.integers(1, 8, rng.integers(2, 6))]
    functions = [int(one) for one in rng.choice([LINEAR, SIGMOID, TANH], len(sizes) - 1)]
    fann = Fann.with_layers(dtype, sizes)
    fann.set(functions, [rng.uniform(0.1, 1.5, n).tolist() for n in sizes[1:]])
    fann.randomize(1.0)
    fann.save(tmp_path / "net")
    net = Network.from_fann(tmp_path / "net", dtype=dtype)
    assert net.layer_sizes == tuple(sizes)
    assert [FUNCTIONS[name] for name in net.activations] == functions
    X = samples(rng, net)
    assert_near(net.feedforward(X), fann.outputs(X), dtype)


@needs_fann
@every_dtype
@pytest.mark.parametrize("seed", range(12))
def test_the_library_reads_what_is_written(seed, dtype, tmp_path):
    rng = np.random.default_rng(seed)
    net = random_network(rng, dtype, NAMES, NAMES[seed % 3])
    net.to_fann(tmp_path / "net")
    fann, X = Fann.read(dtype, tmp_path / "net"), samples(rng, net)
    assert_near(fann.outputs(X), net.feedforward(X), dtype)
    # And to the bit, as FANN writes what it has read.
    fann.save(tmp_path / "again")
    assert described(
        Network.from_fann(tmp_path / "again", dtype=dtype, loss=net.loss)
    ) == described(net)


@needs_fann
def test_outputs_are_not_cut_off(tmp_path):
    """FANN does that at 150 divided by the steepness."""
    net = Network.from_parameters([[[1e6]]], [[5.0]], activation="identity")
    net.to_fann(tmp_path / "net")
    X = np.array([[-100.0], [0.1], [150.0]])
    fann = Fann.read("float64", tmp_path / "net")
    assert_near(fann.outputs(X), net.feedforward(X), "float64")
    fann.set([LINEAR], [[1.0]])
    assert np.abs(fann.outputs(X)).max() == 150


# Without it


@every_dtype
@pytest.mark.parametrize("seed", range(6))
def test_to_fann_and_back(seed, dtype, tmp_path):
    rng = np.random.default_rng(seed)
    net = random_network(rng, dtype, NAMES, NAMES[seed % 3])
    net.to_fann(str(tmp_path / "net"))
    assert described(
        Network.from_fann(str(tmp_path / "net"), dtype=dtype, loss=net.loss)
    ) == described(net)


def test_a_file_has_the_lines_of_fanns_own(tmp_path):
    given = WRITTEN["tanh, float64"]
    net = Network.from_fann(file_of(tmp_path, given["file"]))
    net.to_fann(tmp_path / "ours")
    ours = (tmp_path / "ours").read_text(encoding="ascii").splitlines()
    theirs = given["file"].splitlines()
    assert [line.partition("=")[0] for line in ours] == [line.partition("=")[0] for line in theirs]
    for mine, of_fann in zip(ours[1:-2], theirs[1:-2], strict=True):
        numbers = [[float(n) for n in line.partition("=")[2].split()] for line in (mine, of_fann)]
        np.testing.assert_allclose(*numbers, rtol=1e-7)
    units, of_fann = (re.findall(r"\((\d+), (\d+),", lines[-2]) for lines in (ours, theirs))
    inputs = net.layer_sizes[0] + 1
    assert [n for n, _ in units] == [n for n, _ in of_fann]
    assert units[inputs:] == of_fann[inputs:]
    sources = [re.findall(r"\((\d+),", lines[-1]) for lines in (ours, theirs)]
    assert sources[0] == sources[1]


@pytest.mark.parametrize(
    ("activation", "why"),
    [
        ("relu", r"releases of FANN, up to 2\.2\.0, do not have it"),
        ("step", "that of FANN is 1 at z = 0"),
        ("gelu", "it does not have it"),
    ],
)
def test_what_fann_cannot_hold(activation, why, tmp_path):
    net = Network([2, 2, 2, 1], activation=["tanh", activation, "identity"], seed=0)
    expected = f"^layer 1 has the activation '{activation}', .* for FANN: {why}.*; use sigmoid or t"
    with pytest.raises(ValueError, match=expected):
        net.to_fann(tmp_path / "net")
    net = Network([2, 2, 1], activation="tanh", seed=0)
    net.weights[1][0] = np.nan
    with pytest.raises(ValueError, match=r"^layer 1 must have finite weights and biases"):
        net.to_fann(tmp_path / "net")
    net = Network([1, 1], activation="identity", dtype="float32", seed=0)
    net.weights[0][0] = 1e35
    with pytest.raises(ValueError, match=r"^layer 0 must have finite .* also times 1048576, and"):
        net.to_fann(tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


# What is refused


def edited(old, new, of="tanh, float64", count=1):
    text = WRITTEN[of]["file"]
    assert re.search(old, text)
    return re.sub(old, new, text, count=count)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (lambda: WRITTEN["elliot, float32"]["file"], "^layer 1 of .* activation is ELLIOT; what"),
        (
            lambda: WRITTEN["threshold, float32"]["file"],
            r"^layer 0 of .* is THRESHOLD, which is 1 at z = 0, and step of fastnn 0",
        ),
        (
            lambda: WRITTEN["as created"]["file"],
            "^layer 0 of .* is SIGMOID_STEPWISE; set FANN_SIGMOID there, which it approximates",
        ),
        (lambda: WRITTEN["shortcuts"]["file"], "it has shortcuts between layers"),
        (lambda: WRITTEN["sparse"]["file"], "it is sparse: its connection_rate is below 1"),
        (lambda: WRITTEN["fixed point"]["file"], "of fixed point; write it by fann_save"),
        (lambda: edited(r"(?s)^.*?\n", "FANN_FLO_2.0\n"), r"it is FANN_FLO_2\.0; let FANN 2\.2"),
        (lambda: edited(r"(?s)^.*?\n", "PK\x03\x04\n"), r"does not begin with FANN_FLO_2\.1"),
        (lambda: "", r"does not begin with FANN_FLO_2\.1"),
        (lambda: "\x00" * 100, r"does not begin with FANN_FLO_2\.1"),
        (lambda: "ä", "'ascii' codec"),
        (lambda: edited(r"\(3, 5,", "(3, 3,"), "^layer 0 of .* different functions, SIGMOID,"),
        (lambda: edited(r"\(3, 5,", "(3, 77,"), "^layer 0 of .* different functions, SIGM"),
        (lambda: edited(r", 5,", ", 3.5,", count=0), "is function 3.5; what can be is LINEAR,"),
        (lambda: edited(r", 5,", ", nan,", count=0), "is function nan; what can be is LINEAR,"),
        (lambda: edited(r"5, 5[.]0*e-01", "5, 1e308", count=0), r"^layer \d .* are not finite"),
        (lambda: edited(r"\(3, 5,", "(2, 5,"), "^layer 0 of .* not connected to each of"),
        (lambda: edited(r"\)=\(0, -?\d\.", ")=(1, 0."), "^layer 0 of .* not connected to each of"),
        (lambda: edited("weight.=.0, [^)]*", "weight)=(0, nan"), "^layer 0 .* are not finite"),
        (lambda: edited("5, 5[.]0*e-01", "5, 0.0e-01"), "^layer 0 .* steepness of some"),
        (lambda: edited("5, 5[.]0*e-01", "5, -5e-01"), "^layer 0 .* steepness of some"),
        (lambda: edited("5, 5[.]0*e-01", "5, inf"), "^layer 0 .* steepness of some"),
        (lambda: edited(r"(\d)\.(\d{20})", r"\1,\2", count=0), "numbers have a decimal point"),
        (lambda: edited(r"layer_sizes=3 4", "layer_sizes=3 5"), "it has 12 neurons, and lay"),
        (lambda: edited(r"layer_sizes=.*", "layer_sizes=3 9999999999 9 9 "), r"^'[^']*' holds no"),
        (
            lambda: edited("num_layers=4", "num_layers=2").replace("s=3 4 3 2", "s=999999 999999"),
            "it has 12 neurons, and layers for 1999998",
        ),
        (lambda: edited("layer_sizes=.*", "layer_sizes=0 0 0 0 "), "its layer_sizes are list"),
        (lambda: edited("layer_sizes=.*", "layer_sizes=-3 4 3 2 "), "its layer_sizes are list"),
        (lambda: edited("layer_sizes=.*", "layer_sizes=x"), "invalid literal for int"),
        (lambda: edited("layer_sizes=.*", "layer_sizes=" + "9" * 5000), "holds no network"),
        (lambda: edited("num_layers=4", "num_layers=2000000000"), "its layer_sizes are"),
        (lambda: edited("num_layers=4\n", ""), "no line 'num_layers': it is damaged or truncated"),
        (lambda: edited("network_type=0", "network_type="), "it has shortcuts"),
        (lambda: edited(r"\(3, 5,", "((3, 5,"), r"its line 'neurons .*' is damaged or truncated$"),
        (lambda: edited("weight.=.0, ", "weight)=(0, 1..2, "), "its line 'connections .*' is"),
        (lambda: edited("weight.=.0, [^)]*", "weight)=(0, a"), "could not convert string to float"),
        (lambda: edited(r"(\(3, 5, \S+ )", r"\1" * 2), "it has 13 neurons, and layers for 12"),
    ],
)  # fmt: skip
def test_files_that_are_refused(text, words, tmp_path):
    path = file_of(tmp_path, text())
    with pytest.raises(ModelFileError, match=words) as caught:
        Network.from_fann(path)
    assert str(path) in str(caught.value)


def test_a_file_takes_a_few_times_its_size(tmp_path):
    Network([300, 100, 10], activation="tanh", seed=0).to_fann(tmp_path / "net")
    size = (tmp_path / "net").stat().st_size
    for of_line in (None, "(1, 2", "(1, 1) "):
        if of_line:
            path = file_of(tmp_path, edited("weight.=.*", "weight)=" + of_line * 150_000))
        else:
            path = tmp_path / "net"
        tracemalloc.start()
        with contextlib.suppress(ModelFileError):
            Network.from_fann(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * size


def test_truncated_files(tmp_path):
    text = WRITTEN["tanh, float64"]["file"]
    end = len(text.rstrip())
    for length in (*range(0, end - 200, 37), *range(end - 200, end)):
        path = file_of(tmp_path, text[:length])
        with pytest.raises(ModelFileError):
            Network.from_fann(path)


def test_bytes_that_are_wrong(tmp_path):
    """A network, or ModelFileError; nothing else."""
    rng = np.random.default_rng(0)
    text = WRITTEN["tanh, float64"]["file"].encode()
    n_refused = 0
    for _ in range(400):
        content = bytearray(text)
        for place in rng.integers(len(text) // 2 * rng.integers(2), len(text), rng.integers(1, 4)):
            content[place] = rng.choice([*b"0123456789()=., \n-e", rng.integers(256)])
        path = tmp_path / "net"
        path.write_bytes(content)
        try:
            net = Network.from_fann(path)
        except ModelFileError:
            n_refused += 1
        else:
            assert np.isfinite(net.feedforward([1.0, 2.0])).all()
    assert n_refused > 100
