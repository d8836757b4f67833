"""The scripts that type checkers read (``nox -s lint``) run, and leave out no public class."""

import inspect
import subprocess
import sys
from pathlib import Path

import fastnn
from fastnn import callbacks, metrics, optimizers, plot, schedules

SCRIPT = Path(__file__).with_name("typed_script.py")
SKLEARN_SCRIPT = Path(__file__).with_name("typed_sklearn_script.py")
FILES = {"moons.gif", "net.net", "net.safetensors"}
INTERNAL = {"EpochLogs", "Monitor", "State"}


def test_it_runs(tmp_path):
    command = [sys.executable, "-W", "error", SCRIPT]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert [line.split(" ")[0] for line in done.stdout.splitlines()[-2:]] == ["the", "training"]
    assert {path.name for path in tmp_path.iterdir()} == {"log.csv", "net", *FILES}


def test_that_of_estimators_runs(tmp_path):
    command = [sys.executable, "-W", "error", SKLEARN_SCRIPT]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True"]


def test_it_has_each_public_class():
    text = SCRIPT.read_text(encoding="utf-8")
    for module in (fastnn, callbacks, optimizers, schedules):
        for name, one in inspect.getmembers(module, inspect.isclass):
            is_its_own = module is fastnn or one.__module__ == module.__name__
            if is_its_own and name not in INTERNAL:
                assert f".{name}" in text or f" {name}" in text, name


def test_it_has_each_picture():
    text = SCRIPT.read_text(encoding="utf-8")
    for name in plot.__all__:
        assert f"plot.{name}." in text or f"plot.{name}(" in text, name


def test_it_has_each_metric():
    text = SCRIPT.read_text(encoding="utf-8")
    for name in (*metrics.METRICS, "confusion_matrix"):
        assert f"metrics.{name}" in text, name


def test_types_are_installed():
    assert (Path(fastnn.__file__).parent / "py.typed").exists()
