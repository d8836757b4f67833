"""What a program computes of a model: with which numbers, from which inputs, and how well."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastnn import _checks, _warnings
from fastnn._standardizing import too_few_digits
from fastnn.export import _outputs
from fastnn.export._models import check_finite, folded, scaled, unfolded

if TYPE_CHECKING:
    from fastnn.export._exported import Exported, Scaling

    Array = np.ndarray[Any, Any]

# Where inputs lie so many of their scales from 0, weights times inputs cancel what the shift of the
# inputs has put into the biases, and more than four bits with it.
FAR = 16
MOST_TEST_NUMBERS, MOST_TEST_ROWS = 2000, 10
# By these, data are known that would be scaled twice: means, and logarithms of deviations; and what
# a scaler makes of the mean, and the logarithm of its factor.
ABOUT_0, ABOUT_1 = 0.3, 0.5
FAR_FROM_0, FAR_FROM_1 = 3, 2.3
ROUNDING = {"float32": 1e-5, "float64": 1e-12}
AT_A_STEP = 1e-3  # more than rounding does


class Layer(NamedTuple):
    """Parameters of a layer: with a scale of each unit, W is in units of it."""

    W: Array
    b: Array
    scale: Array | None = None

    def values(self) -> Array:
        """W as numbers."""
        return self.W if self.scale is None else self.W * self.scale


class Inputs(NamedTuple):
    """What the network gets of an input x: (x - center) factor."""

    center: Array
    factor: Array

    def of(self, rows: Array) -> Array:
        """In float64."""
        scaled: Array = (rows - self.center.astype(np.float64)) * self.factor
        return scaled


class TestRows(NamedTuple):
    """Inputs, and what a program is to make of them, within tolerance max(1, |y|)."""

    x: Array
    y: Array
    classes: Array | None  # numbers, or on or off for each output
    tolerance: float


@dataclass(frozen=True)
class Program:
    found: Exported  # with the weights that are computed with
    layers: list[Layer]
    scaling: Scaling | None = None  # of a pipeline or a standardizer
    inputs: Inputs | None = None  # where the scaling is not part of the first layer
    rows: Array | None = None  # the user's, in the dtype
    lost: str | None = None  # by quantization, and by another dtype than the model's

    @classmethod
    def of(
        cls, model: Any, quantize: bool, data: Any, dtype: np.dtype[Any] | None = None
    ) -> Program:
        found, outer = scaled(model)
        own = dtype is None or dtype == found.dtype
        if not own and dtype == np.float32:
            _check_digits(found, outer or found.scaling, data)
        program = cls._in(dtype or found.dtype, found, outer, quantize)
        if data is None:
            return program.quantized() if quantize else program
        rows, y = _outputs.checked(program.found, data)
        program = replace(program, rows=rows)
        if program.scaling is not None:
            _warn_of_scaled(rows, program.scaling)
        if own and not quantize:
            return program
        kind, (what, score) = program.found.dtype.name, program.score(rows, y)
        others = []
        if quantize:
            others.append(f"{score:.4f} with weights of {kind}")
            program = program.quantized()
            kind, (_, score) = "int8", program.score(rows, y)
        if not own:
            exact = cls._in(found.dtype, found, outer, quantize)
            _, before = exact.score(*_outputs.checked(exact.found, data))
            others.append(f"{before:.4f} with the model's own of {exact.found.dtype}")
        n = f"{len(rows):,} sample{_checks.plural(len(rows))}"
        *others, last = [f"{kind}: {what} {score:.4f} on {n}", *others]
        return replace(program, lost=f"{', '.join(others)}, and {last}")

    @classmethod
    def _in(
        cls, dtype: np.dtype[Any], found: Exported, outer: Scaling | None, quantize: bool
    ) -> Program:
        """Scaling is part of the first layer where that costs no digits.

        Integers have few digits, and so the first layer is not to have weights of other sizes for
        inputs of other units. outer is what the first layer does not have in it yet.
        """
        scaling = found.scaling if outer is None else outer
        is_apart = scaling is not None and (quantize or np.abs(scaling.shift).max() > FAR)
        if is_apart and outer is None:
            found = unfolded(found)
        if dtype != found.dtype:
            with np.errstate(over="ignore"):
                found = _as_dtype(found, dtype)
            check_finite(found)
        inputs = None
        if scaling is not None and is_apart:
            found, inputs = _centered(found, scaling)
        elif outer is not None:
            found = folded(found, outer)
        layers = [Layer(W, b) for W, b in zip(found.weights, found.biases, strict=True)]
        return cls(found, layers, scaling, inputs)

    def quantized(self) -> Program:
        layers = [_as_int8(layer) for layer in self.layers]
        found = replace(self.found, weights=[layer.values() for layer in layers])
        return replace(self, found=found, layers=layers)

    def score(self, rows: Array, y: Array) -> tuple[str, float]:
        """What is measured, and how well it does."""
        return _outputs.score(self.found, self.network_rows(rows), y)

    def network_rows(self, rows: Array) -> Array:
        """What the network gets of a model's inputs."""
        return rows if self.inputs is None else self.inputs.of(rows)

    def test_rows(self) -> TestRows | None:
        """Of the user's data, or else drawn; None if there are none whose outputs are finite.

        How far rounding goes is seen by the same in float32 and in float64. Rows are left out in
        which it decides: at a step, or between two classes.
        """
        found, dtype = self.found, self.found.dtype
        n_numbers = found.layer_sizes[0] + found.layer_sizes[-1]
        n = min(MOST_TEST_ROWS, max(1, MOST_TEST_NUMBERS // n_numbers))
        x = self._drawn(4 * n) if self.rows is None else _spread(self.rows, 4 * n)
        X = self.network_rows(x)
        with np.errstate(over="ignore", invalid="ignore"):
            narrow, wide = (
                _outputs.outputs(_as_dtype(found, kind), X.astype(kind))
                for kind in (np.float32, np.float64)
            )
            y = wide.astype(dtype)
            rounding = (np.abs(narrow - wide) / np.maximum(1, np.abs(wide))).max(axis=1)
        rounding[~np.isfinite(rounding)] = 0
        # What overflows on the way is NaN in a program of floats, whatever doubles would give.
        computed = narrow if dtype == np.float32 else wide
        is_good = np.isfinite(computed).all(axis=1) & (rounding < AT_A_STEP)
        rounding = rounding[is_good] * (np.finfo(dtype).eps / np.finfo(np.float32).eps)
        tolerance = max(ROUNDING[dtype.name], 16 * float(rounding.max(initial=0)))
        classes, margin = _outputs.classes(found, y)
        is_good &= margin > 2 * tolerance * np.maximum(1, np.abs(y).max(axis=1))
        if not is_good.any():
            return None
        places = _spread(np.flatnonzero(is_good), n)
        return TestRows(
            x[places], y[places], None if classes is None else classes[places], tolerance
        )

    def _drawn(self, n: int) -> Array:
        """In the dtype, and standard normal where the network gets them."""
        rows = np.random.default_rng(0).standard_normal((n, self.found.layer_sizes[0]))
        if self.scaling is not None:
            rows = _divided(rows - self.scaling.shift, self.scaling.factor)
        return rows.astype(self.found.dtype)


def _check_digits(found: Exported, scaling: Scaling | None, data: Any) -> None:
    """ValueError for inputs of which float32 keeps too little.

    Where they lie is what a scaler knows, or else the data. A column that is the same in all rows
    says nothing of how it varies.
    """
    float32, names, lost = np.dtype(np.float32), found.feature_names, None
    if scaling is not None and scaling.shift.any():
        mean = _divided(-scaling.shift, scaling.factor)
        scale = np.full_like(mean, np.inf)  # where a column is scaled by 0, nothing of it counts
        np.divide(1, np.abs(scaling.factor), where=scaling.factor != 0, out=scale)
        lost = too_few_digits(mean, scale, float32, "the inputs", names)
    elif data is not None:
        rows, _ = _outputs.checked(found, data)
        mean, scale = rows.mean(axis=0), rows.std(axis=0)
        scale[rows.min(axis=0) == rows.max(axis=0)] = np.inf
        lost = too_few_digits(mean, scale, float32, "the inputs", names)
    if lost is not None:
        raise ValueError(
            f'{lost}; use dtype="float64", or subtract a number near its mean from that column '
            "before it is fitted, and in C in double before it becomes a float"
        )


def _warn_of_scaled(rows: Array, scaling: Scaling) -> None:
    """Of rows that look as if somebody had scaled them, which the program does itself."""
    varied = (rows.min(axis=0) < rows.max(axis=0)) & (scaling.factor != 0)
    rows, (factor, shift) = rows[:, varied].astype(np.float64), (one[varied] for one in scaling)
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    looks_scaled = (np.abs(mean) < ABOUT_0).all() and (np.abs(np.log(spread)) < ABOUT_1).all()
    is_far = np.abs(factor * mean + shift) > FAR_FROM_0
    is_far |= np.abs(np.log(np.abs(factor))) > FAR_FROM_1
    if looks_scaled and is_far.any():
        _warnings.warn(
            "data[0] looks as if it were scaled already: its columns have means near 0 and "
            "standard deviations near 1, and the model, which scales its inputs itself, knows "
            "others; give X as it is, and the same in C"
        )


def _spread(rows: Array, n: int) -> Array:
    """At most n of them, from all over: data may be in the order of classes."""
    chosen: Array = rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).astype(int)]
    return chosen


def _centered(found: Exported, scaling: Scaling) -> tuple[Exported, Inputs]:
    """In the dtype; what the rounding of the centers leaves goes into the biases."""
    dtype = found.dtype
    with np.errstate(over="ignore"):
        factor = scaling.factor.astype(dtype)
        # What is scaled by 0 has no center.
        center = _divided(-scaling.shift, scaling.factor).astype(dtype)
    for j in range(len(factor)):
        if not np.isfinite([factor[j], center[j]]).all():
            raise ValueError(
                f"input {j} is scaled by {float(scaling.factor[j]):.3g} and shifted by "
                f"{float(scaling.shift[j]):.3g}, which exceeds {dtype}; give it in another unit"
            )
    rest = scaling.shift + scaling.factor * center
    b = (found.biases[0] + rest @ found.weights[0].astype(np.longdouble)).astype(dtype)
    return replace(found, biases=[b, *found.biases[1:]]), Inputs(center, factor)


def _divided(rows: Array, factor: Array) -> Array:
    """0 where the factor is."""
    rows = np.asarray(rows, np.longdouble)
    divided: Array = np.divide(rows, factor, where=factor != 0, out=np.zeros_like(rows))
    return divided


def _as_int8(layer: Layer) -> Layer:
    """Each unit's weights as integers up to 127, which is its largest."""
    W, b, _ = layer
    scale = np.abs(W).max(axis=0) / W.dtype.type(127)
    scale[scale < np.finfo(W.dtype).tiny] = 1  # of weights that are as good as 0
    return Layer(np.rint(W / scale).astype(np.int8), b, scale)


def _as_dtype(found: Exported, dtype: Any) -> Exported:
    return replace(
        found,
        weights=[W.astype(dtype) for W in found.weights],
        biases=[b.astype(dtype) for b in found.biases],
    )
