"""Where the units and the weights of a network are drawn, by whatever means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Unit(NamedTuple):
    """A unit or an input, or what stands for several that are too many to be drawn."""

    layer: int  # 0 is the inputs
    height: float  # in units, from the middle of the layer
    place: int | None  # in the layer; None for several
    n: int  # how many it stands for
    bias: float  # from -1 to 1, of the largest one that is drawn in the layer; 0 for inputs


class Line(NamedTuple):
    """A weight, or the mean of the absolute values of several."""

    layer: int  # of the unit that it leads to
    start: float  # heights of its ends
    end: float
    weight: float  # from -1 to 1, of the largest one that is drawn in the layer
    is_mean: bool


class Drawing(NamedTuple):
    """Units, layer by layer, and lines, the weakest first so that others are drawn over them."""

    units: list[Unit]
    lines: list[Line]

    @property
    def height(self) -> int:
        """Of the highest layer, in units."""
        return round(2 * max(unit.height for unit in self.units)) + 1


def drawing(weights: Sequence[Array], biases: Sequence[Array], most: int) -> Drawing:
    """Of a network, with at most so many units of each layer, at least 3."""
    sizes = [len(weights[0]), *map(len, biases)]
    groups = [_groups(size, most) for size in sizes]
    units: list[Unit] = []
    lines: list[Line] = []
    for layer, of_layer in enumerate(groups):
        shown = np.zeros(len(of_layer))
        if layer:
            shown = _relative([_strength(biases[layer - 1][places]) for places in of_layer])
        heights = _heights(len(of_layer))
        for places, height, bias in zip(of_layer, heights, shown, strict=True):
            if len(places) == 1:
                units.append(Unit(layer, height, int(places[0]), 1, float(bias)))
            else:
                units.append(Unit(layer, height, None, len(places), 0.0))
        if layer:
            lines += _lines(layer, weights[layer - 1], groups[layer - 1], of_layer)
    return Drawing(units, lines)


def _groups(size: int, most: int) -> list[Array]:
    """Places in a layer, of which those of one group are drawn as one."""
    if size <= most:
        return list(np.arange(size)[:, np.newaxis])
    first = np.arange(most - 2)[:, np.newaxis]
    return [*first, np.arange(most - 2, size - 1), np.array([size - 1])]


def _heights(n: int) -> list[float]:
    """From the top."""
    return [(n - 1) / 2 - i for i in range(n)]


def _lines(layer: int, W: Array, below: list[Array], above: list[Array]) -> list[Line]:
    pairs = [(i, j) for i in range(len(below)) for j in range(len(above))]
    strengths = _relative([_strength(W[np.ix_(below[i], above[j])]) for i, j in pairs])
    starts, ends = _heights(len(below)), _heights(len(above))
    found = [
        Line(layer, starts[i], ends[j], float(weight), len(below[i]) * len(above[j]) > 1)
        for (i, j), weight in zip(pairs, strengths, strict=True)
    ]
    return sorted(found, key=lambda line: abs(line.weight))


def _strength(numbers: Array) -> float:
    """A number itself; of several, the mean of their absolute values."""
    return float(numbers.item() if numbers.size == 1 else np.abs(numbers).mean(dtype=np.float64))


def _relative(numbers: Sequence[float]) -> Array:
    """To the largest of them; what is not finite is left out."""
    found = np.array(numbers)
    found[~np.isfinite(found)] = 0
    largest = np.abs(found).max()
    return found / largest if largest else found
