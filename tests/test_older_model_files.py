"""Model files of each version are read by every later one, and training goes on from them."""

import json

import numpy as np
import pytest
from older_model_files import CASES, FOLDER, samples, train_on

from fastnn import Network

pytestmark = pytest.mark.unwatched

EXPECTED = {
    name: expected
    for file in sorted(FOLDER.glob("*.json"))
    for name, expected in json.loads(file.read_text(encoding="utf-8")).items()
}
# Sums may be made in another order by other kernels and later versions.
CLOSE = {"float32": {"rtol": 2e-5, "atol": 1e-6}, "float64": {"rtol": 1e-12, "atol": 1e-13}}

every_file = pytest.mark.parametrize("name", EXPECTED)


def test_the_files_are_those_that_are_described():
    assert {path.name for path in FOLDER.glob("*.npz")} == set(EXPECTED)
    assert {expected["format"] for expected in EXPECTED.values()} == {1, 2}


@every_file
def test_the_network_is_the_same_bit_for_bit(name):
    expected = EXPECTED[name]
    net = Network.load(FOLDER / name)
    assert list(net.layer_sizes) == expected["layer_sizes"]
    assert list(net.activations) == expected["activations"]
    assert (net.loss, net.dtype.name) == (expected["loss"], expected["dtype"])
    names = net.feature_names
    assert (names if names is None else list(names)) == expected["feature_names"]
    assert [W.ravel().tolist() for W in net.weights] == expected["weights"]
    assert [b.tolist() for b in net.biases] == expected["biases"]


@every_file
def test_it_computes_the_same(name):
    expected = EXPECTED[name]
    net = Network.load(FOLDER / name)
    outputs = net.feedforward(samples(net.dtype)[0])[::7]
    np.testing.assert_allclose(outputs, expected["outputs"], **CLOSE[expected["dtype"]])


@every_file
def test_training_goes_on_as_it_did(name):
    """With what the optimizer, the schedule and early stopping had come to."""
    expected = EXPECTED[name]
    settings = CASES[name.split("-")[1]][0]
    losses = train_on(Network.load(FOLDER / name), settings)
    np.testing.assert_allclose(losses, expected["losses"], **CLOSE[expected["dtype"]])
