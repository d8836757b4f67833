"""What is computed at import, to refuse kernels that were built wrongly."""

import itertools

import numpy as np
import pytest
import reference
from reference import ReferenceNetwork

from fastnn import _self_test
from fastnn._core import kernels
from fastnn._self_test import CASES, LEARNING_RATE, NETWORKS, PARAMETERS, N, X, Y, taken

OPTIMIZERS = {"sgd": None, "adam": reference.adam()}


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_are_those_of_the_reference(case):
    name, _, batch_size, optimizer = case
    sizes, activations = NETWORKS[name]
    W = [taken(PARAMETERS, *shape) for shape in itertools.pairwise(sizes)]
    b = [taken(PARAMETERS, n) for n in sizes[1:]]
    lists = [[array.tolist() for array in arrays] for arrays in (W, b)]
    net = ReferenceNetwork.from_parameters(*lists, activation=activations, loss="mse")
    data = taken(X, N, sizes[0]).tolist(), taken(Y, N, sizes[-1]).tolist()
    options = {"learning_rate": LEARNING_RATE, "batch_size": batch_size}
    (loss,) = net.train(*data, epochs=1, optimizer=OPTIMIZERS[optimizer], **options)
    before, after = (
        np.concatenate([np.ravel(array) for array in arrays])
        for arrays in (W + b, [*net.weights, *net.biases])
    )
    assert CASES[case] == pytest.approx((loss, before @ after, after @ after), rel=1e-14)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("place", range(3))
def test_another_number_is_refused(case, place, monkeypatch):
    wrong = list(CASES[case])
    wrong[place] *= 1 + 1e-4
    monkeypatch.setitem(CASES, case, tuple(wrong))
    with pytest.raises(
        ImportError, match=f"compute wrong numbers .*{case[1]}, batch size {case[2]}"
    ):
        _self_test.check()


def test_every_form_takes_part():
    """But for direct, which fused falls back to, and the form of batches."""
    assert {form for _, form, *_ in CASES} == set(kernels.FORMS) - {"direct", "batches"}
