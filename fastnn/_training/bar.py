"""The progress bar of training: tqdm's, in a terminal or a notebook."""

from __future__ import annotations

import math
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Bar:
    """Epochs on a bar of tqdm, in parts where they are long."""

    def __init__(self, epochs: int) -> None:
        try:
            from tqdm import TqdmWarning

            # A notebook without ipywidgets gets a bar of text, which need not be warned of.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", TqdmWarning)
                from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError(
                'progress=True needs tqdm: install it with pip install "fastnn[progress]"'
            ) from error
        self._bar = tqdm(total=epochs, unit="epoch", bar_format=FORMAT)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.close()

    def show(self, epochs: float, loss: float) -> None:
        """So many epochs are done, and this was the loss of the last whole one, or NaN."""
        if not math.isnan(loss):
            self._bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
        self._bar.update(epochs - self._bar.n)


FORMAT = "{l_bar}{bar}| {n:.0f}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


def bar(epochs: int, shown: bool) -> AbstractContextManager[Bar | None]:
    return Bar(epochs) if shown else nullcontext()
