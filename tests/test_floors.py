"""The house has floors: a module imports from lower ones, and no two import each other."""

import ast
from pathlib import Path

import pytest

import fastnn

HOUSE = Path(fastnn.__file__).parent
# From the ground up. What stands on one floor knows nothing of each other.
# fmt: off
FLOORS = [
    {
        "_core.kernels", "_drawing", "_once", "_value_object", "_warnings", "_words", "exceptions",
        "export._exported",
    },
    {"_core.layout", "_core.samples", "_checks", "export._c_functions"},
    {
        "_core.chunks", "_core.teams", "_files", "_tables", "datasets",
        "export._models", "plot._axes", "threads",
    },
    {"_data_checks", "_core.pace", "export._onnx", "plot._history", "plot._rates"},
    {
        "_core.model", "_initializers", "export._skl2onnx", "history", "optimizers",
        "preprocessing", "schedules",
    },
    {
        "_core.data", "_self_test", "_standardizing", "_summary", "_training.trainer_state",
        "export._c_words",
    },
    {"_rows"},
    {
        "_training.bar", "_training.forms", "_training.orders", "_training.task",
        "_training.unscaled", "metrics",
    },
    {"callbacks", "export._outputs"},
    {"_training.course", "export._program"},
    {"_model_file", "export._c", "_training.watching", "_training.single_steps"},
    {"_training.loop"},
    {"interop._layers"},
    {f"interop._{name}" for name in ("fann", "keras", "safetensors", "scikit_learn", "torch")},
    {"export", "interop"},
    {"_exchange"},
    {"_backward"},
    {"network", "_training.together"},
    {"many", "plot._inputs", "rates"},
    {
        f"plot._{name}"
        for name in ("boundary", "calibration", "confusion", "images", "network", "roc")
    },
    {"plot._animation"},
    {"plot"},
    {"_demo", "river._data_checks", "sklearn._scikit_learn", "sklearn._patching"},
    {"river._growing", "sklearn._lbfgs", "sklearn._held_out", "sklearn._optimizers"},
    {"river", "sklearn._parameters", "sklearn._steps"},
    {"sklearn._fits"},
    {"sklearn._many"},
    {"sklearn._ensembles"},
    {"sklearn"},
    {"", "sklearn.__main__"},
    {"_command.streams"},
    {"_command.reading"},
    {"_command.cells"},
    {"_command.encoding"},
    {"_command.deciding", "_command.learning"},
    {"_command.training", "_command.verbs"},
    {"_command.arguments"},
    {"__main__"},
]
# fmt: on
FLOOR_OF = {name: i for i, floor in enumerate(FLOORS) for name in floor}


def name_of(path):
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name_of(path): ast.parse(path.read_text(encoding="utf-8"))
    for path in HOUSE.rglob("*.py")
    if path.parent.name != "data"
}


def imported(tree):
    """Modules of fastnn that a module imports, but for the sake of types."""
    for_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", None) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and node not in for_types:
            for one in node.names:
                if one.name.partition(".")[0] == "fastnn":
                    yield one.name.removeprefix("fastnn").removeprefix(".")
        if isinstance(node, ast.ImportFrom) and node not in for_types and node.module:
            base = node.module.removeprefix("fastnn").removeprefix(".")
            if node.module.partition(".")[0] == "fastnn":
                for one in node.names:
                    inner = f"{base}.{one.name}".removeprefix(".")
                    yield inner if inner in MODULES else base


def test_each_module_has_a_floor():
    without_own_names = {"_command", "_core", "_training"}
    assert MODULES.keys() - without_own_names == FLOOR_OF.keys()
    for package in without_own_names:
        assert len(MODULES[package].body) == 1, "a docstring, and nothing to import from it"


@pytest.mark.parametrize("name", sorted(FLOOR_OF))
def test_imports_go_down(name):
    upward = {one for one in imported(MODULES[name]) if FLOOR_OF[one] >= FLOOR_OF[name]}
    assert upward == set()


def test_the_network_is_found_to_import_the_loop():
    assert "_training.loop" in set(imported(MODULES["network"]))
