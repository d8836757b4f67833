"""skl2onnx's converters for the estimators of fastnn.sklearn.

skl2onnx looks up converters by a model's type, in a table of its own, and asks neither the model
nor entry points; methods that it knows of a model go without its options, such as zipmap. So the
estimators must be in the table before skl2onnx is asked. Where skl2onnx has been imported first,
they are put there at once. Else a finder waits for its import, and is gone with it: to import
skl2onnx here would take a quarter of a second of all who do not use it, and to look for it at a fit
would miss those who import it afterwards, as in a notebook.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from fastnn.export._exported import Exported

OPTIONS = {  # those of scikit-learn's MLPClassifier
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
}
LOWEST_OPSET = 9  # of our operators


def register_when_imported(classifiers: Sequence[type], regressors: Sequence[type]) -> None:
    """As soon as skl2onnx is there."""

    def register() -> None:
        try:
            _register(classifiers, regressors)
        except Exception as error:  # it is somebody else's import
            warnings.warn(
                f"this version of skl2onnx does not take the converters of fastnn.sklearn ({error})"
                "; fastnn.export.to_onnx does without it",
                stacklevel=2,
            )

    if "skl2onnx" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _Waiting("skl2onnx", register))


class _Waiting(MetaPathFinder):
    """Calls a function when a module has been imported, once."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self.name, self.then = name, then

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the others find, with a loader that calls the function in the end."""
        if fullname != self.name:
            return None
        others = [one for one in sys.meta_path if one is not self and hasattr(one, "find_spec")]
        found = (one.find_spec(fullname, path, target) for one in others)
        spec = next((one for one in found if one is not None), None)
        loader: Any = None if spec is None else spec.loader
        if loader is None:
            return spec
        load = loader.exec_module

        def load_and_tell(module: ModuleType) -> None:
            load(module)
            with contextlib.suppress(ValueError):  # somebody else has removed it
                sys.meta_path.remove(self)
                self.then()

        loader.exec_module = load_and_tell
        return spec


def _register(classifiers: Sequence[type], regressors: Sequence[type]) -> None:
    from skl2onnx import update_registered_converter

    for one in classifiers:
        update_registered_converter(
            one, f"Fastnn{one.__name__}", _classifier_shapes, _convert_classifier, options=OPTIONS
        )
    for one in regressors:
        update_registered_converter(
            one, f"Fastnn{one.__name__}", _regressor_shapes, _convert_regressor
        )


def _classifier_shapes(operator: Any) -> None:
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    from fastnn.export import _onnx

    first = _onnx.members(operator.raw_operator)[0]
    calculate_linear_classifier_output_shapes(operator)
    if first.kind == "multilabel":
        operator.outputs[0].type.shape = operator.outputs[1].type.shape


def _regressor_shapes(operator: Any) -> None:
    from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes

    from fastnn.export import _onnx

    first = _onnx.members(operator.raw_operator)[0]
    calculate_linear_regressor_output_shapes(operator)
    n = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type.shape = [n, first.layer_sizes[-1]]


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    options = container.get_options(operator.raw_operator, {"nocl": False})
    _insert(scope, operator, container, ids=bool(options["nocl"]))


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    _insert(scope, operator, container)


def _insert(scope: Any, operator: Any, container: Any, ids: bool = False) -> None:
    """Our graph among skl2onnx's nodes: in float64 for float64, else in float32, as all of it."""
    from onnx import TensorProto, helper
    from skl2onnx.common.data_types import guess_proto_type

    from fastnn.export import _onnx

    def new_name(name: str) -> Any:
        if name not in names:
            names[name] = scope.get_unique_variable_name(name)
        return names[name]

    def add_node(kind: str, name: str, inputs: Any, outputs: Any, **attributes: Any) -> None:
        name = scope.get_unique_operator_name(name)
        container.add_node(kind, inputs, outputs, name=name, op_version=LOWEST_OPSET, **attributes)

    is_double = guess_proto_type(operator.inputs[0].type) == TensorProto.DOUBLE
    dtype = np.dtype(np.float64 if is_double else np.float32)
    networks = [_in_dtype(one, dtype) for one in _onnx.members(operator.raw_operator)]
    graph = _onnx.model_of(networks, ids=ids).graph
    names = {
        ours.name: theirs.full_name
        for ours, theirs in zip(graph.output, operator.outputs, strict=True)
    }
    to = helper.np_dtype_to_tensor_dtype(dtype)
    add_node("Cast", "Cast", [operator.inputs[0].full_name], [new_name("X")], to=to)
    for tensor in graph.initializer:
        kind, dims = tensor.data_type, tensor.dims
        is_text = kind == TensorProto.STRING
        content = [dims, list(tensor.string_data)] if is_text else [None, tensor]
        container.add_initializer(new_name(tensor.name), kind, *content)
    for node in graph.node:
        attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        inputs, outputs = map(new_name, node.input), map(new_name, node.output)
        add_node(node.op_type, node.name, [*inputs], [*outputs], **attributes)


def _in_dtype(network: Exported, dtype: np.dtype[Any]) -> Exported:
    with np.errstate(over="ignore"):
        weights, biases = (
            [one.astype(dtype) for one in arrays] for arrays in (network.weights, network.biases)
        )
    for i, one in enumerate([*weights, *biases]):
        if not np.isfinite(one).all():
            name = "weights" if i < len(weights) else "biases"
            raise ValueError(
                f"{name}[{i % len(weights)}], of layer {i % len(weights) + 1}, exceed float32, in "
                "which skl2onnx has the model for this input; give it samples of float64"
            )
    return replace(network, weights=weights, biases=biases)
