"""What pictures have in common: axes, and colours that the colour-blind can tell apart.

Backgrounds, text and grids are those of the user's style. The colours here are those of Okabe and
Ito (2008), in the order in which they are seen best before a light background, or a dark one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fastnn import _checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Colour = tuple[float, float, float]

ON_LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333")
ON_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#EEEEEE")
N_COLOURS = len(ON_LIGHT)
LONGEST_NAME = 16  # characters
MARKERS = "o^sDvP*X<>"  # as many as have no factor in common with the palette


def pyplot(who: str) -> Any:
    """Matplotlib's, for whoever draws."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f'{who} needs Matplotlib: install it with pip install "fastnn[plot]"'
        ) from error
    return pyplot


def axes(ax: Any, who: str, layout: str | None = None) -> Axes:
    """The axes that were given, or those of a new figure."""
    return several_axes(ax, who, 1, layout)[0]


def several_axes(ax: Any, who: str, n: int, layout: str | None = None) -> list[Axes]:
    """n axes that were given, or those of a new figure, one below the other."""
    plt = pyplot(who)
    from matplotlib.axes import Axes

    if ax is None:
        width, height = plt.rcParams["figure.figsize"]
        size = width, height * (1 + (n - 1) / 2)
        layout = "constrained" if n > 1 else layout
        made: Sequence[Axes] = plt.subplots(
            n, 1, sharex=True, squeeze=False, figsize=size, layout=layout
        )[1].ravel()
        return list(made)
    found = [ax] if isinstance(ax, Axes) else ax
    if isinstance(found, np.ndarray):
        found = found.ravel().tolist()
    if (
        not isinstance(found, list | tuple) or len(found) != n
        or not all(isinstance(one, Axes) for one in found)
    ):  # fmt: skip
        expected = "None or Matplotlib axes" if n == 1 else f"None or {n} Matplotlib axes"
        raise TypeError(f"ax must be {expected}, got {_checks.description(ax)}")
    return list(found)


def figure_of(ax: Axes) -> Figure:
    """Or the subfigure, where axes are in one."""
    return cast("Figure", ax.figure)


def background(ax: Axes) -> Colour:
    """What colours are seen against; that of the figure where the axes are transparent."""
    from matplotlib.colors import to_rgba

    *below, _ = to_rgba(figure_of(ax).get_facecolor())
    *above, alpha = to_rgba(ax.get_facecolor())
    red, green, blue = alpha * np.array(above) + (1 - alpha) * np.array(below)
    return float(red), float(green), float(blue)


def foreground(ax: Axes) -> Any:
    """Of lines and text: what the style has for text, if it is seen against the axes."""
    from matplotlib import rcParams

    text = rcParams["text.color"]
    return text if contrast(text, background(ax)) > 2 else text_on(background(ax))


def text_on(colour: Any) -> str:
    """Black or white on this colour; white where it can be read, as on most blues."""
    return "white" if contrast("white", colour) > 3 else "black"


def contrast(one: Any, other: Any) -> float:
    """From 1 to 21, as the Web Content Accessibility Guidelines 2.2 define it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Any) -> float:
    from matplotlib.colors import to_rgb

    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def from_background(ax: Axes, *colours: Any) -> Colormap:
    """A map of colours that begins with the background, in which what is 0 is not seen."""
    from matplotlib.colors import LinearSegmentedColormap

    found: list[Any] = [background(ax), *colours]
    return LinearSegmentedColormap.from_list("fastnn", found)


def signed(ax: Axes) -> Colormap:
    """A map from negative to positive, with the background in the middle."""
    from matplotlib.colors import LinearSegmentedColormap

    found: list[Any] = [colour_of(1, ax), background(ax), colour_of(0, ax)]
    return LinearSegmentedColormap.from_list("fastnn", found)


def colour_of(k: int, ax: Axes) -> str:
    """That of class k; 0 is also what is positive, and 1 what is negative, or wrong."""
    is_dark = contrast("white", background(ax)) > contrast("black", background(ax))
    return (ON_DARK if is_dark else ON_LIGHT)[k % N_COLOURS]


def marker_of(k: int) -> str:
    return MARKERS[k % len(MARKERS)]


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """A name where there is little room."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def names_of(names: Any, name: str, n: int) -> list[str]:
    """Names for n classes or labels; their numbers if there are none."""
    if names is None:
        return [str(k) for k in range(n)]
    found = _checks.sequence(names, name, f"None or a sequence of {n} names")
    if len(found) != n:
        raise ValueError(
            f"{name} must be None or a name for each of {n}, got {_checks.description(names)} of "
            f"{len(found)}"
        )
    return [str(one) for one in found]
