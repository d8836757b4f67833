"""fastnn's estimators in place of scikit-learn's, for what imports these by itself."""

from __future__ import annotations

import sys
from types import ModuleType, TracebackType

THEIRS = "sklearn.neural_network._multilayer_perceptron"  # where pickles look for the classes


class Patch:
    """Names in modules that stand for other classes than before; ``with`` ends it."""

    def __init__(self) -> None:
        self.replaced: list[tuple[ModuleType, str, type, type]] = []

    def replace(self, classes: dict[type, type]) -> None:
        for name, module in list(sys.modules.items()):
            is_ours = name.partition(".")[0] == "fastnn"
            if name == THEIRS or is_ours or type(module) is not ModuleType:
                continue
            for attribute, value in list(vars(module).items()):
                for theirs, ours in classes.items():
                    if value is theirs:
                        setattr(module, attribute, ours)
                        self.replaced.append((module, attribute, theirs, ours))

    def end(self) -> None:
        """The classes that were there before, as far as nobody has put others there since."""
        while self.replaced:
            module, attribute, theirs, ours = self.replaced.pop()
            if vars(module).get(attribute) is ours:
                setattr(module, attribute, theirs)
        if self in patches:
            patches.remove(self)

    def __enter__(self) -> Patch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self.end()


classes: dict[type, type] = {}  # of scikit-learn, and those that fastnn.sklearn has for them
patches: list[Patch] = []


def patch() -> Patch:
    """Put these classes in place of scikit-learn's `MLPClassifier` and `MLPRegressor`.

    For libraries that make estimators themselves. Every module that has been imported, and has one
    of the names in it, gets the class of this one, whether it was imported before or will be; so
    does the script itself. What has been made of scikit-learn's classes stays as it is, and what
    a module keeps in other places than names, such as tables of classes, is not reached. In
    other processes, call it there too.

    Returns
    -------
    Patch
        ``with fastnn.sklearn.patch():`` undoes it in the end, as `unpatch` does.

    Examples
    --------
    >>> import fastnn.sklearn
    >>> from sklearn import neural_network
    >>> with fastnn.sklearn.patch():
    ...     neural_network.MLPClassifier is fastnn.sklearn.MLPClassifier
    True
    >>> neural_network.MLPClassifier is fastnn.sklearn.MLPClassifier
    False
    """
    made = Patch()
    patches.append(made)  # first, so that unpatch ends it whatever happens
    made.replace(classes)
    return made


def unpatch() -> None:
    """Undo every `patch`. What was imported from scikit-learn meanwhile stays fastnn's."""
    for one in reversed(patches.copy()):
        one.end()
