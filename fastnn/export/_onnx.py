"""Models as graphs of ONNX.

They consist of operators that mean the same, of matrices, from opset 9 on, and that ONNX Runtime
computes on the CPU in both widths from 1.14 on: what it has in float32 alone, or with an attribute
that is rounded to float32, is put together from others in float64. Nor are there patterns that some
of its versions replace by one operator, which they do not have in float64: a Gemm before an
activation (before 1.18), and z Sigmoid(z) (from 1.15 to 1.29). Names are C identifiers, as the
specification demands, of the letters that CONTRIBUTING.md has.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks
from fastnn.export._models import exported

try:
    import onnx
    from onnx import helper, numpy_helper
except ImportError as error:
    raise ImportError('to_onnx needs onnx: install it with pip install "fastnn[onnx]"') from error

if TYPE_CHECKING:
    from fastnn.export._exported import Exported

Array = np.ndarray[Any, Any]

OPSET, IR_VERSION = 17, 8  # what ONNX Runtime 1.14, of February 2023, can read
LONGEST = 2**31 - 1  # bytes of a message of protobuf's
FOR_AN_ARRAY = 2**13  # of them, for its name, and its share of all that is none


class Graph:
    """Nodes in the order in which they compute, and constants."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.place = ""  # with which the names of nodes begin
        self._n_named: Counter[str] = Counter()

    def constant(self, name: str, value: Array) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(value, name)
        return name

    def number(self, name: str, value: float) -> str:
        return self.constant(name, np.array(value, self.dtype))

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """The name of its output, which is that of the node."""
        name = f"{self.place}{operator}"
        self._n_named[name] += 1
        if self._n_named[name] > 1:
            name += f"_{self._n_named[name]}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def cast(self, value: str, dtype: Any) -> str:
        return self.node("Cast", value, to=_type(dtype))

    def call_last(self, name: str) -> str:
        """Another name for the output of the last node."""
        self.nodes[-1].output[0] = name
        return name


def _identity(graph: Graph, z: str) -> str:
    return z


def _step(graph: Graph, z: str) -> str:
    return graph.cast(graph.node("Greater", z, graph.number("zero", 0)), graph.dtype)


def _leaky_relu(graph: Graph, z: str) -> str:
    """max(z, 0.01 z)"""
    return graph.node("Max", z, graph.node("Mul", z, graph.number("slope", 0.01)))


def _elu(graph: Graph, z: str) -> str:
    """max(0, z) + e^min(0, z) - 1; e^z - 1 = 2t / (1 - t), t = tanh(z/2), keeps all digits at 0"""
    zero, one, two = graph.number("zero", 0), graph.number("one", 1), graph.number("two", 2)
    t = graph.node("Tanh", graph.node("Div", graph.node("Min", z, zero), two))
    below = graph.node("Div", graph.node("Mul", t, two), graph.node("Sub", one, t))
    return graph.node("Add", graph.node("Max", z, zero), below)


def _softplus(graph: Graph, z: str) -> str:
    """max(0, z) + log(1 + e^-|z|)"""
    power = graph.node("Exp", graph.node("Neg", graph.node("Abs", z)))
    rest = graph.node("Log", graph.node("Add", power, graph.number("one", 1)))
    return graph.node("Add", graph.node("Max", z, graph.number("zero", 0)), rest)


def _silu(graph: Graph, z: str) -> str:
    """z / (1 + e^-z), which is 0 where the power is infinite"""
    return _over_one_plus_exp(graph, z, graph.node("Neg", z))


def _gelu(graph: Graph, z: str) -> str:
    """z/2 (1 + tanh(u)) = z / (1 + e^-2u), u = √(2/π) z (1 + 0.044715 z²)"""
    cubic = graph.node("Mul", graph.node("Mul", z, z), graph.number("cubic", 0.044715))
    factor = graph.node("Add", cubic, graph.number("one", 1))
    linear = graph.node("Mul", z, graph.number("linear", -2 * math.sqrt(2 / math.pi)))
    return _over_one_plus_exp(graph, z, graph.node("Mul", linear, factor))


def _over_one_plus_exp(graph: Graph, z: str, power: str) -> str:
    one = graph.number("one", 1)
    return graph.node("Div", z, graph.node("Add", graph.node("Exp", power), one))


Operator = Callable[[Graph, str], str]


def _operator(name: str, **attributes: Any) -> Operator:
    return lambda graph, z: graph.node(name, z, **attributes)


IN_FLOAT64: dict[str, Operator] = {
    "identity": _identity,
    "step": _step,
    "sigmoid": _operator("Sigmoid"),
    "tanh": _operator("Tanh"),
    "relu": _operator("Relu"),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "softplus": _softplus,
    "silu": _silu,
    "gelu": _gelu,
    "exp": _operator("Exp"),
    "softmax": _operator("Softmax", axis=1),
}
# One operator each, for all who know these operators.
IN_FLOAT32 = IN_FLOAT64 | {
    "leaky_relu": _operator("LeakyRelu", alpha=0.01),
    "elu": _operator("Elu", alpha=1.0),
    "softplus": _operator("Softplus"),
}


def members(model: Any) -> list[Exported]:
    """The networks whose mean output is a model's: of an ensemble several, else one."""
    return [exported(one) for one in _apart(model)]


def _apart(model: Any) -> list[Any]:
    """What each member of an ensemble would be in its place, such as at a pipeline's end."""
    if callable(getattr(type(model), "_exportable_members", None)):
        return list(model._exportable_members())
    if not isinstance(getattr(model, "steps", None), list) or not model.steps:
        return [model]
    *before, (name, last) = model.steps
    ends = _apart(last)
    return [model] if ends[0] is last else [type(model)([*before, (name, one)]) for one in ends]


def model_of(networks: Sequence[Exported], *, ids: bool = False) -> onnx.ModelProto:
    """The mean of networks, and what it means. ids: labels are the places of classes."""
    first = networks[0]
    _check_size(networks)
    graph = Graph(first.dtype)
    outputs = _outputs(graph, _mean(graph, networks), first, ids)
    X = helper.make_tensor_value_info("X", _type(first.dtype), [None, first.layer_sizes[0]])
    made = helper.make_graph(graph.nodes, "fastnn", [X], outputs, list(graph.constants.values()))
    package = sys.modules["fastnn"]  # which stands above, and is there
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="fastnn", producer_version=package.__version__,
    )  # fmt: skip
    if first.feature_names is not None:  # JSON is ASCII, whatever protobuf might refuse
        helper.set_model_props(model, {"feature_names": json.dumps(first.feature_names)})
    return model


def _check_size(networks: Sequence[Exported]) -> None:
    arrays = [one for network in networks for one in (*network.weights, *network.biases)]
    n_bytes = sum(one.nbytes + FOR_AN_ARRAY for one in arrays)
    if n_bytes > LONGEST:
        hint = "" if arrays[0].itemsize == 4 else '; a network of dtype="float32" takes half of it'
        raise ValueError(
            f"the network has {n_bytes:,} bytes, and a model of ONNX is one message of protobuf's, "
            f"which has at most {LONGEST:,}; save(path) has no such limit{hint}"
        )


def _mean(graph: Graph, networks: Sequence[Exported]) -> str:
    """Summed one by one, as by the ensemble itself."""
    if len(networks) == 1:
        return _layers(graph, networks[0], "")
    outputs = [_layers(graph, one, f"member_{i}_") for i, one in enumerate(networks, 1)]
    graph.place = "mean_"
    total = outputs[0]
    for a in outputs[1:]:
        total = graph.node("Add", total, a)
    return graph.node("Div", total, graph.number("n_members", len(networks)))


def _layers(graph: Graph, network: Exported, member: str) -> str:
    operators = IN_FLOAT32 if network.dtype == np.float32 else IN_FLOAT64
    a = "X"
    layers = zip(network.weights, network.biases, network.activations, strict=True)
    for i, (W, b, activation) in enumerate(layers, 1):
        graph.place = f"{member}layer_{i}_"
        product = graph.node("MatMul", a, graph.constant(f"{member}W_{i}", W))
        graph.node("Add", product, graph.constant(f"{member}b_{i}", b))
        a = operators[activation](graph, graph.call_last(f"{member}z_{i}"))
        if activation != "identity":
            a = graph.call_last(f"{member}a_{i}")
    return a


def _outputs(graph: Graph, a: str, found: Exported, ids: bool) -> list[onnx.ValueInfoProto]:
    """Those of the graph, of an output a that its last node makes. Names are skl2onnx's."""
    n_outputs, dtype = found.layer_sizes[-1], _type(found.dtype)
    graph.place = ""
    if found.kind in ("network", "regressor"):
        name = graph.call_last("Y" if found.kind == "network" else "variable")
        return [helper.make_tensor_value_info(name, dtype, [None, n_outputs])]
    assert found.classes is not None
    classes = labels(found.classes, ids)
    if found.kind == "multilabel":
        graph.call_last("probabilities")
        is_there = graph.node("Greater", "probabilities", graph.number("half", 0.5))
        graph.cast(is_there, np.int64)
        shape = [None, n_outputs]
    else:
        if n_outputs == 1:
            graph.node("Concat", graph.node("Sub", graph.number("one", 1), a), a, axis=1)
        graph.call_last("probabilities")
        place = graph.node("ArgMax", "probabilities", axis=1, keepdims=0)
        graph.node("Gather", graph.constant("classes", classes), place)
        shape = [None]
    graph.call_last("label")
    kind = _type(np.int64 if found.kind == "multilabel" else classes.dtype)
    return [
        helper.make_tensor_value_info("label", kind, shape),
        helper.make_tensor_value_info("probabilities", dtype, [None, len(classes)]),
    ]


def labels(classes: tuple[Any, ...], ids: bool = False) -> Array:
    """As ONNX may have them: int64, as which skl2onnx has booleans and whole floats too; or texts.

    ids: their places instead.
    """
    if len(classes) < 2:
        raise ValueError(
            f"the classifier knows the class {classes[0]!r} alone, of which ONNX has no "
            "probabilities; fit it to samples of two classes or more"
        )
    if ids:
        return np.arange(len(classes))
    remedy = "; fit to LabelEncoder().fit_transform(y)"
    if all(isinstance(one, str) for one in classes):
        for one in classes:
            if any("\ud800" <= letter <= "\udfff" for letter in one):
                raise ValueError(f"the class {one!r} cannot be written in UTF-8{remedy}")
        return np.array(classes, object)
    found = [int(one) for one in classes if isinstance(one, int) or _is_whole(one)]
    limits = np.iinfo(np.int64)
    if len(found) < len(classes) or min(found) < limits.min or max(found) > limits.max:
        raise ValueError(
            "classes_ must be texts or integers of 64 bits, as labels are in ONNX, got "
            f"{_checks.description(list(classes))}{remedy}"
        )
    return np.array(found, np.int64)


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _type(dtype: Any) -> int:
    kind: int = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return kind
