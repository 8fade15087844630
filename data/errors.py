"""The error raised for bad input."""


class DataError(ValueError):
    """Bad input: the message is one line stating what was expected, what was found, where, and what to do.

    The command line prints it and ends with exit code 2; it never quotes a patient's value.
    """
