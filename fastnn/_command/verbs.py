"""The verbs for networks that are there: predict, info, export."""

from __future__ import annotations

import csv
import io
import sys
import warnings
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fastnn import _model_file
from fastnn._command import streams
from fastnn._command.encoding import Encoding, left_out
from fastnn._command.reading import read
from fastnn._command.streams import Failure, Misuse, listed, note, say, shown
from fastnn.exceptions import ModelFileError
from fastnn.network import Network

if TYPE_CHECKING:
    from fastnn.export._exported import Exported


def predict(given: Namespace) -> None:
    streams.check_new(given.output, "-o", given.table)
    net, encoding = _model(given.model)
    if encoding is None:
        raise Failure(
            f"{given.model} holds a network alone, without the columns of a table that fastnn "
            "train keeps; in Python, Network.load(path).feedforward(X) predicts with it"
        )
    sheet = read(given.table, given.delimiter, given.decimal)
    X = encoding.encode(sheet)
    words = left_out(sheet, encoding, {encoding.target: " (the target)"})
    if words:
        note("predict", f"left out: {words}")
    outputs = net.feedforward(X)
    if not np.isfinite(outputs).all():
        i = int(np.isfinite(outputs).all(axis=1).argmin())
        raise Failure(f"{sheet.place(i)}: the prediction is not finite, for numbers so large")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["prediction"])
    writer.writerows([one] for one in encoding.predictions(outputs))
    streams.write(given.output, text.getvalue().encode("utf-8"))


def info(given: Namespace) -> None:
    net, encoding = _model(given.model)
    sizes = "-".join(map(str, net.layer_sizes))
    say(f"{given.model}: a network of fastnn")
    say(f"layers        {sizes}: {', '.join(net.activations)}")
    say(f"loss          {net.loss}")
    say(f"parameters    {net.n_parameters:,}, {net.dtype}")
    if net.standardizer is not None or net.target_standardizer is not None:
        parts = {"inputs": net.standardizer, "targets": net.target_standardizer}
        standardized = " and ".join(name for name, one in parts.items() if one is not None)
        say(f"standardizer  of {standardized}, in its parameters: these are as they are")
    if encoding is None:
        if net.feature_names is not None:
            say(f"inputs        {listed(list(net.feature_names), 20)}")
        say("table         none: it was not made by fastnn train")
        return
    if encoding.classes is None:
        say(f"target        {shown(encoding.target)}: a number")
    else:
        classes = listed(list(encoding.classes), 20)
        say(f"target        {shown(encoding.target)}: {len(encoding.classes)} classes, {classes}")
    say("columns")
    for column in encoding.columns:
        what = "a number" if column.categories is None else listed(list(column.categories), 10)
        say(f"  {shown(column.name)}: {what}")


def export(given: Namespace) -> None:
    if given.to is None:
        raise Misuse("what it is to be is required: --to c, or --to onnx")
    is_onnx = given.to == "onnx"
    for flag, what in (("--name", "name"), ("--dtype", "type of numbers to choose"),
                       ("--numbers", "text of numbers"), ("--quantize", "integers"),
                       ("--data", "test")):  # fmt: skip
        if is_onnx and getattr(given, flag[2:]) is not None:
            raise Misuse(f"{flag} is for --to c, and ONNX has no such {what}")
    if is_onnx and given.output is None and sys.stdout is not None and sys.stdout.isatty():
        raise Misuse("ONNX is no text for a terminal; give a file by -o")
    for read_from in (given.model, given.data):
        if read_from is not None:
            streams.check_new(given.output, "-o", read_from)
    net, encoding = _model(given.model)
    if is_onnx:
        streams.write(given.output, _onnx(net, encoding))
        return
    text, remarks = _c(net, encoding, given)
    streams.write(given.output, text)
    for remark in remarks:
        note("export", remark)


def _onnx(net: Network, encoding: Encoding | None) -> bytes:
    from fastnn.export import to_onnx

    try:
        made: bytes = to_onnx(Model(net, encoding)).SerializeToString()
    except ImportError as error:
        raise Failure(str(error)) from error
    return made


def _c(net: Network, encoding: Encoding | None, given: Namespace) -> tuple[bytes, list[str]]:
    """The text of a header, and what is to be said of it."""
    from fastnn.export import _c, _c_words

    if given.name is not None:
        try:
            _c_words.check_name(given.name)
        except (TypeError, ValueError) as error:
            raise Misuse(f"--{error}") from error
    data = None
    if given.data is not None:
        if encoding is None:
            raise Failure(
                f"{given.model} holds a network alone, without the columns of a table that fastnn "
                "train keeps; in Python, Network.load(path).to_c(data=(X, y)) takes data"
            )
        sheet = read(given.data, given.delimiter, given.decimal)
        data = encoding.encode(sheet), encoding.targets(sheet)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        try:
            header = _c.Header.of(
                Model(net, encoding), given.output, name=given.name,
                numbers=given.numbers or "hex", quantize=given.quantize, data=data,
                dtype=given.dtype,
            )  # fmt: skip
        except ValueError as error:
            raise Failure(str(error)) from error
        text = header.text().encode("utf-8")
    lost = header.program.lost
    return text, [*(str(one.message) for one in found), *([] if lost is None else [lost])]


class Model:
    """A network and what its outputs mean, to be exported."""

    def __init__(self, net: Network, encoding: Encoding | None) -> None:
        self.net, self.encoding = net, encoding

    def _exported(self) -> Exported:
        found = self.net._exported()
        if self.encoding is None:
            return found
        if self.encoding.classes is None:
            return replace(found, kind="regressor")
        return replace(found, kind="classifier", classes=self.encoding.classes)


def _model(path: str) -> tuple[Network, Encoding | None]:
    """A network from a file, and what that keeps of a table."""
    net, table = _model_file.load_with_table(path, Network)
    if table is None:
        return net, None
    try:
        return net, Encoding.of(table, net.layer_sizes)
    except ValueError as error:
        raise ModelFileError(f"{path!r} does not describe a table: {error}") from error
