"""Model files: one archive of NumPy's (npz) for a network, with a checksum over every byte of it.

The archive holds "model.json", which says what the network and its trainer are, and the arrays, as
NumPy's own files; ``numpy.load`` reads it. Its last bytes, where zip has a comment, are a mark with
the format's version and the SHA-256 of all bytes before them. Nothing in a file is executed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import secrets
import sys
import zipfile
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks
from fastnn._data_checks import all_finite
from fastnn.callbacks import EarlyStopping, ModelCheckpoint, Monitor
from fastnn.exceptions import ModelFileError
from fastnn.optimizers import OPTIMIZERS, State
from fastnn.schedules import SCHEDULES, Schedule
from fastnn.trainer_state import Best, TrainerState, storable

if TYPE_CHECKING:
    from fastnn.network import Network

    Array = np.ndarray[Any, Any]

FORMAT = 1
MARK = b"fastnn model "
MARK_LENGTH = len(MARK) + 4 + len(" sha256 ") + 64
DESCRIPTION = "model.json"
BEGINNING, NAME = b"PK\x03\x04", DESCRIPTION.encode()  # of a zip, and of its first file at byte 30
KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (*map(type, OPTIMIZERS.values()), *SCHEDULES, EarlyStopping, ModelCheckpoint)
}


def save(net: Network, path: str, trainer: bool) -> None:
    """Write a network into a file, and the state of its trainer if wanted."""
    if not all_finite(net._parameters):
        raise ValueError("weights and biases must be finite to be saved, and some are not")
    arrays = _by_name(net, net._parameters, "")
    description = {
        "layer_sizes": net.layer_sizes,
        "activations": net.activations,
        "loss": net.loss,
        "dtype": net.dtype.name,
        "trainer": _described(net, arrays) if trainer else None,
    }
    _write_atomically(path, _packed(description, arrays))


def load(path: str, network: type[Network]) -> Network:
    """The network in a file, of the class `network`."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        description, arrays = _unpacked(content)
        return _network(description, arrays, network)
    except ModelFileError as error:
        raise ModelFileError(f"{path!r} {error}") from error.__cause__
    except Exception as error:  # a right checksum, but not from save
        what = f"{type(error).__name__}: {error}"[:200]
        raise ModelFileError(f"{path!r} does not describe a network: {what}") from error


def _packed(description: dict[str, Any], arrays: dict[str, Array]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(DESCRIPTION), json.dumps(description))
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
        archive.comment = bytes(MARK_LENGTH)
    covered = buffer.getvalue()[:-MARK_LENGTH]
    return covered + _mark(covered)


def _mark(covered: bytes) -> bytes:
    return MARK + b"%04d sha256 " % FORMAT + hashlib.sha256(covered).hexdigest().encode()


def _unpacked(content: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """What _packed was given. Nothing is looked into before the checksum is right."""
    covered, mark = content[:-MARK_LENGTH], content[-MARK_LENGTH:]
    if not mark.startswith(MARK):
        if BEGINNING.startswith(content[:4]) and NAME.startswith(content[30 : 30 + len(NAME)]):
            raise ModelFileError("is truncated: its end is missing")
        raise ModelFileError("is not a model file of fastnn")
    version = mark[len(MARK) :][:4]
    if version.isdigit() and int(version) > FORMAT:
        raise ModelFileError(
            f"has format {int(version)}, and this fastnn knows up to {FORMAT}: install a newer one"
        )
    if mark != _mark(covered):
        raise ModelFileError("is damaged: its checksum is wrong")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(member.file_size > len(content) for member in archive.infolist()):
            raise ModelFileError("is not a model file of fastnn: it is compressed")
        if len(set(archive.namelist())) < len(archive.namelist()):
            raise ModelFileError("does not describe a network: two of its arrays have one name")
        description = json.loads(archive.read(DESCRIPTION))
        arrays = {}
        for name in archive.namelist():
            if name != DESCRIPTION:
                with archive.open(name) as file:
                    arrays[name.removesuffix(".npy")] = np.lib.format.read_array(
                        file, allow_pickle=False
                    )
    return description, arrays


def _network(
    description: dict[str, Any], arrays: dict[str, Array], network: type[Network]
) -> Network:
    sizes = description["layer_sizes"]
    n_layers = len(sizes) - 1
    for i in range(n_layers):
        for name in (f"W{i}", f"b{i}"):
            if arrays[name].dtype.name != description["dtype"]:
                raise ModelFileError(f"does not describe a network: {name!r} is of another dtype")
    net = network.from_parameters(
        [arrays.pop(f"W{i}") for i in range(n_layers)],
        [arrays.pop(f"b{i}") for i in range(n_layers)],
        activation=description["activations"],
        loss=description["loss"],
    )
    if list(net.layer_sizes) != sizes:
        raise ModelFileError("does not describe a network: its arrays are of other shapes")
    if description["trainer"] is not None:
        _put_trainer(net, description["trainer"], arrays)
    if arrays:
        raise ModelFileError(f"does not describe a network: what is {min(arrays)!r}?")
    return net


def _described(net: Network, arrays: dict[str, Array]) -> dict[str, Any]:
    """The state of the trainer; what of it is arrays goes among these."""
    trainer = net._trainer
    optimizer = trainer.optimizer
    if optimizer is not None:
        for k in range(optimizer.optimizer.n_states):
            arrays |= _by_name(net, optimizer.part(k), f"optimizer{k}_")
    for i, best in enumerate(trainer.best.values()):
        if best.parameters is not None:
            arrays |= _by_name(net, best.parameters, f"best{i}_")
    return {
        "generator": net._rng.bit_generator.state,
        "optimizer": optimizer and {
            "settings": _settings(optimizer.optimizer), "powers": optimizer.powers,
        },
        "schedule": _settings(storable(trainer.schedule)),
        "time": trainer.time,
        "stopping": trainer.stopping,
        "lowest": trainer.lowest,
        "stale": trainer.stale,
        "best": [
            {
                "settings": _settings(monitor),
                "value": best.value,
                "waited": best.waited,
                "has_parameters": best.parameters is not None,
            }
            for monitor, best in trainer.best.items()
        ],
    }  # fmt: skip


def _put_trainer(net: Network, given: dict[str, Any], arrays: dict[str, Array]) -> None:
    """The contrary of _described; takes its arrays from these."""
    generator = np.random.PCG64()
    generator.state = given["generator"]
    if generator.state != given["generator"]:
        raise ModelFileError("does not describe a network: its generator has no such state")
    net._rng = np.random.Generator(generator)

    trainer = net._trainer = TrainerState()
    if given["optimizer"]:
        state = State(_made(given["optimizer"]["settings"]), net._layout)
        trainer.optimizer = state
        state.powers = tuple(_number(power, 0, 1) for power in given["optimizer"]["powers"])
        for k in range(state.optimizer.n_states):
            _put(net, state.part(k), f"optimizer{k}_", arrays)
    trainer.schedule = _made(given["schedule"])
    if not isinstance(trainer.schedule, Schedule | str | None):
        raise ModelFileError("does not describe a network: its schedule is none")
    trainer.time = _checks.integer(given["time"], "time", 0)
    if given["stopping"]:
        tol, patience = given["stopping"]
        trainer.stopping = (
            _number(tol, 0, sys.float_info.max),
            _checks.integer(patience, "patience", 1),
        )
        trainer.lowest = _number(given["lowest"], 0)
        trainer.stale = _checks.integer(given["stale"], "stale", 0)
    for i, one in enumerate(given["best"]):
        value = None if one["value"] is None else _number(one["value"], -math.inf)
        best = Best(value, _checks.integer(one["waited"], "waited", 0))
        monitor = _made(one["settings"])
        if not isinstance(monitor, Monitor):
            raise ModelFileError("does not describe a network: what is no callback has seen it")
        trainer.best[monitor] = best
        if one["has_parameters"]:
            best.parameters = net._layout.parameter_block()
            _put(net, best.parameters, f"best{i}_", arrays)


def _by_name(net: Network, block: Array, prefix: str) -> dict[str, Array]:
    """The weights and biases in a block laid out as the parameters are."""
    weights, biases = net._layout.views(block)
    return {
        f"{prefix}{letter}{i}": array
        for letter, views in (("W", weights), ("b", biases))
        for i, array in enumerate(views)
    }


def _put(net: Network, block: Array, prefix: str, arrays: dict[str, Array]) -> None:
    for name, view in _by_name(net, block, prefix).items():
        array = arrays.pop(name)
        if array.shape != view.shape or array.dtype != view.dtype or not all_finite(array):
            raise ModelFileError(f"does not describe a network: {name!r} does not fit it")
        view[:] = array


def _settings(thing: Any) -> Any:
    """Numbers and names as they are; an object of KINDS as a list of its class and its fields."""
    if thing is None or isinstance(thing, str | int | float):
        return thing
    if type(thing) not in KINDS.values():
        raise TypeError(
            "only optimizers, schedules and callbacks of fastnn's own can be saved, got "
            f"{thing!r}; save without trainer=True"
        )
    return [
        type(thing).__name__,
        {field.name: _settings(getattr(thing, field.name)) for field in fields(thing)},
    ]


def _made(settings: Any) -> Any:
    """The contrary of _settings; the classes check what they are given."""
    if not isinstance(settings, list):
        return settings
    kind, given = settings
    return KINDS[kind](**{name: _made(value) for name, value in given.items()})


def _number(value: Any, least: float, most: float = math.inf) -> float:
    if not isinstance(value, int | float) or not least <= value <= most:
        raise ModelFileError(f"does not describe a network: {value!r} is no such number")
    return float(value)


def _write_atomically(path: str, content: bytes) -> None:
    """The file has all of its content on the disk before it takes its name."""
    path = os.path.realpath(path)  # a link goes on to be one
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise OSError(f"{path!r} is no regular file, which could be replaced")
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f".{secrets.token_hex(8)}.fastnn")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
