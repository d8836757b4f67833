"""Ctrl-C at any moment of trainings of networks from 4 to 8,192 units wide.

It is answered soon, and the network is as the steps that it has completed leave it.
"""

import signal

import numpy as np
from test_interrupt import Workload, interrupt, parameters

CASES = 200
SOON, LATE = 0.1, 1.0  # seconds of work after it


def stop(*_):
    raise KeyboardInterrupt


def case(i, rng, folder):
    signal.signal(signal.SIGALRM, stop)
    width = int(np.exp2(rng.uniform(2, 13)))
    n_samples = int(rng.choice([4, 100, 1000]))
    workload = Workload(
        [int(rng.integers(2, 65)), width, 8] if rng.random() < 0.7 else [width, 16, 8],
        n_samples=n_samples,
        batch_size=int(rng.choice([1, 1, 2, n_samples // 2, n_samples])),
        epochs=10**6,
        longest_delay=SOON,
        form=rng.choice(["auto", "direct", "fused", "zero_skip", "blocked"]),
        density=rng.choice([1, 0.2]),
    )
    net = workload.network()
    _, late = interrupt(workload, net, rng.uniform(0.002, 0.06))
    assert late < LATE, (workload, late)
    steps = workload.completed_steps(net)
    assert parameters(net) == parameters(workload.replay(steps)), (workload, steps)
    return "within 0.1 s of work" if late < SOON else "later, within 1 s"
