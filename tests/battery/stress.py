"""Threads that write into all that networks are given, for ten minutes: tests/test_stress.py."""

import os
import subprocess
import sys
from pathlib import Path

CASES = 1
MINUTES = 10
N_TESTS = 3  # of which one may end sooner


def case(i, rng, folder):
    file = Path(__file__).parents[1] / "test_stress.py"
    env = os.environ | {"FASTNN_STRESS_SECONDS": str(MINUTES * 60 / (N_TESTS - 1))}
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-m", "long", str(file)]
    run = subprocess.run(command, env=env, capture_output=True, text=True)
    assert f"{N_TESTS} passed" in run.stdout, run.stdout + run.stderr
    return f"time {MINUTES} minutes"
