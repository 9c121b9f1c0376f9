"""One run per workspace: a lock that dies with the process that holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError, writing


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an advisory lock on `path`; EmotionSlmError names the process that has it already.

    Killing `dvc` alone leaves its stage running: without this, a second run would write into the
    same folders. The kernel frees the lock of a dead process, so none is ever stale.
    EmotionSlmError too when the disk is full or the folder is not writable.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("ab+", buffering=0)
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise EmotionSlmError(
                "a stage is still running in this workspace "
                f"(process {stream.read().decode().strip()}); "
                "wait for it, or end it, and run `dvc repro` again"
            ) from None
        with writing(path):
            stream.truncate(0)
            stream.write(str(os.getpid()).encode())
        yield
