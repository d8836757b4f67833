"""``python -m fastnn.sklearn script.py``: a script of scikit-learn's, with fastnn's estimators."""

from __future__ import annotations

import os
import runpy
import sys

from fastnn.sklearn import patch

USAGE = "usage: python -m fastnn.sklearn (script.py | -m module) [arguments of the script]"


def main(arguments: list[str]) -> None:
    if arguments[:1] in (["-h"], ["--help"]):
        print(f"{USAGE}\n\nRuns it with fastnn's classes in place of scikit-learn's MLPClassifier")
        print("and MLPRegressor, wherever they are imported.")
        return
    is_module = arguments[:1] == ["-m"]
    target, *rest = arguments[is_module:] or [""]
    if not target or (target.startswith("-") and not is_module):
        sys.exit(USAGE)
    patch()
    sys.argv = [target, *rest]
    if is_module:
        runpy.run_module(target, run_name="__main__", alter_sys=True)
        return
    if not os.path.exists(target):
        sys.exit(f"python -m fastnn.sklearn: there is no file {target!r}\n{USAGE}")
    sys.path[0] = os.path.dirname(os.path.abspath(target))
    runpy.run_path(target, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
