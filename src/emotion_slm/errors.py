"""The one exception meant for people, and how a machine that gives no more room is told to them."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EmotionSlmError(Exception):
    """A problem the user can mend; its message names the file, the place and the remedy.

    Stages and the command line print the message without a traceback and exit with status 1.
    """


NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
NO_PERMISSION = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell a full disk or a folder without permission, met in the block, as EmotionSlmError."""
    try:
        yield
    except OSError as error:
        # numpy has no number for a file that could be written in part only.
        if error.errno in NO_SPACE or "requested and" in str(error):
            remedy = "free some space there"
        elif error.errno in NO_PERMISSION:
            remedy = "make its folder writable"
        else:
            raise
        reason = error.strerror or error
        raise EmotionSlmError(
            f"{path}: could not be written ({reason}); {remedy} and run the command again"
        ) from error


def out_of_memory(error: Exception) -> bool:
    """Whether Python, numpy, pyarrow or torch was refused memory; torch says so in words only."""
    if isinstance(error, MemoryError):
        return True
    words = ("can't allocate memory", "out of memory", "Cannot allocate memory")
    return any(word in str(error) for word in words)
