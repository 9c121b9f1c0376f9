"""The one exception meant for people: what it says, and how a machine without room is reported.

Every message names the file, the place and the remedy; a misspelt name gets the nearest valid one.
"""

import difflib
import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class EmotionSlmError(Exception):
    """A problem the user can solve; its message names the file, the place and the remedy.

    Stages and the command line print the message without a traceback and exit with status 1.
    """


NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
LISTED_CHARACTERS = 500  # names may come from a file, which may be anything
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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the nearest of `known`, or a list when none is near."""
    known = list(known)
    if not known:
        return "; there are none"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    listed = ", ".join(other if other.isprintable() else repr(other) for other in known)
    more = " …" if len(listed) > LISTED_CHARACTERS else ""
    return f"; known: {listed[:LISTED_CHARACTERS]}{more}"
