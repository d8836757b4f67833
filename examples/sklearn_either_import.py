"""
Three scripts for scikit-learn, each run with scikit-learn's import line and with fastnn's
==========================================================================================

Both print the same; how long each takes stands below it.
"""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
SCRIPTS = ["sklearn_grid_search.py", "sklearn_partial_fit.py", "sklearn_early_stopping.py"]


def run(source, name):
    """What a program prints, and the seconds that it takes."""
    program = compile(source, name, "exec")
    start = perf_counter()
    with redirect_stdout(io.StringIO()) as printed:
        exec(program, {"__name__": "__main__"})
    return printed.getvalue(), perf_counter() - start


def main():
    for name in SCRIPTS:
        with_fastnn = (HERE / name).read_text(encoding="utf-8")
        with_scikit_learn, n = re.subn(
            r"^from fastnn\.sklearn import", "from sklearn.neural_network import",
            with_fastnn, flags=re.MULTILINE,
        )  # fmt: skip
        assert n == 1
        imports = "\n".join(re.findall(r"^(?:import|from) .*$", with_fastnn, re.MULTILINE))
        run(imports, name)  # which takes longer than some of the scripts
        expected, seconds = run(with_scikit_learn, name)
        output, fastnn_seconds = run(with_fastnn, name)
        print(f"--- {name}")
        print(output, end="")
        print("--- same output:", "yes" if output == expected else f"no, but\n{expected}")
        print(
            f"--- scikit-learn {1000 * seconds:.0f} ms, fastnn {1000 * fastnn_seconds:.0f} ms, "
            f"ratio {seconds / fastnn_seconds:.1f}"
        )


if __name__ == "__main__":
    main()
