"""Makes data/: model files of this version, and what the networks in them compute.

    python -P tests/older_model_files.py

Not run by the tests, which read the files of each version for ever. Run it before a release whose
files differ from those that are there, with `VERSION` set to that release; the older files stay.
"""

import json
from pathlib import Path

import numpy as np

from fastnn import Network, optimizers, schedules
from fastnn.callbacks import EarlyStopping

VERSION = "0.1.0"
FOLDER = Path(__file__).with_name("data")
NAMES = ["age", "height", "weight", "Größe"]
PLAIN = {"learning_rate": 0.05}
ADAM = {
    "learning_rate": schedules.CosineDecay(0.02, epochs=30),
    "optimizer": optimizers.Adam(l2=0.01),
    "batch_size": 8,
}
# What stands in the file's name: settings of train, whether with a trainer, and names of columns.
CASES = {
    "plain": (PLAIN, False, None),
    "adam": (ADAM, True, None),
    "names": (PLAIN, False, NAMES),
    "best": ({**ADAM, "callbacks": EarlyStopping(patience=20)}, True, NAMES),  # and last
}


def samples(dtype):
    """Data from a formula, which no other version of NumPy draws otherwise."""
    i, j = np.ogrid[:40, :4]
    X = np.sin(1.0 + i * (j + 1)).astype(dtype)
    return X, (X[:, :1] * X[:, 1:2] + 0.5 * X[:, 2:3] > 0).astype(dtype)


def train_on(net, settings, names=None):
    """Losses of five more epochs; on a table if its columns have names."""
    X, y = samples(net.dtype)
    if names:
        import pandas

        X = pandas.DataFrame(X, columns=names)
    history = net.train(X, y, epochs=5, shuffle=False, validation_data=(X, 1 - y), **settings)
    return history.history["loss"]


def main():
    expected = {}
    for dtype in ("float32", "float64"):
        for case, (settings, trainer, names) in CASES.items():
            net = Network(
                [4, 5, 3, 1], activation=["tanh", "gelu", "sigmoid"], loss="bce", dtype=dtype,
                seed=1,
            )  # fmt: skip
            train_on(net, settings, names)
            path = FOLDER / f"{VERSION}-{case}-{dtype}.npz"
            net.save(path, trainer=trainer)
            expected[path.name] = {
                "format": int(path.read_bytes().rpartition(b"fastnn model ")[2][:4]),
                "layer_sizes": net.layer_sizes,
                "activations": net.activations,
                "loss": net.loss,
                "dtype": dtype,
                "feature_names": names and list(net.feature_names),
                "weights": [W.ravel().tolist() for W in net.weights],
                "biases": [b.tolist() for b in net.biases],
                "outputs": net.feedforward(samples(dtype)[0])[::7].tolist(),
                "losses": train_on(net if trainer else Network.load(path), settings),
            }
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (FOLDER / f"{VERSION}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
