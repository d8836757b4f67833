"""The examples in docstrings run, and give what stands there."""

import doctest
import importlib
import pkgutil

import matplotlib
import pytest
from matplotlib import pyplot

import fastnn
import fastnn.plot

matplotlib.use("Agg")

MODULES = [
    module.name
    for module in pkgutil.iter_modules(fastnn.__path__)
    if not module.name.startswith("_")
] + ["sklearn._many", "sklearn._patching"]  # whose functions are public elsewhere
NEEDED = {"keras": "keras", "scikit_learn": "sklearn", "torch": "torch"}
MODULES += [f"interop._{name}" for name in ("fann", "safetensors", *NEEDED)]
MODULES += [f"plot.{module.name}" for module in pkgutil.iter_modules(fastnn.plot.__path__)]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name.startswith("interop._"):
        monkeypatch.setenv("KERAS_BACKEND", "torch")
        pytest.importorskip(NEEDED.get(name.removeprefix("interop._"), "fastnn"))
    try:
        assert not doctest.testmod(importlib.import_module(f"fastnn.{name}")).failed
    finally:
        pyplot.close("all")


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [importlib.import_module(f"fastnn.{name}") for name in MODULES]
    assert sum(len(test.examples) for module in modules for test in finder.find(module)) > 15
