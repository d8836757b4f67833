"""The optimizer of an estimator: an object of scikit-learn's, and what it is in fastnn.

scikit-learn's object has the learning rate and its policy. Its lists of velocities, or of moments,
are empty: what a step needs of those before it is in its attribute `state`, as kernels keep it.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._core.layout import Layout
from fastnn.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer, State
from fastnn.sklearn._scikit_learn import AdamOptimizer, SGDOptimizer

if TYPE_CHECKING:
    from fastnn.network import Network


def new_optimizer(estimator: Any) -> Any:
    if estimator.solver == "adam":
        return AdamOptimizer(
            [], estimator.learning_rate_init, estimator.beta_1, estimator.beta_2, estimator.epsilon
        )
    return SGDOptimizer(
        [], estimator.learning_rate_init, estimator.learning_rate, estimator.momentum,
        estimator.nesterovs_momentum, estimator.power_t,
    )  # fmt: skip


def own_optimizer(theirs: Any) -> Any:
    """The same, or if it has lists, as it comes from scikit-learn's estimator, a copy."""
    return copy.copy(theirs) if any(_lists(theirs)) else theirs


def core_optimizer(theirs: Any, alpha: float) -> Optimizer:
    """What scikit-learn's object is in fastnn."""
    if isinstance(theirs, AdamOptimizer):
        return _made(Adam, theirs.beta_1, theirs.beta_2, theirs.epsilon, alpha)
    if theirs.momentum == 0:
        return _made(SGD, alpha)
    return _made(Nesterov if theirs.nesterov else Momentum, theirs.momentum, alpha)


@lru_cache  # to check the settings takes a tenth of a short partial_fit
def _made(kind: type[Optimizer], *settings: float) -> Optimizer:
    if issubclass(kind, Adam):
        beta_1, beta_2, epsilon, l2 = settings
        return kind(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, epsilon_hat=True, l2=l2)
    if issubclass(kind, Momentum):
        momentum, l2 = settings
        return kind(momentum=momentum, rate_inside=True, l2=l2)
    return kind(l2=settings[0])


def rate_of_step(theirs: Any) -> float:
    """eta as kernels take it: scikit-learn's learning_rate of Adam is that of its last step."""
    is_adam = isinstance(theirs, AdamOptimizer)
    return float(theirs.learning_rate_init if is_adam else theirs.learning_rate)


def begun_state(theirs: Any, optimizer: Optimizer, net: Network) -> State:
    """What is kept from the steps before, by fastnn or by scikit-learn itself."""
    layout, lists = net._layout, _lists(theirs)
    before: State | None = getattr(theirs, "state", None)
    if before is not None and (any(lists) or before.optimizer.kind != optimizer.kind):
        before = None  # somebody has put others into the lists, or it is of no use
    if before is not None and before.block.dtype == net.dtype and before.fits(layout):
        is_own = _may_be_written(before.block) and _may_be_written(before.record)
        if is_own and before.optimizer == optimizer:
            return before
        state = State(optimizer, layout, before.block if is_own else np.array(before.block))
    else:
        state = State(optimizer, layout)
        if before is not None:
            lists = _lists_of_another_dtype(before, net)
        if state.n_parts == len(lists) and all(lists):
            for k, given in enumerate(lists):
                for mine, one in zip(chain(*layout.views(state.part(k))), given, strict=True):
                    mine[...] = one
    if before is not None and _betas(before.optimizer) == _betas(optimizer):
        state.powers = before.powers
    elif isinstance(theirs, AdamOptimizer):
        state.powers = theirs.beta_1**theirs.t, theirs.beta_2**theirs.t
    return state


def _may_be_written(array: Any) -> bool:
    """It is not in a file's memory, nor another process's, as unpickled ones may be."""
    return type(array) is np.ndarray and array.flags.carray


def _lists_of_another_dtype(state: State, net: Network) -> list[list[Any]]:
    """What was kept for the same parameters in another dtype; empty if they were others."""
    activations = tuple(net._layout.layers["activation"].tolist())
    layout = Layout(net.layer_sizes, activations, state.block.dtype)
    if not state.fits(layout):
        return []
    return [[*chain(*layout.views(state.part(k)))] for k in range(state.n_parts)]


def keep_state(theirs: Any, state: State, n_steps: int) -> None:
    """After so many steps in all."""
    theirs.state = state
    for name in _names_of_lists(theirs):
        setattr(theirs, name, [])
    if isinstance(theirs, AdamOptimizer) and n_steps:
        theirs.t = n_steps
        root = (1 - theirs.beta_2**theirs.t) ** 0.5
        theirs.learning_rate = theirs.learning_rate_init * root / (1 - theirs.beta_1**theirs.t)


def as_in_scikit_learn(theirs: Any, net: Network) -> Any:
    """The same optimizer with lists, for scikit-learn's own steps."""
    mine: State | None = getattr(theirs, "state", None)
    other = copy.copy(theirs)
    vars(other).pop("state", None)
    for k, name in enumerate(_names_of_lists(theirs)):
        if mine is not None and k < mine.n_parts:
            views = chain(*net._layout.views(mine.part(k)))
            setattr(other, name, [one.copy() for one in views])
        elif not getattr(theirs, name):
            setattr(other, name, [np.zeros_like(one) for one in chain(net.weights, net.biases)])
    return other


def _names_of_lists(theirs: Any) -> tuple[str, ...]:
    return ("ms", "vs") if isinstance(theirs, AdamOptimizer) else ("velocities",)


def _lists(theirs: Any) -> list[list[Any]]:
    return [getattr(theirs, name) for name in _names_of_lists(theirs)]


def _betas(optimizer: Optimizer) -> tuple[float, ...]:
    return (optimizer.beta_1, optimizer.beta_2) if isinstance(optimizer, Adam) else ()
