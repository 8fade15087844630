"""The error raised for bad input, and the warning of input that is read though something in it is odd."""


class DataError(ValueError):
    """Bad input: the message is one line stating what was expected, what was found, where, and what to do.

    The command line prints it and ends with exit code 2; it never quotes a patient's value.
    """


class ReadWarning(UserWarning):
    """What a person should know of how a file was read: what was passed over, dropped, or may not be what it seems.

    `read_cohort` gives each line as a Python warning, and keeps them in `provenance["warnings"]`.
    """
