"""Does the suite see a fault? Plants single-line faults, drawn by a seed, and runs it over each.

    python tests/plant_faults.py --kernels 30 --python 20 --seed 0 --jobs 2

A line is drawn from all lines of code of all files, and one of the changes that fit it. Each fault
gets a copy of the source, where kernels are built anew, and the suite runs until the first test is
red. What stays green is printed in the end: a fault that no test sees, or a line that could be
otherwise. This takes an hour or two on two cores.
"""

import argparse
import ast
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
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


def verdict(fault, core):
    """The first line of pytest's that is red, or None if all of it is green."""
    path, number, line = fault
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "source"
        ignored = shutil.ignore_patterns(".git", ".nox", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, copy, ignore=ignored)
        file = copy / path.relative_to(ROOT)
        lines = file.read_text(encoding="utf-8").splitlines()
        lines[number - 1] = line
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        env = os.environ | {"PYTHONPATH": str(copy)}
        options = {"cwd": copy, "env": env, "capture_output": True, "text": True}
        on_core = ["taskset", "-c", str(core)]
        if path.parent.name == "src_cython":
            build = [*on_core, sys.executable, "setup.py", "build_ext", "--inplace"]
            if subprocess.run(build, **options).returncode:
                return "it cannot be built"
        tests = ["-m", "pytest", "-q", "-x", "--tb=line", "-p", "no:cacheprovider", "tests"]
        try:
            run = subprocess.run([*on_core, sys.executable, *tests], timeout=1200, **options)
        except subprocess.TimeoutExpired:
            return "it takes no end"
        if run.returncode == 0:
            return None
        red = re.findall(r"^(?:FAILED|ERROR) (.*)", run.stdout, re.MULTILINE)
        said = (run.stderr or run.stdout).strip().splitlines() or [
            f"it ended with {run.returncode}"
        ]
        return (red or said[-1:])[0][:150]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernels", type=int, default=30, help="faults in src_cython/")
    parser.add_argument("--python", type=int, default=20, help="faults in fastnn/")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="cores, of which each takes a fault")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    kernels = sorted([*ROOT.glob("src_cython/*.pxd"), *ROOT.glob("src_cython/*.pyx")])
    python = sorted(path for path in ROOT.glob("fastnn/**/*.py") if path.parent.name != "data")
    faults = [*drawn(kernels, given.kernels, rng), *drawn(python, given.python, rng)]
    rng.shuffle(faults)  # so that a part of them is a sample of both
    cores = sorted(os.sched_getaffinity(0))[: given.jobs]

    def judge(fault):
        core = cores.pop()
        red = verdict(fault, core)
        cores.append(core)
        path, number, line = fault
        before = path.read_text(encoding="utf-8").splitlines()[number - 1].strip()
        where = f"{path.relative_to(ROOT)}:{number}: {before}  ->  {line.strip()}"
        print(f"{'green' if red is None else 'red'}  {where}\n       {red}", flush=True)
        return None if red else where

    with ThreadPoolExecutor(len(cores)) as pool:
        green = [one for one in pool.map(judge, faults) if one]
    print(f"{len(faults) - len(green)} of {len(faults)} are red; green are", *green, sep="\n")


if __name__ == "__main__":
    main()
