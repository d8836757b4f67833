"""Memory that cannot be had: each allocation of a training, a prediction, a save and a load."""

from test_allocation_failures import CASES as CHECKS
from test_allocation_failures import run_all

CASES = 1


def case(i, rng, folder):
    report = run_all(folder)
    faults = {name: found for name, found in report["found"].items() if found}
    assert not faults, faults
    return f"time {report['refused']:,} refusals in {len(CHECKS)} uses"
