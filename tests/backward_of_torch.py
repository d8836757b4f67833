"""Makes backward_of_torch.json: what PyTorch's autograd gives for gradients of the outputs.

    python tests/backward_of_torch.py

Not run by the tests, which only read the file. Needs torch; the file was made with PyTorch 2.13.0.
"""

import json
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")

W = (
    [[0.5, -0.25, 1.0], [0.75, 0.125, -0.5]],
    [[1.0, -0.5, 0.25], [0.25, 0.75, -1.0], [-0.75, 0.5, 0.5]],
    [[0.5, -1.0], [-0.25, 0.75], [1.0, 0.25]],
)
B = [0.1, -0.2, 0.3], [0.3, 0.4, -0.1], [-0.2, 0.2]
X = [[0.5, -1.0], [1.5, 0.25], [-1.0, 0.75], [2.0, -2.0]]
G = [[1.0, -0.5], [0.25, 2.0], [-1.0, 0.75], [0.0, 1.0]]  # ∂L/∂a of the outputs

ACTIVATIONS = (
    "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu",
)  # fmt: skip
CASES = {
    **{f"{name} {name}": (name, name) for name in ACTIVATIONS},
    **{f"{name} softmax": (name, "softmax") for name in ACTIVATIONS},
}


def by_torch(hidden: str, output: str) -> dict:
    """Outputs, and gradients of weights, biases and inputs, in float64."""
    import torch
    from torch.nn import functional

    def activate(name, z):
        if name == "identity":
            return z
        if name == "softmax":
            return functional.softmax(z, dim=1)
        if name == "gelu":
            return functional.gelu(z, approximate="tanh")
        if name == "softplus":
            return functional.softplus(z, threshold=1e9)  # beyond which it would be identity
        return getattr(torch if name in ("sigmoid", "tanh") else functional, name)(z)

    def leaf(numbers):
        return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)

    weights, biases, x = [leaf(one) for one in W], [leaf(one) for one in B], leaf(X)
    a = x
    for name, W_l, b_l in zip((hidden, hidden, output), weights, biases, strict=True):
        a = activate(name, a @ W_l + b_l)
    a.backward(torch.tensor(G, dtype=torch.float64))
    return {
        "outputs": a.tolist(),
        "weight_gradients": [one.grad.tolist() for one in weights],
        "bias_gradients": [one.grad.tolist() for one in biases],
        "input_gradients": x.grad.tolist(),
    }


if __name__ == "__main__":
    found = {name: by_torch(*case) for name, case in CASES.items()}
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
