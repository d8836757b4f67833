"""The errors of fastnn's own."""

__all__ = ["ModelFileError", "TrainingDivergedError"]


class TrainingDivergedError(ValueError):
    """Training produced a loss or a parameter that is not finite.

    The message names the epoch, the step in it, the learning rate, the last finite loss, how large
    the data are, and the remedy: see docs/scaling.md. The network keeps the parameters that it had
    a little earlier in training, all of them finite.
    """


class ModelFileError(ValueError):
    """A file holds no network that can be loaded. The message names the file and what is wrong."""
