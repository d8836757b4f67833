"""The builds of the kernels: which one is picked, that they agree, and what is said without one.

Run as a script, this file saves what the build in use computes.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import Network
from fastnn._core import _data_baseline
from fastnn._training.forms import FORMS

pytestmark = pytest.mark.unwatched  # which has one build

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
NETWORKS = [
    # layer sizes, activation, loss
    ([2, 3, 1], "sigmoid", "mse"),
    ([3, 4, 4, 2], ["tanh", "gelu", "sigmoid"], "bce"),
    ([4, 3], "softmax", "cross_entropy"),
    ([6, 20, 9, 5], ["relu", "silu", "softmax"], "cross_entropy"),
    ([9, 11, 7], ["softplus", "elu"], "huber"),
    ([5, 33, 3], ["leaky_relu", "tanh"], "mae"),
    ([7, 70], "step", "mse"),
]
# Batch size and form of the first layer
WAYS = [(1, "auto"), *((1, form) for form in FORMS), (3, "direct"), (3, "zero_skip")]


def results(dtype):
    """What training makes of each network: losses and parameters, and predictions."""
    for layer_sizes, activation, loss in NETWORKS:
        for batch_size, form in WAYS[:-2] if activation == "step" else WAYS:
            net = Network(layer_sizes, activation=activation, loss=loss, dtype=dtype, seed=0)
            rng = np.random.default_rng(1)
            X = rng.normal(size=(40, layer_sizes[0]))
            X[rng.random(X.shape) < 0.2] = 0
            y = rng.uniform(size=(40, layer_sizes[-1]))
            if loss == "cross_entropy":
                y /= y.sum(axis=1, keepdims=True)
            for b in net.biases:
                b[:] = rng.normal(size=b.shape)
            before = [W.copy() for W in net.weights]
            options = {"batch_size": batch_size, "form": form}
            history = net.train(X, y, epochs=3, learning_rate=0.01, **options)
            assert not any(map(np.array_equal, before, net.weights))
            yield np.array(history.history["loss"])
            yield from net.weights
            yield from net.biases
            yield net.feedforward(X)


def python(*arguments, folder=Path(__file__).parent, **variables):
    """Run Python in a folder with these environment variables, and FASTNN_KERNELS only if given."""
    environment = {name: value for name, value in os.environ.items() if name != "FASTNN_KERNELS"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
    )


def level(**variables):
    """What kernel_level() says in a new process, or the last line of the error."""
    run = python("-c", "import fastnn; print(fastnn.kernel_level())", **variables)
    return run.stdout.strip() or run.stderr.strip().splitlines()[-1]


def cpu_has_avx2():
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return _data_baseline.has_avx2()
    return {"avx2", "fma"} <= set(information.read_text().split())


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_builds_agree_to_rounding(dtype, tmp_path):
    run = python(__file__, dtype, tmp_path / "baseline.npz", FASTNN_KERNELS="baseline")
    assert run.returncode == 0, run.stderr
    with np.load(tmp_path / "baseline.npz") as file:
        assert file["level"] == "baseline"
        of_baseline = [file[f"arr_{i}"] for i in range(len(file.files) - 1)]
    of_this_build = list(results(dtype))
    assert len(of_this_build) == len(of_baseline)
    for a, b in zip(of_this_build, of_baseline, strict=True):
        assert a.dtype == b.dtype
        assert np.linalg.norm(a - b) <= TOLERANCE[dtype] * np.linalg.norm(b)


def test_the_best_build_for_the_cpu_is_picked():
    assert level() == ("avx2" if cpu_has_avx2() else "baseline")
    assert level(FASTNN_KERNELS="") == level()


def test_the_level_is_that_of_the_build_in_use():
    assert fastnn.kernel_level() in ("baseline", "avx2")
    build = sys.modules[f"fastnn._core._training_{fastnn.kernel_level()}"]
    assert fastnn._core.kernels.train is build.train


def test_the_environment_picks_a_build():
    assert level(FASTNN_KERNELS="baseline") == "baseline"
    if cpu_has_avx2():
        assert level(FASTNN_KERNELS="avx2") == "avx2"
    else:
        assert level(FASTNN_KERNELS="avx2") == (
            'ImportError: FASTNN_KERNELS is "avx2", which this CPU does not support: use "baseline"'
        )


@pytest.mark.parametrize("kernels", ["sse2", "AVX2", "avx512", " "])
def test_an_unknown_build_is_refused(kernels):
    assert level(FASTNN_KERNELS=kernels) == (
        f'ImportError: FASTNN_KERNELS must be "baseline" or "avx2", got {kernels!r}'
    )


@pytest.mark.parametrize(
    ("unit", "missing"),
    sorted(
        {
            ("data", "baseline"),
            *((one, fastnn.kernel_level()) for one in ("prediction", "training")),
        }
    ),
)
def test_without_compiled_kernels_the_import_says_what_to_do(tmp_path, unit, missing):
    package = tmp_path / "fastnn"
    without = shutil.ignore_patterns(f"_{unit}_{missing}.*")
    shutil.copytree(Path(fastnn.__file__).parent, package, ignore=without)
    # Without site, through which an editable install would find its modules for this copy too.
    run = python(
        "-S", "-c", "import fastnn", folder=tmp_path, PYTHONPATH=str(Path(np.__file__).parents[1])
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        f"ImportError: fastnn's compiled kernels ({missing}) are not in {package}: if this is a "
        'source folder, run Python from another folder (after "pip install ."), or build the '
        'kernels here with "pip install -e ."'
    )


if __name__ == "__main__":
    _, dtype, path = sys.argv
    np.savez(path, *results(dtype), level=fastnn.kernel_level())
