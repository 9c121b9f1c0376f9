"""Where an output may go: a file of its own, which is replaced, or a pipe, which is written to."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError, writing
from emotion_slm.scoring.formats import STANDARD
from emotion_slm.scoring.sources import descriptor

PART, STATE = ".part", ".part.json"
REJECTED, REJECTED_PART = ".rejected.jsonl", ".rejected.jsonl.part"


def beside(output: Path, suffix: str) -> Path:
    """One of the files that come with an output."""
    return output.with_name(output.name + suffix)


def streamed(output: Path) -> bool:
    """Whether an output is written to as it is: standard output, a pipe, a terminal."""
    if output == STANDARD or descriptor(output) is not None:
        return True
    with suppress(FileNotFoundError, NotADirectoryError):  # the latter is told by `replaceable`
        mode = output.stat().st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
    return False


def replaceable(output: Path, source: Path) -> Path:
    """The file that is made or replaced for `output`: where it leads to, if it is a link.

    EmotionSlmError when that, or a file beside it that a run makes, is the input or not a regular
    file with one name, or must not be written.
    """
    path = Path(os.path.realpath(output))
    for parent in path.parents:
        if parent.exists():
            if not parent.is_dir():
                raise EmotionSlmError(f"{output}: {parent} is a file, not a folder; choose another")
            break
    _check(path, source)
    for suffix in (PART, STATE, REJECTED, REJECTED_PART):
        _check(beside(path, suffix), source)
    # As it was given, unless a link leads elsewhere: this is what messages name.
    return path if output.is_symlink() else output


def _check(path: Path, source: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode):
        raise EmotionSlmError(f"{path}: is a folder; give the file to write with -o")
    if not stat.S_ISREG(found.st_mode):
        raise EmotionSlmError(f"{path}: is not a regular file; give another with -o")
    if _same(found, _status(source, 0)):
        raise EmotionSlmError(
            f"{path}: is the input, whose rejected rows would be lost; give another with -o"
        )
    if found.st_nlink > 1:
        raise EmotionSlmError(
            f"{path}: is known by {found.st_nlink} names (hard links), one of which would keep "
            "what it holds; give another with -o"
        )
    if not found.st_mode & 0o222:
        raise EmotionSlmError(f"{path}: is write-protected; give another with -o")


def check_stream(output: Path, source: Path) -> None:
    """EmotionSlmError when what is written would be read again, as `>> INPUT` asks for, and when
    there is no standard output: its number goes to the next file that is opened."""
    if output == STANDARD and sys.stdout is None:
        raise EmotionSlmError("standard output is closed; give a file with -o")
    if _same(_status(output, 1), _status(source, 0)):
        raise EmotionSlmError(f"{output}: is the input, {source}; write to another file")


def _status(path: Path, standard: int) -> os.stat_result | None:
    with suppress(OSError):
        return os.fstat(standard) if path == STANDARD else path.stat()
    return None


def _same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    """Whether both are one regular file; one terminal may well be read and written."""
    return bool(one and other and stat.S_ISREG(one.st_mode) and os.path.samestat(one, other))


def like(found: os.stat_result, target: int | Path) -> None:
    """Give an open file, or one by its path, the mode that another has, and its owner if it can."""
    with suppress(PermissionError):
        os.chown(target, found.st_uid, found.st_gid)
    os.chmod(target, stat.S_IMODE(found.st_mode) & 0o777)  # noqa: PTH101 - of a descriptor


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Tell an OSError met in writing `path` as EmotionSlmError, but for a reader that has gone."""
    try:
        with writing(Path(path)):
            yield
    except BrokenPipeError:
        raise
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise EmotionSlmError(f"{path}: could not be written ({problem})") from error
