"""Model files: they come back bit for bit, are replaced whole or not at all, and never lie."""

import contextlib
import copy
import dataclasses
import errno
import gzip
import io
import json
import os
import pickle
import stat
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas
import pytest
from common import every_dtype
from model_files import SCHEDULES, all_of, content, with_and_without_trainer
from random_networks import OUTPUTS, UNITS, bits

from fastnn import Network, _files, _model_file, optimizers, schedules
from fastnn.callbacks import EarlyStopping, ModelCheckpoint
from fastnn.exceptions import ModelFileError
from fastnn.optimizers import OPTIMIZERS

pytestmark = pytest.mark.unwatched

every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)
posix_only = pytest.mark.skipif(os.name != "posix", reason="of POSIX systems")

N = 40  # samples
NETWORKS = [
    *({"layer_sizes": [3, 5, 2], "activation": name} for name in [*UNITS, "step"]),
    *(
        {"layer_sizes": [3, 5, 2], "activation": ["tanh", outputs[-1]], "loss": loss}
        for loss, outputs in OUTPUTS.items()
    ),
    {"layer_sizes": [1, 1]},
    {"layer_sizes": [2, 2, 1]},
    {"layer_sizes": [3, 70, 1, 9], "activation": ["relu", "tanh", "identity"], "loss": "mae"},
    {"layer_sizes": [5, 4, 3, 4, 5, 2], "loss": "huber", "initializer": "normal"},
    {"layer_sizes": [4, 3], "activation": "softmax"},
    {"layer_sizes": [4, 3], "loss": "bce"},
    {"layer_sizes": [9, 8, 7], "activation": ["gelu", "softmax"], "loss": "cross_entropy"},
]


def make(dtype="float64", seed=0):
    """A network that soon learns its data by heart, these, and data to validate with."""
    rng = np.random.default_rng(3)
    data, validation = ((rng.normal(size=(N, 4)), rng.normal(size=N)) for _ in range(2))
    net = Network([4, 8, 1], activation=["tanh", "identity"], dtype=dtype, seed=seed)
    return net, data, {"learning_rate": 0.05, "validation_data": validation}


def there_and_back(net, path, **options):
    net.save(path, **options)
    return Network.load(path)


# There and back


@pytest.mark.parametrize("settings", NETWORKS, ids=repr)
@every_dtype
@with_and_without_trainer
def test_a_network_comes_back_bit_for_bit(settings, dtype, trainer, tmp_path):
    net = Network(**settings, dtype=dtype, seed=0)
    net.biases[0][:] = 1 / 3
    net.biases[0][0] = -0.0
    net.weights[0][0, 0] = np.finfo(dtype).smallest_subnormal
    loaded = there_and_back(net, tmp_path / "net", trainer=trainer)
    assert type(loaded) is Network
    assert content(loaded) == content(net)
    assert {type(size) for size in loaded.layer_sizes} == {int}
    X = np.random.default_rng(0).normal(size=(9, net.layer_sizes[0]))
    assert loaded.feedforward(X).tobytes() == net.feedforward(X).tobytes()
    assert loaded.feedforward(X[0]).tobytes() == net.feedforward(X[0]).tobytes()
    same_generator = loaded._rng.bit_generator.state == net._rng.bit_generator.state
    assert same_generator == trainer


def test_without_its_trainer_a_network_has_a_new_one(tmp_path):
    net, data, options = make()
    callbacks = EarlyStopping(patience=100)
    net.train(*data, **options, epochs=3, tol=0.1, optimizer="adam", callbacks=callbacks)
    loaded = there_and_back(net, tmp_path / "net")
    new = Network.from_parameters(net.weights, net.biases, activation=net.activations)
    loaded._rng = new._rng
    assert all_of(loaded) == all_of(new)
    states = [Network.load(tmp_path / "net")._rng.bit_generator.state for _ in range(2)]
    assert states[0] != states[1]


def test_a_subclass_loads_its_own(tmp_path):
    class Mine(Network):
        pass

    net = Network([2, 1], seed=0)
    net.save(tmp_path / "net")
    loaded = Mine.load(tmp_path / "net")
    assert type(loaded) is Mine
    assert content(loaded) == content(net)


OPTIMIZERS_WITH_SETTINGS = [
    *OPTIMIZERS.values(),
    optimizers.SGD(l2=0.01, clip_norm=0.5),
    optimizers.SGD(clip_norm=1),
    optimizers.Momentum(momentum=0, rate_inside=True),
    optimizers.Nesterov(momentum=np.float32(0.7), rate_inside=np.True_, l2=np.int64(0)),
    optimizers.AdamW(weight_decay=0.1, beta_1=0.5, beta_2=0.6, epsilon=1e-3, epsilon_hat=True),
    optimizers.RMSprop(rho=0.9, clip_norm=1e-3),
    optimizers.Adagrad(epsilon=1e-2, l2=1e-300),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS_WITH_SETTINGS, ids=repr)
@every_dtype
@pytest.mark.parametrize("batch_size", [1, 16])
def test_what_an_optimizer_keeps_comes_back(optimizer, dtype, batch_size, tmp_path):
    net, data, options = make(dtype)
    options |= {"batch_size": batch_size, "optimizer": optimizer, "learning_rate": 0.01}
    net.train(*data, **options, epochs=3)
    loaded = there_and_back(net, tmp_path / "net", trainer=True)
    assert all_of(loaded) == all_of(net)
    kept = net._trainer.optimizer
    assert (kept is None) == optimizer.is_plain
    assert kept is None or not kept.n_parts or kept.block.any()
    expected = bits(net, net.train(*data, **options, epochs=3))
    assert bits(loaded, loaded.train(*data, **options, epochs=3)) == expected


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_a_schedule_and_its_place_come_back(schedule, tmp_path):
    net, data, options = make()
    options["learning_rate"] = schedule
    net.train(*data, **options, epochs=4)
    loaded = there_and_back(net, tmp_path / "net", trainer=True)
    assert all_of(loaded) == all_of(net)
    assert type(loaded._trainer.schedule) is type(schedule)
    history = net.train(*data, **options, epochs=4)
    rates = [float(schedule(epoch)) for epoch in range(4, 8)]
    assert history.history["learning_rate"] == rates
    again = loaded.train(*data, **options, epochs=4)
    assert again.history == history.history
    assert content(loaded) == content(net)


def halves(epoch):
    return 0.05 / (1 + epoch)


class Halving:
    def __call__(self, epoch):
        return 0.05 / (1 + epoch)


def with_pickle(net, path):
    path.write_bytes(pickle.dumps(net))
    return pickle.loads(path.read_bytes())


def with_joblib(net, path):
    joblib.dump(net, path)
    return joblib.load(path)


PASSED_ON = [
    partial(there_and_back, trainer=True),
    with_pickle,
    with_joblib,
    lambda net, path: net.copy(),
    lambda net, path: copy.copy(net),
    lambda net, path: copy.deepcopy(net),
    lambda net, path: with_pickle(there_and_back(net, path, trainer=True), path),
]
every_way = pytest.mark.parametrize("passed_on", PASSED_ON)


@every_way
@pytest.mark.parametrize(
    "learning_rate",
    [lambda epoch: 0.05 / (1 + epoch), halves, partial(halves), Halving(), *SCHEDULES[-2:]],
)
def test_functions_of_the_epoch_are_gone_on_with(passed_on, learning_rate, tmp_path):
    net, data, options = make()
    options["learning_rate"] = learning_rate
    net.train(*data, **options, epochs=3)
    twin = passed_on(net, tmp_path / "net")
    twin = passed_on(twin, tmp_path / "net")  # of whom only the name is left
    history = net.train(*data, **options, epochs=3)
    assert history.history["learning_rate"] == [float(learning_rate(epoch)) for epoch in (3, 4, 5)]
    assert twin.train(*data, **options, epochs=3).history == history.history
    assert content(twin) == content(net)


def test_another_function_begins_anew(tmp_path):
    net, data, options = make()
    options["learning_rate"] = halves
    net.train(*data, **options, epochs=3)
    loaded = there_and_back(net, tmp_path / "net", trainer=True)
    options["learning_rate"] = Halving()
    assert loaded.train(*data, **options, epochs=1).history["learning_rate"] == [0.05]


@every_way
@every_optimizer
@every_dtype
def test_all_that_a_trainer_keeps_goes_on(passed_on, optimizer, dtype, tmp_path):
    net, data, options = make(dtype)
    options |= {"learning_rate": SCHEDULES[-1], "optimizer": optimizer, "batch_size": 16}
    options |= {"tol": 1e-9, "patience": 30, "metrics": "mae"}
    options["callbacks"] = [
        EarlyStopping(patience=25),
        EarlyStopping(monitor="val_mae", patience=28, restore_best=False),
        ModelCheckpoint(tmp_path / "checkpoint", monitor="val_mae", mode="min", every=2),
    ]
    net.train(*data, **options, epochs=7)
    assert len(net._trainer.best) == 3
    assert net._trainer.lowest < 10
    twin = passed_on(net, tmp_path / "net")
    assert all_of(twin) == all_of(net)
    assert (twin._parameters.ctypes.data % 64, twin.weights[0].base is None) == (0, False)
    history = net.train(*data, **options, epochs=60)
    assert len(history.epoch) < 60
    assert twin.train(*data, **options, epochs=60).history == history.history
    assert all_of(twin) == all_of(net)


@every_way
def test_a_twin_shares_nothing(passed_on, tmp_path):
    net, data, options = make()
    options |= {"optimizer": "adam", "callbacks": EarlyStopping(patience=100)}
    net.train(*data, **options, epochs=3)
    twin = passed_on(net, tmp_path / "net")
    before = all_of(net)
    twin.train(*data, **options, epochs=3)
    assert all_of(twin) != before
    assert all_of(net) == before


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_tolerance_goes_on(epochs, tmp_path):
    """Also where no epoch has been: the lowest loss so far is infinite."""
    options = {"learning_rate": 0.01, "tol": 1e-3, "patience": 4}
    one, data, _ = make()
    losses = one.train(*data, epochs=300, **options).history["loss"]
    assert 8 < len(losses) < 300
    net, *_ = make()
    some = []
    while len(some) < len(losses):
        some += net.train(*data, epochs=epochs, **options).history["loss"]
        net = there_and_back(net, tmp_path / "net", trainer=True)
    assert some == losses
    assert content(net) == content(one)
    net, *_ = make()
    net.train(*data, epochs=0, **options)
    assert all_of(there_and_back(net, tmp_path / "net", trainer=True)) == all_of(net)


class MyAdam(optimizers.Adam):
    pass


class MyDecay(schedules.ExponentialDecay):
    pass


class MyStopping(EarlyStopping):
    pass


OF_USERS = [
    pytest.param({"optimizer": MyAdam()}, id="optimizer"),
    pytest.param({"learning_rate": MyDecay(0.05, 0.9)}, id="schedule"),
    pytest.param({"learning_rate": schedules.WarmUp(MyDecay(0.05, 0.9), 2)}, id="inner schedule"),
    pytest.param({"callbacks": MyStopping(patience=50)}, id="callback"),
    pytest.param({"callbacks": EarlyStopping(restore_best=np.True_)}, id="bool of NumPy"),
    pytest.param({"callbacks": EarlyStopping(monitor=np.str_("val_loss"))}, id="str of NumPy"),
]


@pytest.mark.parametrize("of_user", OF_USERS)
@pytest.mark.parametrize("passed_on", [with_pickle, there_and_back], ids=["pickle", "file"])
def test_classes_of_users_do_not_prevent_it(of_user, passed_on, tmp_path):
    net, data, options = make()
    net.train(*data, **options | of_user, epochs=3)
    assert content(passed_on(net, tmp_path / "net")) == content(net)


@pytest.mark.parametrize("of_user", OF_USERS)
def test_classes_of_users_do_not_prevent_saving_with_the_trainer(of_user, tmp_path):
    """Or it is refused with a message about it."""
    net, data, options = make()
    net.train(*data, **options | of_user, epochs=3)
    try:
        loaded = there_and_back(net, tmp_path / "net", trainer=True)
    except TypeError as error:
        assert "JSON" not in str(error)  # noqa: PT017
    else:
        assert content(loaded) == content(net)
    assert {path.name for path in tmp_path.iterdir()} <= {"net"}


@dataclasses.dataclass(frozen=True)
class MySteps(schedules.Schedule):
    """With settings of all kinds."""

    rates_of_epochs: tuple
    inner: object = MyDecay(1.0, 0.5)
    between: object = max
    name: str = dataclasses.field(default="", compare=False)

    def rates(self, t):
        return np.asarray(self.rates_of_epochs)[np.minimum(t, 4).astype(int)]


MANY = tuple(np.linspace(0.1, 0.2, 3000).tolist())


@pytest.mark.parametrize(
    ("schedule", "equal", "others"),
    [
        (MyDecay(0.5, 1), MyDecay(np.float64(0.5), 1.0), [MyDecay(0.5, 0.25)]),
        (
            MySteps(MANY, name="a"), MySteps(tuple(np.array(MANY)), name="b"),
            [
                MySteps((*MANY[:-1], 0.3)), MySteps(MANY, MyDecay(1.0, 0.25)),
                MySteps(MANY, between=min),
            ],
        ),
    ],
    ids=["numbers", "all kinds"],
)  # fmt: skip
def test_an_equal_schedule_of_the_users_is_known_again(schedule, equal, others, tmp_path):
    """In a file by a digest, which is short."""
    net, data, options = make()
    options["learning_rate"] = schedule
    net.train(*data, **options, epochs=3)
    for given, time in ((schedule, 4), (equal, 4), *((other, 1) for other in others)):
        loaded = there_and_back(net, tmp_path / "net", trainer=True)
        loaded.train(*data, **options | {"learning_rate": given}, epochs=1)
        assert loaded._trainer.time == time


@pytest.mark.parametrize("other", [None, MyDecay(0.05, 0.8)], ids=["the same", "another"])
@pytest.mark.parametrize("passed_on", [with_pickle, there_and_back], ids=["pickle", "file"])
def test_training_goes_on_by_a_schedule_of_the_users(passed_on, other, tmp_path):
    """Which is known again by its class and its settings."""
    schedule = MyDecay(0.05, 0.9)
    net, data, options = make()
    options["learning_rate"] = schedule
    net.train(*data, **options, epochs=3)
    options["learning_rate"] = other or schedule
    more = {"trainer": True} if passed_on is there_and_back else {}
    found = passed_on(net, tmp_path / "net", **more).train(*data, **options, epochs=2)
    expected = net.train(*data, **options, epochs=2)
    assert found.history == expected.history
    assert found.history["learning_rate"][0] == schedule(0 if other else 3)


def test_parameters_that_are_not_finite_are_not_saved(tmp_path):
    """As the file could not be loaded."""
    net = Network([2, 1], seed=0)
    net.weights[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        net.save(tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


# The file


def trained_with_all(path):
    net, data, options = make()
    options |= {"learning_rate": SCHEDULES[5], "optimizer": "adam", "tol": 0.0, "patience": 99}
    options["callbacks"] = [EarlyStopping(patience=99), ModelCheckpoint(path, monitor="val_loss")]
    net.train(*data, **options, epochs=3)
    return net


@with_and_without_trainer
def test_the_bytes_depend_on_the_network_alone(trainer, tmp_path, monkeypatch):
    net = trained_with_all(tmp_path / "checkpoint")
    net.save(tmp_path / "one", trainer=trainer)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2030, 1, 2, 3, 4, 5, 6, 7, 0))
    net.save(tmp_path / "two", trainer=trainer)
    net.copy().save(tmp_path / "of a copy", trainer=trainer)
    Network.load(tmp_path / "one").save(tmp_path / "of one loaded", trainer=trainer)
    files = [(tmp_path / name).read_bytes() for name in ("one", "two", "of a copy")]
    assert len(set(files)) == 1
    assert (tmp_path / "of one loaded").read_bytes() == files[0]


@with_and_without_trainer
def test_numpy_reads_the_arrays(trainer, tmp_path):
    net = trained_with_all(tmp_path / "checkpoint")
    net.save(tmp_path / "net.npz", trainer=trainer)
    with np.load(tmp_path / "net.npz") as file:
        for i in range(2):
            np.testing.assert_array_equal(file[f"W{i}"], net.weights[i], strict=True)
            np.testing.assert_array_equal(file[f"b{i}"], net.biases[i], strict=True)
        assert json.loads(file["model.json"])["layer_sizes"] == [4, 8, 1]
        # Adam keeps 2, and early stopping the best and the last.
        n_arrays = 4 * (1 + trainer * (2 + 2))
        assert len(file.files) == 1 + n_arrays
        if trainer:
            m = net._layout.views(net._trainer.optimizer.part(0))[0][1]
            np.testing.assert_array_equal(file["optimizer0_W1"], m, strict=True)


def test_arrays_of_any_size_and_the_longest_description(tmp_path, monkeypatch):
    """Limits of 2 GB and of a million characters, made smaller here."""
    net = Network([4, 8, 1], seed=0)
    net.save(tmp_path / "net")
    with zipfile.ZipFile(tmp_path / "net") as file:
        length = file.getinfo("model.json").file_size
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", net.weights[0].nbytes // 2)
    monkeypatch.setattr(_model_file, "LONGEST_DESCRIPTION", length)
    net.save(tmp_path / "net")
    assert content(Network.load(tmp_path / "net")) == content(net)
    monkeypatch.setattr(_model_file, "LONGEST_DESCRIPTION", length - 1)
    with pytest.raises(ModelFileError, match=r"model\.json is too long"):
        Network.load(tmp_path / "net")
    with pytest.raises(ValueError, match=rf"must have at most {length - 1} characters"):
        net.save(tmp_path / "net")


def test_a_file_is_not_much_larger_than_its_numbers(tmp_path):
    """No padding, and nothing twice."""
    net = Network([1000, 33, 1], seed=0)
    net.save(tmp_path / "net")
    assert (tmp_path / "net").stat().st_size < 8 * net.n_parameters + 2500


@pytest.mark.parametrize("kind", [Path, str, os.fsencode])
@pytest.mark.parametrize("name", ["net", "net.npz", "a net.üñí", ".hidden", "{epoch}", "n" * 255])
def test_kinds_of_paths(kind, name, tmp_path, monkeypatch):
    net = Network([2, 1], seed=0)
    for folder in (tmp_path, Path()):
        monkeypatch.chdir(tmp_path)
        path = kind(folder / name)
        assert net.save(path) is None
        assert content(Network.load(path)) == content(net)
        assert os.listdir(tmp_path) == [name]
        os.remove(path)


@pytest.mark.parametrize("method", ["save", "load"])
@pytest.mark.parametrize("path", [None, 5, 1.0, ["net"], io.BytesIO, Path])
def test_what_is_no_path_is_refused(method, path):
    expected = (
        r'^path must be a path, or a file opened in binary mode, as by open\(..., "[rw]b"\), got'
    )
    with pytest.raises(TypeError, match=expected):
        getattr(Network([2, 1]), method)(path)


# Files that somebody else has opened


@contextlib.contextmanager
def member_of_a_zip(path, mode):
    with zipfile.ZipFile(path, mode[0]) as archive, archive.open("net", mode[0]) as file:
        yield file


@with_and_without_trainer
@pytest.mark.parametrize(
    "opened",
    [open, partial(open, buffering=0), gzip.open, member_of_a_zip],
    ids=["buffered", "raw", "gzip", "member of a zip"],
)
def test_open_files(opened, trainer, tmp_path):
    net = Network([2, 3, 1], seed=0)
    net.train([[1.0, 2.0]], [1.0], epochs=3, learning_rate=0.1, optimizer="adam")
    with opened(tmp_path / "file", "wb") as file:
        net.save(file, trainer=trainer)
    with opened(tmp_path / "file", "rb") as file:
        loaded = Network.load(file)
        assert file.read() == b""
    assert all_of(loaded) == all_of(net) if trainer else content(loaded) == content(net)


def test_a_temporary_file():
    net = Network([2, 3, 1], seed=0)
    with tempfile.TemporaryFile() as file:
        net.save(file)
        file.seek(0)
        assert content(Network.load(file)) == content(net)
    with tempfile.NamedTemporaryFile() as file:
        net.save(file)
        file.seek(0)
        assert content(Network.load(file)) == content(net)


def test_several_networks_in_one_file():
    """Each is written and read where the file is, and other things stand between."""
    nets = [Network([2, n, 1], seed=n) for n in (1, 2, 3)]
    table = pandas.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0]})  # whose names make a newer format
    nets[1].train(table, [0, 1], epochs=1, learning_rate=0.1)
    file = io.BytesIO(b"before")
    file.seek(0, io.SEEK_END)
    for net in nets:
        net.save(file)
        file.write(b"and")
    file.seek(len(b"before"))
    for net in nets:
        loaded = Network.load(file)
        assert content(loaded) == content(net)
        assert loaded.feature_names == net.feature_names
        assert file.read(3) == b"and"
    assert file.read() == b""
    file.seek(len(b"before"))
    assert content(Network.load(file)) == content(nets[0])


def test_save_writes_over_what_is_there_and_leaves_the_rest():
    file = io.BytesIO(b"x" * 100_000)
    Network([2, 1]).save(file)
    end = file.tell()
    assert file.read() == b"x" * (100_000 - end)
    file.seek(0)
    Network.load(file)
    assert file.tell() == end


class OneWay(io.RawIOBase):
    """A pipe, which has no places."""

    def __init__(self, content=b""):
        self.content = io.BytesIO(content)

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, room):
        part = self.content.read(min(100, len(room)))
        room[: len(part)] = part
        return len(part)

    def write(self, part):
        return self.content.write(part[:100])


def test_a_file_that_takes_and_gives_100_bytes_at_a_time():
    net, file = Network([20, 10], seed=0), OneWay()
    net.save(file)
    assert len(file.content.getvalue()) > 1000
    assert content(Network.load(OneWay(file.content.getvalue()))) == content(net)
    with pytest.raises(ModelFileError, match="OneWay has 4 bytes more behind its end"):
        Network.load(OneWay(file.content.getvalue() + b"more"))


@pytest.mark.parametrize("answer", [0, None])
def test_a_raw_file_that_takes_no_more(answer):
    class Full(OneWay):
        def write(self, part):
            return answer

    with pytest.raises(OSError, match=r"takes no more: .* bytes are left"):
        Network([2, 1]).save(Full())


def test_a_file_that_only_reads_and_writes():
    class Plain:
        def __init__(self):
            self.parts = []

        def write(self, part):
            self.parts.append(part)

        def read(self):
            return b"".join(self.parts)

    net, file = Network([2, 1], seed=0), Plain()
    net.save(file)
    assert content(Network.load(file)) == content(net)


@pytest.mark.parametrize("method", ["save", "load"])
def test_files_in_text_mode_are_refused(method, tmp_path):
    (tmp_path / "file").write_text("text")
    expected = r'path must be a file opened in binary mode, as by open\(..., "[rw]b"\)'
    with open(tmp_path / "file", "r+") as file, pytest.raises(TypeError, match=expected):
        getattr(Network([2, 1]), method)(file)
    assert (tmp_path / "file").read_text() == "text"
    with pytest.raises(TypeError, match=expected):
        getattr(Network([2, 1]), method)(io.StringIO("text"))


# Errors name the path that was given


@pytest.mark.parametrize("kind", [Path, str, os.fsencode])
def test_a_missing_folder_is_named(kind, tmp_path):
    path = kind(tmp_path / "no" / "such" / "net")
    with pytest.raises(FileNotFoundError) as error:
        Network([2, 1]).save(path)
    assert error.value.filename == os.fsdecode(path)
    folder = str(tmp_path / "no" / "such")
    assert f"path must be in a folder that exists, and {folder!r} does not" in str(error.value)


def test_a_folder_or_a_file_in_the_wrong_place_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    for path, kind in (
        ("folder", IsADirectoryError),
        ("", IsADirectoryError),
        ("folder/", IsADirectoryError),
        (os.path.join("file", "net"), NotADirectoryError),
    ):
        with pytest.raises(kind) as error:
            Network([2, 1]).save(path)
        assert error.value.filename == path
        assert "path must be" in str(error.value)


@posix_only
@pytest.mark.parametrize("place", ["os.fsync", "os.replace", "os.access"])
def test_no_permission_names_the_path(place, tmp_path, monkeypatch):
    path = str(tmp_path / "net")

    def refuse(*_):
        raise PermissionError(errno.EROFS, "Read-only file system", "another name")

    monkeypatch.setattr(place, refuse if place != "os.access" else lambda *_: False)
    with pytest.raises(OSError) as error:  # noqa: PT011 -- the name is looked at below
        Network([2, 1]).save(path)
    assert error.value.filename == path
    assert error.value.filename2 is None
    assert error.value.errno == (errno.EACCES if place == "os.access" else errno.EROFS)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("trainer", [None, 1, "yes"])
def test_trainer_is_true_or_false(trainer, tmp_path):
    with pytest.raises(TypeError, match=r"^trainer must be True or False, got"):
        Network([2, 1]).save(tmp_path / "net", trainer=trainer)
    assert os.listdir(tmp_path) == []


# Written whole or not at all


@posix_only
def test_a_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "net", tmp_path / "link"
    net = Network([2, 1], seed=0)
    for of_file in (b"something older", None):
        if of_file:
            real.write_bytes(of_file)
        else:
            real.unlink()
        link.unlink(missing_ok=True)
        link.symlink_to(Path("there") / "net")
        net.save(link)
        assert link.is_symlink()
        assert not real.is_symlink()
        assert content(Network.load(real)) == content(net)
    assert os.listdir(tmp_path / "there") == ["net"]


@posix_only
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o027, 0])
def test_the_mode_follows_the_umask(umask, tmp_path):
    before = os.umask(umask)
    try:
        Network([2, 1]).save(tmp_path / "net")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "net").stat().st_mode) == 0o666 & ~umask


def test_whoever_reads_an_older_file_reads_it_to_its_end(tmp_path):
    path = tmp_path / "net"
    Network([2, 1], seed=0).save(path)
    old = path.read_bytes()
    with open(path, "rb") as file:
        begun = file.read(50)
        Network([2, 1], seed=1).save(path)
        assert begun + file.read() == old
    assert path.read_bytes() != old


@posix_only
def test_what_is_on_the_disk_before_the_file_takes_its_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        calls.append(("fsync", os.readlink(f"/proc/self/fd/{descriptor}"), sizes(tmp_path)))
        fsync(descriptor)

    def noted_replace(source, target):
        calls.append(("replace", source, target))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    path = tmp_path / "net"
    Network([2, 1], seed=0).save(path)
    (_, temporary, then), replaced, (_, folder, _) = calls
    assert [call[0] for call in calls] == ["fsync", "replace", "fsync"]
    assert then == {temporary: path.stat().st_size}  # it was whole
    assert replaced == ("replace", temporary, str(path))
    assert folder == str(tmp_path)
    assert os.path.dirname(temporary) == folder


def sizes(folder):
    return {str(path): path.stat().st_size for path in folder.iterdir()}


class Stop(BaseException):
    """As sudden as KeyboardInterrupt, and not to be mistaken for the user's."""


@pytest.mark.parametrize("error", [OSError, PermissionError, KeyboardInterrupt, Stop, MemoryError])
@pytest.mark.parametrize("place", ["os.fsync", "os.replace", "write", "open"])
@pytest.mark.parametrize("older", [True, False])
def test_a_failure_leaves_the_older_file_and_no_other(error, place, older, tmp_path, monkeypatch):
    path = tmp_path / "net"
    if older:
        Network([2, 1], seed=1).save(path)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    reached = []

    def fail(*_):
        reached.append(place)
        raise error

    if place in ("write", "open"):
        monkeypatch.setattr(_files, "open", partial(broken_open, place, fail), raising=False)
    else:
        monkeypatch.setattr(place, fail)
    with pytest.raises(error) as failure:
        Network([2, 1], seed=0).save(path)
    assert type(failure.value) is error
    assert reached == [place]
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


def broken_open(place, fail, path, mode):
    """A file that is full after 100 bytes, or that exists no sooner than it fails."""
    file = open(path, mode, buffering=0)  # noqa: SIM115
    if place == "open":
        file.close()
        fail()

    class Full(contextlib.AbstractContextManager):
        def write(self, content):
            file.write(content[:100])
            fail()

        def __exit__(self, *_):
            file.close()

    return Full()


@posix_only
def test_a_full_disk(tmp_path):
    """A limit of the system's stands for it."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    path = tmp_path / "net"
    Network([2, 1], seed=1).save(path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(OSError, match="large"):
            Network([99, 99]).save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert os.listdir(tmp_path) == ["net"]
    assert path.read_bytes() == before


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "net").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 -- which one depends on the system
        Network([2, 1]).save(tmp_path / "net")
    assert os.listdir(tmp_path) == ["net"]
    with pytest.raises(FileNotFoundError):
        Network([2, 1]).save(tmp_path / "no" / "net")
    assert os.listdir(tmp_path) == ["net"]


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o400])
def test_the_mode_of_a_file_that_is_replaced_stays(mode, tmp_path):
    path, link = tmp_path / "net", tmp_path / "link"
    Network([1, 1], seed=0).save(path)
    path.chmod(mode)
    link.symlink_to(path)
    for to in (path, link):
        net = Network([2, 2], seed=1)
        net.save(to)
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert all_of(Network.load(path))[0] == all_of(net)[0]


@posix_only
def test_the_mode_of_a_new_file_is_that_of_others(tmp_path):
    Network([1, 1]).save(tmp_path / "net")
    (tmp_path / "other").write_bytes(b"")
    assert (tmp_path / "net").stat().st_mode == (tmp_path / "other").stat().st_mode
