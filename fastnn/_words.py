"""What others call what is here: for the messages of errors, and for nothing else.

People come with the words of scikit-learn, Keras and PyTorch. A word that is not known here is
refused, never taken for another; the refusal says what to write instead, by the tables below, or by
the spelling.
"""

from __future__ import annotations

import functools
import inspect
import reprlib
from abc import ABCMeta
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

CLOSE = 0.7  # how much of two words is the same where one may be a slip of the other

# Names of activations, losses, initializers, optimizers, metrics, schedules and what is monitored,
# as `_plain` writes them. Those of ours that are known where the name was given are meant; what is
# monitored may be of validation data, with "val" before it.
NAMES: dict[str, tuple[str, ...]] = {
    "linear": ("identity",),
    "none": ("identity",),
    "logistic": ("sigmoid",),
    "expit": ("sigmoid",),
    "heaviside": ("step",),
    "sign": ("step",),
    "perceptron": ("step",),
    "rectifier": ("relu",),
    "lrelu": ("leaky_relu",),
    "swish": ("silu",),
    "logsoftmax": ("softmax",),
    "meansquarederror": ("mse", "rmse"),
    "negmeansquarederror": ("rmse",),
    "squarederror": ("mse",),
    "quadratic": ("mse",),
    "l2": ("mse",),
    "mse": ("rmse",),
    "rmse": ("mse",),
    "rootmeansquarederror": ("rmse", "mse"),
    "negrootmeansquarederror": ("rmse",),
    "meanabsoluteerror": ("mae",),
    "negmeanabsoluteerror": ("mae",),
    "absoluteerror": ("mae",),
    "l1": ("mae",),
    "smoothl1": ("huber",),
    "bce": ("log_loss",),
    "binarycrossentropy": ("bce", "log_loss"),
    "bcewithlogits": ("bce",),
    "logloss": ("cross_entropy", "bce"),
    "log": ("cross_entropy", "bce"),
    "neglogloss": ("log_loss",),
    "categoricalcrossentropy": ("cross_entropy", "log_loss"),
    "sparsecategoricalcrossentropy": ("cross_entropy", "log_loss"),
    "crossentropy": ("cross_entropy", "log_loss"),
    "nll": ("cross_entropy", "log_loss"),
    "xavier": ("glorot",),
    "xavieruniform": ("glorot",),
    "xaviernormal": ("glorot",),
    "glorotuniform": ("glorot",),
    "glorotnormal": ("glorot",),
    "heuniform": ("he",),
    "henormal": ("he",),
    "kaiming": ("he",),
    "kaiminguniform": ("he",),
    "kaimingnormal": ("he",),
    "default": ("auto",),
    "uniform": ("glorot",),
    "randomuniform": ("glorot",),
    "random": ("normal",),
    "randomnormal": ("normal",),
    "gaussian": ("normal",),
    "gradientdescent": ("sgd",),
    "nag": ("nesterov",),
    "acc": ("accuracy",),
    "accuracyscore": ("accuracy",),
    "binaryaccuracy": ("accuracy",),
    "categoricalaccuracy": ("accuracy",),
    "sparsecategoricalaccuracy": ("accuracy",),
    "f1score": ("f1",),
    "f1macro": ("f1",),
    "fscore": ("f1",),
    "fmeasure": ("f1",),
    "auc": ("roc_auc",),
    "auroc": ("roc_auc",),
    "rocaucscore": ("roc_auc",),
    "rocaucovr": ("roc_auc",),
    "rsquared": ("r2",),
    "r2score": ("r2",),
    "coefficientofdetermination": ("r2",),
    "trainloss": ("loss",),
    "validationloss": ("val_loss",),
    "testloss": ("val_loss",),
    "lr": ("learning_rate",),
    "cosine": ("CosineDecay",),
    "cosineannealinglr": ("CosineDecay",),
    "steplr": ("StepDecay",),
    "exponential": ("ExponentialDecay",),
    "exponentiallr": ("ExponentialDecay",),
    "inversetime": ("InverseTimeDecay",),
    "invscaling": ("InverseTimeDecay",),
    "onecyclelr": ("OneCycle",),
    "cycliclr": ("Cyclical",),
    "linearlr": ("WarmUp",),
}

# Arguments: what they may be called in a function here, the likeliest first.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "lr": ("learning_rate", "initial", "maximum"),
    "eta": ("learning_rate", "initial"),
    "learn_rate": ("learning_rate", "initial"),
    "learning_rate": ("initial", "maximum", "then"),
    "learning_rate_init": ("learning_rate",),
    "initial_learning_rate": ("initial",),
    "base_lr": ("minimum", "initial"),
    "max_lr": ("maximum",),
    "max_learning_rate": ("maximum",),
    "min_lr": ("final", "minimum"),
    "eta_min": ("final", "minimum"),
    "n_epochs": ("epochs",),
    "num_epochs": ("epochs",),
    "nb_epoch": ("epochs",),
    "max_epochs": ("epochs",),
    "max_iter": ("epochs",),
    "n_iter": ("epochs",),
    "iterations": ("epochs",),
    "num_iterations": ("epochs",),
    "steps": ("epochs",),
    "T_max": ("epochs",),
    "decay_steps": ("epochs", "every"),
    "total_steps": ("epochs",),
    "warmup_steps": ("epochs",),
    "warmup_epochs": ("epochs",),
    "step": ("every",),
    "step_size": ("every",),
    "step_size_up": ("step_size",),
    "gamma": ("factor",),
    "decay_rate": ("factor", "decay"),
    "drop": ("factor",),
    "pct_start": ("warm_up",),
    "div_factor": ("start_divisor",),
    "final_div_factor": ("final_divisor",),
    "batch": ("batch_size",),
    "mini_batch": ("batch_size",),
    "mini_batch_size": ("batch_size",),
    "minibatch_size": ("batch_size",),
    "random_state": ("seed",),
    "random_seed": ("seed",),
    "rng": ("seed",),
    "val_data": ("validation_data",),
    "validation": ("validation_data",),
    "eval_set": ("validation_data",),
    "callback": ("callbacks",),
    "metric": ("metrics", "monitor"),
    "eval_metric": ("metrics",),
    "scoring": ("metrics",),
    "optim": ("optimizer",),
    "optimiser": ("optimizer",),
    "solver": ("optimizer",),
    "weights": ("sample_weight",),
    "sample_weights": ("sample_weight",),
    "class_weights": ("class_weight",),
    "n_iter_no_change": ("patience",),
    "tolerance": ("tol",),
    "hidden_layer_sizes": ("layer_sizes",),
    "layers": ("layer_sizes",),
    "sizes": ("layer_sizes",),
    "layer_dims": ("layer_sizes",),
    "architecture": ("layer_sizes",),
    "activations": ("activation",),
    "activation_function": ("activation",),
    "loss_function": ("loss",),
    "loss_fn": ("loss",),
    "criterion": ("loss",),
    "cost": ("loss",),
    "objective": ("loss",),
    "init": ("initializer",),
    "weight_init": ("initializer",),
    "kernel_initializer": ("initializer",),
    "inputs": ("X",),
    "data": ("X",),
    "x": ("X",),
    "target": ("y",),
    "targets": ("y",),
    "labels": ("y",),
    "Y": ("y",),
    "y_true": ("y",),
    "y_pred": ("outputs",),
    "y_prob": ("outputs",),
    "y_proba": ("outputs",),
    "y_score": ("outputs",),
    "y_hat": ("outputs",),
    "preds": ("outputs",),
    "predictions": ("outputs",),
    "coefs": ("weights",),
    "intercepts": ("biases",),
    "bias": ("biases",),
    "alpha": ("rho", "l2", "final"),
    "weight_decay": ("l2",),
    "lmbda": ("l2",),
    "lambda_": ("l2",),
    "reg": ("l2",),
    "kernel_regularizer": ("l2",),
    "beta1": ("beta_1",),
    "beta2": ("beta_2",),
    "eps": ("epsilon",),
    "clipnorm": ("clip_norm",),
    "clipvalue": ("clip_norm",),
    "gradient_clip": ("clip_norm",),
    "gradient_clip_val": ("clip_norm",),
    "global_clipnorm": ("clip_norm",),
    "max_norm": ("clip_norm",),
    "max_grad_norm": ("clip_norm",),
    "mu": ("momentum",),
    "restore_best_weights": ("restore_best",),
    "delta": ("min_delta",),
    "tol": ("min_delta",),
    "threshold": ("min_delta",),
    "file": ("path",),
    "filename": ("path",),
    "filepath": ("path",),
    "period": ("every",),
    "save_freq": ("every",),
    "frequency": ("every",),
}

# Where arguments are that a function does not have, under any of those words.
PLACES: dict[str, str] = {
    "layer_sizes": "it belongs to Network([2, 3, 1])",
    "activation": 'it belongs to Network(..., activation="relu")',
    "loss": 'it belongs to Network(..., loss="mse")',
    "initializer": 'it belongs to Network(..., initializer="he")',
    "dtype": 'it belongs to Network(..., dtype="float32")',
    "seed": "it belongs to Network(..., seed=0)",
    "epochs": "it belongs to net.train(X, y, epochs=100, ...)",
    "learning_rate": "it belongs to net.train(X, y, learning_rate=0.1, ...)",
    "batch_size": "it belongs to net.train(X, y, batch_size=32, ...); others need no batches",
    "shuffle": "it belongs to net.train(X, y, shuffle=False, ...)",
    "optimizer": 'it belongs to net.train(X, y, optimizer="adam", ...)',
    "validation_data": "it belongs to net.train(X, y, validation_data=(X_valid, y_valid), ...)",
    "metrics": 'it belongs to net.train(X, y, metrics=["accuracy"], ...), and to net.evaluate',
    "same_task": "it belongs to net.train(X, y, same_task=True, ...)",
    "sample_weight": "it belongs to net.train and net.evaluate, and is of losses, not of metrics",
    "callbacks": "it belongs to net.train(X, y, callbacks=[...], ...)",
    "class_weight": 'it belongs to net.train(X, y, class_weight="balanced", ...)',
    "l2": "write optimizer=optimizers.SGD(l2=0.001), or another of fastnn.optimizers",
    "momentum": "write optimizer=optimizers.Momentum(momentum=0.9), of fastnn.optimizers",
    "nesterov": 'write optimizer="nesterov", or one of fastnn.optimizers with settings',
    "nesterovs_momentum": 'write optimizer="nesterov"',
    "weight_decay": "write optimizer=optimizers.AdamW(weight_decay=0.01), of fastnn.optimizers",
    "beta_1": "write optimizer=optimizers.Adam(beta_1=0.9), of fastnn.optimizers",
    "beta_2": "write optimizer=optimizers.Adam(beta_2=0.999), of fastnn.optimizers",
    "betas": "write beta_1=0.9, beta_2=0.999",
    "epsilon": "write optimizer=optimizers.Adam(epsilon=1e-8), of fastnn.optimizers",
    "clip_norm": "write optimizer=optimizers.SGD(clip_norm=1.0), or another of fastnn.optimizers",
    "decay": "write learning_rate=schedules.InverseTimeDecay(0.1, decay=0.01), of fastnn.schedules",
    "scheduler": "write learning_rate=schedules.CosineDecay(0.1, epochs=100), of fastnn.schedules",
    "learning_rate_schedule": "write learning_rate=, which takes one of fastnn.schedules",
    "early_stopping": "write callbacks=EarlyStopping(), of fastnn.callbacks, and validation_data=",
    "monitor": 'write callbacks=EarlyStopping(monitor="val_loss"), of fastnn.callbacks',
    "validation_split": "split the data, and write validation_data=(X_valid, y_valid)",
    "validation_fraction": "split the data, and write validation_data=(X_valid, y_valid)",
    "validation_freq": "leave it out, as validation data are looked at after each epoch",
    "validation_batch_size": "leave it out, as prediction needs no batches",
    "initial_epoch": "leave it out, as training goes on where it stopped",
    "warm_start": "leave it out, as training goes on where it stopped",
    "verbose": "write progress=True in net.train for a bar, or a function in callbacks; nothing "
    "else prints",
    "feature_names": "leave it out, as a network has them from the table that it is trained on",
    "average": "leave it out, as f1 is the mean of the classes (macro)",
    "multi_class": "leave it out, as roc_auc compares each class with all others (ovr)",
    "dropout": "there is no dropout; optimizers have l2, and callbacks EarlyStopping",
    "device": "leave it out, as fastnn runs on the CPU",
    "n_jobs": "write n_threads=; and several networks train in threads of yours",
    "save_best_only": 'write monitor="val_loss"',
    "save_weights_only": "leave it out, as without trainer=True only the network is saved",
}

# Attributes and methods that networks have elsewhere.
ATTRIBUTES: dict[str, str] = {
    "fit": "train(X, y, epochs=..., learning_rate=...)",
    "partial_fit": "train(X, y, epochs=1, learning_rate=...), or update(x, y, learning_rate)",
    "train_on_batch": "train(X, y, epochs=1, learning_rate=..., batch_size=len(X))",
    "SGD": "train(X, y, epochs=..., learning_rate=..., batch_size=...)",
    "predict": "feedforward(X), and for classes feedforward(X).argmax(axis=1)",
    "predict_classes": "feedforward(X).argmax(axis=1)",
    "predict_proba": "feedforward(X)",
    "predict_on_batch": "feedforward(X)",
    "decision_function": "feedforward(X)",
    "forward": "feedforward(X)",
    "feed_forward": "feedforward(X)",
    "transform": "feedforward(X)",
    "query": "feedforward(X)",
    "score": 'evaluate(X, y), which is the loss, or evaluate(X, y, metrics=["accuracy"])',
    "accuracy": 'evaluate(X, y, metrics=["accuracy"])',
    "test": "evaluate(X, y)",
    "cost": "evaluate(X, y)",
    "backprop": "gradients(X, y)",
    "backpropagate": "gradients(X, y)",
    "gradient": "gradients(X, y)",
    "grad": "gradients(X, y)",
    "vjp": "backward(X, output_gradients)",
    "compile": "Network(..., loss=...) and train(..., optimizer=...)",
    "parameters": "weights and biases, two tuples of arrays, one for each layer",
    "params": "weights and biases, two tuples of arrays, one for each layer",
    "trainable_variables": "weights and biases, two tuples of arrays, one for each layer",
    "get_weights": "weights and biases, two tuples of arrays, one for each layer",
    "set_weights": "Network.from_parameters(weights, biases), or weights[0][:] = ... in place",
    "state_dict": "to_torch().state_dict(), or weights and biases",
    "load_state_dict": "Network.from_torch(module), or Network.from_parameters(weights, biases)",
    "from_pytorch": "Network.from_torch(module)",
    "to_pytorch": "to_torch()",
    "from_tensorflow": "Network.from_keras(model)",
    "to_keras": "weights and biases, which its Dense layers take: dense.set_weights([W, b])",
    "save_weights": "save(path)",
    "save_model": "save(path)",
    "load_weights": "Network.load(path)",
    "load_model": "Network.load(path)",
    "coefs_": "weights",
    "intercepts_": "biases",
    "W": "weights",
    "b": "biases",
    "bias": "biases",
    "count_params": "n_parameters",
    "num_params": "n_parameters",
    "layers": "layer_sizes and activations, and weights and biases",
    "sizes": "layer_sizes",
    "shape": "layer_sizes",
    "num_layers": "len(layer_sizes)",
    "n_layers_": "len(layer_sizes)",
    "n_features_in_": "layer_sizes[0]",
    "feature_names_in_": "feature_names",
    "n_outputs_": "layer_sizes[-1]",
    "activation": "activations",
    "loss_": "history.history[\"loss\"][-1], where history is what train returns",
    "loss_curve_": "history.history[\"loss\"], where history is what train returns",
    "history": "the History that train returns",
    "n_iter_": "len(epoch) of the History that train returns",
    "classes_": "fastnn.sklearn.MLPClassifier, which knows classes by name",
    "get_params": "fastnn.sklearn, whose estimators have parameters",
    "set_params": "fastnn.sklearn, whose estimators have parameters",
    "optimizer": "train(..., optimizer=...)",
    "learning_rate": "train(..., learning_rate=...)",
    "seed": "Network(..., seed=...)",
    "reset": "a new Network, or reset_trainer() for what training keeps beside parameters",
    "clone": "copy()",
    "eval": "leave it out, as there is no mode to be switched",
    "to": "leave it out, as a network is on the CPU, in the dtype of Network(..., dtype=...)",
    "cuda": "leave it out, as a network is on the CPU",
    "cpu": "leave it out, as a network is on the CPU",
    "zero_grad": "leave it out, as gradients(X, y) begins anew each time",
}  # fmt: skip


def hint(value: str, known: Iterable[str], written: Callable[[str], str] = repr) -> str:
    """What to write for a name that is not known, as the end of a message; empty if nobody knows.

    The name may be another's, written otherwise, or slightly wrong.
    """

    def listed_as(names: Iterable[str]) -> str:
        return " or ".join(map(written, names))

    ours = {_plain(name): (name,) for name in known}
    listed = {name for names in ours.values() for name in names}
    meant = {
        _plain(before) + other: found
        for before in ("", "val_")
        for other, names in NAMES.items()
        if (found := tuple(before + name for name in names if before + name in listed))
    } | ours
    plain = _plain(value)
    for word in (plain, plain.removesuffix("loss")):
        if word in meant:
            return f"; write {listed_as(meant[word])}"
    close = close_to(plain, meant)
    return f"; did you mean {listed_as(meant[close])}?" if close else ""


def close_to(word: str, known: Iterable[str]) -> str | None:
    """Which of the known words somebody may have meant."""
    import difflib  # only errors need it

    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=CLOSE)), None)


def _plain(name: str) -> str:
    """Without what people spell differently: capitals and what stands between words."""
    return "".join(filter(str.isalnum, name)).lower()


def explained(function: F) -> F:
    """The function; a call that does not fit its parameters is refused with what to write.

    Signature and types stay those of the function, and a call that fits costs as much as ever: so
    the words that are not known cannot be parameters.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            refusal = _refusal(function, args, kwargs)
            if refusal is None:
                raise
        raise TypeError(refusal)

    return cast(F, call)


def explain_construction(*classes: type) -> None:
    """Make classes, whose `__init__` dataclasses have written, `explained`."""
    for one in classes:
        setattr(one, "__init__", explained(vars(one)["__init__"]))  # noqa: B010 -- mypy


def _refusal(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str | None:
    """Why a call does not fit, and what does; None if it fits, or lacks arguments alone."""
    parameters = dict(inspect.signature(function).parameters)
    bound = list(parameters)[:1] if list(parameters)[:1] in (["self"], ["cls"]) else []
    for name in bound:
        del parameters[name]
    called = function.__qualname__.removesuffix(".__init__")
    if bound and args and function.__name__ != "__init__":  # and not of what it is inherited from
        owner = args[0] if isinstance(args[0], type) else type(args[0])
        called = f"{owner.__name__}.{function.__name__}"
    args = args[len(bound) :]
    by_place = [name for name, one in parameters.items() if one.kind is not one.KEYWORD_ONLY]
    reasons = [
        f"has no argument {name!r}{_argument(name, kwargs, parameters)}"
        for name in kwargs
        if name not in parameters
    ]
    if len(args) > len(by_place):
        places = f"only {' and '.join(by_place)}" if by_place else "nothing"
        remedy = _placed(called, by_place, args, kwargs, parameters)
        reasons.append(f"takes {places} by position{remedy}")
    return f"{called}() {'; and it '.join(reasons)}" if reasons else None


def _argument(
    name: str, kwargs: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]
) -> str:
    """What an unknown argument may be, as the end of a message."""
    names = ARGUMENTS.get(name, ())
    for ours in names:
        if ours in parameters:
            return f": write {_written(ours, kwargs[name])}"
    for word in (name, *names):
        if word in PLACES:
            return f": {PLACES[word]}"
    close = close_to(name, parameters)
    if close:
        return f": did you mean {_written(close, kwargs[name])}?"
    close = close_to(name, [*ARGUMENTS, *PLACES])
    if close:
        remedy = _argument(close, {close: kwargs[name]}, parameters)
        return f"; if {close!r} was meant{remedy}"
    return f"; it takes {', '.join(parameters)}"


def _placed(
    called: str,
    by_place: list[str],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    parameters: Mapping[str, inspect.Parameter],
) -> str:
    """How to give arguments that were given by their place, and have none."""
    if len(by_place) == 1 and all(isinstance(one, int | float) for one in args):
        return f": write {called}([{', '.join(map(repr, args))}])"
    needed = [
        name
        for name, one in parameters.items()
        if one.default is one.empty and name not in by_place and name not in kwargs
    ]
    extra = args[len(by_place) :]
    if len(needed) >= len(extra):
        return f": write {', '.join(map(_written, needed, extra))}"
    named = [f"{name}=..." for name in parameters if name not in by_place and name not in kwargs]
    return f": write the others by name, {', '.join(named)}" if named else ", and no others"


def _written(name: str, value: Any) -> str:
    """An argument as it is written, if its value is a short one."""
    is_short = isinstance(value, str | int | float | tuple | list | None)
    text = reprlib.repr(value) if is_short else ""
    return f"{name}={text if text and len(text) <= 30 else '...'}"


class _Elsewhere:
    """An attribute that is not there: to ask for it raises AttributeError, and says what is there.

    That leaves the attributes that exist as fast as they are, which `__getattr__` would not.
    """

    def __init__(self, name: str, here: str) -> None:
        self.name, self.here = name, here

    def __get__(self, instance: Any, owner: type) -> Any:
        raise AttributeError(
            f"{owner.__name__!r} has no attribute {self.name!r}: {self.here}", name=self.name
        )


class _Explaining(ABCMeta):
    """Of `Explaining`. It is an ABCMeta so that classes can derive from abstract ones beside."""

    def __dir__(cls) -> Iterable[str]:
        return _there(cls, super().__dir__())


class Explaining(metaclass=_Explaining):
    """What a network derives from: AttributeError says what an attribute of others is called here.

    `hasattr` and `dir` know nothing of these.
    """

    def __dir__(self) -> Iterable[str]:
        return _there(self, super().__dir__())


def _there(owner: object, names: Iterable[str]) -> list[str]:
    found = ((name, inspect.getattr_static(owner, name, None)) for name in names)
    return [name for name, attribute in found if not isinstance(attribute, _Elsewhere)]


for _name, _here in ATTRIBUTES.items():
    _what = "" if _here.startswith("leave it out") else "here it is "
    setattr(Explaining, _name, _Elsewhere(_name, _what + _here))
