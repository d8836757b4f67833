"""The implementations, one module each.

For each kind of work that it can do, a module offers a function of the kind's name that takes a
workload, prepares it, and returns the work as a callable without arguments, which starts afresh
each time and is what gets timed::

    def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]
    def mini_batch_sgd(workload: Workload) -> Callable[[], Parameters]
    def adam(workload: Workload) -> Callable[[], Parameters]
    def one_update(workload: Workload) -> Callable[[], Parameters]
    def one_prediction(workload: Workload) -> Callable[[], list[Floats]]
    def batch_prediction(workload: Workload) -> Callable[[], Floats]
    def many_networks(workload: Workload) -> Callable[[], Parameters]

Training starts from ``workload.start`` and returns the parameters that it ends with. A
prediction returns the outputs, for each sample by itself or as an array of all. The function
returns None where the module cannot do a workload.

``comparable(workload)``, where a module has it, is the workload on which the module must come to
fastnn's result, for modules that cannot compute quite the same on all of them.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import ModuleType

from benchmarks.workloads import Workload

Work = Callable[[], object]

# In the order in which reports show them.
MODULES = {
    "fastnn": "with_fastnn",
    "Numba": "with_numba",
    "Numba, zeros skipped": "with_numba_zero_skip",
    "JAX": "with_jax",
    "JAX 0.4": "with_jax_04",
    "PyTorch": "with_pytorch",
    "torch.func": "with_torch_func",
    "scikit-learn": "with_scikit_learn",
    "ONNX Runtime": "with_onnx_runtime",
    "mlpfile": "with_mlpfile",
    "FANN": "with_fann",
    "NumPy": "with_numpy",
    "pure Python": "pure_python",
}

# fastnn made to take a form of per-sample SGD, instead of choosing it.
FORMS = {f"fastnn {form}": form for form in ("direct", "fused", "zero_skip", "blocked")}

OWN = ("fastnn", *FORMS)
IMPLEMENTATIONS = (*OWN, *(name for name in MODULES if name not in OWN))


def load(name: str) -> ModuleType | None:
    """The module of an implementation, or None where the library that it needs is missing."""
    try:
        return import_module(f"{__name__}.{MODULES['fastnn' if name in FORMS else name]}")
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] in ("benchmarks", "fastnn", "tests"):
            raise
        return None


def prepare(name: str, workload: Workload) -> Work | None:
    """The work of an implementation, or None where it cannot do the workload."""
    function = getattr(load(name), workload.kind, None)
    if name in FORMS:
        if workload.kind != "per_sample_sgd" or not load(name).takes_a_form():
            return None
        function = partial(function, form=FORMS[name])
    return function and function(workload)


def comparable(name: str, workload: Workload) -> Workload:
    """The workload on which an implementation must come to the result of fastnn."""
    return getattr(load(name), "comparable", lambda workload: workload)(workload)
