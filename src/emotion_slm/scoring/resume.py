"""An output under way: OUT.part grows chunk by chunk, OUT.part.json says how far it is good."""

import fcntl
import os
from collections.abc import Sequence
from glob import escape
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.scoring.chunks import Rejected, json_lines
from emotion_slm.scoring.writers import Writer


class Done(NamedTuple):
    """How far a run has come, and the bytes of both files up to there."""

    records: int = 0
    rejected: int = 0
    part_bytes: int = 0
    rejected_bytes: int = 0
    complete: bool = False


class PartialOutput:
    """OUT.part and OUT.rejected.jsonl.part, which get their names when all rows are done.

    After each chunk the state file is replaced, so a killed run is taken up at the last whole
    chunk: what lies beyond it is cut off. `identity` is what must be the same for that: input,
    options, model; None for an input that cannot be read twice.
    """

    def __init__(self, output: Path, identity: dict[str, Any] | None, resume: bool):
        self.output = output
        self.identity = identity
        self.resume = resume
        self.part = _beside(output, ".part")
        self.state = _beside(output, ".part.json")
        self.rejected = _beside(output, ".rejected.jsonl")
        self.rejected_part = _beside(output, ".rejected.jsonl.part")
        self.done = Done()

    def __enter__(self) -> "PartialOutput":
        """EmotionSlmError when there is an unfinished run that `resume` does not ask for or that
        was another one, and when another process writes this output."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self.stream = self._locked()
        try:
            if self.state.exists():
                self.done = self._found()
        except BaseException:
            if self._size(self.part) == 0:
                self.part.unlink()
            self.stream.close()
            raise
        if self.done.complete and self._size(self.part) < self.done.part_bytes:
            self.part.unlink()  # it has its name already; opening it has made another
        else:
            self._cut_back()
        return self

    def __exit__(self, *_) -> None:
        if self.part.exists():  # it is not finished
            self._cut_back()
            if not self.done.records:
                self.part.unlink()
                self.state.unlink(missing_ok=True)
        self.stream.close()

    def append(self, records: int, content: bytes, rejected: Sequence[Rejected]) -> None:
        """Add what came of the next `records` rows; only once they are on disk do they count."""
        reasons = json_lines(rejected)
        _write(self.stream, content)
        if reasons:
            with self.rejected_part.open("ab") as stream:
                _write(stream, reasons)
        self._commit(
            Done(
                records=self.done.records + records,
                rejected=self.done.rejected + len(rejected),
                part_bytes=self.done.part_bytes + len(content),
                rejected_bytes=self.done.rejected_bytes + len(reasons),
            )
        )

    def finish(self, writer: Writer) -> None:
        """Give both files their names; killed amid this, a resumed run does the rest of it."""
        self._commit(self.done._replace(complete=True))
        if not self.done.rejected:
            self.rejected.unlink(missing_ok=True)  # of an earlier run
        elif self.rejected_part.exists():
            self.rejected_part.replace(self.rejected)
        if self.part.exists():
            writer.finish(self.part, self.output)
        # Killed processes leave the temporary files of atomic writes.
        for path in (self.output, self.state):
            for stray in path.parent.glob(f".{escape(path.name)}.[0-9]*.part"):
                stray.unlink()
        self.state.unlink(missing_ok=True)

    def left(self) -> str:
        """What an interrupted run leaves, and how to go on."""
        if not self.done.records:
            return "nothing was written yet"
        advice = "go on with --resume" if self.identity else "a pipe cannot be resumed"
        return f"{self.done.records:,} rows are in {self.part}; {advice}"

    def _found(self) -> Done:
        content = read_json(self.state)
        try:
            done, identity = Done(**content["done"]), dict(content["identity"])
        except (KeyError, TypeError, ValueError) as error:
            raise EmotionSlmError(
                f"{self.state}: not the state of a run ({error!r}); delete it to start again"
            ) from error
        size = self._size(self.part)
        renamed = done.complete and size < done.part_bytes and self.output.exists()
        if renamed and not (self.resume and identity == self.identity):
            return Done()  # that run is over but for its state file
        if not self.resume:
            raise EmotionSlmError(
                f"{self.part}: {done.records:,} rows of an unfinished run; go on with --resume, or "
                f"delete {self.state.name} to start again"
            )
        current = self.identity or {}
        changed = [name for name, value in identity.items() if current.get(name) != value]
        if changed:
            raise EmotionSlmError(
                f"{self.part}: made with other {' and other '.join(changed)}; resume with the "
                f"same, or delete {self.state.name} to start again"
            )
        short = size < done.part_bytes or self._size(self.rejected_part) < done.rejected_bytes
        if short and not done.complete:
            raise EmotionSlmError(
                f"{self.part}: it or {self.rejected_part.name} is shorter than it was; delete "
                f"{self.state.name} to start again"
            )
        return done

    def _locked(self) -> BinaryIO:
        stream = self.part.open("ab")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another run may have renamed what was opened before its lock was gone.
            ours = os.path.samestat(os.fstat(stream.fileno()), self.part.stat())
        except (BlockingIOError, FileNotFoundError):
            ours = False
        if not ours:
            stream.close()
            raise EmotionSlmError(f"{self.part}: another run is writing it; wait for it, or end it")
        return stream

    def _cut_back(self) -> None:
        self.stream.truncate(self.done.part_bytes)
        if not self.done.rejected:
            self.rejected_part.unlink(missing_ok=True)
        elif self.rejected_part.exists():
            os.truncate(self.rejected_part, self.done.rejected_bytes)

    @staticmethod
    def _size(path: Path) -> int:
        return path.stat().st_size if path.exists() else 0

    def _commit(self, done: Done) -> None:
        if self.identity is not None:
            write_json(self.state, {"identity": self.identity, "done": done._asdict()})
        self.done = done


def _beside(output: Path, suffix: str) -> Path:
    return output.with_name(output.name + suffix)


def _write(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)
    stream.flush()
    os.fsync(stream.fileno())
