"""What the command line takes."""

from __future__ import annotations

import argparse
import difflib
import math
from collections.abc import Callable
from typing import Any, NoReturn

from fastnn import __version__, _demo, kernel_level
from fastnn._command import learning, training, verbs
from fastnn._command.streams import STANDARD

MOST_UNITS = 100_000  # of a layer
DESCRIPTION = "Small neural networks, trained on the CPU by exact gradient descent."
TRAIN = """\
The table has the names of its columns in the first line, and one row a line:
CSV in UTF-8, or Parquet where the name ends in .parquet or .pq.

  inputs   All columns but the target and those that are left out by --ignore.
           A column of numbers is one input. A column of text becomes one
           input for each text that is there, its categories.
  target   Text, and whole numbers of at most 20 different values, are
           classes. Others are learned as numbers. --as says otherwise.
  missing  Values that are missing are refused, by line and column.

Inputs, and targets that are numbers, are standardized; the network in the
file takes and gives them as they are. Some rows are held out for the report
at the end, and a fifth of the others to tell when to stop. Training is by
Adam, with a little L2. The same table, flags and seed give the same network.
"""
PREDICT = """\
Columns may be in any order. Those that the network was not trained on, and
the target's, are left out, with a word on the standard error; a column or a
value that is missing, and a new category, are refused. What comes out is a
CSV of one column, "prediction": the name of a class, or a number.
"""
EXPORT = """\
A C header needs nothing but a compiler, ONNX pip install "fastnn[onnx]". Both
take numbers as they are in the table, and for each category of a column of
text 1 or 0. The header lists its inputs, in their order, and its top says how
to build and to test it. With -o FILE, its names begin as the file's does.

  doubles   What train saves computes in double, which most microcontrollers
            do slowly: --dtype float32 makes it float.
  int8      --quantize int8 makes weights a quarter as large, or an eighth of
            double's. --data TABLE, as for predict and with the target, tells
            how much accuracy that costs; its rows are those of the test.
  classify  gives the place of a class in an array of their names, and -1 if
            an input is NaN.
"""
EXAMPLE = """\
for example
  fastnn train flowers.csv --target species --save flowers.npz
  fastnn predict flowers.npz new.csv -o predicted.csv

fastnn COMMAND --help has the rest.
"""
MEANT = {"--format": "--to", "--output": "-o", "--out": "-o", "--type": "--dtype"}


class Parser(argparse.ArgumentParser):
    """Whose errors are one line."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The verb's own parser refuses what it does not know, as it has the flags."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            given, flags = unknown[0].partition("=")[0], self._option_string_actions
            like = [MEANT[given]] if MEANT.get(given) in flags else []
            if given.startswith("--") and not like:  # without these, which all of them have
                names = [one[2:] for one in flags if one.startswith("--")]
                like = [f"--{one}" for one in difflib.get_close_matches(given[2:], names, n=1)]
            hint = f"; did you mean {like[0]}?" if like else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> Parser:
    whole = Parser(
        prog="fastnn", description=DESCRIPTION, epilog=EXAMPLE, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    version = f"fastnn {__version__} ({kernel_level()} kernels)"
    whole.add_argument("--version", action="version", version=version)
    commands = whole.add_subparsers(title="commands", dest="command", metavar="COMMAND")

    def verb(name: str, about: str, more: str | None = None) -> Parser:
        return commands.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}.", epilog=more,
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip

    train = verb("train", "learn from a table in a file", TRAIN)
    train.add_argument("table", metavar="TABLE", help="the file; - for the standard input")
    train.add_argument("--target", required=True, metavar="COLUMN", help="what is to be predicted")
    train.add_argument("--save", metavar="FILE", help="where to write the network (.npz)")
    train.add_argument("--plot", metavar="FILE", help="where to draw the losses: .png, .svg, .pdf")
    train.add_argument(
        "--ignore", action="append", default=[], metavar="COLUMN",
        help="leave a column out; once for each",
    )  # fmt: skip
    train.add_argument(
        "--categories", action="append", default=[], metavar="COLUMN",
        help="take its numbers for categories; once for each",
    )  # fmt: skip
    train.add_argument(
        "--as", dest="kind", choices=["classes", "numbers"], help="what the target's values are"
    )
    train.add_argument(
        "--hidden", type=_hidden, default=[32, 16], metavar="N,N",
        help='units of the hidden layers (32,16); "none" for a linear model',
    )  # fmt: skip
    train.add_argument(
        "--epochs", type=_whole(1, 10**9), default=1000, metavar="N",
        help=f"the most epochs (1000); it stops after {learning.PATIENCE} that were no better",
    )  # fmt: skip
    train.add_argument(
        "--test-fraction", type=_fraction, default=0.2, metavar="F",
        help="which part of the rows is held out for the report (0.2); 0: none",
    )  # fmt: skip
    train.add_argument(
        "--seed", type=_whole(0, 2**63 - 1), default=0, metavar="N",
        help="of the split, the first weights and the order of rows (0)",
    )  # fmt: skip
    _add_dialect(train)
    train.set_defaults(run=training.train)

    predict = verb("predict", "predict with a network that train has saved", PREDICT)
    predict.add_argument("model", metavar="MODEL", help="the file that train --save has written")
    predict.add_argument("table", metavar="TABLE", help="the file; - for the standard input")
    predict.add_argument(
        "-o", dest="output", type=_output, metavar="FILE", help="where to write; without it, or by "
        "-, the standard output",
    )  # fmt: skip
    _add_dialect(predict)
    predict.set_defaults(run=verbs.predict)

    info = verb("info", "say what is in a file of a network")
    info.add_argument("model", metavar="MODEL", help="of fastnn train, or of Network.save")
    info.set_defaults(run=verbs.info)

    export = verb("export", "write a network as C or ONNX", EXPORT)
    export.add_argument("model", metavar="MODEL", help="of fastnn train, or of Network.save")
    export.add_argument("--to", type=str.lower, choices=["c", "onnx"], help="what to write")
    export.add_argument(
        "-o", dest="output", type=_output, metavar="FILE", help="where to write; without it, or by "
        "-, the standard output",
    )  # fmt: skip
    export.add_argument("--name", help='how identifiers begin in C (as the file of -o, or "model")')
    export.add_argument(
        "--dtype", choices=["float32", "float64"],
        help="in C: compute in float or double (as the network)",
    )  # fmt: skip
    export.add_argument("--quantize", choices=["int8"], help="in C: weights of one byte")
    export.add_argument(
        "--data", metavar="TABLE",
        help="in C: rows for its test, and to tell what int8 or float32 costs; - for the standard "
        "input",
    )  # fmt: skip
    export.add_argument(
        "--numbers", choices=["hex", "decimal"],
        help="in C: how they are written (hex); C++ before 17 needs decimal",
    )  # fmt: skip
    _add_dialect(export)
    export.set_defaults(run=verbs.export)

    demo = verb("demo", "learn to read handwritten digits, in about a second")
    demo.set_defaults(run=lambda _: _demo.run())
    whole.set_defaults(run=lambda _: print(whole.format_help(), end="", flush=True))
    return whole


def _add_dialect(verb: Parser) -> None:
    verb.add_argument(
        "--delimiter", type=_delimiter, metavar="C",
        help='between columns of CSV, a character or "tab" (what the first line has)',
    )  # fmt: skip
    verb.add_argument(
        "--decimal", choices=[".", ","], metavar="C",
        help='what stands before decimals in CSV, "." or "," (.)',
    )  # fmt: skip


def _hidden(text: str) -> list[int]:
    if text.strip() == "none":
        return []
    try:
        sizes = [int(one) for one in text.split(",")]
    except ValueError:
        sizes = [0]
    if min(sizes) < 1 or max(sizes) > MOST_UNITS:
        raise argparse.ArgumentTypeError(
            f'must be numbers of units, from 1 to {MOST_UNITS:,}, such as 32,16, or "none"; got '
            f"{text!r}"
        )
    return sizes


def _whole(least: int, most: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {least} to {most}, got {text!r}"
            )
        return number

    return whole


def _fraction(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 0.9:
        raise argparse.ArgumentTypeError(f"must be from 0 to 0.9, got {text!r}")
    return number


def _output(text: str) -> str | None:
    return None if text == STANDARD else text


def _delimiter(text: str) -> str:
    found = "\t" if text in ("tab", r"\t") else text
    if len(found) != 1 or found in '"\r\n \0' or found.isalnum():
        raise argparse.ArgumentTypeError(
            f'must be one character that is neither letter, digit, quote nor space, or "tab"; got '
            f"{text!r}"
        )
    return found
