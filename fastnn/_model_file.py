"""Model files: one archive of NumPy's (npz) for a network, with a checksum over every byte of it.

The archive holds "model.json", which says what the network and its trainer are, and the arrays, as
NumPy's own files; ``numpy.load`` reads it. For the command line, "table" in the description says
how columns of a table become inputs, and outputs predictions: see fastnn/_command/encoding.py, and
docs/how_to/command-line.md for users. To a network it is nothing, and so it is not kept with it.

The last bytes, where zip has a comment, are a mark with the format's version and the SHA-256 of all
bytes before them. Nothing in a file is executed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np

from fastnn import _checks, _files
from fastnn._data_checks import all_finite
from fastnn._standardizing import Standardizers
from fastnn._training.trainer_state import Best, TrainerState, storable
from fastnn.callbacks import EarlyStopping, ModelCheckpoint, Monitor
from fastnn.exceptions import ModelFileError
from fastnn.optimizers import OPTIMIZERS, State
from fastnn.preprocessing import Standardizer
from fastnn.schedules import SCHEDULES

if TYPE_CHECKING:
    from fastnn.network import Network

    Array = np.ndarray[Any, Any]
    N = TypeVar("N", bound=Network)

FORMAT = 3
# The format of a file that has one of these, or with trainer.last 2. Without them it is 1, so that
# older versions read it.
SINCE = {"feature_names": 2, "standardizers": 3, "table": 3}
LONGEST_DESCRIPTION = 1_000_000  # characters; a layer takes some twenty
MARK = b"fastnn model "
MARK_LENGTH = len(MARK) + 4 + len(" sha256 ") + 64
DESCRIPTION, ENDING = "model.json", ".npy"
T = TypeVar("T", zipfile.ZipFile, IO[bytes])
BEGINNING, NAME = b"PK\x03\x04", DESCRIPTION.encode()  # of a zip, and of its first file at byte 30
KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (*map(type, OPTIMIZERS.values()), *SCHEDULES, EarlyStopping, ModelCheckpoint)
}


def save(
    net: Network, to: str | IO[bytes], trainer: bool, table: dict[str, Any] | None = None
) -> None:
    """Write a network, which nobody else trains, to a path or into an open file.

    And its trainer's state if wanted; and what the command line knows of the table that it is for.
    """
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
    if net.feature_names is not None:
        description["feature_names"] = net.feature_names
    if net._model.standardizers is not None:
        description["standardizers"] = _described_standardizers(net._model.standardizers, arrays)
    if table is not None:
        description["table"] = table
    content = _packed(description, arrays)
    _files.write(to, content)


def load(source: str | IO[bytes], network: type[N]) -> N:
    """The network in a file, of the class `network`; of an open file, from where it is."""
    return load_with_table(source, network)[0]


def load_with_table(source: str | IO[bytes], network: type[N]) -> tuple[N, Any]:
    """And what the file says of its table, as it stands there; None if it says nothing."""
    if isinstance(source, str):
        name, content, go_to = repr(source), _files.read(source), None
    else:
        name, content, go_to = _read(source)
    try:
        end = _end(content)
        if end < len(content) and not go_to:
            raise ModelFileError(f"has {len(content) - end:,} bytes more behind its end")
        description, arrays = _unpacked(content[:end])
        net = _network(description, arrays, network)
        version = _version(content[end - MARK_LENGTH : end])
        if version != _format_of(description):  # which the checksum does not cover
            raise ModelFileError(f"is damaged: it says that it has format {version}")
        table = description.get("table")
    except ModelFileError as error:
        raise ModelFileError(f"{name} {error}") from error.__cause__
    except (MemoryError, SystemError):  # Python's parser raises either where memory is short
        raise
    except Exception as error:  # a right checksum, but not from save
        what = f"{type(error).__name__}: {error}"[:200]
        raise ModelFileError(f"{name} does not describe a network: {what}") from error
    if go_to and end < len(content):
        go_to(end)
    return net, table


def _read(file: IO[bytes]) -> tuple[str, bytes, Callable[[int], object] | None]:
    """An open file's name for messages, what is left of it, and how to go to a place in that."""
    name: Any = getattr(file, "name", None)
    name = repr(name) if isinstance(name, str) else f"the {type(file).__name__}"
    try:
        start = file.tell() if file.seekable() else None
    except (AttributeError, OSError):
        start = None
    content: Any = file.read()
    if isinstance(content, str):
        raise TypeError('path must be a file opened in binary mode, as by open(..., "rb"), not "r"')
    if type(content) is not bytes:
        try:
            content = bytes(memoryview(content))
        except TypeError:
            kind = type(content).__name__
            raise TypeError(f"path must be a file whose read gives bytes, got {kind}") from None
    if not content:
        raise ModelFileError(f"{name} is empty, or at its end: seek(0) goes to its beginning")
    return name, content, None if start is None else lambda place: file.seek(start + place)


def _packed(description: dict[str, Any], arrays: dict[str, Array]) -> bytes:
    text = json.dumps(description)
    if len(text) > LONGEST_DESCRIPTION:
        raise ValueError(
            f"a network's description must have at most {LONGEST_DESCRIPTION:,} characters to be "
            f"saved, and this one, of {len(description['activations']):,} layers and "
            f"{len(description.get('feature_names', ())):,} names, has {len(text):,}"
        )
    buffer = io.BytesIO()
    with _closed_quietly(zipfile.ZipFile(buffer, "w")) as archive:
        archive.writestr(zipfile.ZipInfo(DESCRIPTION), text)
        for name, array in arrays.items():
            with _closed_quietly(
                archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True)
            ) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
        archive.comment = bytes(MARK_LENGTH)
    covered = buffer.getvalue()[:-MARK_LENGTH]
    return covered + _mark(hashlib.sha256(covered).hexdigest(), _format_of(description))


def _format_of(description: dict[str, Any]) -> int:
    """The oldest that has all that this one has."""
    has_last = (description["trainer"] or {}).get("has_last")
    return max([2 if has_last else 1, *(SINCE[name] for name in SINCE if name in description)])


@contextlib.contextmanager
def _closed_quietly(file: T) -> Iterator[T]:
    """Close it in the end; after an error, another one by closing must not take its place."""
    try:
        yield file
    except BaseException:
        with contextlib.suppress(Exception):
            file.close()
        raise
    file.close()


def _mark(checksum: str, version: int = FORMAT) -> bytes:
    return MARK + b"%04d sha256 " % version + checksum.encode()


def _version(mark: bytes) -> int:
    """The format that a mark names; 0 if it names none."""
    found = mark[len(MARK) :][:4]
    return int(found) if found.isdigit() else 0


def _end(content: bytes) -> int:
    """Where the first model in it has its end, of which the checksum is right."""
    digest, done = hashlib.sha256(), 0
    place = content.find(MARK)
    while place >= 0:
        digest.update(memoryview(content)[done:place])
        done, end = place, place + MARK_LENGTH
        version = _version(content[place:end])
        known = 0 < version <= FORMAT
        if known and content[place:end] == _mark(digest.hexdigest(), version):
            return end
        place = content.find(MARK, place + 1)
    if not content:
        raise ModelFileError("is empty")
    mark = content[-MARK_LENGTH:]
    if not mark.startswith(MARK):
        if BEGINNING.startswith(content[:4]) and NAME.startswith(content[30 : 30 + len(NAME)]):
            raise ModelFileError("is truncated: its end is missing")
        raise ModelFileError("is not a model file of fastnn")
    version = _version(mark)
    if version > FORMAT:
        raise ModelFileError(
            f"has format {version}, and this fastnn knows up to {FORMAT}: install a newer one"
        )
    raise ModelFileError("is damaged: its checksum is wrong")


def _unpacked(content: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """What _packed was given, from bytes whose checksum is right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {member.filename: member for member in archive.infolist()}
        sizes = [member.file_size for member in archive.infolist()]
        if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
            raise ModelFileError("is not a model file of fastnn: it is compressed")
        if len(members) < len(sizes) or sum(sizes) > len(content):
            raise ModelFileError("does not describe a network: it holds an array twice")
        if members[DESCRIPTION].file_size > LONGEST_DESCRIPTION:
            raise ModelFileError("does not describe a network: its model.json is too long")
        description = json.loads(archive.read(members.pop(DESCRIPTION)))
        arrays = {}
        for name, member in members.items():
            if not name.endswith(ENDING):
                raise ModelFileError(f"does not describe a network: what is {name!r}?")
            arrays[name.removesuffix(ENDING)] = _array(archive.read(member))
    return description, arrays


def _array(content: bytes) -> Array:
    """An array from a file of NumPy's, which cannot claim to be larger than it is."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ModelFileError("does not describe a network: its arrays are of another version")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    is_plain = not is_fortran and all(n >= 0 for n in shape)
    if dtype.name not in ("float32", "float64") or not is_plain:
        raise ModelFileError(f"does not describe a network: it has an array of {dtype}")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)


def _network(description: dict[str, Any], arrays: dict[str, Array], network: type[N]) -> N:
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
    if "standardizers" in description:
        standardizers = _made_standardizers(description["standardizers"], arrays)
        checked = Standardizers.checked(standardizers, sizes)
        net = net._with(net.weights, net.biases, checked)
    names = _checks.feature_names(description.get("feature_names"), "feature_names", sizes[0])
    net._model.feature_names = names
    if description["trainer"] is not None:
        _put_trainer(net, description["trainer"], arrays)
    if arrays:
        raise ModelFileError(f"does not describe a network: what is {min(arrays)!r}?")
    return net


def _described_standardizers(found: Standardizers, arrays: dict[str, Array]) -> dict[str, Any]:
    """By what they are for; their numbers go among the arrays."""
    described: dict[str, Any] = {}
    for name, one in found._asdict().items():
        if one is not None:
            arrays[f"{name}_mean"], arrays[f"{name}_scale"] = one.mean, one.scale
            described[name] = {"feature_names": one.feature_names}
    return described


def _made_standardizers(
    described: dict[str, Any], arrays: dict[str, Array]
) -> tuple[Standardizer | None, ...]:
    """The contrary of _described_standardizers."""
    if not described.keys() <= set(Standardizers._fields):
        raise ModelFileError("does not describe a network: what else is standardized?")
    return tuple(
        Standardizer.from_parameters(
            arrays.pop(f"{name}_mean"), arrays.pop(f"{name}_scale"), **described[name]
        )
        if name in described
        else None
        for name in Standardizers._fields
    )


def _described(net: Network, arrays: dict[str, Array]) -> dict[str, Any]:
    """The state of the trainer; what of it is arrays goes among these."""
    trainer = net._trainer
    optimizer = trainer.optimizer
    if optimizer is not None:
        for k in range(optimizer.n_parts):
            arrays |= _by_name(net, optimizer.part(k), f"optimizer{k}_")
    for i, best in enumerate(trainer.best.values()):
        if best.parameters is not None:
            arrays |= _by_name(net, best.parameters, f"best{i}_")
    if trainer.last is not None:
        arrays |= _by_name(net, trainer.last, "last_")
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
        "task": trainer.task,
        "has_last": trainer.last is not None,
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

    trainer = TrainerState(time=given["time"], lowest=given["lowest"], stale=given["stale"])
    if given["optimizer"]:
        trainer.optimizer = state = State(_made(given["optimizer"]["settings"]), net._layout)
        state.powers = tuple(given["optimizer"]["powers"])
        for k in range(state.n_parts):
            _put(net, state.part(k), f"optimizer{k}_", arrays)
    trainer.schedule = _made(given["schedule"])
    trainer.stopping, trainer.task = given["stopping"], given.get("task")
    if given.get("has_last"):
        trainer.last = net._layout.parameter_block()
        _put(net, trainer.last, "last_", arrays)
    for i, one in enumerate(given["best"]):
        best = Best(one["value"], one["waited"])
        monitor = _made(one["settings"])
        if not isinstance(monitor, Monitor):
            raise ModelFileError("does not describe a network: what is no callback has seen it")
        trainer.best[monitor] = best
        if one["has_parameters"]:
            best.parameters = net._layout.parameter_block()
            _put(net, best.parameters, f"best{i}_", arrays)
    net._trainer = TrainerState.checked(trainer, net._layout)


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
