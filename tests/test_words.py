"""Words that others use are refused, with what to write here; nothing else changes for them."""

import abc
import copy
import inspect
import itertools
import pickle
import pydoc
import re

import numpy as np
import pytest

from fastnn import Network, _checks, _words, callbacks, metrics, optimizers, schedules
from fastnn._initializers import INITIALIZERS
from fastnn.metrics import METRICS
from fastnn.optimizers import OPTIMIZERS, Adam
from fastnn.schedules import SCHEDULES

X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0.0, 1.0, 0.0])
GOOD = {"X": X, "y": Y, "epochs": 1, "learning_rate": 0.1}


def refusal(exception, function, *args, **kwargs):
    with pytest.raises(exception) as refused:
        function(*args, **kwargs)
    assert type(refused.value) is exception
    assert refused.value.__cause__ is None
    return str(refused.value)


# Names


@pytest.mark.parametrize(
    ("kind", "value", "ours"),
    [
        *(
            ("activation", theirs, ours)
            for theirs, ours in {
                "linear": "identity", "logistic": "sigmoid", "swish": "silu", "ReLU": "relu",
                "LeakyReLU": "leaky_relu", "leaky-relu": "leaky_relu", "Tanh": "tanh",
                "heaviside": "step", "SOFTPLUS": "softplus",
            }.items()
        ),
        *(
            ("loss", theirs, ours)
            for theirs, ours in {
                "categorical_crossentropy": "cross_entropy", "NLLLoss": "cross_entropy",
                "sparse_categorical_crossentropy": "cross_entropy", "nll": "cross_entropy",
                "CrossEntropyLoss": "cross_entropy", "binary_crossentropy": "bce",
                "BCEWithLogitsLoss": "bce", "mean_squared_error": "mse", "MSELoss": "mse",
                "squared_error": "mse", "L1Loss": "mae", "SmoothL1Loss": "huber", "MSE": "mse",
            }.items()
        ),
        *(
            ("initializer", theirs, ours)
            for theirs, ours in {
                "glorot_uniform": "glorot", "xavier": "glorot", "Xavier_normal": "glorot",
                "kaiming": "he", "he_uniform": "he", "HeNormal": "he",
            }.items()
        ),
        *(("optimizer", theirs, "adam") for theirs in ("Adam", "ADAM", "adam ")),
        ("optimizer", "RMSProp", "rmsprop"),
        ("optimizer", "gradient_descent", "sgd"),
        *(
            ("metrics", theirs, ours)
            for theirs, ours in {
                "acc": "accuracy", "accuracy_score": "accuracy", "R2": "r2", "r2_score": "r2",
                "mean_absolute_error": "mae", "neg_mean_absolute_error": "mae", "MAE": "mae",
                "root_mean_squared_error": "rmse", "neg_root_mean_squared_error": "rmse",
                "mse": "rmse", "mean_squared_error": "rmse", "AUC": "roc_auc", "ROC-AUC": "roc_auc",
                "roc_auc_score": "roc_auc", "f1_score": "f1", "f1_macro": "f1", "F1": "f1",
                "logloss": "log_loss", "neg_log_loss": "log_loss", "cross_entropy": "log_loss",
                "binary_crossentropy": "log_loss", "bce": "log_loss", "nll": "log_loss",
            }.items()
        ),
    ],
)  # fmt: skip
def test_names_of_others(kind, value, ours):
    assert refused_name(kind, value).endswith(f"; write {ours!r}")


def refused_name(kind, value):
    if kind in ("optimizer", "metrics"):
        message = refusal(ValueError, Network([2, 1]).train, **GOOD, **{kind: value})
    else:
        message = refusal(ValueError, Network, [2, 1], **{kind: value})
    assert message.startswith(f"{kind}{'[0]' if kind == 'metrics' else ''} must be one of '")
    return message


@pytest.mark.parametrize(
    ("value", "ours"),
    [("val_acc", "val_accuracy"), ("val_auc", "val_roc_auc"), ("val_f1_score", "val_f1"),
     ("val_mean_absolute_error", "val_mae"), ("test_loss", "val_loss"), ("auc", "roc_auc")],
)  # fmt: skip
def test_what_others_monitor(value, ours):
    given = GOOD | {"callbacks": callbacks.EarlyStopping(monitor=value)}
    message = refusal(ValueError, Network([2, 1]).train, **given)
    assert message.endswith(f"got {value!r}; write {ours!r}")


def test_a_name_that_may_mean_two():
    message = refused_name("loss", "log_loss")
    assert message.endswith("got str 'log_loss'; write 'cross_entropy' or 'bce'")


@pytest.mark.parametrize(
    ("kind", "value", "ours"),
    [
        ("activation", "sigmiod", "sigmoid"),
        ("activation", "sofmax", "softmax"),
        ("activation", "linaer", "identity"),
        ("loss", "cross_entrpy", "cross_entropy"),
        ("optimizer", "adma", "adam"),
        ("optimizer", "nestorov", "nesterov"),
        ("metrics", "accuarcy", "accuracy"),
        ("initializer", "gloroot", "glorot"),
    ],
)
def test_names_that_are_misspelt(kind, value, ours):
    assert refused_name(kind, value).endswith(f", got str {value!r}; did you mean {ours!r}?")


@pytest.mark.parametrize("value", ["", "no", "mish", "épsilon", "hinge", "x" * 10_000])
@pytest.mark.parametrize("kind", ["activation", "loss", "initializer", "optimizer", "metrics"])
def test_names_that_nobody_knows(kind, value):
    assert refused_name(kind, value).rpartition(", got str")[2].count(";") == 0


KNOWN = [
    _checks.ACTIVATIONS,
    _checks.LOSSES,
    list(INITIALIZERS),
    list(OPTIMIZERS),
    list(METRICS),
    [kind.__name__ for kind in SCHEDULES],
    ["loss", "val_loss", "learning_rate", *(f"val_{one}" for one in METRICS)],
]


@pytest.mark.parametrize("word", _words.NAMES)
def test_each_name_in_the_table_leads_somewhere(word):
    assert word == "".join(filter(str.isalnum, word)).lower()
    found = [_words.hint(word, known) for known in KNOWN]
    assert any(one.startswith("; write ") for one in found)
    assert set(_words.NAMES[word]) <= set(itertools.chain(*KNOWN))


@pytest.mark.parametrize(
    ("value", "ours"), [("cosine", "CosineDecay"), ("CosineDecay", "CosineDecay"),
                        ("StepLR", "StepDecay"), ("OneCycleLR", "OneCycle")]
)  # fmt: skip
def test_schedules_by_name(value, ours):
    message = refusal(TypeError, Network([2, 1]).train, **GOOD | {"learning_rate": value})
    assert message.endswith(f"got str {value!r}; write fastnn.schedules.{ours}(...)")


@pytest.mark.parametrize(
    ("argument", "kind"),
    [
        ("optimizer", optimizers.Adam),
        ("learning_rate", schedules.CosineDecay),
        ("callbacks", callbacks.EarlyStopping),
    ],
)
def test_a_class_in_the_place_of_an_object(argument, kind):
    message = refusal(TypeError, Network([2, 1]).train, **GOOD | {argument: kind})
    assert message.endswith(f"; write {kind.__name__}(...), an object of it")


# Arguments


TRAIN = Network([2, 1]).train
ARGUMENTS = [
    (TRAIN, {"lr": 0.1}, "Network.train() has no argument 'lr': write learning_rate=0.1"),
    (TRAIN, {"n_epochs": 5}, "write epochs=5"),
    (TRAIN, {"max_iter": 200}, "write epochs=200"),
    (TRAIN, {"batch": 32}, "write batch_size=32"),
    (TRAIN, {"epoch": 7}, "did you mean epochs=7?"),
    (TRAIN, {"leraning_rate": 0.1}, "did you mean learning_rate=0.1?"),
    (TRAIN, {"callback": print}, "write callbacks=..."),
    (TRAIN, {"validation_split": 0.1}, "split the data, and write validation_data=(X_valid, y_va"),
    (TRAIN, {"verbose": 1}, "write progress=True"),
    (TRAIN, {"momentum": 0.9}, "write optimizer=optimizers.Momentum(momentum=0.9)"),
    (TRAIN, {"weight_decay": 0.1}, "write optimizer=optimizers.AdamW(weight_decay="),
    (TRAIN, {"alpha": 0.1}, "write optimizer=optimizers.SGD(l2="),
    (TRAIN, {"l2": 0.1}, "write optimizer=optimizers.SGD(l2="),
    (TRAIN, {"random_state": 0}, "it belongs to Network(..., seed=0)"),
    (TRAIN, {"seed": 0}, "it belongs to Network(..., seed=0)"),
    (TRAIN, {"loss": "mse"}, "it belongs to Network(..., loss="),
    (TRAIN, {"early_stopping": True}, "write callbacks=EarlyStopping()"),
    (TRAIN, {"eval_metric": "f1"}, "write metrics='f1'"),
    (TRAIN, {"feature_names": "ab"}, "leave it out, as a network has them from the table"),
    (TRAIN, {"foo": 1}, "has no argument 'foo'; it takes X, y, epochs, learning_rate, batch_size"),
    (Network, {"random_state": 0}, "Network() has no argument 'random_state': write seed=0"),
    (Network, {"epochs": 5}, "it belongs to net.train(X, y, epochs=100, ...)"),
    (Network, {"learning_rate_init": 0.1}, "it belongs to net.train(X, y, learning_rate=0.1, ...)"),
    (Network, {"activations": ["relu"]}, "write activation=['relu']"),
    (Network, {"kernel_initializer": "he"}, "write initializer='he'"),
    (Network, {"optimizer": "adam"}, "it belongs to net.train(X, y, optimizer="),
    (Network.from_parameters, {"coefs": []}, "write weights=[]"),
    (Network([2, 1]).evaluate, {"weight_decay": 0.1}, "Network.evaluate() has no argument "
     "'weight_decay': write l2=0.1"),
    (Network([2, 1]).evaluate, {"scoring": ["f1"]}, "write metrics=['f1']"),
    (Network([2, 1]).gradients, {"sample_weights": [1]}, "write sample_weight=[1]"),
    (Network([2, 1]).check_gradients, {"eps": 1}, "has no argument 'eps'"),
    (Network([2, 1]).save, {"filename": "x"}, "write path='x'"),
    (Network.load, {"filename": "x"}, "Network.load() has no argument 'filename': write path='x'"),
    (Adam, {"lr": 0.1}, "Adam() has no argument 'lr': it belongs to net.train(X, y, learning_rate"),
    (Adam, {"betas": (0.9, 0.99)}, "write beta_1=0.9, beta_2=0.999"),
    (Adam, {"beta1": 0.8}, "write beta_1=0.8"),
    (Adam, {"eps": 1e-7}, "write epsilon=1e-07"),
    (optimizers.SGD, {"weight_decay": 0.1}, "write l2=0.1"),
    (optimizers.SGD, {"momentum": 0.9}, "write optimizer=optimizers.Momentum(momentum=0.9)"),
    (optimizers.RMSprop, {"alpha": 0.9}, "write rho=0.9"),
    (schedules.CosineDecay, {"lr": 0.1, "T_max": 5}, "CosineDecay() has no argument 'lr': write "
     "initial=0.1; and it has no argument 'T_max': write epochs=5"),
    (schedules.StepDecay, {"gamma": 0.1}, "write factor=0.1"),
    (schedules.OneCycle, {"max_lr": 0.1}, "write maximum=0.1"),
    (callbacks.EarlyStopping, {"restore_best_weights": True}, "write restore_best=True"),
    (callbacks.ModelCheckpoint, {"filepath": "x", "save_best_only": True}, "write monitor="),
    (callbacks.CSVLogger, {"filename": "x"}, "write path='x'"),
    (callbacks.CSVLogger, {"verbos": 1}, "; if 'verbose' was meant: write progress=True"),
    (callbacks.LambdaCallback, {"on_epoch": print}, "did you mean on_epoch_end=...?"),
    (metrics.f1, {"y_true": 1, "y_pred": 2, "average": "macro"}, "f1() has no argument 'y_true': "
     "write y=1; and it has no argument 'y_pred': write outputs=2; and it has no argument "
     "'average': leave it out, as f1 is the mean of the classes (macro)"),
    (metrics.roc_auc, {"y_score": 1}, "roc_auc() has no argument 'y_score': write outputs=1"),
    (metrics.mae, {"sample_weight": 1}, "is of losses, not of metrics"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "given", "fragment"), ARGUMENTS)
def test_arguments_of_others(function, given, fragment):
    for good in ({}, GOOD) if function == TRAIN else ({},):
        assert fragment in refusal(TypeError, function, **good, **given)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        (Network, (2, 2, 1), {}, "Network() takes only layer_sizes by position: write "
         "Network([2, 2, 1])"),
        (Network, ([2, 1], "relu"), {}, "write the others by name, activation=..., loss=..., "),
        (TRAIN, (X, Y, 1000), {}, "Network.train() takes only X and y by position: write "
         "epochs=1000"),
        (TRAIN, (X, Y, 1000), {"learning_rate": 0.1}, "write epochs=1000"),
        (TRAIN, (X, Y, 1000, 0.1), {}, "write epochs=1000, learning_rate=0.1"),
        (TRAIN, (X, Y, 32), {"epochs": 1, "learning_rate": 0.1}, "write the others by name, "
         "batch_size=..., shuffle=..., "),
        (TRAIN, (X, Y, 1000), {"lr": 0.1}, "has no argument 'lr': write learning_rate=0.1; and it "
         "takes only X and y by position: write epochs=1000"),
        (Adam, (0.1,), {}, "Adam() takes nothing by position: write the others by name, l2=..., "),
        (callbacks.EarlyStopping, ("val_loss",), {}, "write the others by name, monitor=..., "),
        (schedules.CosineDecay, (0.1, 5, 0.0, 1), {}, "takes only initial and epochs and final by "
         "position, and no others"),
        (Network.load, ("x", "r"), {}, "Network.load() takes only path by position"),
    ],
)  # fmt: skip
def test_arguments_by_position(function, args, kwargs, expected):
    assert expected in refusal(TypeError, function, *args, **kwargs)


@pytest.mark.parametrize("given", [{}, {"epochs": 1}, {"learning_rate": 0.1}])
def test_what_is_missing_is_said_as_python_says_it(given):
    missing = [repr(name) for name in ("epochs", "learning_rate") if name not in given]
    message = refusal(TypeError, TRAIN, X, Y, **given)
    assert message.startswith(f"Network.train() missing {len(missing)} required keyword-only")
    assert message.endswith(" and ".join(missing))


KINDS = [Network, callbacks.EarlyStopping, callbacks.ModelCheckpoint, callbacks.CSVLogger,
         callbacks.LambdaCallback, *SCHEDULES, *map(type, OPTIMIZERS.values())]  # fmt: skip
HOT = {"update", "feedforward"}  # whose calls Python itself refuses, as nothing may slow them down
WITHOUT_ARGUMENTS = {"copy", "reset_trainer", "summary", "without_standardizer"}
EXPLAINED = [
    *(kind.__init__ for kind in KINDS),
    *(own.function for own in METRICS.values()),
    metrics.confusion_matrix,
    *(
        one
        for name, one in inspect.getmembers(Network, inspect.isroutine)
        if name[0] != "_" and name not in {*HOT, *WITHOUT_ARGUMENTS}
    ),
]


@pytest.mark.parametrize("function", EXPLAINED, ids=lambda one: one.__qualname__)
def test_signature_and_documentation_are_those_of_the_function(function):
    function = getattr(function, "__func__", function)  # of a class method
    within = inspect.unwrap(function)
    assert within is not function
    assert inspect.signature(function) == inspect.signature(within)
    assert (function.__name__, function.__doc__) == (within.__name__, within.__doc__)


def test_an_error_within_a_call_stays_as_it_is():
    def broken(net, epoch, logs, nothing):
        """To be called with three arguments."""

    with pytest.raises(TypeError, match=r"broken.. missing 1 required positional"):
        Network([2, 1]).train(**GOOD, callbacks=broken)

    class Wrong:
        def __array__(self, dtype=None, copy=None):
            return Network([2, 1], lr=1)

    with pytest.raises(ValueError, match=r"X must be .*: Network\(\) has no argument 'lr'"):
        Network([2, 1]).train(**GOOD | {"X": Wrong()})


PARAMETERS = {name for function in EXPLAINED for name in inspect.signature(function).parameters}


@pytest.mark.parametrize("word", _words.ARGUMENTS)
def test_each_argument_in_the_table_leads_somewhere(word):
    assert set(_words.ARGUMENTS[word]) <= PARAMETERS
    assert word not in _words.ARGUMENTS[word]


# Attributes


@pytest.mark.parametrize("name", _words.ATTRIBUTES)
def test_attributes_of_others(name):
    net = Network([2, 1])
    for owner in (net, Network):
        assert not hasattr(owner, name)
        assert name not in dir(owner)
        message = refusal(AttributeError, getattr, owner, name)
        here = _words.ATTRIBUTES[name]
        expected = here if here.startswith("leave it out, as ") else f"here it is {here}"
        assert message == f"'Network' has no attribute {name!r}: {expected}"
    assert getattr(net, name, "absent") == "absent"


@pytest.mark.parametrize("text", _words.ATTRIBUTES.values())
def test_what_attributes_lead_to_is_there(text):
    there = {name for name in dir(Network) if name[0] != "_"}
    also = ("train(", "Network(", "History", "fastnn.sklearn", "leave it out")
    assert any(name in text for name in there) or any(one in text for one in also)


def test_what_others_count_is_counted_here():
    net = Network([5, 3, 2], seed=0)
    names = {name: getattr(net, name) for name in ("layer_sizes", "n_parameters")}
    counts = {"n_features_in_": 5, "n_outputs_": 2, "n_layers_": 3, "num_layers": 3}
    for name, count in (counts | {"count_params": 26, "num_params": 26}).items():
        assert eval(_words.ATTRIBUTES[name], names) == count, name


def test_other_attributes_are_as_with_any_object():
    net = Network([2, 1])
    assert refusal(AttributeError, getattr, net, "foo") == "'Network' object has no attribute 'foo'"
    assert sorted(dir(net)) == sorted(set(dir(net)))
    assert {"train", "weights", "_model", "__init__"} <= set(dir(net))
    assert set(dir(Network)) <= set(dir(net))
    assert "fit" not in {name for name, _ in inspect.getmembers(net)}
    help_text = pydoc.plain(pydoc.render_doc(Network))
    assert re.search(r"\btrain\([\s|]*self\b", help_text)  # of Python 3.13, a line for each
    assert "coefs_" not in help_text


def test_a_class_of_ones_own_may_have_them():
    class Mine(Network, abc.ABC):
        def fit(self, X, y):
            return self.train(X, y, epochs=1, learning_rate=0.1)

        @property
        def coefs_(self):
            return self.weights

    net = Mine([2, 1], seed=0)
    net.history = net.fit(X, Y)
    assert hasattr(Mine, "fit")
    assert {"fit", "coefs_", "history"} <= set(dir(net))
    assert "history" not in dir(Mine)
    assert net.history.epoch == [0]
    assert net.coefs_[0] is not None
    for other in (copy.copy(net), copy.deepcopy(net)):
        assert type(other) is Mine
        assert not hasattr(other, "predict")


def test_pickles_have_nothing_of_them():
    assert not set(_words.ATTRIBUTES) & set(vars(pickle.loads(pickle.dumps(Network([2, 1])))))
