"""An output under way: OUT.part grows chunk by chunk, OUT.part.json says how far it is good."""

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Sequence
from glob import escape
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.scoring import chunks
from emotion_slm.scoring.chunks import Rejected, json_lines
from emotion_slm.scoring.outputs import PART, REJECTED, REJECTED_PART, STATE, beside, like, naming
from emotion_slm.scoring.writers import Writer

# Another number whenever rows are read, cut into chunks or written in another way: a run is
# resumed by what began it.
STATE_FORMAT = 2


class Done(NamedTuple):
    """How far a run has come; of both files the bytes up to there, and the SHA-256 of these."""

    records: int = 0
    rejected: int = 0
    truncated: int = 0
    part_bytes: int = 0
    part_sha256: str = hashlib.sha256().hexdigest()
    rejected_bytes: int = 0
    rejected_sha256: str = hashlib.sha256().hexdigest()
    complete: bool = False

    def after(self, records: int, rejected: int, truncated: int) -> "Done":
        return self._replace(
            records=self.records + records,
            rejected=self.rejected + rejected,
            truncated=self.truncated + truncated,
        )


class PartialOutput:
    """OUT.part and OUT.rejected.jsonl.part, which get their names when all rows are done.

    After each chunk the state file is replaced, so a killed run is taken up at the last whole
    chunk: what lies beyond it is cut off. `identity` is what must be the same for that: input,
    options, model; None for an input that cannot be read twice. All have the mode of the file
    that they will replace.
    """

    def __init__(self, output: Path, identity: dict[str, Any] | None, resume: bool):
        self.output = output
        sizes = {"rows": chunks.CHUNK_ROWS, "characters": chunks.CHUNK_CHARACTERS}
        self.identity = None if identity is None else {**identity, "chunks": sizes}
        self.resume = resume
        self.part = beside(output, PART)
        self.state = beside(output, STATE)
        self.rejected = beside(output, REJECTED)
        self.rejected_part = beside(output, REJECTED_PART)
        self.done = Done()

    def __enter__(self) -> "PartialOutput":
        """EmotionSlmError when there is an unfinished run that `resume` does not ask for or that
        was another one, and when another process writes this output."""
        with naming(self.output):
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
            self.part_hash = _hash(self.part)
            self.rejected_hash = _hash(self.rejected_part)
        return self

    def __exit__(self, *_) -> None:
        if self.part.exists():  # it is not finished
            self._cut_back()
            if not self.done.records:
                self.part.unlink()
                self.state.unlink(missing_ok=True)
        self.stream.close()

    def append(
        self, records: int, content: bytes, rejected: Sequence[Rejected], truncated: int
    ) -> None:
        """Add what came of the next `records` rows; only once they are on disk do they count."""
        reasons = json_lines(rejected)
        with naming(self.part):
            _write(self.stream, content)
        if reasons:
            with naming(self.rejected_part), self._open(self.rejected_part) as stream:
                _write(stream, reasons)
        self.part_hash.update(content)
        self.rejected_hash.update(reasons)
        self._commit(
            self.done.after(records, len(rejected), truncated)._replace(
                part_bytes=self.done.part_bytes + len(content),
                part_sha256=self.part_hash.hexdigest(),
                rejected_bytes=self.done.rejected_bytes + len(reasons),
                rejected_sha256=self.rejected_hash.hexdigest(),
            )
        )

    def finish(self, writer: Writer) -> None:
        """Give both files their names; killed amid this, a resumed run does the rest of it."""
        self._commit(self.done._replace(complete=True))
        with naming(self.output):
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
        done, identity = self._read_state()
        size = self._size(self.part)
        renamed = done.complete and size < done.part_bytes and self.output.exists()
        if renamed and not (self.resume and identity == self.identity):
            return Done()  # that run is over but for its state file
        again = f"delete {self.state.name} to start again"
        if not self.resume:
            raise EmotionSlmError(
                f"{self.part}: {done.records:,} rows of an unfinished run; go on with --resume, or "
                f"{again}"
            )
        current = self.identity or {}
        names = {**identity, **current}
        changed = [name for name in names if current.get(name) != identity.get(name)]
        if changed:
            raise EmotionSlmError(
                f"{self.part}: made with other {' and other '.join(changed)}; resume with the "
                f"same, or {again}"
            )
        if renamed:
            return done
        for path, size, digest in (
            (self.part, done.part_bytes, done.part_sha256),
            (self.rejected_part, done.rejected_bytes, done.rejected_sha256),
        ):
            if done.complete and path == self.rejected_part and not path.exists():
                continue  # it has its name already
            if self._size(path) < size:
                raise EmotionSlmError(f"{path}: is shorter than it was; {again}")
            if _hash(path, size).hexdigest() != digest:
                raise EmotionSlmError(f"{path}: does not hold what was written to it; {again}")
        return done

    def _read_state(self) -> tuple[Done, dict[str, Any]]:
        again = f"delete it to start {self.output.name} again"
        try:
            content = read_json(self.state)
        except EmotionSlmError as error:
            raise EmotionSlmError(f"{error}; {again}") from error
        if content.get("format") != STATE_FORMAT:
            raise EmotionSlmError(f"{self.state}: not the state of a run of this release; {again}")
        try:
            done, identity = Done(**content["done"]), dict(content["identity"])
            whole = content["sha256"] == _digest(done, identity)
        except (KeyError, TypeError, ValueError) as error:
            raise EmotionSlmError(f"{self.state}: damaged ({error!r}); {again}") from error
        if not whole:
            raise EmotionSlmError(f"{self.state}: altered or damaged; {again}")
        return done, identity

    def _locked(self) -> BinaryIO:
        stream = self._open(self.part)
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

    def _open(self, path: Path) -> BinaryIO:
        """Append to `path`, which has the output's mode before anything is in it."""
        output = self.output.stat() if self.output.exists() else None
        mode = stat.S_IMODE(output.st_mode) & 0o777 if output else 0o666
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        number = os.open(path, flags, mode)
        if output:
            like(output, number)
        return os.fdopen(number, "ab")

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
            content = {"format": STATE_FORMAT, "identity": self.identity, "done": done._asdict()}
            write_json(self.state, {**content, "sha256": _digest(done, self.identity)})
        self.done = done


def _digest(done: Done, identity: dict[str, Any]) -> str:
    """Of what the state file says, so that an edit of it is noticed."""
    content = json.dumps([done, identity], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _hash(path: Path, size: int | None = None):
    """SHA-256, still to be updated, of the first `size` bytes of a file; of all, if None."""
    digest = hashlib.sha256()
    if not path.exists():
        return digest
    left = path.stat().st_size if size is None else size
    with path.open("rb") as stream:
        while left and (block := stream.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return digest


def _write(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)
    stream.flush()
    os.fsync(stream.fileno())
