"""What the tests of model files share: what is in a file, and what a schedule there may be."""

import pytest
from random_networks import parameters

from fastnn import schedules

with_and_without_trainer = pytest.mark.parametrize("trainer", [True, False])

SCHEDULES = [
    schedules.StepDecay(0.05, 3),
    schedules.ExponentialDecay(0.05, 0.9),
    schedules.InverseTimeDecay(0.05, 0.1),
    schedules.CosineDecay(0.05, 12, 0.001),
    schedules.WarmUp(0.05, 3),
    schedules.WarmUp(schedules.WarmUp(schedules.CosineDecay(0.05, 9), 2, 0.5), 3),
    schedules.OneCycle(0.05, 12),
    schedules.Cyclical(0.001, 0.05, 3.5, "exp_range", 0.95),
]


def content(net):
    """What is of a network itself, to be compared with ==."""
    shapes = [one.shape for one in parameters(net)]
    return (
        net.layer_sizes, net.activations, net.loss, net.dtype, shapes,
        [one.tobytes() for one in parameters(net)],
    )  # fmt: skip


def all_of(net):
    """With what its trainer keeps."""
    trainer = net._trainer
    optimizer = trainer.optimizer
    return (
        content(net),
        net._rng.bit_generator.state,
        optimizer and (optimizer.optimizer, optimizer.block.tobytes(), optimizer.record.tobytes()),
        (trainer.schedule, trainer.time, trainer.stopping, trainer.lowest, trainer.stale),
        [
            (of, best.value, best.waited, best.parameters is not None and bytes(best.parameters))
            for of, best in trainer.best.items()
        ],
    )
