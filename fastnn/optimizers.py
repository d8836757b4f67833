"""Optimizers: what a training step makes of a gradient. ``Network.train(..., optimizer=...)``."""

from __future__ import annotations

from dataclasses import dataclass

from fastnn import _checks


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent: W <- W - eta (∂L/∂W + lambda W), b <- b - eta ∂L/∂b.

    Parameters
    ----------
    l2 : float, default 0.0
        lambda, the coefficient of L2 regularisation (weight decay); 0: none. It counts for the
        weights of all layers, and for no bias. The losses that `train` reports then include
        ½ lambda ‖W‖², the squares of all weights as they were before each update; those of
        `evaluate` do not.

    Raises
    ------
    TypeError, ValueError
        If l2 is not a finite number of at least 0.

    Examples
    --------
    >>> from fastnn import Network, datasets, optimizers
    >>> X, y = datasets.load_people()
    >>> net = Network([2, 2, 1], seed=0)
    >>> sgd = optimizers.SGD(l2=0.001)
    >>> history = net.train(X, y, epochs=1000, learning_rate=0.1, optimizer=sgd)
    """

    l2: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "l2", _checks.not_negative(self.l2, "l2"))


OPTIMIZERS = {"sgd": SGD()}
