"""An output that is written to as it is: standard output, a pipe, a terminal."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from emotion_slm.scoring.chunks import Rejected, json_lines
from emotion_slm.scoring.formats import STANDARD
from emotion_slm.scoring.outputs import naming
from emotion_slm.scoring.resume import Done
from emotion_slm.scoring.sources import descriptor
from emotion_slm.scoring.writers import Writer


class StreamOutput:
    """Rows go there as they come, those rejected to standard error; there is nothing to resume."""

    def __init__(self, output: Path):
        self.output = output
        self.done = Done()
        self.name = "standard output" if output == STANDARD else output

    def __enter__(self) -> "StreamOutput":
        with naming(self.name):
            self.stream = self._opened()
        return self

    def __exit__(self, *_) -> None:
        if self.output != STANDARD:
            with suppress(OSError):  # it was told when the rows were written
                self.stream.close()

    def append(
        self, records: int, content: bytes, rejected: Sequence[Rejected], truncated: int
    ) -> None:
        with naming(self.name):
            self.stream.write(content)
            self.stream.flush()
        if sys.stderr is not None:
            sys.stderr.write(json_lines(rejected).decode())
        self.done = self.done.after(records, len(rejected), truncated)

    def finish(self, writer: Writer) -> None:
        pass

    def left(self) -> str:
        return f"{self.done.records:,} rows were written"

    def _opened(self) -> BinaryIO:
        if self.output == STANDARD:
            return sys.stdout.buffer
        number = descriptor(self.output)
        return self.output.open("wb") if number is None else os.fdopen(os.dup(number), "wb")
