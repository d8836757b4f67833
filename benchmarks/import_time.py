"""What `import fastnn` costs beyond `import numpy`.

    python -m benchmarks.import_time

Each import is timed inside a process of its own, started from a folder without a fastnn in it.
The two take turns, so that a change of the machine's pace meets both. Bytecode is kept in that
folder, as an installation keeps it, whatever PYTHONDONTWRITEBYTECODE says.
"""

import os
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 41
GOAL = 20  # ms


def milliseconds(module: str, folder: str) -> float:
    """How long a new interpreter takes to import a module."""
    code = (
        "from time import perf_counter; start = perf_counter(); "
        f"import {module}; print(1000 * (perf_counter() - start))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def main() -> None:
    times: dict[str, list[float]] = {"numpy": [], "fastnn": []}
    with tempfile.TemporaryDirectory() as folder:
        for module in times:
            milliseconds(module, folder)  # reads the files from the disk, and writes bytecode
        for _ in range(ROUNDS):
            for module, measured in times.items():
                measured.append(milliseconds(module, folder))
    medians = {module: statistics.median(measured) for module, measured in times.items()}
    for module, measured in times.items():
        low, _, high = statistics.quantiles(measured, n=4)
        print(f"import {module:6} {medians[module]:6.1f} ms  (quartiles {low:.1f} to {high:.1f})")
    beyond = medians["fastnn"] - medians["numpy"]
    print(f"beyond numpy  {beyond:6.1f} ms  (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
