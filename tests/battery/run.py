"""The battery: thousands of random cases of each part, by a seed, and what came of them.

    python tests/battery/run.py arrays labels --seed 1          # goes on where it was stopped
    python tests/battery/run.py arrays --seed 1 --case 1234     # this one alone, as pdb likes it

Each file beside this one that has CASES at the beginning of a line is a part. Its
`case(i, rng, folder)` makes one case from a generator of its own, and returns a word for what it
was; an exception is a fault, and so is the death of the process, or no answer. The folder is for
files, and has those of the case before. WATCHED = True: for kernels under AddressSanitizer.
`nox -s battery` makes both builds, and runs all parts; what stands in docs/project/reliability.md
is what that printed.

What is done is noted in --folder, a file for each part and seed: of the code as it was then.
"""

import argparse
import faulthandler
import importlib
import json
import math
import mmap
import os
import re
import selectors
import signal
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
    path.stem
    for path in HERE.glob("*.py")
    if re.search(r"^CASES\b", path.read_text(encoding="utf-8"), re.MULTILINE)
)
FOLDER = Path(".nox/results/battery")
SECONDS_TO_NOTE = 1
SECONDS_OF_A_CASE = 1900  # the longest are half an hour
SHOWN = 3  # faults
NOT_BEGUN = b"\xff" * 8  # in place of a case's number


def one_case(part, seed, i, folder):
    """The word for it."""
    word = importlib.import_module(part).case(i, np.random.default_rng([seed, i]), folder)
    assert isinstance(word, str), f"case must return a word for what it was, got {word!r}"
    return word


def work(part, seed, first, end, to_tell, to_place):
    """Cases from the first on, in this process.

    It tells how far it is by a line of JSON at a time, and in which case it is, by a number in
    shared memory, which is read if it dies.
    """
    faulthandler.enable()
    importlib.import_module(part)  # before the first case, which is not to blame
    place = mmap.mmap(to_place, 8)
    words, noted = Counter(), time.monotonic()
    with open(to_tell, "w", encoding="utf-8") as pipe, tempfile.TemporaryDirectory() as folder:

        def tell(done, fault=None):
            print(json.dumps({"done": done, "words": words, "fault": fault}), file=pipe, flush=True)
            words.clear()

        i = first
        try:
            for i in range(first, end):
                place[:] = i.to_bytes(8, "little")
                try:
                    words[one_case(part, seed, i, Path(folder))] += 1
                except Exception:
                    tell(i + 1, traceback.format_exc())
                if time.monotonic() > noted + SECONDS_TO_NOTE:
                    tell(i + 1)
                    noted = time.monotonic()
            tell(end)
        except KeyboardInterrupt:
            tell(i)


class Part:
    """What is known of a part, by a seed."""

    def __init__(self, name, seed, folder):
        self.name, self.seed = name, seed
        self.file = folder / f"{name}-{seed}.json"
        self.done, self.seconds, self.words, self.faults = 0, 0.0, Counter(), {}
        if self.file.exists():
            try:
                known = json.loads(self.file.read_text("utf-8"))
            except ValueError as error:
                raise SystemExit(f"{self.file} is not JSON: remove it, and begin anew") from error
            self.done, self.seconds, self.faults = known["done"], known["seconds"], known["faults"]
            self.words = Counter(known["words"])

    def note(self):
        known = {name: vars(self)[name] for name in ("done", "seconds", "words", "faults")}
        half = self.file.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps(known, indent=1), "utf-8")
        half.replace(self.file)

    def run(self, n, seconds_of_a_case):
        """All cases that are not done yet, in processes that may die; False: it was stopped."""
        while self.done < n:
            started, before = time.monotonic(), self.seconds
            errors = self.file.with_suffix(".stderr")
            ended = True
            with errors.open("w") as stderr, tempfile.TemporaryFile() as place:
                place.write(NOT_BEGUN)
                place.flush()
                to_read, to_tell = os.pipe()
                process = subprocess.Popen(
                    [
                        *(sys.executable, "-P", __file__, self.name, "--seed", str(self.seed)),
                        *("--worker", *map(str, (self.done, n, to_tell, place.fileno()))),
                    ],
                    stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                    pass_fds=(to_tell, place.fileno()),
                )  # fmt: skip
                os.close(to_tell)
                with process, mmap.mmap(place.fileno(), 8) as memory, open(to_read) as told:
                    try:
                        for line in lines(told, process, memory, seconds_of_a_case):
                            self.take(json.loads(line), before + time.monotonic() - started)
                    except KeyboardInterrupt:  # which it got, too
                        ended = False
                        for line in told:
                            self.take(json.loads(line), before + time.monotonic() - started)
                    now = memory[:]
            printed = errors.read_text(errors="replace")
            which = None
            if ended and self.done < n:
                if now == NOT_BEGUN:
                    raise SystemExit(f"{self.name} cannot begin: {printed}")
                which = int.from_bytes(now, "little")
                self.done = which + 1
            # Cython's checks print, as kernels cannot raise.
            elif "Out of bounds" in printed or "ignored in" in printed:
                which = f"before {self.done}"
            if which is not None:
                self.faults[str(which)] = f"exit code {process.returncode}\n{printed[-5000:]}"
                self.note()
            if not ended:
                return False
        return True

    def take(self, told, seconds):
        self.done, self.seconds = told["done"], seconds
        self.words += Counter(told["words"])
        if told["fault"]:
            self.faults[str(told["done"] - 1)] = told["fault"]
        self.note()

    def row(self):
        words = ", ".join(f"{count:,} {word}" for word, count in sorted(self.words.items()))
        return (
            f"| {self.name} | {self.seed} | {self.done:,} | {words} | {len(self.faults)} "
            f"| {self.seconds / 60:.0f} |"
        )

    def print_faults(self):
        for which, fault in list(self.faults.items())[:SHOWN]:
            print(f"{self.name}, case {which}: {fault}\n", file=sys.stderr)
        if len(self.faults) > SHOWN:
            print(f"and {len(self.faults) - SHOWN} more, in {self.file}", file=sys.stderr)
        if self.faults:
            again = f"{Path(__file__).name} {self.name} --seed {self.seed} --case NUMBER"
            print(f"{again} repeats one", file=sys.stderr)


def lines(told, process, memory, seconds):
    """What is told; a process that stays so long in one case is made to say where, and dies."""
    case, since = None, time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(told, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=1):
                line = told.readline()
                if not line:
                    return
                yield line
            if memory[:] != case:
                case, since = memory[:], time.monotonic()
            elif time.monotonic() > since + seconds:
                process.send_signal(signal.SIGABRT)
                since = math.inf


def number(least):
    def read(text):
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {value}")
        return value

    read.__name__ = "whole number"
    return read


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="+", choices=PARTS, metavar="part", help=", ".join(PARTS))
    parser.add_argument("--seed", type=number(0), default=0, help="of all cases (default: 0)")
    parser.add_argument("--cases", type=number(1), help="how many (default: CASES of the part)")
    parser.add_argument("--case", type=number(0), help="this one alone, in this process; not noted")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"(default: {FOLDER})")
    parser.add_argument("--anew", action="store_true", help="forget what is noted of these parts")
    parser.add_argument(
        "--seconds", type=number(1), default=SECONDS_OF_A_CASE,
        help="after which a case without an answer is a fault (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--worker", type=int, nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(*given.parts, given.seed, *given.worker)
        return 0
    if given.case is not None:
        for part in given.parts:
            with tempfile.TemporaryDirectory() as folder:
                print(one_case(part, given.seed, given.case, Path(folder)))
        return 0
    try:
        given.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"argument --folder: {error}")
    print("| part | seed | cases | what they were | faults | minutes |\n|" + " --- |" * 6)
    is_right = True
    for name in given.parts:
        part = Part(name, given.seed, given.folder)
        if given.anew:
            part.file.unlink(missing_ok=True)
            part = Part(name, given.seed, given.folder)
        n = given.cases or importlib.import_module(name).CASES
        went_on = part.run(n, given.seconds)
        print(part.row(), flush=True)
        part.print_faults()
        if not went_on:
            print("stopped; the same command goes on from here", file=sys.stderr)
            return 130
        is_right &= not part.faults
    return int(not is_right)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
