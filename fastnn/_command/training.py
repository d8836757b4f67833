"""The verb train: from a table to a network, and a report."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import numpy as np

from fastnn import _checks, _model_file
from fastnn._command import learning, streams
from fastnn._command.deciding import hints, learned
from fastnn._command.encoding import Encoding, left_out
from fastnn._command.reading import read
from fastnn._command.streams import Failure, Misuse, listed, note, say, shown
from fastnn.network import Network

PICTURES = (".pdf", ".png", ".svg")
SECONDS_UNTIL_PROGRESS, SECONDS_BETWEEN = 2.0, 0.5


def train(given: Namespace) -> None:
    if given.save == streams.STANDARD:
        raise Misuse("--save must name a file, as the report is on the standard output; got '-'")
    for path, flag in ((given.save, "--save"), (given.plot, "--plot")):
        streams.check_new(path, flag, given.table)
    plot = _plotter(given.plot)
    sheet = read(given.table, given.delimiter, given.decimal)
    n = len(sheet)
    if n < learning.FEWEST_ROWS:
        raise Failure(
            f"{sheet.name} has {n} row{_checks.plural(n)}, and {learning.FEWEST_ROWS} are the "
            "least, since some are held out"
        )
    encoding, X, y = learned(sheet, given.target, given.kind, given.ignore, given.categories)
    n_numbers = sum(column.categories is None for column in encoding.columns)
    n_text = len(encoding.columns) - n_numbers
    columns = f"{n_numbers} column{_checks.plural(n_numbers)} of numbers, {n_text} of text"
    say(f"{sheet.name}: {n:,} rows, {columns}")
    reasons = dict.fromkeys(given.ignore, "") | {given.target: None}
    words = left_out(sheet, encoding, reasons, " (the same in all rows)")
    if words:
        say(f"left out: {words}")
    if encoding.classes is None:
        say(f"target {shown(given.target)}: a number, {y.min():.6g} to {y.max():.6g}")
    else:
        k = len(encoding.classes)
        say(f"target {shown(given.target)}: {k} classes, {listed(list(encoding.classes))}")
    progress = Progress() if sys.stderr is not None and sys.stderr.isatty() else None
    found = learning.learn(
        X, y, encoding, hidden=given.hidden, epochs=given.epochs, test=given.test_fraction,
        seed=given.seed, watch=progress, with_losses=plot is not None,
    )  # fmt: skip
    if progress is not None:
        progress.clear()
    sizes = "-".join(map(str, found.net.layer_sizes))
    say(f"network {sizes}, {found.net.n_parameters:,} parameters")
    losses = found.history.history["val_loss"]
    best, n_stop = int(np.argmin(losses)) + 1, len(found.rows["stop"])
    say(f"epoch {best} of {len(losses)} was the best on {n_stop:,} rows held out to tell it")
    _report(found, encoding, X, y)
    if plot is not None:
        streams.write(given.plot, plot(found.losses, losses))
        say(f"the losses are drawn in {given.plot}")
    if given.save is not None:
        try:
            _model_file.save(found.net, given.save, False, encoding.described())
        except ValueError as error:  # for so many names
            raise Failure(str(error)) from error
        say(f"saved in {given.save}: fastnn predict {given.save} NEW.csv")
    else:
        say("not saved: --save FILE would")
    # At the end, so that a failure is one line still.
    for hint in hints(sheet, encoding, y):
        note("train", hint)
    if 1 < best == len(losses) == given.epochs:
        note("train", "it was still getting better at the last epoch: give more by --epochs")


def _report(found: learning.Learned, encoding: Encoding, X: Any, y: Any) -> None:
    """On the rows that were trained on, and on those of which training has seen nothing."""
    words = {"train": "rows that it was trained on", "test": "rows held out for this"}
    for name in [name for name in words if len(found.rows[name])]:
        score = learning.scores(found, encoding, X, y, name)
        rows = f"{len(found.rows[name]):,} {words[name]}"
        if encoding.classes is not None:
            always = f" (always the same class: {score['often']:.3f})" if name == "test" else ""
            say(f"accuracy {score['accuracy']:.3f} on {rows}{always}")
        else:
            r2 = f"R2 {score['R2']:.3f}, " if "R2" in score else ""
            say(f"{r2}mean absolute error {score['mae']:.6g} on {rows}")


def _plotter(path: str | None) -> Callable[[list[float], list[float]], bytes] | None:
    """What draws losses of training and of validation, once it is known that it can."""
    if path is None:
        return None
    ending = path[path.rfind(".") :].lower()
    if ending not in PICTURES:
        raise Misuse(f"--plot must end in {', '.join(PICTURES)}, got {shown(path)}")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise Failure('--plot needs Matplotlib: pip install "fastnn[plot]"') from error

    def plot(training: list[float], validation: list[float]) -> bytes:
        from fastnn.plot._history import HistoryDisplay

        figure = Figure()
        ax = figure.subplots()
        epochs = range(1, len(validation) + 1)  # as the report counts them
        HistoryDisplay(epoch=epochs, columns={"loss": training, "val_loss": validation}).plot(ax)
        best = int(np.argmin(validation)) + 1
        ax.axvline(best, color="grey", linestyle="--", label=f"best epoch, {best}")
        ax.legend()
        ax.set_title("loss")
        picture = io.BytesIO()
        figure.savefig(picture, format=ending[1:])
        return picture.getvalue()

    return plot


class Progress:
    """Shows somebody at a terminal how far training is, if it takes long."""

    def __init__(self) -> None:
        self.next = monotonic() + SECONDS_UNTIL_PROGRESS
        self.length = 0

    def __call__(self, _: Network, epoch: int, logs: Mapping[str, float]) -> None:
        if monotonic() > self.next:
            self.next = monotonic() + SECONDS_BETWEEN
            self._show(f"epoch {epoch + 1}, loss of held-out rows {logs['val_loss']:.4g}")

    def clear(self) -> None:
        if self.length:
            self._show("")

    def _show(self, text: str) -> None:
        print(f"\r{text.ljust(self.length)}\r{text}", end="", file=sys.stderr, flush=True)
        self.length = len(text)
