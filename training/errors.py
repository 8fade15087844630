"""The error raised by training runs."""


class TrainingError(ValueError):
    """A run cannot continue: the message is one line stating what was expected, what was found and what to do."""
