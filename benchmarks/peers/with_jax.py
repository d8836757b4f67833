"""JAX: one jitted function for the whole training, a scan over epochs of a scan over samples.

Gradients are by hand and W is (n_out, n_in): of jax.grad, sums in place of products and W
transposed, nothing was faster throughout, and most were up to four times slower on the smaller
networks. Four samples of per-sample SGD are unrolled where that gains: a fifth at 64-30-10, a
twentieth at 784 inputs; 2-2-1 takes nearly twice as long then, and JAX 0.4 gains nowhere. For
Adam, where samples are many, units are (n_units, n_samples), which takes half to nine tenths of the
time of rows. Parameters are donated. XLA's flags, in benchmarks/__init__.py, ask for one thread;
that the process is pinned to a core is what makes sure.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.workloads import BETA_1, BETA_2, EPSILON, Floats, Parameters, Workload

jax.config.update("jax_enable_x64", True)  # float32 arrays stay what they are

NEWER = jax.__version_info__ >= (0, 5)  # than JAX 0.4, which has another runtime
UNROLLED, FROM_INPUTS = (4 if NEWER else 1), 64  # of per-sample SGD, in networks of so many inputs

Layers = tuple[tuple[jax.Array, jax.Array], ...]
Samples = tuple[jax.Array, jax.Array]
AdamState = tuple[Layers, Layers, Layers, jax.Array, jax.Array]

ACTIVATE = {
    "sigmoid": lambda z: 1 / (1 + jnp.exp(-z)),
    "tanh": jnp.tanh,
    "relu": lambda z: jnp.maximum(z, 0),
    "identity": lambda z: z,
}
DERIVATIVE = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
    "relu": lambda a: a > 0,
    "identity": lambda a: jnp.ones_like(a),
}


def begin(workload: Workload) -> Layers:
    layers = zip(workload.start.weights, workload.start.biases, strict=True)
    return tuple((jnp.array(W.mT), jnp.array(b)) for W, b in layers)


def finished(layers: Layers) -> Parameters:
    return Parameters(
        [jax.device_get(W).mT for W, _ in layers], [jax.device_get(b) for _, b in layers]
    )


def outputs(layers: Layers, x: jax.Array, names: list[str]) -> jax.Array:
    """Of one sample or of rows of samples."""
    for (W, b), name in zip(layers, names, strict=True):
        x = ACTIVATE[name](x @ W.T + b)
    return x


def gradient(
    layers: Layers, x: jax.Array, y: jax.Array, workload: Workload, factor: float
) -> Layers:
    """factor times that of one sample, or of the mean over rows of them."""
    units = [x]
    for (W, b), name in zip(layers, workload.activations, strict=True):
        units.append(ACTIVATE[name](W @ units[-1] + b if x.ndim == 1 else units[-1] @ W.T + b))
    dL_da = (units[-1] - y) * jnp.array(2 * factor / y.size, y.dtype)
    found = []
    for layer in reversed(range(len(layers))):
        W, _ = layers[layer]
        delta = dL_da * DERIVATIVE[workload.activations[layer]](units[layer + 1])
        dL_da = delta @ W
        if x.ndim == 1:
            found.append((jnp.outer(delta, units[layer]), delta))
        else:
            found.append((delta.T @ units[layer], delta.sum(axis=0)))
    return tuple(reversed(found))


def step_by_units(layers: Layers, x: jax.Array, y: jax.Array, workload: Workload) -> Layers:
    """An update with one sample without products of matrices: XLA makes loops of what is left."""
    names, units = workload.activations, [x]
    for (W, b), name in zip(layers, names, strict=True):
        units.append(ACTIVATE[name](sum((W[:, j] * a for j, a in enumerate(units[-1])), start=b)))
    dL_da = (units[-1] - y) * jnp.array(2 * workload.learning_rate / y.size, y.dtype)
    found = []
    for layer in reversed(range(len(layers))):
        W, b = layers[layer]
        delta = dL_da * DERIVATIVE[names[layer]](units[layer + 1])
        dL_da = sum(W[k] * delta[k] for k in range(len(b)))
        found.append((W - jnp.outer(delta, units[layer]), b - delta))
    return tuple(reversed(found))


def step(layers: Layers, x: jax.Array, y: jax.Array, workload: Workload) -> Layers:
    """An update with one sample, or with rows of them."""
    steps = gradient(layers, x, y, workload, workload.learning_rate)
    return jax.tree.map(jnp.subtract, layers, steps)


def gradient_by_columns(layers: Layers, x: jax.Array, y: jax.Array, workload: Workload) -> Layers:
    """Of the mean over rows of samples; units are (n_units, n_samples)."""
    units = [x.T]
    for (W, b), name in zip(layers, workload.activations, strict=True):
        units.append(ACTIVATE[name](W @ units[-1] + b[:, jnp.newaxis]))
    dL_da = (units[-1] - y.T) * jnp.array(2 / y.size, y.dtype)
    found = []
    for layer in reversed(range(len(layers))):
        W, _ = layers[layer]
        delta = dL_da * DERIVATIVE[workload.activations[layer]](units[layer + 1])
        dL_da = W.T @ delta
        found.append((delta @ units[layer].T, delta.sum(axis=1)))
    return tuple(reversed(found))


def adam_step(state: AdamState, x: jax.Array, y: jax.Array, workload: Workload) -> AdamState:
    """An update by Adam with rows of samples."""
    layers, m, v, power_1, power_2 = state
    g = gradient_by_columns(layers, x, y, workload)
    m = jax.tree.map(lambda m, g: m + (1 - BETA_1) * (g - m), m, g)
    v = jax.tree.map(lambda v, g: v + (1 - BETA_2) * (g * g - v), v, g)
    power_1, power_2 = power_1 * BETA_1, power_2 * BETA_2
    rate = (workload.learning_rate / (1 - power_1)).astype(y.dtype)
    scale = (1 / jnp.sqrt(1 - power_2)).astype(y.dtype)
    layers = jax.tree.map(
        lambda theta, m, v: theta - rate * m / (jnp.sqrt(v) * scale + EPSILON), layers, m, v
    )
    return layers, m, v, power_1, power_2


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    X, y = jnp.array(workload.X), jnp.array(workload.y)
    unroll = UNROLLED if workload.layer_sizes[0] >= FROM_INPUTS else 1

    @partial(jax.jit, donate_argnums=0)
    def scan(layers: Layers, X: jax.Array, y: jax.Array, orders: jax.Array) -> Layers:
        def in_order(layers: Layers, sample: Samples) -> tuple[Layers, None]:
            return step(layers, *sample, workload), None

        def shuffled(layers: Layers, t: jax.Array) -> tuple[Layers, None]:
            return step(layers, X[t], y[t], workload), None

        def epoch(layers: Layers, order: jax.Array) -> tuple[Layers, None]:
            if workload.shuffle:
                return lax.scan(shuffled, layers, order, unroll=unroll)[0], None
            return lax.scan(in_order, layers, (X, y), unroll=unroll)[0], None

        return lax.scan(epoch, layers, orders)[0]

    return lambda: finished(scan(begin(workload), X, y, workload.orders()))


def mini_batches(
    workload: Workload,
    begin: Callable[[Workload], Any],
    step: Callable[..., Any],
    samples_unrolled: int = 1,
    epochs_unrolled: int = 1,
) -> Callable[[], Any]:
    """The last batch of an epoch, where it is smaller, has a step of its own."""
    n_whole = len(workload.X) // workload.batch_size
    n_rows = n_whole * workload.batch_size
    samples = jnp.array(workload.X), jnp.array(workload.y)
    shape = (n_whole, workload.batch_size, -1) if workload.batch_size > 1 else (n_whole, -1)
    batches = tuple(a[:n_rows].reshape(shape) for a in samples)
    rest = tuple(a[n_rows:] for a in samples)

    @partial(jax.jit, donate_argnums=0)
    def scan(state: Any, batches: Samples, rest: Samples) -> Any:
        def batch(state: Any, samples: Samples) -> tuple[Any, None]:
            return step(state, *samples, workload), None

        def epoch(_: int, state: Any) -> Any:
            state = lax.scan(batch, state, batches, unroll=samples_unrolled)[0]
            return step(state, *rest, workload) if len(rest[0]) else state

        return lax.fori_loop(0, workload.epochs, epoch, state, unroll=epochs_unrolled)

    return lambda: scan(begin(workload), batches, rest)


def mini_batch_sgd(workload: Workload) -> Callable[[], Parameters]:
    train = mini_batches(workload, begin, step)
    return lambda: finished(train())


def adam(workload: Workload) -> Callable[[], Parameters]:
    def begin_adam(workload: Workload) -> AdamState:
        layers = begin(workload)
        m, v = (jax.tree.map(jnp.zeros_like, layers) for _ in range(2))
        return layers, m, v, jnp.array(1.0), jnp.array(1.0)

    train = mini_batches(workload, begin_adam, adam_step)
    return lambda: finished(train()[0])


def one_update(workload: Workload) -> Callable[[], Parameters]:
    samples = list(zip(jnp.array(workload.X), jnp.array(workload.y), strict=True))
    update = jax.jit(partial(step, workload=workload), donate_argnums=0)

    def train() -> Parameters:
        layers = begin(workload)
        for _ in range(workload.epochs):
            for x, y in samples:
                layers = update(layers, x, y)
        return finished(layers)

    return train


def one_prediction(workload: Workload) -> Callable[[], list[Floats]]:
    """Each prediction is finished before the next begins, as somebody needs who acts on it."""
    layers = begin(workload)
    samples = list(jnp.array(workload.X))
    outputs_of = jax.jit(partial(outputs, names=workload.activations))

    def predict() -> list[Floats]:
        for _ in range(workload.epochs):
            predicted = [outputs_of(layers, x).block_until_ready() for x in samples]
        return jax.device_get(predicted)

    return predict


def batch_prediction(workload: Workload) -> Callable[[], Floats]:
    layers, X = begin(workload), jnp.array(workload.X)
    outputs_of = jax.jit(partial(outputs, names=workload.activations))

    def predict() -> Floats:
        for _ in range(workload.epochs):
            predicted = outputs_of(layers, X).block_until_ready()
        return jax.device_get(predicted)

    return predict


# What is the fastest for many networks: the step, the axis of the networks, samples and epochs
# that are unrolled. By `jax.grad` times are the same, or up to twice as long.
WAYS = {
    (2, 2, 1): (step_by_units, 0, 4, 4) if NEWER else (step, -1, 4),
    (8, 16, 1): (step, 0, 1) if NEWER else (step_by_units, 0, 1),
    (4, 32, 16, 4): (step, 0, 2),
}


def many_networks(workload: Workload) -> Callable[[], Parameters]:
    """`vmap` of a step over networks, in the scan of the samples."""
    one, axis, *unrolled = WAYS.get(workload.layer_sizes, (step, 0))

    def begin_many(workload: Workload) -> Layers:
        layers = zip(workload.start.weights, workload.start.biases, strict=True)
        return tuple((jnp.array(at(axis, W.mT)), jnp.array(at(axis, b))) for W, b in layers)

    def at(axis: int, stack: Floats) -> Floats:
        return np.moveaxis(stack, 0, axis)

    steps = jax.vmap(partial(one, workload=workload), (axis, None, None), axis)
    train = mini_batches(
        workload, begin_many, lambda layers, x, y, _: steps(layers, x, y), *unrolled
    )

    def finish() -> Parameters:
        layers = jax.device_get(train())
        return finished(jax.tree.map(lambda stack: np.moveaxis(stack, axis, 0), layers))

    return finish
