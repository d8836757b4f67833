"""Makes optimizers_of_torch.json: what PyTorch's optimizers make of a small network.

    python tests/optimizers_of_torch.py

Not run by the tests, which only read the file. Needs torch; the file was made with PyTorch 2.13.0.
"""

import json
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")

W = [[0.5, -0.25], [0.75, 0.125], [-0.5, 1.0]], [[1.0, -0.5], [0.25, 0.75]]
B = [0.1, -0.2], [0.3, 0.4]
X = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [-1.0, 0.75, 1.0], [0.0, -2.0, 0.5], [1.0, 1.0, 0.0]]
Y = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.5, 0.25]]
EPOCHS = 12
LEARNING_RATE = 0.05

# The class here, its settings; the class of torch, its settings, and weight_decay for weights only.
CASES = {
    "momentum": ("Momentum", {"momentum": 0.8}, "SGD", {"momentum": 0.8}, 0),
    "nesterov": ("Nesterov", {}, "SGD", {"momentum": 0.9, "nesterov": True}, 0),
    "nesterov l2": (
        "Nesterov", {"l2": 0.02}, "SGD", {"momentum": 0.9, "nesterov": True}, 0.02,
    ),
    "adam": ("Adam", {}, "Adam", {}, 0),
    "adam settings": (
        "Adam",
        {"beta_1": 0.7, "beta_2": 0.95, "epsilon": 1e-3},
        "Adam",
        {"betas": (0.7, 0.95), "eps": 1e-3},
        0,
    ),
    "adam l2": ("Adam", {"l2": 0.02}, "Adam", {}, 0.02),
    "adamw": ("AdamW", {"weight_decay": 0.1}, "AdamW", {}, 0.1),
    "adamw default": ("AdamW", {}, "AdamW", {}, 0.01),
    "rmsprop": ("RMSprop", {}, "RMSprop", {}, 0),
    "rmsprop settings": (
        "RMSprop",
        {"rho": 0.9, "epsilon": 1e-4, "l2": 0.02},
        "RMSprop",
        {"alpha": 0.9, "eps": 1e-4},
        0.02,
    ),
    "adagrad": ("Adagrad", {}, "Adagrad", {}, 0),
    "adagrad settings": (
        "Adagrad", {"epsilon": 1e-3, "l2": 0.02}, "Adagrad", {"eps": 1e-3}, 0.02,
    ),
}  # fmt: skip


def trained_by_torch(kind: str, settings: dict, weight_decay: float, batch_size: int) -> list:
    """W and b of both layers after training, in order."""
    import torch

    weights = [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in W]
    biases = [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in B]
    groups = [{"params": weights, "weight_decay": weight_decay}]
    groups.append({"params": biases, "weight_decay": 0})
    optimizer = getattr(torch.optim, kind)(groups, lr=LEARNING_RATE, **settings)
    X_, Y_ = torch.tensor(X, dtype=torch.float64), torch.tensor(Y, dtype=torch.float64)
    for _ in range(EPOCHS):
        for start in range(0, len(X), batch_size):
            x, y = X_[start : start + batch_size], Y_[start : start + batch_size]
            optimizer.zero_grad()
            hidden = torch.tanh(x @ weights[0] + biases[0])
            outputs = torch.sigmoid(hidden @ weights[1] + biases[1])
            torch.nn.functional.mse_loss(outputs, y).backward()
            optimizer.step()
    return [array.detach().tolist() for array in (*weights, *biases)]


if __name__ == "__main__":
    made = {
        f"{name}, batches of {batch_size}": trained_by_torch(kind, settings, decay, batch_size)
        for name, (_, _, kind, settings, decay) in CASES.items()
        for batch_size in (1, 2, 5)
    }
    FILE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
