"""The battery: thousands of random cases of each part, by a seed, and what came of them.

    python tests/battery/run.py arrays labels --seed 1 --folder .nox/battery

Each file beside this one that has CASES is a part: its `case(i, rng, folder)` makes one case from a
generator of its own, and says in a word what it was; AssertionError is a fault, and so is the death
of the process. What is done is noted in the folder, so that the next call goes on there.
`nox -s battery` makes the two builds, and runs all parts.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent)]  # where tests have what they share
PARTS = sorted(
    path.stem for path in HERE.glob("*.py") if "\nCASES = " in path.read_text(encoding="utf-8")
)
SECONDS_TO_NOTE = 5


def work(part, seed, first, end):
    """Cases from the first on, in this process; tells how far it is, a line of JSON at a time."""
    module = importlib.import_module(part)
    words, noted = Counter(), time.monotonic()

    def tell(done, fault=None):
        print(json.dumps({"done": done, "words": words, "fault": fault}), flush=True)
        words.clear()

    with tempfile.TemporaryDirectory() as folder:
        for i in range(first, end):
            try:
                words[module.case(i, np.random.default_rng([seed, i]), Path(folder))] += 1
            except Exception:
                tell(i + 1, traceback.format_exc())
            if time.monotonic() > noted + SECONDS_TO_NOTE:
                tell(i + 1)
                noted = time.monotonic()
    tell(end)


def run(part, seed, n, folder):
    """All cases of a part that are not done yet, in processes that may die."""
    file = folder / f"{part}.json"
    state = {"seed": seed, "done": 0, "seconds": 0.0, "words": {}, "faults": []}
    if file.exists() and (before := json.loads(file.read_text()))["seed"] == seed:
        state = before
    while state["done"] < n:
        started, seconds = time.monotonic(), state["seconds"]
        command = [sys.executable, __file__, part, "--seed", str(seed)]
        limits = ["--first", str(state["done"]), "--cases", str(n)]
        errors = folder / f"{part}.stderr"
        with (
            errors.open("w") as stderr,
            subprocess.Popen([*command, *limits], stdout=-1, stderr=stderr, text=True) as process,
        ):
            for line in process.stdout:
                told = json.loads(line)
                state["done"] = told["done"]
                state["words"] = Counter(state["words"]) + Counter(told["words"])
                state["seconds"] = seconds + time.monotonic() - started
                if told["fault"]:
                    state["faults"].append(f"case {told['done'] - 1}:\n{told['fault']}")
                file.write_text(json.dumps(state))
        printed = errors.read_text(errors="replace")
        # Cython's checks print, as kernels cannot raise.
        if process.returncode or "Out of bounds" in printed or "ignored in" in printed:
            where = f"after case {state['done']} (exit code {process.returncode})"
            state["faults"].append(f"{where}:\n{printed[-5000:]}")
            file.write_text(json.dumps(state))
            if process.returncode:
                break
    return state


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part", help=str(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, help="as many as the part says, if not given")
    parser.add_argument("--folder", type=Path, default=Path(".nox/battery"))
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.first is not None:
        work(*given.parts, given.seed, given.first, given.cases)
        return 0
    given.folder.mkdir(parents=True, exist_ok=True)
    n_faults = 0
    for part in given.parts or PARTS:
        n = given.cases or importlib.import_module(part).CASES
        state = run(part, given.seed, n, given.folder)
        words = ", ".join(f"{count:,} {word}" for word, count in sorted(state["words"].items()))
        print(f"| {part} | {state['seed']} | {state['done']:,} | {words} ", end="")
        print(f"| {len(state['faults'])} | {state['seconds'] / 60:.0f} min |", flush=True)
        print(*state["faults"][:3], sep="\n", file=sys.stderr)
        n_faults += len(state["faults"]) + (state["done"] < n)
    return min(n_faults, 1)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
