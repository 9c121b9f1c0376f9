"""A disk that takes no more."""

import os
from collections.abc import Callable


def refusing(number: int) -> Callable:
    """A function that fails as the kernel does, with error `number`, whatever it is given."""

    def refuse(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    return refuse
