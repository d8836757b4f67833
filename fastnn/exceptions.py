"""The errors of fastnn's own."""


class TrainingDivergedError(ValueError):
    """Training produced a loss or a parameter that is not finite.

    The message names the epoch, the learning rate and the remedy. The network keeps the
    parameters it had a little earlier in training, all of them finite.
    """
