"""One core for every implementation, and their versions in the result file."""

from importlib.metadata import PackageNotFoundError, version

import pytest

from benchmarks import peers
from benchmarks.floors import Probe, new_probe
from benchmarks.one_core import pin

PACKAGES = (
    "fastnn", "numpy", "numba", "llvmlite", "jax", "jaxlib", "torch", "scikit-learn", "onnxruntime",
    "mlpfile",
)  # fmt: skip


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=15, help="rounds of each race (default: 15)")


@pytest.fixture(scope="session", autouse=True)
def one_core():
    with pin():
        yield


@pytest.fixture(scope="session")
def probe(one_core) -> Probe | None:
    """What measures this machine's limits, or None where it cannot be compiled."""
    return new_probe()


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["packages"] = {}
    for package in PACKAGES:
        try:
            machine_info["packages"][package] = version(package)
        except PackageNotFoundError:
            continue
    older = peers.load("JAX 0.4")
    if older:
        machine_info["packages"]["JAX 0.4"] = older.version()
    machine_info["left_out"] = [name for name in peers.IMPLEMENTATIONS if peers.load(name) is None]
