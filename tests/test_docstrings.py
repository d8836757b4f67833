"""The examples in docstrings run, and give what stands there."""

import doctest
import importlib
import pkgutil

import pytest

import fastnn

MODULES = [
    module.name
    for module in pkgutil.iter_modules(fastnn.__path__)
    if not module.name.startswith("_")
] + ["sklearn._many", "sklearn._patching"]  # whose functions are public elsewhere


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert not doctest.testmod(importlib.import_module(f"fastnn.{name}")).failed


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [importlib.import_module(f"fastnn.{name}") for name in MODULES]
    assert sum(len(test.examples) for module in modules for test in finder.find(module)) > 15
