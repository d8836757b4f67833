"""What a network is, in a table: text for terminals, and HTML with a drawing for notebooks."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from fastnn import _drawing
from fastnn._checks import plural
from fastnn._core.model import copies

if TYPE_CHECKING:
    from fastnn._core.model import Model

HEADER = ("layer", "weights", "biases", "activation", "parameters")

# Of the drawing, in pixels.
GAP, STEP, RADIUS, MARGIN = 110, 22, 7, 20
MOST_UNITS, MOST_LAYERS = 8, 8
WIDTHS = (0.25, 0.7, 1.3, 2.0, 2.8)  # of lines; there are so few so that many share a path
POSITIVE, NEGATIVE = "#2484C6", "#D55E00"  # with a contrast of 4 to white and to black
MOST_NAMES = 12


def text(name: str, model: Model) -> str:
    """A table of the layers, each with its shapes."""
    rows = [HEADER, *_rows(model), _in_all(model)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEADER))]
    lines = [
        "  ".join([*map(str.ljust, row[:-1], widths), row[-1].rjust(widths[-1])]) for row in rows
    ]
    return "\n".join([_title(name, model), *lines])


def html(name: str, model: Model) -> str:
    """A drawing and the table; it is whole by itself, and as light or dark as what is around it."""
    cell = 'style="text-align: {}; padding: 0 0.8em"'
    left, right = cell.format("left"), cell.format("right")
    head = "".join(f"<th {left}>{one}</th>" for one in HEADER)
    rows = [*_rows(model), _in_all(model)]
    body = "".join(
        "<tr>"
        + "".join(f"<td {left}>{escape(one)}</td>" for one in row[:-1])
        + f"<td {right}>{escape(row[-1])}</td></tr>"
        for row in rows
    )
    names = model.feature_names
    inputs = ""
    if names is not None:
        more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
        inputs = f"<div>inputs: {escape(', '.join(names[:MOST_NAMES]))}{more}</div>"
    return (
        f"<div><div>{escape(_title(name, model))}</div>{inputs}{_svg(model)}"
        f'<table style="margin: 0; width: auto"><thead>'
        f"<tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _title(name: str, model: Model) -> str:
    n = len(model.activations)
    return f"{name} of {n} layer{plural(n)}, {model.layout.dtype}, loss {model.loss}"


def _rows(model: Model) -> list[tuple[str, ...]]:
    layers = zip(pairwise(model.layer_sizes), model.activations, strict=True)
    return [
        (str(i), f"({n_in}, {n_out})", f"({n_out},)", activation, f"{(n_in + 1) * n_out:,}")
        for i, ((n_in, n_out), activation) in enumerate(layers)
    ]


def _in_all(model: Model) -> tuple[str, ...]:
    n = sum((n_in + 1) * n_out for n_in, n_out in pairwise(model.layer_sizes))
    return "", "", "", "in all", f"{n:,}"


def _svg(model: Model) -> str:
    """A drawing; nothing for a network of more layers than can be told apart."""
    n_layers = len(model.activations)
    if n_layers > MOST_LAYERS:
        return ""
    weights, biases = model.layout.views(copies(model.parameters)[0])
    drawn = _drawing.drawing(weights, biases, MOST_UNITS)
    width = n_layers * GAP + 2 * MARGIN
    height = (drawn.height - 1) * STEP + 2 * MARGIN
    caption = " - ".join(map(str, model.layer_sizes))
    lines, units = _lines(drawn, height / 2), _units(drawn, height / 2)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" style="max-width: 100%" '
        f'aria-label="a network of {caption} units"><title>{caption}: widths of lines are sizes of '
        f"weights, blue ones are positive and orange ones negative</title>{lines}{units}</svg>"
    )


def _lines(drawn: _drawing.Drawing, middle: float) -> str:
    paths: defaultdict[tuple[int, str, str], list[str]] = defaultdict(list)
    for line in drawn.lines:
        x, place = MARGIN + line.layer * GAP, min(int(5 * abs(line.weight)), 4)
        colour, opacity, away = (NEGATIVE if line.weight < 0 else POSITIVE), "0.9", RADIUS
        if line.is_mean:
            colour, opacity, away = "currentColor", "0.3", 2 * RADIUS + 2  # from what is written
        start, end = middle - line.start * STEP, middle - line.end * STEP
        ends = f"M{x - GAP + away} {start:g}L{x - away} {end:g}"
        paths[place, colour, opacity].append(ends)
    return "".join(
        f'<path d="{"".join(ends)}" stroke="{colour}" stroke-width="{WIDTHS[place]}" '
        f'stroke-opacity="{opacity}"/>'
        for (place, colour, opacity), ends in sorted(paths.items())
    )


def _units(drawn: _drawing.Drawing, middle: float) -> str:
    found = []
    for unit in drawn.units:
        x, y = MARGIN + unit.layer * GAP, middle - unit.height * STEP
        if unit.place is None:
            found.append(
                f'<text x="{x}" y="{y + 4:g}" text-anchor="middle" font-size="11" '
                f'fill="currentColor">+{unit.n:,}</text>'
            )
            continue
        colour = "currentColor"
        if unit.bias:
            colour = NEGATIVE if unit.bias < 0 else POSITIVE
        found.append(
            f'<circle cx="{x}" cy="{y:g}" r="{RADIUS}" fill="none" '
            f'stroke="{colour}" stroke-width="{1 + 1.5 * abs(unit.bias):.2g}"/>'
        )
    return "".join(found)
