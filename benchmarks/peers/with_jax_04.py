"""JAX 0.4.31: what `with_jax` does, in another interpreter, which FASTNN_JAX04_PYTHON names.

It has the older runtime for CPUs, which is the faster one in loops of small steps. So it is a peer
of its own, beside the newest.
"""

import os
import subprocess
from functools import cache

from benchmarks.peers.elsewhere import Elsewhere, Work
from benchmarks.workloads import Workload

PYTHON = os.environ.get("FASTNN_JAX04_PYTHON")
if not PYTHON:
    raise ModuleNotFoundError("FASTNN_JAX04_PYTHON names no interpreter", name="jax 0.4")


@cache
def interpreter() -> Elsewhere:
    return Elsewhere(PYTHON, "with_jax")


def version() -> str:
    program = "from importlib.metadata import version; print(version('jax'))"
    found = subprocess.run([PYTHON, "-c", program], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def prepare(workload: Workload) -> Work | None:
    return interpreter().prepare(workload)


per_sample_sgd = mini_batch_sgd = adam = prepare
one_update = one_prediction = batch_prediction = many_networks = prepare
