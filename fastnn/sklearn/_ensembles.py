"""Ensembles of multilayer perceptrons: how their members are made, fitted and asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import BaseEnsemble
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from fastnn.sklearn._many import Fit, fit_all
from fastnn.sklearn._scikit_learn import fit_context, validate_data

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Self

    from numpy.typing import ArrayLike, NDArray

    from fastnn.sklearn._fits import SamplesLike

Array = np.ndarray[Any, Any]

# Of the first member, and so of all.
OF_ALL = ("n_features_in_", "feature_names_in_", "classes_", "n_outputs_")


class Ensemble(BaseEnsemble):
    """Members that differ in their random numbers alone."""

    n_features_in_: int
    feature_names_in_: NDArray[Any]
    n_outputs_: int
    n_iter_: int
    warm_start: bool
    bootstrap: bool
    n_estimators: int
    n_threads: int | None
    n_jobs: int | None

    if TYPE_CHECKING:  # of scikit-learn's, whose methods have no types

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...

        def set_params(self, **params: Any) -> Self: ...

    def __init__(self, member: Any, given: dict[str, Any]) -> None:
        """given: the parameters, those of a member and those of ensembles."""
        names = [*member.get_params(deep=False)]
        of_members = tuple(name for name in names if name != "random_state")
        super().__init__(member, n_estimators=given["n_estimators"], estimator_params=of_members)
        for name in (*names, "bootstrap", "n_jobs"):
            setattr(self, name, given[name])

    def __sklearn_tags__(self) -> Any:
        tags, of_member = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags, tags.target_tags = of_member.input_tags, of_member.target_tags
        tags.classifier_tags, tags.regressor_tags = (
            of_member.classifier_tags, of_member.regressor_tags,
        )  # fmt: skip
        return tags

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit all members, at once.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)
        y : array_like, (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like, (n_samples,), or None, default None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Also if a member diverges: see `fit_many`.
        """
        before = [(one, one.get_params(), one.coefs_) for one in getattr(self, "estimators_", [])]
        members = self._members()
        fits = [Fit(f"estimators_[{i}]", one) for i, one in enumerate(members)]
        if self.bootstrap:
            for fit in fits:  # by the same seed, so that they can be drawn again
                fit.bootstrap = check_random_state(fit.estimator.random_state)
        try:
            fit_all(fits, X, y, sample_weight, n_threads=self.n_threads, n_jobs=self.n_jobs)
        except BaseException:
            for one, parameters, coefs in before:
                if one.coefs_ is coefs:  # it is as it was, and so are its parameters
                    one.set_params(**parameters)
            raise
        self.estimators_ = members
        for name in OF_ALL:
            self.__dict__.pop(name, None)
            if hasattr(members[0], name):
                setattr(self, name, getattr(members[0], name))
        self.n_iter_ = max(one.n_iter_ for one in members)
        return self

    def _members(self) -> list[Any]:
        """New ones; with warm_start those that are there, as far as they go."""
        self._validate_estimator()
        random_state = check_random_state(self.random_state)
        made = [
            self._make_estimator(append=False, random_state=random_state)
            for _ in range(self.n_estimators)
        ]
        before = getattr(self, "estimators_", []) if self.warm_start else []
        if len(made) < len(before):
            raise ValueError(
                f"n_estimators must be at least {len(before)} with warm_start=True, as so many "
                f"members are there, got {len(made)}; fit with warm_start=False for fewer"
            )
        for one, new in zip(before, made, strict=False):
            one.set_params(**new.get_params() | {"random_state": one.random_state})
        return [*before, *made[len(before) :]]

    def _each_output(self, X: Any) -> Iterator[Array]:
        """What each member's network makes of X, which is checked once."""
        check_is_fitted(self, "estimators_")
        first, *others = self.estimators_
        outputs = first._outputs_of_plain(X)
        if outputs is None:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
            outputs = first._forward_pass_fast(X, check_input=False)
        yield outputs
        for one in others:
            yield one._forward_pass_fast(X, check_input=False)

    def _exportable_members(self) -> list[Any]:
        check_is_fitted(self, "estimators_")
        return list(self.estimators_)

    def to_onnx(self, path: str | os.PathLike[str] | None = None) -> Any:
        """The ensemble as a model of ONNX: see `fastnn.export.to_onnx`."""
        from fastnn import export

        return export.to_onnx(self, path)

    def _mean_output(self, X: Any) -> Array:
        """(n, n_outputs), summed member by member, so that a row has the same among others."""
        outputs = self._each_output(X)
        total = next(outputs)
        for one in outputs:
            total = total + one
        return total / len(self.estimators_)
