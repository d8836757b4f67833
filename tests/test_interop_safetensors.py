"""Networks from files of safetensors, and as such."""

import json
import struct
import tracemalloc

import numpy as np
import pandas
import pytest
from common import every_dtype
from interop_networks import OUTPUTS, assert_near, described, random_network, samples
from safetensors.numpy import load_file, save, save_file

from fastnn import ModelFileError, Network


def file_of(folder, content):
    path = folder / "net.safetensors"
    path.write_bytes(content)
    return path


def raw(header, data=b""):
    """A file with this header, which may be anything."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + data


def of_layers(*shapes, names="fc{}", dtype="float32", bias=True):
    """Tensors of layers of (n_in, n_out), as PyTorch calls and shapes them."""
    rng = np.random.default_rng(0)
    tensors = {}
    for i, (n_in, n_out) in enumerate(shapes):
        head = names.format(i) if isinstance(names, str) else names[i]
        tensors[f"{head}.weight"] = rng.normal(size=(n_out, n_in)).astype(dtype)
        if bias:
            tensors[f"{head}.bias"] = rng.normal(size=n_out).astype(dtype)
    return tensors


# Files of one's own


@every_dtype
@pytest.mark.parametrize("seed", range(20))
def test_to_safetensors_and_back(seed, dtype, tmp_path):
    rng = np.random.default_rng(seed)
    net = random_network(rng, dtype, output=OUTPUTS[seed % len(OUTPUTS)])
    assert net.to_safetensors(tmp_path / "net") is None
    assert described(Network.from_safetensors(tmp_path / "net")) == described(net)


def test_names_of_inputs_stay(tmp_path):
    net = Network([2, 3, 1], activation="step", seed=0)
    table = pandas.DataFrame({"a": [0.0, 1.0], "ü": [1.0, 0.0]})
    net = Network([2, 3, 1], loss="huber", seed=0)
    net.train(table, [0, 1], epochs=1, learning_rate=0.1)
    net.to_safetensors(str(tmp_path / "net"))
    found = Network.from_safetensors(str(tmp_path / "net"))
    assert described(found) == described(net)
    assert found.feature_names == ("a", "ü")


def test_tensors_are_as_in_pytorch(tmp_path):
    net = Network([4, 3, 2], activation=["relu", "softmax"], loss="cross_entropy", seed=0)
    net.to_safetensors(tmp_path / "net")
    found = load_file(tmp_path / "net")
    assert set(found) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    for i in range(2):
        np.testing.assert_array_equal(found[f"{2 * i}.weight"], net.weights[i].T, strict=True)
        np.testing.assert_array_equal(found[f"{2 * i}.bias"], net.biases[i], strict=True)
    (length,) = struct.unpack("<Q", (tmp_path / "net").read_bytes()[:8])
    header = json.loads((tmp_path / "net").read_bytes()[8 : 8 + length])
    assert header["__metadata__"]["format"] == "pt"


def test_pytorch_loads_it(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    net = Network([4, 5, 3, 2], activation=["relu", "identity", "sigmoid"], loss="bce", seed=0)
    net.to_safetensors(tmp_path / "net")
    tensors = load_file(tmp_path / "net")
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3), torch.nn.Identity(),
        torch.nn.Linear(3, 2), torch.nn.Sigmoid(),
    ).double()  # fmt: skip
    module.load_state_dict(tensors)
    X = samples(np.random.default_rng(0), net)
    with torch.no_grad():
        assert_near(module(torch.from_numpy(X)).numpy(), net.feedforward(X), "float64")
    expected = net.to_torch().state_dict()
    assert [(n, t.shape, t.dtype) for n, t in sorted(tensors.items())] == [
        (n, t.shape, t.dtype) for n, t in sorted(expected.items())
    ]
    # And the other way, also of narrow numbers, which NumPy does not have.
    save_file(module.to(torch.bfloat16).state_dict(), tmp_path / "narrow")
    found = Network.from_safetensors(
        tmp_path / "narrow", activation=["relu", "identity", "sigmoid"]
    )
    assert (found.loss, found.dtype) == ("bce", np.float32)
    weight = module[2].weight.detach().float().numpy()
    np.testing.assert_array_equal(found.weights[1], weight.T)


# Files of others


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "names", ["{}", "net.{}", "model.layers.{}.linear", "fc{}", "block0.{}", "layer_{}_"]
)
def test_layers_are_ordered_by_their_numbers(names, bias, dtype, tmp_path):
    shapes = [(3, 3)] * 11 + [(3, 2)]  # of which the eleventh would come second as text
    tensors = of_layers(*shapes, names=names, dtype=dtype, bias=bias)
    save_file(dict(reversed(tensors.items())), tmp_path / "net")
    net = Network.from_safetensors(tmp_path / "net", activation="tanh", loss="mae")
    assert net.dtype == ("float64" if dtype == "float64" else "float32")
    assert (net.activations, net.loss) == (("tanh",) * 12, "mae")
    for i, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        np.testing.assert_array_equal(W, tensors[f"{names.format(i)}.weight"].T)
        expected = tensors.get(f"{names.format(i)}.bias", np.zeros(len(b)))
        np.testing.assert_array_equal(b, expected)


def test_layers_in_an_order_that_is_given(tmp_path):
    shapes = [(3, 3), (3, 3), (3, 3)]
    tensors = of_layers(*shapes, names=["input", "hidden", "a.head"])
    save_file(tensors, tmp_path / "net")
    expected = "^layers must be given for .*: 'a.head', 'hidden', 'input', in the order"
    with pytest.raises(ValueError, match=expected):
        Network.from_safetensors(tmp_path / "net", activation="tanh")
    order = ["input", "hidden", "a.head"]
    net = Network.from_safetensors(tmp_path / "net", layers=order, activation="tanh")
    for W, name in zip(net.weights, order, strict=True):
        np.testing.assert_array_equal(W, tensors[f"{name}.weight"].T)
    for wrong in (["input", "hidden"], [*order, "more"], ["hidden"] * 3):
        with pytest.raises(ValueError, match=r"^layers must be 'a\.head', 'hidden', 'input' in"):
            Network.from_safetensors(tmp_path / "net", layers=wrong, activation="tanh")
    with pytest.raises(TypeError, match=r"^layers must be a sequence of names, got str"):
        Network.from_safetensors(tmp_path / "net", layers="input", activation="tanh")


def test_a_layer_without_a_name(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {"weight": rng.normal(size=(2, 3)), "bias": rng.normal(size=2)}
    save_file(tensors, tmp_path / "net")
    net = Network.from_safetensors(tmp_path / "net", activation="softmax", seed=0)
    assert (net.layer_sizes, net.loss) == ((3, 2), "cross_entropy")


@pytest.mark.parametrize(
    ("activation", "loss", "expected"),
    [
        (["relu", "softmax"], None, "cross_entropy"),
        (["relu", "sigmoid"], None, "bce"),
        ("relu", None, "mse"),
        (["relu", "sigmoid"], "huber", "huber"),
        (["relu", "softmax"], "bce", ValueError),
        (["softmax", "relu"], None, ValueError),
        (["relu"], None, ValueError),
        ("swish", None, ValueError),
        ("exp", None, ValueError),
        (3, None, TypeError),
        (None, None, ValueError),
    ],
)
def test_settings_of_files_of_others(activation, loss, expected, tmp_path):
    save_file(of_layers((3, 4), (4, 2)), tmp_path / "net")
    if isinstance(expected, str):
        net = Network.from_safetensors(tmp_path / "net", activation=activation, loss=loss)
        assert net.loss == expected
        return
    with pytest.raises(expected, match=r"^(activation|loss)"):
        Network.from_safetensors(tmp_path / "net", activation=activation, loss=loss)


def test_what_is_given_is_more_than_what_a_file_says(tmp_path):
    net = Network([3, 4, 2], activation=["relu", "sigmoid"], loss="bce", seed=0)
    net.to_safetensors(tmp_path / "net")
    found = Network.from_safetensors(tmp_path / "net", loss="mae")
    assert (found.activations, found.loss) == (("relu", "sigmoid"), "mae")
    found = Network.from_safetensors(tmp_path / "net", activation="tanh")
    assert (found.activations, found.loss) == (("tanh", "tanh"), "mse")


# What is refused


def metadata(**values):
    """A file of ours whose metadata say this."""
    about = {"activations": ["tanh", "tanh"], "loss": "mse"} | values
    return save(of_layers((3, 4), (4, 2)), {"fastnn": json.dumps(about)})


def one(dtype, shape, n_bytes, name="0.weight"):
    about = {name: {"dtype": dtype, "shape": shape, "data_offsets": [0, n_bytes]}}
    return raw(about, bytes(n_bytes))


LAYER = {"0.weight": np.ones((2, 3), np.float32)}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no network: "),
        (b"PK\x03\x04" * 30, "holds no network: "),
        (raw({}), "holds no network: it has no tensors"),
        (raw(b"{"), "holds no network: "),
        (raw(b"[" * 100_000), "holds no network: "),
        (struct.pack("<Q", 2**63) + b"{}", "holds no network: "),
        (one("F32", [2, 3], 23), "holds no network: "),
        (one("F32", [2**40, 2**40], 24), "holds no network: "),
        (one("F32", [2**62, 0], 0), "holds no network: |has .* inputs and"),
        (one("F32", [0, 3], 0), r"'0\.weight' .*it has 3 inputs and 0 outputs"),
        (one("I64", [2, 3], 48), r"its tensor '0\.weight' is I64, and not F64, F32, F16 or BF16"),
        (one("F8_E4M3", [2, 3], 6), r"its tensor '0\.weight' is F8_E4M3"),
        (one("F32", [6], 24), r"its tensor '0\.weight' of shape \(6,\) is neither"),
        (one("F32", [1, 2, 3], 24), r"its tensor '0\.weight' of shape \(1, 2, 3\) is neither"),
        (one("F32", [6], 24, "0.bias"), r"its tensor '0\.bias' of shape \(6,\) is neither"),
        (save(LAYER | {"1.running_mean": np.ones(2)}), r"its tensor '1\.running_mean' of shape"),
        (save(LAYER | {"0.bias": np.ones((2, 1))}), r"its tensor '0\.bias' of shape \(2, 1\)"),
        (save(LAYER | {"0.bias": np.ones(3)}), r"'0\.weight' .* 2 outputs, and its biases the"),
        (save(LAYER | {"1.weight": np.ones((1, 3))}), r"'1\.weight' .* 3 inputs, and the layer"),
        (save({"0.weight": np.full((2, 3), np.nan)}), r"'0\.weight' .*biases are not finite"),
        (metadata(activations=["tanh"]), "activations must hold one name per layer, 2 in all"),
        (metadata(activations="no such"), "activations must be one of"),
        (metadata(activations=None), "activations must be"),
        (metadata(loss="bce"), 'loss="bce" needs "sigmoid"'),
        (metadata(loss=["mse"]), "loss must be one of"),
        (metadata(feature_names=["a"]), "feature_names must be None or 3 different names"),
        (metadata(feature_names=["a", "b", 3]), "feature_names must be None or 3 different names"),
        (save(of_layers((3, 4)), {"fastnn": "["}), "holds no network: "),
        (save(of_layers((3, 4)), {"fastnn": "[" * 50_000}), "holds no network: "),
        (save(of_layers((3, 4)), {"fastnn": "[]"}), "holds no network: "),
        (save(of_layers((3, 4)), {"fastnn": "{}"}), "holds no network: 'activations'"),
    ],
)  # fmt: skip
def test_files_that_are_refused(content, words, tmp_path):
    path = file_of(tmp_path, content)
    given = {} if b"fastnn" in content else {"activation": "tanh"}
    tracemalloc.start()
    with pytest.raises(ModelFileError, match=words) as caught:
        Network.from_safetensors(path, **given)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    assert str(path) in str(caught.value)


def test_truncated_files(tmp_path):
    Network([3, 4, 2], seed=0).to_safetensors(tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    for length in range(len(content)):
        path = file_of(tmp_path, content[:length])
        with pytest.raises(ModelFileError):
            Network.from_safetensors(path)
    path = file_of(tmp_path, content + b"more")
    with pytest.raises(ModelFileError):
        Network.from_safetensors(path)


def test_bytes_that_are_wrong(tmp_path):
    """A network, or a ValueError; nothing else."""
    Network([3, 4, 2], seed=0).to_safetensors(tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    rng = np.random.default_rng(0)
    n_refused = 0
    for _ in range(1000):
        wrong = bytearray(content)
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            wrong[place] = rng.integers(256)
        path = file_of(tmp_path, wrong)
        try:
            net = Network.from_safetensors(path)
        except ValueError:
            n_refused += 1
        else:
            assert np.isfinite(net.feedforward(np.ones(net.layer_sizes[0]))).all()
    assert n_refused > 300
