"""The optimizer of an estimator: an object of scikit-learn's, and what it is in fastnn.

scikit-learn's object has the learning rate and its policy. Its lists of velocities, or of moments,
are empty: what a step needs of those before it is in its attribute `state`, as kernels keep it.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

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


def core_optimizer(theirs: Any, alpha: float) -> Optimizer:
    """What scikit-learn's object is in fastnn."""
    if isinstance(theirs, AdamOptimizer):
        return Adam(
            beta_1=theirs.beta_1, beta_2=theirs.beta_2, epsilon=theirs.epsilon, epsilon_hat=True,
            l2=alpha,
        )  # fmt: skip
    if theirs.momentum == 0:
        return SGD(l2=alpha)
    kind = Nesterov if theirs.nesterov else Momentum
    return kind(momentum=theirs.momentum, rate_inside=True, l2=alpha)


def rate_of_step(theirs: Any) -> float:
    """eta as kernels take it: scikit-learn's learning_rate of Adam is that of its last step."""
    is_adam = isinstance(theirs, AdamOptimizer)
    return float(theirs.learning_rate_init if is_adam else theirs.learning_rate)


def begun_state(theirs: Any, optimizer: Optimizer, net: Network) -> State:
    """What is kept from the steps before, by fastnn or by scikit-learn itself."""
    layout = net._layout
    before: State | None = getattr(theirs, "state", None)
    if (
        before is not None and before.optimizer.kind == optimizer.kind
        and before.block.dtype == net.dtype and before.fits(layout)
    ):  # fmt: skip
        state = State(optimizer, layout, before.block)
        if _betas(before.optimizer) == _betas(optimizer):
            state.powers = before.powers
            return state
    else:
        state, lists = State(optimizer, layout), _lists(theirs)
        if state.n_parts == len(lists) and all(lists):
            for k, given in enumerate(lists):
                for mine, one in zip(chain(*layout.views(state.part(k))), given, strict=True):
                    mine[...] = one
    if isinstance(theirs, AdamOptimizer):
        state.powers = theirs.beta_1**theirs.t, theirs.beta_2**theirs.t
    return state


def keep_state(theirs: Any, state: State, n_steps: int) -> None:
    """After so many steps."""
    theirs.state = state
    for one in _lists(theirs):
        one.clear()
    if isinstance(theirs, AdamOptimizer) and n_steps:
        theirs.t += n_steps
        root = (1 - theirs.beta_2**theirs.t) ** 0.5
        theirs.learning_rate = theirs.learning_rate_init * root / (1 - theirs.beta_1**theirs.t)


def as_in_scikit_learn(theirs: Any, net: Network) -> Any:
    """The same optimizer with lists, for scikit-learn's own steps."""
    mine: State | None = getattr(theirs, "state", None)
    other = object.__new__(type(theirs))
    vars(other).update({name: one for name, one in vars(theirs).items() if name != "state"})
    names = ("ms", "vs") if isinstance(theirs, AdamOptimizer) else ("velocities",)
    views = [*chain(net.weights, net.biases)]
    for k, name in enumerate(names):
        if mine is not None and k < mine.n_parts:
            views = [*chain(*net._layout.views(mine.part(k)))]
            setattr(other, name, [one.copy() for one in views])
        elif not getattr(theirs, name):
            setattr(other, name, [one * 0 for one in views])
    return other


def _lists(theirs: Any) -> list[list[Any]]:
    if isinstance(theirs, AdamOptimizer):
        return [theirs.ms, theirs.vs]
    return [theirs.velocities]


def _betas(optimizer: Optimizer) -> tuple[float, ...]:
    return (optimizer.beta_1, optimizer.beta_2) if isinstance(optimizer, Adam) else ()
