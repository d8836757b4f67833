"""A decision boundary while a network learns."""

from __future__ import annotations

import base64
import io
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastnn import _checks, _files, _words
from fastnn.callbacks import Callback
from fastnn.plot import _axes
from fastnn.plot._boundary import DecisionBoundaryDisplay, plane_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from fastnn.callbacks import Logs
    from fastnn.network import Network

Array = np.ndarray[Any, Any]

WHO = "DecisionBoundaryAnimation"
SIZE = (4.8, 3.6)  # inches
N_COLOURS = 96  # of a frame, whose file would be twice as large with all that GIF has
REST = 1.5  # seconds, for which the last frame is shown


class Frame(NamedTuple):
    """What the network made of the plane after some epochs.

    Attributes
    ----------
    epoch : int
        How many epochs were done.
    loss : float or None
        That of the last one.
    response : array
        As of `DecisionBoundaryDisplay`.
    """

    epoch: int
    loss: float | None
    response: Array


class DecisionBoundaryAnimation(Callback):
    """A callback that looks at what the network makes of a plane, for an animation.

    It keeps numbers, and draws when the animation is saved, or shown as the last line of a cell of
    a notebook. A further training of the network with the same object goes on with its frames.

    Parameters
    ----------
    X, y, kind, output, margin, class_names
        As for `DecisionBoundaryDisplay.from_network`.
    every : int, default 10
        After how many epochs there is a frame, beside the first, which is before training, and the
        last, which is at its end. An `EarlyStopping` should be behind this callback: at the end it
        takes parameters of an earlier epoch back.
    resolution : int, default 100
        How many points there are along each axis.

    Attributes
    ----------
    frames : list of Frame
        (epoch, loss, response) of each.

    Raises
    ------
    TypeError, ValueError
        For bad settings; and by `Network.train`, before its first epoch, for a network that has not
        two inputs, or X and y that do not fit it.
    ImportError
        By `Network.train`, without Matplotlib.

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> from fastnn.plot import DecisionBoundaryAnimation
    >>> X, y = datasets.load_moons()
    >>> net = Network([2, 8, 1], activation=["tanh", "sigmoid"], loss="bce", seed=0)
    >>> animation = DecisionBoundaryAnimation(X, y, every=10)
    >>> history = net.train(X, y, epochs=50, learning_rate=0.1, callbacks=animation)
    >>> [frame.epoch for frame in animation.frames]
    [0, 10, 20, 30, 40, 50]
    >>> animation.save("moons.gif")
    """

    @_words.explained
    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        every: int = 10,
        kind: str = "auto",
        output: int | None = None,
        resolution: int = 100,
        margin: float = 0.1,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.X, self.y = X, y
        self.every = _checks.integer(every, "every", 1)
        self.class_names = class_names
        self._settings = (kind, output, resolution, margin)
        self._net: Network | None = None
        self._done = 0  # epochs, in trainings before
        self.frames: list[Frame] = []

    def check(self, names: Sequence[str], name: str) -> None:
        _axes.pyplot(WHO)

    def on_train_begin(self, net: Network) -> None:
        if self._net is None:
            self._plane = plane_of(net, self.X, self.y, *self._settings)
            if self.class_names is not None:
                _axes.names_of(self.class_names, "class_names", self._plane.n_classes)
            self._net = net
        elif self._net is not net:
            raise ValueError(
                f"{WHO} must be given to one network alone, as its frames are of one; make another "
                "for each"
            )
        if self.frames:  # the last training may have been broken off
            self._done = max(self._done, self.frames[-1].epoch)
        else:
            self.frames.append(Frame(0, None, self._plane.response(net)))

    def on_epoch_end(self, net: Network, epoch: int, logs: Logs) -> None:
        done = self._done + epoch + 1
        self.frames.append(Frame(done, logs["loss"], self._plane.response(net)))

    def on_train_end(self, net: Network, history: Any) -> None:
        self._done += len(history.epoch)
        if self.frames[-1].epoch < self._done:
            loss = history.history["loss"][-1]
            self.frames.append(Frame(self._done, loss, self._plane.response(net)))

    def plot(self, frame: int = -1, ax: Axes | None = None) -> DecisionBoundaryDisplay:
        """Draw one frame.

        Parameters
        ----------
        frame : int, default -1
            Its place in `frames`; -1 is the last one.
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        DecisionBoundaryDisplay

        Raises
        ------
        TypeError, ValueError
            If there is no such frame, as before the first training.
        ImportError
            Without Matplotlib.
        """
        n = self._n_frames()
        place = _checks.integer(frame, "frame", -n, n - 1)
        epoch, loss, response = self.frames[place]
        display = DecisionBoundaryDisplay.of_plane(
            self._plane, response, self.class_names, self._limits()
        ).plot(ax)
        said = "" if loss is None else f", loss {loss:.4f}"
        display.ax_.set_title(f"epoch {epoch}{said}")
        return display

    def save(
        self, path: str | os.PathLike[str] | IO[bytes], *, fps: float = 10.0, dpi: float = 80.0
    ) -> None:
        """Write the animation as a GIF, which repeats for ever.

        Parameters
        ----------
        path : str, path-like, or file opened in binary mode
            Ending in .gif. An older file of the same name is there, whole, until the new one is.
        fps : float, default 10.0
            Frames in a second, at most 50.
        dpi : float, default 80.0
            Pixels in an inch, of 4.8 by 3.6.

        Raises
        ------
        TypeError, ValueError
            If it has seen no training, or for bad settings, and names of other formats.
        OSError
            If the file cannot be written.
        ImportError
            Without Matplotlib.
        """
        self._n_frames()
        to = _checks.path_or_file(path, "path", "wb")
        if isinstance(to, str):
            if not to.lower().endswith(".gif"):
                raise ValueError(f"path must end in .gif, got {path!r}")
            _checks.new_file(to, "path")
        possible = _checks.Range("above 0 and at most 50", 0, 50, with_high=True)
        fps = _checks.number(fps, "fps", possible)
        dpi = _checks.number(dpi, "dpi", _checks.ABOVE_ZERO)
        _files.write(to, self._gif(fps, dpi))

    def __repr__(self) -> str:
        n = len(self.frames)
        epochs = f", epochs 0 to {self.frames[-1].epoch}" if n else ""
        return f"<{type(self).__name__} of {n} frame{_checks.plural(n)}{epochs}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """For notebooks, which show it."""
        found = {"text/plain": repr(self)}
        if self.frames:
            found["image/gif"] = base64.b64encode(self._gif()).decode()
        return found

    def _gif(self, fps: float = 10.0, dpi: float = 80.0) -> bytes:
        images = [self._image(i, dpi) for i in range(len(self.frames))]
        milliseconds = [round(1000 / fps)] * (len(images) - 1) + [round(1000 * REST)]
        buffer = io.BytesIO()
        images[0].save(
            buffer, "GIF", save_all=True, append_images=images[1:], duration=milliseconds, loop=0
        )
        return buffer.getvalue()

    def _image(self, frame: int, dpi: float) -> Any:
        """A frame as an image of Pillow's."""
        _axes.pyplot(WHO)
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from PIL import Image

        figure = Figure(figsize=SIZE, dpi=dpi)
        # Fixed, as a layout that is computed takes as long as all the rest.
        right = 0.97 if self._plane.n_classes else 0.88
        figure.subplots_adjust(left=0.14, right=right, bottom=0.14, top=0.91)
        canvas: Any = FigureCanvasAgg(figure)
        self.plot(frame, figure.add_subplot())
        canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        return image.quantize(N_COLOURS, dither=Image.Dither.NONE)

    def _n_frames(self) -> int:
        if not self.frames:
            raise ValueError(
                f"{WHO} must have seen a training, and it has no frames yet; give it to train as "
                "callbacks=..."
            )
        return len(self.frames)

    def _limits(self) -> tuple[float, float] | None:
        """Of a surface: a scale that all frames have."""
        if self._plane.n_classes:
            return None
        found = [frame.response for frame in self.frames]
        if self._plane.Y is not None:
            found.append(self._plane.Y)
        return float(min(map(np.min, found))), float(max(map(np.max, found)))
