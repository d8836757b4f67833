"""Warnings that name the line of whoever has called fastnn."""

from __future__ import annotations

import sys
import warnings

# Packages whose frames stand between that line and a warning.
BETWEEN = ("fastnn", "sklearn", "contextlib")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """At the line that has called fastnn, also through scikit-learn."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and _package(frame.f_globals) in BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(module: dict[str, object]) -> str:
    return str(module.get("__name__")).partition(".")[0]
