"""One core and one thread for every implementation, and their versions in the result file."""

import os
from importlib.metadata import PackageNotFoundError, version

import pytest

# Libraries read these when they are first imported, which is after this file.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

PACKAGES = ("fastnn", "numpy", "numba", "llvmlite")


@pytest.fixture(scope="session", autouse=True)
def one_core():
    """Pin the process, and with it the threads that any library starts later."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info["packages"] = {}
    for package in PACKAGES:
        try:
            machine_info["packages"][package] = version(package)
        except PackageNotFoundError:
            continue
