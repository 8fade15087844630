"""The one error of a training run."""


class TrainingError(ValueError):
    """A run that cannot go on: the message is one line saying what was expected, what came and what to do."""
