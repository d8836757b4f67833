"""What all ways to and from other libraries have in common."""

import inspect
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor

from fastnn import ModelFileError, Network, interop

NET = Network([2, 3, 1], activation="tanh", seed=0)
WRITERS = [name for name in interop.__all__ if name in ("to_fann", "to_safetensors")]
READERS = ["from_fann", "from_safetensors"]
needs_posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")


def test_import_of_fastnn_imports_none_of_it():
    program = "import sys, fastnn; print(*sys.modules)"
    command = [sys.executable, "-P", "-c", program]
    found = set(subprocess.check_output(command, text=True).split())
    assert "fastnn.network" in found
    assert found.isdisjoint({"fastnn.interop", "torch", "keras", "safetensors", "sklearn"})


@pytest.mark.parametrize("name", interop.__all__)
def test_each_function_is_a_method_that_says_so(name):
    function, method = getattr(interop, name), getattr(Network, name)
    assert f"fastnn.interop.{name}" in method.__doc__
    for word in ("Parameters", "Raises"):
        assert f"\n{word}\n-----" in inspect.getdoc(function)


@pytest.mark.parametrize(
    ("module", "extra", "call"),
    [
        ("torch", "torch", lambda path: NET.to_torch()),
        ("safetensors.numpy", "safetensors", NET.to_safetensors),
        ("safetensors.numpy", "safetensors", Network.from_safetensors),
    ],
)
def test_what_is_not_installed(module, extra, call, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf'needs .*: .*pip install "fastnn\[{extra}\]"$'):
        call(tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "module"), [("from_torch", "torch"), ("from_keras", "keras"), ("from_sklearn", "")]
)
def test_nothing_is_imported_to_refuse_an_object(name, module, monkeypatch):
    """Whoever has a model of a library has imported that."""
    for one in ("torch", "keras", "sklearn.neural_network"):
        monkeypatch.delitem(sys.modules, one, raising=False)
    with pytest.raises(TypeError, match=r"^(module|model) must be .*, got object"):
        getattr(Network, name)(object())
    assert module not in sys.modules


@pytest.mark.parametrize("name", ["from_fann", "from_safetensors", "from_sklearn"])
def test_a_class_of_ones_own(name, tmp_path):
    class Own(Network):
        pass

    given = tmp_path / "net"
    if name == "from_sklearn":
        given = MLPRegressor(solver="lbfgs").fit(np.eye(2), np.ones(2))
    else:
        getattr(NET, name.replace("from", "to"))(given)
    assert type(getattr(Own, name)(given)) is Own


@pytest.mark.parametrize("name", WRITERS)
def test_a_path_that_cannot_be_written_leaves_nothing_behind(name, tmp_path, monkeypatch):
    write = getattr(NET, name)
    (tmp_path / "folder").mkdir()
    for path, kind in (
        (tmp_path / "no" / "net", FileNotFoundError),
        (tmp_path / "folder", IsADirectoryError),
    ):
        with pytest.raises(kind) as error:
            write(path)
        assert error.value.filename == str(path)

    def fail(*_):
        raise PermissionError(13, "refused")

    (tmp_path / "net").write_bytes(b"older")
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(PermissionError):
        write(tmp_path / "net")
    assert sorted(os.listdir(tmp_path)) == ["folder", "net"]
    assert (tmp_path / "net").read_bytes() == b"older"
    monkeypatch.undo()
    write(tmp_path / "net")
    assert (tmp_path / "net").read_bytes() != b"older"


@pytest.mark.parametrize("name", [*WRITERS, *READERS])
@pytest.mark.parametrize("path", [None, 3, ["net"]])
def test_what_is_no_path(name, path):
    with pytest.raises(TypeError, match=r"^path must be a path, got"):
        getattr(NET, name)(path)


@needs_posix
@pytest.mark.parametrize("name", READERS)
def test_files_that_cannot_be_read(name, tmp_path):
    read = getattr(Network, name)
    os.mkfifo(tmp_path / "pipe")  # at which open would wait for ever
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ModelFileError, match=r"^'.*' is no regular file$"):
            read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        read(tmp_path)


def test_words_of_others_are_explained():
    with pytest.raises(TypeError, match=r"from_torch\(\) has no argument 'criterion': write loss="):
        Network.from_torch(None, criterion="mse")
    with pytest.raises(TypeError, match=r"from_keras\(\) has no argument 'random_state': write se"):
        Network.from_keras(None, random_state=0)
