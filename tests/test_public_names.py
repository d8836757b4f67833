"""What users see: names that the reference has, each with a docstring."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastnn
from fastnn import metrics, optimizers, schedules

DOCS = Path(__file__).parents[1] / "docs"
TABLE = (DOCS / "reference/index.md").read_text(encoding="utf-8")
DOCUMENTED = set(re.findall(r"`fastnn\.(\w+)`", TABLE))


def test_dir_has_what_the_reference_documents():
    program = "import fastnn; print(*[n for n in dir(fastnn) if not n.startswith('_')])"
    command = [sys.executable, "-P", "-c", program]
    printed = subprocess.check_output(command, text=True, cwd=Path(__file__).parent)
    assert {*printed.split(), "export", "interop", "plot", "sklearn", "river"} == DOCUMENTED


@pytest.mark.parametrize("name", ["train_many", "find_learning_rate", "LearningRateCurve"])
def test_a_name_is_what_its_module_has(name):
    """Also if it is first asked for while it is patched, in a process of its own."""
    program = f"""
from unittest import mock
import fastnn
from fastnn import many, rates
module = {"many" if name == "train_many" else "rates"}
with mock.patch.object(module, {name!r}) as other:
    assert fastnn.{name} is other
assert fastnn.{name} is module.{name} is not other
"""
    subprocess.run([sys.executable, "-P", "-c", program], check=True)


def test_what_is_not_there():
    with pytest.raises(
        AttributeError, match="module 'fastnn' has no attribute 'train_mny'"
    ) as info:
        print(fastnn.train_mny)
    assert info.value.name == "train_mny"
    assert info.value.obj is fastnn


def test_what_can_be_given_by_name_is_public():
    assert set(metrics.METRICS) <= set(metrics.__all__)
    for module, kinds in ((optimizers, optimizers.KINDS), (schedules, schedules.SCHEDULES)):
        assert {kind.__name__ for kind in kinds} <= set(module.__all__)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_each_name_has_a_docstring(name):
    try:
        found = importlib.import_module(f"fastnn.{name}")
    except ModuleNotFoundError:
        found = getattr(importlib.import_module("fastnn"), name)
    assert inspect.getdoc(found)
    if not inspect.ismodule(found):
        return
    own = {one: getattr(found, one) for one in found.__all__}
    assert [one for one, value in own.items() if not value.__doc__] == []
    row = next(line for line in TABLE.splitlines() if f"`fastnn.{name}`" in line)
    names = set(re.findall(r"`(?:fastnn\.)?([A-Z]\w*)`", row))
    assert names <= {*own, *fastnn.__all__}
    for one, value in own.items():
        if inspect.isclass(value):
            undocumented = [
                f"{one}.{method}"
                for method, function in vars(value).items()
                if inspect.isfunction(function) and not method.startswith("_")
                if not inspect.getdoc(getattr(value, method))
            ]
            assert undocumented == []


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_each_name_has_a_page_of_the_reference(name):
    pages = "\n".join(page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md"))
    entries = set(re.findall(r"^   ([\w.]+)$", pages, re.MULTILINE))
    try:
        module = importlib.import_module(f"fastnn.{name}")
    except ModuleNotFoundError:  # what modules have is in their pages
        module = sys.modules[getattr(fastnn, name).__module__]
        if module is not fastnn:
            assert name in entries
        return
    assert set(module.__all__) <= {entry.rpartition(".")[2] for entry in entries}
