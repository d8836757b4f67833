"""
A cart learns to balance a pole: REINFORCE, by gradients of one's own
=====================================================================

After Barto, Sutton and Anderson, Neuronlike adaptive elements that can solve difficult learning
control problems (1983), whose cart and pole this is, and Williams, Simple statistical
gradient-following algorithms for connectionist reinforcement learning (1992). An episode ends after
200 steps, or when the pole has fallen or the cart has left the track; 195 steps on average count as
solved.

For a policy π(action | state), a softmax network's outputs a, and an advantage A of each step,

    L = -Σ A log π(action | state),    ∂L/∂z = A (a - y), with 1 in y for the action that was taken.
"""

import argparse
from time import perf_counter

import numpy as np

from fastnn import Network

EPISODES, STEPS, ENOUGH = 32, 200, 198
GRAVITY, CART, POLE, HALF_LENGTH, FORCE, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
EDGE, FALLEN = 2.4, 12 * np.pi / 180


def moved(states, actions):
    """One step of many carts: (x, speed, angle, its speed) each, and 0 or 1, left or right."""
    _, v, angle, turning = states.T
    force = np.where(actions == 1, FORCE, -FORCE)
    cos, sin = np.cos(angle), np.sin(angle)
    push = (force + POLE * HALF_LENGTH * turning**2 * sin) / (CART + POLE)
    turn = (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4 / 3 - POLE * cos**2 / (CART + POLE)))
    faster = push - POLE * HALF_LENGTH * turn * cos / (CART + POLE)
    change = np.stack([v, faster, turning, turn], axis=1)
    return states + SECONDS * change


def play(net, rng, episodes):
    """Episodes side by side: states, actions and which of them count, (steps, episodes)."""
    steps: list[tuple[np.ndarray, ...]] = []
    now = rng.uniform(-0.05, 0.05, (episodes, 4))
    going = np.ones(episodes, bool)
    while going.any() and len(steps) < STEPS:
        to_the_right = net.feedforward(now)[:, 1]
        actions = (rng.random(episodes) < to_the_right).astype(int)
        steps.append((now, actions, going))
        now = moved(now, actions)
        going = going & (np.abs(now[:, 0]) < EDGE) & (np.abs(now[:, 2]) < FALLEN)
    return [np.array(part) for part in zip(*steps, strict=True)]


def advantages(count):
    """How much longer an episode goes on than others do from that step, over their spread."""
    left = count[::-1].cumsum(axis=0)[::-1]
    n = np.maximum(count.sum(axis=1, keepdims=True), 1)
    mean = left.sum(axis=1, keepdims=True) / n
    A = np.where(count, left - mean, 0)
    return A / (np.sqrt((A**2).sum() / count.sum()) + 1e-8)


def learn(seed, most_updates=300):
    """Until it is solved, and safely so; the network, and how many updates it took."""
    net = Network([4, 16, 2], activation=["tanh", "softmax"], loss="cross_entropy", seed=seed)
    rng = np.random.default_rng(seed)
    for update in range(most_updates):
        states, actions, count = play(net, rng, EPISODES)
        if count.sum(axis=0).mean() >= ENOUGH and evaluate(net, rng) >= ENOUGH:
            return net, update
        X, taken, A = states[count], actions[count], advantages(count)[count]
        G = A[:, np.newaxis] * (net.feedforward(X) - np.eye(2)[taken]) / len(X)
        net.step(net.backward(X, G, of="z"), optimizer="adam", learning_rate=0.02)
    return net, most_updates


def evaluate(net, rng):
    """Steps of an episode, on average over two hundred."""
    return play(net, rng, 200)[2].sum(axis=0).mean()


def main():
    parser = argparse.ArgumentParser(description="A cart learns to balance a pole.")
    parser.add_argument("--seeds", type=int, default=3)
    start = perf_counter()
    for seed in range(parser.parse_args().seeds):
        net, updates = learn(seed)
        steps = evaluate(net, np.random.default_rng([seed, 1]))
        print(f"seed {seed}: {steps:.1f} steps of {STEPS} after {updates} updates")
    print(f"{perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
