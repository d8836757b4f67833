"""Makes schedules_of_torch.json: the learning rates that PyTorch's schedulers give.

    python tests/schedules_of_torch.py

Not run by the tests, which only read the file. Needs torch; the file was made with PyTorch 2.13.0.
"""

import json
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")

CYCLE = {"base_lr": 0.01, "max_lr": 0.2, "cycle_momentum": False}

# The class here, its settings, the updates in an epoch; torch's rate at first, its scheduler and
# settings, one step of which is an update, and how many rates.
CASES = {
    "step": (
        "StepDecay", {"initial": 0.2, "every": 3}, 1, 0.2, "StepLR", {"step_size": 3}, 13,
    ),
    "step within epochs": (
        "StepDecay", {"initial": 0.2, "every": 1.5, "factor": 0.7}, 4,
        0.2, "StepLR", {"step_size": 6, "gamma": 0.7}, 40,
    ),
    "exponential": (
        "ExponentialDecay", {"initial": 0.2, "factor": 0.9}, 1,
        0.2, "ExponentialLR", {"gamma": 0.9}, 50,
    ),
    "exponential within epochs": (
        "ExponentialDecay", {"initial": 0.2, "factor": 0.9}, 5,
        0.2, "ExponentialLR", {"gamma": 0.9 ** (1 / 5)}, 50,
    ),
    "cosine": (
        "CosineDecay", {"initial": 0.2, "epochs": 12}, 1,
        0.2, "CosineAnnealingLR", {"T_max": 12}, 13,
    ),
    "cosine within epochs": (
        "CosineDecay", {"initial": 0.2, "epochs": 2.5, "final": 0.01}, 10,
        0.2, "CosineAnnealingLR", {"T_max": 25, "eta_min": 0.01}, 26,
    ),
    "warm-up": (
        "WarmUp", {"then": 0.2, "epochs": 5}, 1,
        0.2, "LinearLR", {"start_factor": 0.1, "total_iters": 5}, 12,
    ),
    "warm-up within epochs": (
        "WarmUp", {"then": 0.2, "epochs": 1.75, "start_factor": 0.25}, 4,
        0.2, "LinearLR", {"start_factor": 0.25, "total_iters": 7}, 12,
    ),
    # OneCycleLR is at its top at step pct_start total_steps - 1, and at its end one step before it
    # is over.
    "one cycle": (
        "OneCycle", {"maximum": 0.2, "epochs": 19, "warm_up": (0.3 * 20 - 1) / 19}, 1,
        0.2, "OneCycleLR", {"max_lr": 0.2, "total_steps": 20}, 20,
    ),
    "one cycle within epochs": (
        "OneCycle",
        {
            "maximum": 0.2, "epochs": 12, "warm_up": (0.21 * 49 - 1) / 48,
            "start_divisor": 10, "final_divisor": 50,
        },
        4, 0.2, "OneCycleLR",
        {
            "max_lr": 0.2, "total_steps": 49, "pct_start": 0.21,
            "div_factor": 10, "final_div_factor": 50,
        },
        49,
    ),
    "triangular": (
        "Cyclical", {"minimum": 0.01, "maximum": 0.2}, 1,
        0.01, "CyclicLR", {**CYCLE, "step_size_up": 4}, 30,
    ),
    "triangular2": (
        "Cyclical", {"minimum": 0.01, "maximum": 0.2, "step_size": 1.25, "mode": "triangular2"}, 4,
        0.01, "CyclicLR", {**CYCLE, "step_size_up": 5, "mode": "triangular2"}, 60,
    ),
    "exp_range": (
        "Cyclical", {"minimum": 0.01, "maximum": 0.2, "mode": "exp_range"}, 1,
        0.01, "CyclicLR", {**CYCLE, "step_size_up": 4, "mode": "exp_range", "gamma": 0.99}, 60,
    ),
    "exp_range within epochs": (
        "Cyclical",
        {"minimum": 0.01, "maximum": 0.2, "step_size": 2, "mode": "exp_range", "gamma": 0.9}, 4,
        0.01, "CyclicLR",
        {**CYCLE, "step_size_up": 8, "mode": "exp_range", "gamma": 0.9 ** (1 / 4)}, 60,
    ),
}  # fmt: skip

# Of two of torch's, the second begins where the first ends.
WARM_UP_EPOCHS, COSINE_EPOCHS, START_FACTOR, INITIAL, FINAL = 4, 8, 0.2, 0.3, 0.05
WARM_UP_THEN_COSINE = "warm-up, then cosine"


def rates(optimizer, scheduler, n: int) -> list[float]:
    found = []
    for _ in range(n):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def sgd(initial: float):
    import torch

    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=initial)


def rates_of_torch(initial: float, kind: str, settings: dict, n: int) -> list[float]:
    from torch.optim import lr_scheduler

    optimizer = sgd(initial)
    scheduler = getattr(lr_scheduler, kind)(optimizer, **settings)
    if kind == "OneCycleLR":
        n -= 1  # it refuses a step beyond the last rate
    found = rates(optimizer, scheduler, n)
    return [*found, optimizer.param_groups[0]["lr"]] if kind == "OneCycleLR" else found


def rates_of_two() -> list[float]:
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

    optimizer = sgd(INITIAL)
    first = LinearLR(optimizer, start_factor=START_FACTOR, total_iters=WARM_UP_EPOCHS)
    second = CosineAnnealingLR(optimizer, T_max=COSINE_EPOCHS, eta_min=FINAL)
    both = SequentialLR(optimizer, [first, second], milestones=[WARM_UP_EPOCHS])
    return rates(optimizer, both, WARM_UP_EPOCHS + COSINE_EPOCHS + 1)


if __name__ == "__main__":
    made = {name: rates_of_torch(*theirs) for name, (_, _, _, *theirs) in CASES.items()}
    made[WARM_UP_THEN_COSINE] = rates_of_two()
    FILE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
