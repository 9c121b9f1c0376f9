"""Scoring in a process of its own that kills itself at a chosen operation on its files."""

import os
import signal
from pathlib import Path

from emotion_slm.scoring import chunks, resume
from emotion_slm.scoring.plan import Options
from emotion_slm.scoring.run import score
from support.scorer import StubScorer

CHUNK = 7


def run(source: Path, output: Path, death: int | None, operations=None) -> None:
    """Score, resuming; die by SIGKILL at operation `death`; send their number to `operations`."""
    chunks.CHUNK_ROWS = CHUNK
    count = 0

    def passing() -> None:
        nonlocal count
        if count == death:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    def around(function):
        def wrapped(*arguments, **options):
            passing()
            result = function(*arguments, **options)
            passing()
            return result

        return wrapped

    def torn(stream, content: bytes) -> None:
        for half in (content[: len(content) // 2], content[len(content) // 2 :]):
            passing()
            stream.write(half)
            stream.flush()

    class Scorer(StubScorer):
        probabilities = around(StubScorer.probabilities)

    resume._write = torn
    resume.write_json = around(resume.write_json)
    os.replace = around(os.replace)
    os.unlink = around(os.unlink)
    score(source, output, Scorer(), Options(), "stub", resume=True)
    if operations is not None:
        operations.send(count)
