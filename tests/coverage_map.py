"""Which lines of fastnn/ and src_cython/ the suite runs, and which file of tests runs which.

    python tests/coverage_map.py --folder .nox/results/coverage --jobs 2

For kernels that were built with FASTNN_LINES=1 and GCC's --coverage (`nox -s coverage` does that).
Each file of tests runs by itself; those that have run are not run again, so a run that was stopped
goes on. Printed are the lines that nobody has run; map.json in the folder, which says how long each
file of tests takes, what it runs and which of its functions do, is for plant_faults.py.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import coverage

ROOT = Path(__file__).parents[1]


def run(file, folder):
    """Run a file of tests, unless it has been run."""
    found = folder / "found.json"
    if found.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    env = os.environ | {
        "COVERAGE_FILE": str(folder / "coverage"),
        "GCOV_PREFIX": str(folder / "gcov"),  # in which GCC writes as from /
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, "-P", "-m", "coverage", "run", "-m", "pytest", "-q"]
    started = time.monotonic()
    with (folder / "log").open("w") as log:
        code = subprocess.run(
            [*command, file], cwd=ROOT, env=env, stdout=log, stderr=log
        ).returncode
    print(f"{file}: exit code {code}", flush=True)
    if code in (0, 5):  # 5: all of them are for other sessions
        seconds = time.monotonic() - started
        run_lines, all_lines = lines_of_kernels(folder)
        found.write_text(json.dumps({"seconds": seconds, "run": run_lines, "all": all_lines}))


def lines_of_python(folder):
    """What has been run, by file; and by whom, as functions of tests have them by file."""
    found = coverage.Coverage(data_file=str(folder / "coverage"), config_file=False)
    found.combine([str(one) for one in folder.glob("coverage.*")], strict=False, keep=True)
    data = found.get_data()
    lines, of_functions = {}, {}
    for one in data.measured_files():
        name = str(Path(one).relative_to(ROOT))
        lines[name] = sorted(data.lines(one))
        for number, contexts in data.contexts_by_lineno(one).items():
            for context in contexts:  # "" for imports, fixtures and other processes
                module, _, function = context.rpartition(".")
                if module == folder.name:  # and no function of a library's
                    of_functions.setdefault(function, {}).setdefault(name, []).append(number)
    return lines, of_functions


def lines_of_kernels(folder):
    """What has been run, and what could have been, by file; with the build that has run it."""
    run, all_lines = {}, {}
    work = folder / "gcno"
    work.mkdir(exist_ok=True)
    for counts in folder.glob("gcov/**/*.gcda"):
        unit = counts.stem
        (notes,) = ROOT.glob(f"build/temp.*/**/{unit}.gcno")
        for one in (counts, notes):
            shutil.copy(one, work)
        command = ["gcov", "--json-format", "--stdout", f"{unit}.gcda"]
        text = subprocess.run(command, cwd=work, capture_output=True, check=True).stdout
        for file in json.loads(text.splitlines()[0])["files"]:
            path = ROOT / "src_cython" / Path(file["file"]).name
            if not path.exists():
                continue
            name = str(path.relative_to(ROOT))
            lines = [line for line in file["lines"] if is_code(path, line["line_number"])]
            for line in lines:
                all_lines.setdefault(name, set()).add(line["line_number"])
                if line["count"]:
                    run.setdefault(name, set()).add(line["line_number"])
    return [{name: sorted(n) for name, n in lines.items()} for lines in (run, all_lines)]


@cache
def is_code(path, number):
    """Whether it is a line that does something: C has lines of its own, and declarations."""
    lines = path.read_text(encoding="utf-8").splitlines()
    code = lines[number - 1].strip() if number <= len(lines) else ""
    return not re.match(
        r"$|#|\"\"\"|cimport |import |@|cdef (?!.*=)|cp?def |np\.ndarray .*,$", code
    )


def ranges(numbers):
    """1, 2, 3, 5 as 1-3, 5."""
    parts = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(".nox/results/coverage"))
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    root = given.folder.absolute()
    files = sorted(str(one.relative_to(ROOT)) for one in ROOT.glob("tests/test_*.py"))
    with ThreadPoolExecutor(given.jobs) as pool:
        list(pool.map(lambda file: run(file, root / Path(file).stem), files))

    all_kernels, run_kernels, of_files = {}, {}, {}
    for file in files:
        folder = root / Path(file).stem
        if not (folder / "found.json").exists():
            print(f"{file} has failed; see {folder / 'log'}")
            continue
        found = json.loads((folder / "found.json").read_text())
        for name, numbers in found["all"].items():
            all_kernels.setdefault(name, set()).update(numbers)
        for name, numbers in found["run"].items():
            run_kernels.setdefault(name, set()).update(numbers)
        lines, of_functions = lines_of_python(folder)
        of_files[file] = {
            "seconds": found["seconds"], "lines": lines | found["run"], "functions": of_functions,
        }  # fmt: skip
    (root / "map.json").write_text(json.dumps(of_files))

    n_all = n_run = 0
    for name, numbers in sorted(all_kernels.items()):
        covered = run_kernels.get(name, set())
        n_all, n_run = n_all + len(numbers), n_run + len(covered)
        print(f"{name:36} {len(covered):5} of {len(numbers):5}   {ranges(numbers - covered)}")
    print(f"src_cython/: {n_run} of {n_all} lines, {100 * n_run / n_all:.1f} %")
    os.environ["COVERAGE_FILE"] = str(root / "all")
    combine = [sys.executable, "-m", "coverage", "combine", "-q", "--keep"]
    subprocess.run([*combine, *map(str, root.glob("*/coverage*"))], cwd=ROOT, check=True)
    report = [sys.executable, "-m", "coverage", "report", "--skip-covered", "--show-missing"]
    subprocess.run(report, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
