"""Model files that are mutated: refused, or right, or a network that can be trained and saved.

Half of the cases are mutated under their mark, whose checksum then refuses them; the others get a
right mark again, so that all that is behind it is reached. One case is so many mutations.
"""

import hashlib
import random

import numpy as np
from random_networks import parameters
from test_refused_model_file import MEMBERS, load, mutated, saved, sealed

from fastnn import ModelFileError, _model_file

IN_A_CASE = 1000
CASES = 1_000_000 // IN_A_CASE
WHOLE = sealed(MEMBERS)
COVERED = WHOLE[: -_model_file.MARK_LENGTH]
EXPECTED = saved(load(WHOLE), trainer=True)


def under_its_mark(rng):
    changed = mutated(rng, WHOLE)
    try:
        net = load(changed)
    except ModelFileError:
        assert changed != WHOLE
    else:
        assert changed == WHOLE
        assert saved(net, trainer=True) == EXPECTED


def under_a_right_mark(rng):
    changed = mutated(rng, COVERED)
    mark = f"fastnn model 0001 sha256 {hashlib.sha256(changed).hexdigest()}"
    try:
        net = load(changed + mark.encode())
    except ModelFileError:
        return
    assert all(np.isfinite(array).all() for array in parameters(net))
    net.train([[1.0]], [1.0], epochs=1, learning_rate=1e-9)
    again = load(saved(net, trainer=True))
    assert [bytes(one) for one in parameters(again)] == [bytes(one) for one in parameters(net)]


def case(i, rng, folder):
    draw = random.Random(int(rng.integers(2**63)))
    check = under_a_right_mark if rng.random() < 0.5 else under_its_mark
    for k in range(IN_A_CASE):
        before = draw.getstate()
        try:
            check(draw)
        except Exception as error:
            draw.setstate(before)
            changed = mutated(draw, COVERED if check is under_a_right_mark else WHOLE)
            error.add_note(f"mutation {k}, {check.__name__}, of {changed!r}")
            raise
    return f"thousand {check.__name__.replace('_', ' ')}"
