"""Settings are equal, hashed and shown as dataclass would have it for each class."""

import copy
import pickle
from dataclasses import dataclass, field, fields, make_dataclass, replace

import numpy as np
import pytest

from fastnn import callbacks, optimizers, schedules

# A value for each setting, and another one.
VALUES = {
    "l2": (0.0, 0.5), "clip_norm": (None, 1.0), "momentum": (0.9, 0.5),
    "rate_inside": (False, True),
    "beta_1": (0.9, 0.8), "beta_2": (0.999, 0.9), "epsilon": (1e-8, 1e-7),
    "epsilon_hat": (False, True), "weight_decay": (0.01, 0.0), "rho": (0.99, 0.5),
    "initial": (0.5, 0.25), "every": (2, 3), "factor": (0.5, 0.25), "decay": (0.5, 0.0),
    "epochs": (4.0, 5.0), "final": (0.0, 0.125), "start_factor": (0.1, 0.2), "maximum": (1.0, 2.0),
    "minimum": (0.25, 0.5), "warm_up": (0.3, 0.2), "start_divisor": (25.0, 5.0),
    "final_divisor": (1e4, 1e3), "step_size": (4.0, 2.0), "mode": ("triangular", "exp_range"),
    "gamma": (0.99, 0.5), "then": (0.5, schedules.CosineDecay(0.5, 3)), "path": ("a", "b"),
    "append": (False, True), "monitor": ("val_loss", "loss"), "min_delta": (0.0, 0.5),
    "patience": (10, 3), "restore_best": (True, False),
}  # fmt: skip
OF_CLASS = {
    (callbacks.EarlyStopping, "mode"): ("auto", "max"),
    (callbacks.ModelCheckpoint, "mode"): ("auto", "max"),
}
KINDS = [
    *optimizers.KINDS,
    *schedules.SCHEDULES,
    *(callbacks.EarlyStopping, callbacks.ModelCheckpoint, callbacks.CSVLogger),
]


def values(kind, which):
    names = [field.name for field in fields(kind)]
    return {name: OF_CLASS.get((kind, name), VALUES[name])[which] for name in names}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_equal(kind):
    one, other = kind(**values(kind, 0)), kind(**values(kind, 0))
    assert one == other
    assert (one != other) is False
    assert hash(one) == hash(other)
    for same in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one)), replace(one)):
        assert same == one
        assert hash(same) == hash(one)
    for name, value in values(kind, 1).items():
        if name != "maximum":  # which is not below the minimum
            assert replace(one, **{name: value}) != one, name
    changed = replace(one, **values(kind, 1))
    assert changed != one
    assert len({one, other, changed}) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", [0, 1])
def test_text_is_that_of_a_dataclass(kind, which):
    one = kind(**values(kind, which))
    settings = {field.name: getattr(one, field.name) for field in fields(kind)}
    assert repr(one) == repr(make_dataclass(kind.__name__, settings)(**settings))


def test_another_class_is_not_equal():
    assert optimizers.Momentum() != optimizers.Nesterov()
    assert optimizers.Momentum() != optimizers.Momentum().settings()
    assert schedules.ExponentialDecay(0.5, 0.5) != schedules.InverseTimeDecay(0.5, 0.5)


class EqualToAll:
    def __eq__(self, other):
        return True

    __hash__ = None


def test_the_other_side_may_answer():
    assert optimizers.SGD() == EqualToAll()


@dataclass(frozen=True)
class Own(schedules.Schedule):
    height: float

    def rates(self, t):
        return self.height + 0 * t


class Undecorated(schedules.CosineDecay):
    pass


class WithoutFields(schedules.Schedule):
    def rates(self, t):
        return 0.5 + 0 * t


def test_classes_of_a_user():
    assert Own(0.5) == Own(0.5) != Own(0.25)
    assert hash(Own(0.5)) == hash(Own(0.5))
    assert repr(Own(0.5)) == "Own(height=0.5)"
    assert Undecorated(0.5, 3) == Undecorated(0.5, 3) != Undecorated(0.5, 4)
    assert WithoutFields() == WithoutFields() != Undecorated(0.5, 3)
    assert hash(WithoutFields()) == hash(WithoutFields())
    assert Undecorated(0.5, 3) != schedules.CosineDecay(0.5, 3)
    assert repr(Undecorated(0.5, 3)) == "Undecorated(initial=0.5, epochs=3.0, final=0.0)"


def test_fields_are_left_out_as_a_user_wishes():
    """field(compare=..., hash=..., repr=...) counts with eq=False and repr=False, too."""

    def settings():
        return {
            "name": field(default="a"),
            "seen": field(default_factory=list, compare=False),
            "array": field(default_factory=lambda: np.zeros(2), compare=False, repr=False),
            "words": field(default_factory=list, hash=False),
            "kind": field(default="a", compare=False, hash=True),
            "number": field(default=1.0, repr=False),
        }

    def made(**options):
        names = [(name, object, one) for name, one in settings().items()]
        return make_dataclass("Own", names, frozen=True, **options)

    own = made(bases=(schedules.Schedule,), eq=False, repr=False)
    expected = made()
    for changes, is_equal in [
        ({}, True), ({"name": "b"}, False), ({"seen": [1]}, True), ({"array": np.ones(2)}, True),
        ({"words": ["b"]}, False), ({"number": 2.0}, False), ({"kind": "b"}, True),
    ]:  # fmt: skip
        for kind in (own, expected):
            assert (kind() == kind(**changes)) is is_equal
        assert repr(own(**changes)) == repr(expected(**changes))
        assert hash(own(**changes)) == hash(expected(**changes))


def test_text_of_what_holds_itself():
    logger = callbacks.CSVLogger("a")
    object.__setattr__(logger, "path", logger)
    assert repr(logger) == "CSVLogger(path=..., append=False, every=1)"
