"""The one error that tells a person what is wrong with what they gave."""


class DataError(ValueError):
    """Bad input: the message is one line saying what was expected, what came, where, and what to do.

    The command line prints it and ends with exit code 2; it never quotes a patient's value.
    """
