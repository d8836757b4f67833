"""What is no model file, or no longer one, is refused with what is wrong, and never loads."""

import copy
import hashlib
import io
import itertools
import json
import math
import os
import pickle
import random
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from model_files import SCHEDULES, all_of, content, with_and_without_trainer
from random_networks import parameters

import fastnn
from fastnn import Network, _files, _model_file
from fastnn.callbacks import EarlyStopping
from fastnn.exceptions import ModelFileError

pytestmark = pytest.mark.unwatched


def load(content):
    """As from a file of this content."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_files, "read", lambda path: content)
        return Network.load("memory")


def refusal(content):
    """The message with which a file of this content is refused, without the file's name."""
    with pytest.raises(ValueError) as found:  # noqa: PT011 -- the class is looked at below
        load(content)
    assert type(found.value) is ModelFileError
    name, message = str(found.value).split(" ", 1)
    assert name == "'memory'"
    return message


@pytest.mark.parametrize("kind", [Path, str, os.fsencode])
def test_the_message_names_the_file(kind, tmp_path):
    path = tmp_path / "a net"
    path.write_bytes(b"hello" * 99)
    with pytest.raises(ModelFileError) as refused:
        Network.load(kind(path))
    assert type(refused.value) is ModelFileError
    assert str(refused.value) == f"{str(path)!r} is not a model file of fastnn"


def small(trainer=True):
    """A small file's bytes."""
    net = Network([1, 1], seed=0)
    net.train([[1.0]], [1.0], epochs=1, learning_rate=0.1, optimizer="momentum")
    if not trainer:
        net = Network.from_parameters(net.weights, net.biases)
    return saved(net, trainer)


def saved(net, trainer):
    """What save writes into a file."""
    contents = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_model_file._files, "write", lambda _, content: contents.append(content))
        net.save("memory", trainer=trainer)
    return contents[0]


def test_errors_are_those_that_the_documentation_names():
    assert fastnn.ModelFileError is ModelFileError
    assert issubclass(ModelFileError, ValueError)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such net"):
        Network.load(tmp_path / "no such net")
    with pytest.raises(OSError):  # noqa: PT011
        Network.load(tmp_path)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def zipped(members, comment=b"", compression=zipfile.ZIP_STORED):
    """A zip archive of files by their names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
        archive.comment = comment
    return file.getvalue()


STRANGERS = {
    "empty": b"",
    "short text": b"hello",
    "text of 30 characters": b"x" * 30,
    "text of 31 characters": b"x" * 30 + b"m",
    "text": b"weights = [1, 2, 3]\n" * 20,
    "json": json.dumps({"layer_sizes": [1, 1]}).encode(),
    "pickle": pickle.dumps({"weights": [1.0] * 99}),
    "npz": npz(W0=np.ones((1, 1)), b0=np.ones(1)),
    "zip": zipped({"notes.txt": b"a"}),
    "zip of nothing": zipped({}),
    "zip with a long comment": zipped({"notes.txt": b"a"}, b"c" * 500),
    "zeros": bytes(5000),
    "npy": npz(a=np.ones(3))[40:],
}


@pytest.mark.parametrize("name", STRANGERS)
def test_other_files(name):
    expected = "is empty" if name == "empty" else "is not a model file of fastnn"
    assert refusal(STRANGERS[name]) == expected


@with_and_without_trainer
def test_truncated_at_any_length(trainer):
    content = small(trainer)
    for length in range(1, len(content)):
        message = refusal(content[:length])
        assert message == "is truncated: its end is missing", length


@with_and_without_trainer
def test_a_byte_altered_at_any_place(trainer):
    content = small(trainer)
    mark = len(content) - _model_file.MARK_LENGTH
    damaged = {"is damaged: its checksum is wrong", "is truncated: its end is missing"}
    for place in range(len(content)):
        for change in (1, 0x80, 0xFF):
            altered = bytearray(content)
            altered[place] ^= change
            message = refusal(bytes(altered))
            if place < mark:
                assert message == "is damaged: its checksum is wrong"
            elif not (mark + len(_model_file.MARK) <= place < mark + len(_model_file.MARK) + 4):
                assert message in damaged
            else:
                assert message in damaged or "install a newer one" in message


@pytest.mark.parametrize("more", [b"\0", b"x", b"\n", b"x" * 88, b"x" * 1000])
def test_something_behind_or_before_it(more):
    content = small()
    assert refusal(more + content) == "is damaged: its checksum is wrong"
    for behind in (more, content[:100], content, content[-_model_file.MARK_LENGTH :]):
        assert refusal(content + behind) == f"has {len(behind):,} bytes more behind its end"
    damaged = bytes([content[0] ^ 1]) + content[1:]
    refusal(damaged + more)


def test_a_file_of_many_marks_is_read_once():
    """The checksum goes on from mark to mark: anew for each, it would take hours."""
    many = small() + _model_file.MARK * 100_000
    assert "bytes more behind its end" in refusal(many)
    refusal(many[1:])


# Files that somebody else has opened


@pytest.mark.parametrize("trainer", [True, False])
@pytest.mark.parametrize("wrong", ["damaged", "truncated", "a stranger", "not finite"])
def test_an_open_file_is_refused_as_one_of_a_path_is(wrong, trainer):
    content = small(trainer)
    if wrong == "damaged":
        content = content[:100] + bytes([content[100] ^ 1]) + content[101:]
    elif wrong == "truncated":
        content = content[:-1]
    elif wrong == "a stranger":
        content = STRANGERS["npz"]
    else:
        members = members_of(content)
        members["W0.npy"] = members["W0.npy"][:-8] + np.array(np.nan).tobytes()
        content = sealed(members)
    with pytest.raises(ModelFileError) as found:
        Network.load(io.BytesIO(content))
    assert str(found.value) == f"the BytesIO {refusal(content)}"


def test_an_open_file_with_a_name_is_called_by_it(tmp_path):
    (tmp_path / "a net").write_bytes(b"hello")
    with (
        open(tmp_path / "a net", "rb") as file,
        pytest.raises(ModelFileError, match=r"^'.*a net' is not a model file"),
    ):
        Network.load(file)


def test_an_open_file_at_its_end():
    file = io.BytesIO()
    Network([1, 1]).save(file)
    with pytest.raises(ModelFileError, match=r"is empty, or at its end: seek\(0\) goes to its"):
        Network.load(file)


class Lying(io.BytesIO):
    """Says and reads what it is told to."""

    def __init__(self, content, place=0):
        self.content, self.place, self.asked = content, place, 0

    def tell(self):
        return self.place

    def read(self, *_):
        self.asked += 1
        return self.content


class OddBytes(bytes):
    def __getitem__(self, key):
        return b"PK"

    def __len__(self):
        return 2**62

    def find(self, *_):
        return 2**62


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, OddBytes, np.frombuffer])
def test_what_a_file_gives_is_taken_as_plain_bytes(kind):
    content_of_file = small()
    given = kind(content_of_file, np.uint8) if kind is np.frombuffer else kind(content_of_file)
    file = Lying(given)
    assert content(Network.load(file)) == content(load(content_of_file))
    assert file.asked == 1


@pytest.mark.parametrize("given", [None, 10**15, [1, 2], object(), {}])
def test_a_file_that_gives_no_bytes(given):
    expected = r"^path must be a file whose read gives bytes, got"
    with pytest.raises(TypeError, match=expected):
        Network.load(Lying(given))


@pytest.mark.parametrize("place", [-1, 2**70, -(2**70)])
def test_a_file_that_lies_about_its_place(place):
    """It is the place that is given back where there is more behind the model."""
    assert Network.load(Lying(small(), place)).layer_sizes == (1, 1)
    with pytest.raises((ValueError, OverflowError)):
        Network.load(Lying(small() + b"more", place - len(small()) if place < 0 else place))


def sealed(members, version=1, **options):
    """An archive under a right mark, whoever made it."""
    covered = zipped(members, bytes(_model_file.MARK_LENGTH), **options)[: -_model_file.MARK_LENGTH]
    digest = hashlib.sha256(covered).hexdigest()
    return covered + f"fastnn model {version:04d} sha256 {digest}".encode()


def members_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("names", [5, "x", {}, [], ["a", "b"], [5], [None], [["a"]]])
@pytest.mark.parametrize("version", [1, 2])
def test_names_that_are_none_of_its_inputs(names, version):
    members = members_of(small())
    description = json.loads(members["model.json"]) | {"feature_names": names}
    message = refusal(sealed(members | {"model.json": json.dumps(description)}, version))
    assert message.startswith("does not describe a network: ")
    assert "feature_names must be None or 1 different names" in message


@with_and_without_trainer
def test_what_is_sealed_here_is_a_model_file(trainer):
    """So that those below are refused for what is wrong with them."""
    expected = small(trainer)
    assert all_of(load(sealed(members_of(expected))))[0] == content(load(expected))


@pytest.mark.parametrize("version", [4, 17, 9999])
def test_a_newer_format(version):
    content = sealed(members_of(small()), version)
    expected = f"has format {version}, and this fastnn knows up to 3: install a newer one"
    assert refusal(content) == expected
    newer = b"something else altogether" * 20
    newer += f"fastnn model {version:04d} sha256 ".encode() + b"0" * 64
    assert refusal(newer) == expected


def test_an_older_format_than_the_first():
    assert refusal(sealed(members_of(small()), 0)).startswith("is damaged")


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def npy_of_header(header, numbers=bytes(8)):
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + numbers


def declared(shape, dtype="<f8"):
    return npy_of_header(f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code in a file was run",))


def without(members, name):
    return {key: value for key, value in members.items() if key != name}


BOMB = np.array([[Bomb()]], object)
WRONG_ARRAYS = {
    "object array": npy(BOMB, allow_pickle=True),
    "pickle": pickle.dumps(Bomb()),
    "empty": b"",
    "text": b"1.0",
    "wrong shape": npy(np.ones((2, 1))),
    "one dimension": npy(np.ones(1)),
    "no dimension": npy(np.array(1.0)),
    "nothing in it": npy(np.ones((0, 1))),
    "other dtype": npy(np.ones((1, 1), np.float32)),
    "complex": npy(np.ones((1, 1), complex)),
    "text array": npy(np.array([["a"]])),
    "dates": npy(np.array([["2020-01-01"]], "M8[D]")),
    "records": npy(np.array([[(1.0, 2.0)]], "f8,f8")),
    "nan": npy(np.array([[np.nan]])),
    "infinity": npy(np.array([[-np.inf]])),
    "cut short": npy(np.ones((1, 1)))[:-1],
    "header cut short": npy(np.ones((1, 1)))[:40],
    "huge": declared((10**15, 1)),
    "larger than the file": declared((10**6, 1)),
    "beyond int64": declared((2**70, 1)),
    "product of 0 in 64 bits": declared((2**32, 2**32)),
    "negative": declared((-1, 1)),
    "no shape": declared("'a'"),
    "header of nonsense": npy_of_header("{'descr': __import__('os')}\n"),
    "deep header": npy_of_header("(" * 5000 + ")" * 5000),
    "another version": b"\x93NUMPY\x09\x00" + npy(np.ones((1, 1)))[8:],
}


@pytest.mark.parametrize("kind", WRONG_ARRAYS)
@pytest.mark.parametrize("name", ["W0", "b0", "optimizer0_W0", "optimizer0_b0"])
def test_wrong_arrays(kind, name):
    if name.endswith("b0") and kind == "one dimension":
        return  # which is right there
    members = members_of(small())
    assert f"{name}.npy" in members
    message = refusal(sealed(members | {f"{name}.npy": WRONG_ARRAYS[kind]}))
    assert message.startswith("does not describe a network: ")


def test_arrays_that_are_missing_or_more_than_there_should_be():
    members = members_of(small())
    for name in members:
        message = refusal(sealed(without(members, name)))
        assert message.startswith("does not describe a network: ")
        assert name.removesuffix(".npy") in message
    for name in ("W1.npy", "notes.npy", "best0_W0.npy", "optimizer1_W0.npy"):
        message = refusal(sealed(members | {name: npy(np.ones((1, 1)))}))
        assert message == f"does not describe a network: what is {name[:-4]!r}?"
    message = refusal(sealed(members | {"notes.txt": b"hello"}))
    assert message.startswith("does not describe a network: ")


def test_an_array_that_is_there_twice():
    members = [*members_of(small()).items(), ("W0.npy", npy(np.ones((1, 1))))]
    with pytest.warns(UserWarning, match="Duplicate"):
        content = sealed(members)
    refusal(content)


def test_a_compressed_archive_that_would_grow():
    members = members_of(small()) | {"W0.npy": npy(np.zeros((1000, 1000)))}
    content = sealed(members, compression=zipfile.ZIP_DEFLATED)
    assert len(content) < 30_000
    assert "is not a model file of fastnn" in refusal(content)


def test_no_archive_under_a_right_mark():
    for covered in (b"", b"hello", bytes(1000), b"PK\x05\x06" + bytes(18)):
        digest = hashlib.sha256(covered).hexdigest()
        content = covered + f"fastnn model 0001 sha256 {digest}".encode()
        assert refusal(content).startswith("does not describe a network: ")


# What model.json may not say. Each row: where, and what is there instead.
GENERATOR = np.random.PCG64(0).state
MANY = 10**400
NOT_A_TRAINER = [0, 5, "x", [], {}, True, False]
WRONG = [
    *(((), value) for value in (None, 0, "x", [], {}, True, [[]])),
    *((("layer_sizes",), value) for value in (None, 1, "11", [], [1], [1, 2], [1, 1, 1], [2, 1])),
    *((("layer_sizes",), value) for value in ([1, "1"], [1, 1.5], [1, None], {"a": 1}, [[1], [1]])),
    *((("layer_sizes",), value) for value in ([10**12, 1], [1, MANY], [1, -1], [1] * 999)),
    *((("activations",), value) for value in (None, 5, "nonsense", [], ["x"], [5], ["relu"] * 2)),
    *((("activations",), value) for value in ({"a": 1}, [["relu"]], [None], "softmax ")),
    *((("loss",), value) for value in (None, 5, "nonsense", ["mse"], "bce ", "cross_entropy")),
    *((("dtype",), value) for value in (None, 5, "float32", "nonsense", ["float64"], "f8")),
    *((("trainer",), value) for value in NOT_A_TRAINER),
    *((("trainer", "generator"), value) for value in (None, 5, "x", [], {}, True)),
    *(
        (("trainer", "generator"), GENERATOR | wrong)
        for wrong in (
            {"bit_generator": "MT19937"}, {"bit_generator": None}, {"bit_generator": 5},
            {"state": None}, {"state": {}}, {"state": {"state": 1}}, {"state": [1, 1]},
            {"state": {"state": 2**128, "inc": 1}}, {"state": {"state": -1, "inc": 1}},
            {"state": {"state": 1, "inc": MANY}}, {"state": {"state": "1", "inc": 1}},
            {"state": {"state": 1.5, "inc": 1}}, {"state": {"state": None, "inc": 1}},
            {"has_uint32": None}, {"has_uint32": "x"}, {"uinteger": 2**32}, {"uinteger": -1},
            {"uinteger": 1.5}, {"has_uint32": MANY}, {"more": 1},
        )
    ),
    *((("trainer", "optimizer"), value) for value in (5, "adam", [1], True, {"settings": 5})),
    *(
        (("trainer", "optimizer", "settings"), value)
        for value in (
            None, 5, "Momentum", [], ["Momentum"], ["Nonsense", {}], ["SGD", {}], [5, {}],
            ["Momentum", None], ["Momentum", {"momentum": 1.5}], ["Momentum", {"nonsense": 1}],
            ["Momentum", {"momentum": "x"}], ["Momentum", {}, {}], ["CosineDecay", {}],
            ["CosineDecay", {"initial": 0.1, "epochs": 5}], ["EarlyStopping", {}],
            ["Optimizer", {}],
            ["Adam", {}], ["Network", {}], ["Momentum", {"rate_inside": 1}], [["Momentum", {}], {}],
        )
    ),
    *(
        (("trainer", "optimizer", "powers"), value)
        for value in (None, 5, "ab", [], [1], [1, 1, 1], [1, 2], [1, -1], [1, None], [1, "x"], {})
    ),
    *((("trainer", "optimizer", "powers"), value) for value in ([1, math.nan], [[1, 1], [1]])),
    *(
        (("trainer", "schedule"), value)
        for value in (
            5, 0.5, True, {}, {"a": 1}, [], ["CosineDecay"], ["Nonsense", {}], ["CosineDecay", {}],
            ["CosineDecay", {"initial": -1, "epochs": 5}], ["Schedule", {}], ["CosineDecay", 5],
            ["Adam", {}], ["EarlyStopping", {}], ["WarmUp", {"then": ["WarmUp", {}], "epochs": 1}],
            ["WarmUp", {"then": ["Adam", {}], "epochs": 1}],
        )
    ),
    *((("trainer", "time"), value) for value in (None, -1, 0.5, "0", True, [], MANY)),
    *(
        (("trainer", "stopping"), value)
        for value in (
            5, "ab", [0.1], [0.1, 0], [-0.1, 5], [0.1, 5, 5], ["x", 5], [0.1, 1.5], {"a": 1},
            [math.nan, 5], [None, 5], [math.inf, 5],
        )
    ),
    *((("trainer", "lowest"), value) for value in (None, "x", -1, [], math.nan)),
    *((("trainer", "stale"), value) for value in (None, "x", -1, 0.5, True, MANY)),
    *((("trainer", "best"), value) for value in (None, 5, "x", [5], [None], [[]], [{}], {"a": 1})),
    *(
        (("trainer", "best", 0, "settings"), value)
        for value in (
            None, 5, "EarlyStopping", [], ["Nonsense", {}], ["EarlyStopping", {"patience": 0}],
            ["EarlyStopping", {"nonsense": 0}], ["CosineDecay", {"initial": 0.1, "epochs": 5}],
            ["Adam", {}], ["ModelCheckpoint", {}], ["ModelCheckpoint", {"path": 5}], {"a": 1},
            ["CSVLogger", {"path": "x"}],
        )
    ),
    *((("trainer", "best", 0, "value"), value) for value in ("x", [], {}, math.nan)),
    *((("trainer", "best", 0, "waited"), value) for value in (None, "x", -1, 0.5, MANY)),
    *((("trainer", "best", 0, "has_parameters"), value) for value in (False, None)),
]  # fmt: skip


def members_with_all():
    """Of a small file in which each part of a trainer is there."""
    net = Network([1, 1], seed=0)
    net.train(
        [[1.0]], [1.0], epochs=2, learning_rate=SCHEDULES[3], optimizer="momentum", tol=0.1,
        callbacks=EarlyStopping(monitor="loss"),
    )  # fmt: skip
    return members_of(saved(net, trainer=True))


MEMBERS = members_with_all()
DESCRIPTION = json.loads(MEMBERS["model.json"])


def described(place, value):
    """The description with something else in one place."""
    if not place:
        return value
    changed = copy.deepcopy(DESCRIPTION)
    *way, last = place
    inner = changed
    for step in way:
        inner = inner[step]
    assert isinstance(inner, list) or last in inner
    inner[last] = value
    return changed


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(place, value, id=f"{'.'.join(map(str, place))}={repr(value)[:60]}")
        for place, value in WRONG
    ],
)
def test_wrong_descriptions(place, value):
    text = json.dumps(described(place, value))
    content = sealed(MEMBERS | {"model.json": text.encode()})
    message = refusal(content)
    assert message.startswith("does not describe a network: ")


def all_places(inner, place=()):
    yield place
    if isinstance(inner, dict):
        for key, value in inner.items():
            yield from all_places(value, (*place, key))
    elif isinstance(inner, list):
        for i, value in enumerate(inner):
            yield from all_places(value, (*place, i))


def test_each_part_of_a_description_is_needed():
    """But for settings of an object, which have defaults, and list items."""
    places = [p for p in all_places(DESCRIPTION) if p and isinstance(p[-1], str)]
    assert len(places) > 30
    for place in places:
        if "settings" in place[:-1] or "schedule" in place[:-1]:
            continue
        if place[-1] in ("task", "has_last"):  # of which older files do not speak
            continue
        changed = copy.deepcopy(DESCRIPTION)
        inner = changed
        for step in place[:-1]:
            inner = inner[step]
        del inner[place[-1]]
        content = sealed(MEMBERS | {"model.json": json.dumps(changed).encode()})
        assert refusal(content).startswith("does not describe a network: ")


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"nonsense", b"\xff\xfe", b'{"layer_sizes": [1, 1]', b"NaN",
        b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000, b"9" * 10_000,
    ],
    ids=lambda text: repr(text[:9]),
)  # fmt: skip
def test_a_description_that_is_no_json(text):
    message = refusal(sealed(MEMBERS | {"model.json": text}))
    assert message.startswith("does not describe a network: ")


@pytest.mark.parametrize("depth", [100, 900, 5000])
def test_deep_nesting_in_a_place_that_is_looked_into(depth):
    inner = "0.1"
    for _ in range(depth):
        inner = f'["WarmUp", {{"then": {inner}, "epochs": 1}}]'
    text = json.dumps(described(("trainer", "schedule"), "HERE")).replace('"HERE"', inner)
    sealed_content = sealed(MEMBERS | {"model.json": text.encode()})
    try:
        load(sealed_content)
    except ModelFileError as error:
        assert depth > 100
        assert "does not describe a network" in str(error)  # noqa: PT017


# Mutations


def mutated(rng, content):
    """A change at random, of some kind, small or large."""
    n = len(content)
    kind = rng.randrange(8)
    i, j = sorted((rng.randrange(n), rng.randrange(n + 1)))
    if kind == 0:  # a bit
        changed = bytearray(content)
        changed[rng.randrange(n)] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if kind == 1:  # some bytes
        changed = bytearray(content)
        for _ in range(rng.randint(1, 8)):
            changed[rng.randrange(n)] = rng.randrange(256)
        return bytes(changed)
    if kind == 2:  # an end
        return content[:i] if rng.randrange(2) else content[i + 1 :]
    if kind == 3:  # something put in
        return content[:i] + rng.randbytes(rng.choice([1, 2, 8, 100])) + content[i:]
    if kind == 4:  # something taken out
        return content[:i] + content[i + rng.choice([1, 2, 8, 100]) :]
    if kind == 5:  # two blocks in each other's place
        length = min(rng.choice([1, 4, 16, 64]), j - i)
        return (
            content[:i] + content[j - length : j] + content[i + length : j - length]
            + content[i : i + length] + content[j:]
        ) if j - i >= 2 * length else content[:i] + content[j:] + content[i:j]  # fmt: skip
    if kind == 6:  # a piece twice
        return content[:j] + content[i:j] + content[j:]
    return content[:i] + bytes(j - i) + content[j:]  # zeros


def test_100_000_mutations():
    """load reads them from memory, and does all else that it does with a file."""
    rng = random.Random(0)
    whole = sealed(MEMBERS)
    expected = all_of(load(whole))
    refused = loaded = 0
    for _ in range(100_000):
        changed = mutated(rng, whole)
        try:
            net = load(changed)
        except ModelFileError:
            assert changed != whole
            refused += 1
        else:
            assert changed == whole
            assert all_of(net) == expected
            loaded += 1
    assert refused + loaded == 100_000
    assert 0 < loaded < 5000  # a byte replaced by itself and the like


def test_mutations_of_every_kind_change_something(monkeypatch):
    rng = random.Random(0)
    content = sealed(MEMBERS)
    changed = [mutated(rng, content) for _ in range(2000)]
    assert sum(one != content for one in changed) > 1900
    lengths = [len(one) - len(content) for one in changed]
    assert min(lengths) < -100
    assert max(lengths) > 100
    assert sum(length == 0 for length in lengths) > 500


@pytest.mark.parametrize("seed", range(3))
def test_mutations_under_a_right_mark(seed):
    """Whatever passes the checksum is refused or is a network: nothing else comes of it."""
    rng = random.Random(seed)
    covered = sealed(MEMBERS)[: -_model_file.MARK_LENGTH]
    outcomes = set()
    for _ in range(1500):
        changed = mutated(rng, covered)
        digest = hashlib.sha256(changed).hexdigest()
        try:
            net = load(changed + f"fastnn model 0001 sha256 {digest}".encode())
        except ModelFileError:
            outcomes.add("refused")
        else:
            assert all(np.isfinite(array).all() for array in parameters(net))
            net.train([[1.0]], [1.0], epochs=1, learning_rate=1e-9)
            outcomes.add("loaded")
    assert outcomes == {"refused", "loaded"}


def test_mutations_of_a_description():
    """Under a right mark, in a right archive: what loads can be trained and saved."""
    places = list(all_places(DESCRIPTION))
    values = [None, True, 0, -1, 1, 2, 0.5, 1e308, MANY, "", "x", "mse", "Adam", [], [1], {}]
    values += [math.nan, math.inf, [[]], {"a": 1}, ["Adam", {}], [1, 1], 2**63, 2**128]
    outcomes = set()
    for place, value in itertools.product(places, values):
        text = json.dumps(described(place, value)).encode()
        try:
            net = load(sealed(MEMBERS | {"model.json": text}))
        except ModelFileError:
            outcomes.add("refused")
        else:
            assert content(net)[:4] == ((1, 1), ("sigmoid",), "mse", np.float64)
            net.train([[1.0]], [1.0], epochs=1, learning_rate=1e-9, optimizer="momentum")
            assert content(load(saved(net, trainer=True))) == content(net)
            outcomes.add("loaded")
    assert outcomes == {"refused", "loaded"}


# Files that would need more than they are large


def sealed_zip(write):
    """What `write` puts into an archive, under a right checksum."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        write(archive)
        archive.comment = bytes(_model_file.MARK_LENGTH)
    covered = buffer.getvalue()[: -_model_file.MARK_LENGTH]
    return covered + _model_file._mark(hashlib.sha256(covered).hexdigest())


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def compressed_member(archive):
    """It says that it has 1,000 bytes."""
    for name, member in members_of(small()).items():
        archive.writestr(name, member)
    archive.writestr("W9.npy", npy(np.zeros(10**7)), zipfile.ZIP_DEFLATED)
    archive.infolist()[-1].file_size = 1000


def many_deflated_arrays(archive):
    for name, member in members_of(small()).items():
        archive.writestr(name, member)
    for i in range(100):
        archive.writestr(f"W{i + 9}.npy", npy(np.zeros(10**5)), zipfile.ZIP_DEFLATED)


def one_array_many_times(archive):
    """As many entries of the directory that lead to the same bytes."""
    for name, member in members_of(small()).items():
        archive.writestr(name, member)
    archive.writestr("W9.npy", npy(np.zeros(10**6)))
    for i in range(20):
        again = copy.copy(archive.infolist()[-1])
        again.filename = f"W{i + 10}.npy"
        archive.filelist.append(again)
        archive.NameToInfo[again.filename] = again


def brackets(archive):
    archive.writestr("model.json", "[" * 4_500_000)


def lists(archive):
    archive.writestr("model.json", "[" + "[]," * 1_000_000 + "[]]")


def claims(shape):
    def write(archive):
        for name, member in members_of(small()).items():
            if name == "W0.npy":
                head = io.BytesIO()
                np.lib.format.write_array_header_1_0(
                    head, {"descr": "<f8", "fortran_order": False, "shape": shape}
                )
                member = head.getvalue() + bytes(8)
            archive.writestr(name, member)

    return write


@pytest.mark.parametrize(
    "write",
    [
        compressed_member, many_deflated_arrays, one_array_many_times, brackets, lists,
        claims((10**9, 1)), claims((10**15, 10**15)), claims((2**62, 4)),
    ],
)  # fmt: skip
def test_a_file_that_would_need_much_memory(write):
    file = sealed_zip(write)
    tracemalloc.start()
    try:
        refusal(file)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(file) + 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no such files")
def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in ("/dev/zero", "/dev/null", tmp_path / "pipe", tmp_path / "link"):
        with pytest.raises(ModelFileError, match="is no regular file"):
            Network.load(path)
    with pytest.raises(IsADirectoryError):
        Network.load(tmp_path)


@pytest.mark.parametrize("name", ["W0", "W0.npy.npy", "w0.npy", "W0.NPY", "x/W0.npy", "W0.npz"])
def test_an_array_under_another_name(name):
    members = members_of(small(trainer=False))
    for also in (True, False):
        others = dict(members)
        array = others["W0.npy"] if also else others.pop("W0.npy")
        refusal(sealed(others | {name: array}))


@pytest.mark.parametrize(
    "what", ["_array", "json.loads", "zipfile.ZipFile", "TrainerState.checked"]
)
def test_too_little_memory_is_no_fault_of_the_file(what, monkeypatch):
    def failing(*_, **__):
        raise MemoryError

    file = small()
    monkeypatch.setattr(f"fastnn._model_file.{what}", failing)
    with pytest.raises(MemoryError):
        load(file)


@pytest.mark.parametrize("where", ["numpy.lib.format.write_array", "hashlib.sha256", "json.dumps"])
def test_too_little_memory_to_save(where, monkeypatch, tmp_path):
    def failing(*_, **__):
        raise MemoryError("none left")

    path = tmp_path / "net"
    path.write_bytes(b"an older file")
    monkeypatch.setattr(where, failing)
    with pytest.raises(MemoryError, match="none left"):
        Network([3, 2]).save(path)
    assert path.read_bytes() == b"an older file"
    assert os.listdir(tmp_path) == ["net"]
