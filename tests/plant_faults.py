"""Does the suite see a fault? Plants single-line faults, drawn by a seed, and runs it over each.

    python tests/plant_faults.py --kernels 120 --python 400 --seed 0 --jobs 2

A line is drawn from all lines of code of all files, and one of the changes that fit it. Each fault
gets a copy of the source, where kernels that it changes are built anew (for one level and without
optimisation, which is three times as fast). The tests that run its line, by the map that
coverage_map.py has made, then run until one is red; one that is red without the fault, too, is left
out. Python is read by mypy after that, as CI does. What stays green is printed in the end: a fault
that no test sees, or not in so many seconds, or a line that could be otherwise. What is known is
kept in a file, so that a run that was stopped goes on. This takes two hours and a half on two
cores, with 150 seconds for each.
"""

import argparse
import ast
import io
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tokenize
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What stands there, and what is put in its place. The first group of a pattern is what changes.
CHANGES = [
    (r"(?<=[\w\])] )(\+)(?= [\w(])", "-"),
    (r"(?<=[\w\])] )(-)(?= [\w(])", "+"),
    (r"(?<=[\w\])] )(\*)(?= [\w(])", "+"),
    (r"(?<=[\w\])] )(/)(?= [\w(])", "*"),
    (r"(?<= )(<)(?= )", "<="),
    (r"(?<= )(>)(?= )", ">="),
    (r"(?<= )(<=)(?= )", "<"),
    (r"(?<= )(>=)(?= )", ">"),
    (r"(?<= )(==)(?= )", "!="),
    (r"(?<= )(!=)(?= )", "=="),
    (r"\b(and)\b", "or"),
    (r"\b(or)\b", "and"),
    (r"\b(not )", ""),
    (r"\b(True)\b", "False"),
    (r"\b(False)\b", "True"),
    (r"(?<![\w.])(0)(?![\w.])", "1"),
    (r"(?<![\w.])(1)(?![\w.])", "2"),
    (r"(?<![\w.])([2-9]\d*)(?![\w.])", "1"),
    (r"\b(min)\(", "max"),
    (r"\b(max)\(", "min"),
    (r"(?<= )(\+=)(?= )", "="),
]
TESTS_OF_ARITHMETIC = [
    f"tests/test_{name}.py"
    for name in ("kernel_equals_reference", "forms", "l2", "gradients", "systems", "optimizers")
]
RED_ANYWAY = []  # tests that are red without a fault, as they are found
WRONG_CALL, NO_TESTS = 4, 5  # exit codes of pytest
SECONDS_OF_A_TEST = 100
SECONDS_OF_A_PART = 60  # of tests that run in one process
STATEMENT = re.compile(r"^(\s+)[\w.\[\]\"', ]+ (=|\+=|-=|\*=|\|=) [^=].*[^,({\[\\]$")


def lines_of_code(path):
    """Numbers of lines that are neither comments, documentation, imports nor declarations."""
    text = path.read_text(encoding="utf-8")
    left_out = set()
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            is_documentation = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if is_documentation or isinstance(node, ast.Import | ast.ImportFrom):
                left_out |= set(range(node.lineno, node.end_lineno + 1))
            if isinstance(node, ast.FunctionDef) and node.body:
                left_out |= set(range(node.lineno, node.body[0].lineno))
            if isinstance(node, ast.Raise):  # whose words are for people
                left_out |= set(range(node.lineno, node.end_lineno + 1))
    else:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.STRING and token.string.startswith('"""'):
                left_out |= set(range(token.start[0], token.end[0] + 1))
    for number, line in enumerate(text.splitlines(), 1):
        code = line.partition("#")[0].strip()
        declares = re.match(r"(cdef|def|cimport|from|import|class|ctypedef|enum|@|\))", code)
        if number in left_out or not code or (declares and "=" not in code) or code.endswith("("):
            continue
        if not (declares and re.match(r"cdef inline|def ", code)):
            yield number, line


def drawn(paths, n, rng):
    """n faults: the file, the line's number, and the line as it is then."""
    lines = [(path, *line) for path in paths for line in lines_of_code(path)]
    found = []
    while len(found) < n:
        path, number, line = rng.choice(lines)
        code, mark, comment = line.partition("  #")
        changes = [
            code[: match.start(1)] + new + code[match.end(1) :]
            for pattern, new in CHANGES
            for match in re.finditer(pattern, code)
        ]
        if STATEMENT.match(code) and "cdef" not in code:
            changes.append(re.match(r"\s+", code)[0] + "pass")
        if changes and number not in [one[1] for one in found if one[0] == path]:
            found.append((path, number, rng.choice(changes) + mark + comment))
    return found


def tests_that_run(path, number, known):
    """Tests in parts, first of those files that run most of the source file.

    Whoever only imports it, and so runs what all others do, is left out. Functions come before
    whole files, which are run where a fixture or another process has run the line. What is run at
    import, as a constant is, is of use anywhere in its file.
    """
    name = str(path.relative_to(ROOT))
    first = number
    is_of_module = False
    if path.suffix == ".py":  # the statement's first line stands for all of it
        tree = ast.parse(path.read_text(encoding="utf-8"))
        is_of_module = not any(
            isinstance(node, ast.FunctionDef) and node.lineno <= number <= node.end_lineno
            for node in ast.walk(tree)
        )
        of_line = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.stmt) and node.lineno <= number <= node.end_lineno
        ]
        first = max(of_line, default=number)
    else:
        first = number - 2  # as C's lines come from a statement's first or its last
    wanted = set(range(first, number + 1))
    lines = {file: set(found["lines"].get(name, ())) for file, found in known.items()}
    of_several = [one for one in lines.values() if one]
    at_import = set.intersection(*of_several) if len(of_several) > 1 else set()
    if is_of_module:
        wanted = set.union(*lines.values()) - at_import
    files = [
        file
        for file, one in lines.items()
        if len(one) > len(at_import) and not wanted.isdisjoint(one)
    ]
    if not files and path.suffix != ".py":  # the compiler has taken the line into others
        files = [file for file, one in lines.items() if len(one) > len(at_import)]
    if not files:  # the self-test at import runs all of it, and so everybody does
        files = [file for file, one in lines.items() if one]
    most = max(map(len, lines.values()))
    tests, order = {}, {}
    for file in files:
        all_functions = known[file]["functions"]
        tests[file] = [
            f"{file}::{function}"
            for function, of_sources in all_functions.items()
            if not wanted.isdisjoint(of_sources.get(name, ()))
        ]
        tenths, seconds = 10 * len(lines[file]) // most, known[file]["seconds"]
        if tests[file]:
            seconds *= len(tests[file]) / len(all_functions)
        of_arithmetic = path.suffix != ".py" and file in TESTS_OF_ARITHMETIC
        how_late = seconds if tests[file] else -tenths
        first_of_all = -tenths if is_of_module else 0
        order[file] = first_of_all, not tests[file], not of_arithmetic, how_late, seconds
    parts, in_part = [[]], 0
    for file in sorted(files, key=order.get):
        seconds = order[file][-1]
        in_part += seconds
        if in_part > SECONDS_OF_A_PART and parts[-1]:
            parts.append([])
            in_part = seconds
        parts[-1] += tests[file] or [file]
    return parts


def prepared(folder):
    """A copy of the source, built as those of faults are."""
    source, compiler = folder / "source", folder / "compiler"
    ignored = shutil.ignore_patterns(
        ".git", ".nox", "__pycache__", ".*_cache", ".hypothesis", "build", "*.so", "_build"
    )
    shutil.copytree(ROOT, source, ignore=ignored)
    compiler.write_text(
        '#!/bin/sh\nfor a; do shift; [ "$a" = -O3 ] && a=-O1; set -- "$@" "$a"; done\n'
        'exec gcc "$@"\n'
    )
    compiler.chmod(0o755)
    build(source, compiler)
    return source


def build(source, compiler, *before):
    """Whether kernels can be built; what no fault has changed is there already."""
    level = "avx2" if platform.machine() == "x86_64" else "baseline"
    env = os.environ | {"FASTNN_LEVELS": level, "CC": str(compiler)}
    command = [*before, sys.executable, "setup.py", "build_ext", "--inplace"]
    return subprocess.run(command, cwd=source, env=env, capture_output=True).returncode == 0


def verdict(fault, source, core, known, seconds_of_fault):
    """The first line of pytest's that is red, or mypy's name if that is; None if all is green."""
    path, number, line = fault
    parts = tests_that_run(path, number, known)
    if not parts[0]:
        return None
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        copy = Path(folder) / "source"
        shutil.copytree(source, copy)
        file = copy / path.relative_to(ROOT)
        lines = file.read_text(encoding="utf-8").splitlines()
        lines[number - 1] = line
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        on_core = ["taskset", "-c", str(core)]
        if path.parent.name == "src_cython" and not build(
            copy, source.parent / "compiler", *on_core
        ):
            return "it cannot be built"
        began = time.monotonic()
        for part in parts:
            if time.monotonic() - began > seconds_of_fault:
                break
            files = {one.partition("::")[0] for one in part}
            seconds = 60 + 2 * sum(known[one]["seconds"] for one in files)
            if found := first_red(part, copy, source, on_core, seconds):
                return found
        if path.suffix == ".py":
            mypy = [*on_core, sys.executable, "-m", "mypy"]
            if subprocess.run(mypy, cwd=copy, capture_output=True).returncode:
                return "mypy"
    return None


def first_red(part, copy, source, on_core, seconds):
    """Of tests over a copy, what pytest says of the first one that is green over the source."""
    pytest = [*on_core, sys.executable, "-P", "-m", "pytest", "-q", "-x", "--tb=line"]
    # Kernels hang, too, which no signal ends.
    pytest += [f"--timeout={SECONDS_OF_A_TEST}", "--timeout-method=thread"]

    def run(*arguments, over, seconds=None):
        env = os.environ | {"PYTHONPATH": str(over), "OPENBLAS_NUM_THREADS": "1"}
        options = {"cwd": over, "env": env, "capture_output": True, "text": True}
        return subprocess.run([*pytest, *arguments], timeout=seconds, **options)

    def is_red_anyway(*arguments):
        # Without the cache, with which all copies would begin.
        return run("-p", "no:cacheprovider", *arguments, over=source).returncode

    while True:
        left_out = [f"--deselect={one}" for one in RED_ANYWAY]
        try:
            found = run(*left_out, *part, over=copy, seconds=seconds)
        except subprocess.TimeoutExpired:
            return "it takes no end"
        if found.returncode in (0, NO_TESTS):
            return None
        # Or fastnn cannot be imported.
        if found.returncode == WRONG_CALL and is_red_anyway("--collect-only", *part):
            raise RuntimeError(found.stdout[-500:] + found.stderr[-500:])
        failed = copy / ".pytest_cache/v/cache/lastfailed"
        red = json.loads(failed.read_text("utf-8")) if failed.exists() else {}
        red = [one for one in red if one]  # "": where a file cannot be collected
        how = [] if "::" in "".join(red) else ["--collect-only"]
        if not red or not is_red_anyway(*how, *red):
            said = re.findall(r"^(?:FAILED|ERROR) (.*)", found.stdout, re.MULTILINE)
            said += (found.stderr or found.stdout).strip().splitlines()[-1:]
            return [*said, f"it ended with {found.returncode}"][0][:150]
        print("red without a fault, too, and left out:", *red, flush=True)
        RED_ANYWAY.extend(red)
        failed.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernels", type=int, default=30, help="faults in src_cython/")
    parser.add_argument("--python", type=int, default=20, help="faults in fastnn/")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="cores, of which each takes a fault")
    parser.add_argument("--seconds", type=int, default=600, help="after which no test is begun")
    parser.add_argument("--map", type=Path, default=ROOT / ".nox/results/coverage/map.json")
    parser.add_argument("--known", type=Path, default=ROOT / ".nox/results/faults.jsonl")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    kernels = sorted([*ROOT.glob("src_cython/*.pxd"), *ROOT.glob("src_cython/*.pyx")])
    python = sorted(path for path in ROOT.glob("fastnn/**/*.py") if path.parent.name != "data")
    faults = [*drawn(kernels, given.kernels, rng), *drawn(python, given.python, rng)]
    rng.shuffle(faults)  # so that a part of them is a sample of both
    cores = sorted(os.sched_getaffinity(0))[: given.jobs]
    of_tests = json.loads(given.map.read_text(encoding="utf-8"))
    given.known.parent.mkdir(parents=True, exist_ok=True)
    given.known.touch()
    verdicts = dict(map(json.loads, given.known.read_text(encoding="utf-8").splitlines()))

    def judge(fault, source):
        path, number, line = fault
        before = path.read_text(encoding="utf-8").splitlines()[number - 1].strip()
        where = f"{path.relative_to(ROOT)}:{number}: {before}  ->  {line.strip()}"
        if where not in verdicts:
            core = cores.pop()
            verdicts[where] = verdict(fault, source, core, of_tests, given.seconds)
            cores.append(core)
            with given.known.open("a", encoding="utf-8") as file:
                file.write(json.dumps([where, verdicts[where]]) + "\n")
            print(
                f"{'red' if verdicts[where] else 'green'}  {where}\n       {verdicts[where]}",
                flush=True,
            )
        return where

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(cores)) as pool:
        source = prepared(Path(folder))
        drawn_ones = list(pool.map(lambda fault: judge(fault, source), faults))
    green = [where for where in drawn_ones if not verdicts[where]]
    print(f"seed {given.seed}; green are", *green, sep="\n")
    for part in ("src_cython/", "fastnn/"):
        count = Counter(bool(verdicts[where]) for where in drawn_ones if where.startswith(part))
        print(f"{part}: {count[True]} of {count.total()} are red")


if __name__ == "__main__":
    main()
