"""Atomic, typed reads and writes: a reader never meets a half-written file."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from emotion_slm.common.errors import EmotionSlmError, writing
from emotion_slm.common.paths import CLASSIFIER
from emotion_slm.common.ranking import DECIMALS


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` only when the block succeeds.

    EmotionSlmError when the disk is full or the folder is not writable.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)  # of a killed process that had the same number
            yield temporary
            temporary.replace(path)
    finally:
        with suppress(OSError):  # a folder that cannot be written has none
            temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Delete what killed processes left of atomic writes in `folder` and below it.

    For a folder in which no process is writing.
    """
    for path in folder.rglob(".*.[0-9]*.part"):
        path.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, content: object) -> None:
    """Write sorted, indented JSON that ends in a newline; NaN and infinity are refused."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> dict:
    """Read a JSON object; EmotionSlmError when the file is missing or is not one."""
    require(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise EmotionSlmError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise EmotionSlmError(f"{path}: expected a JSON object, found {type(content).__name__}")
    return content


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a header and a line per row (RFC 4180, but with the line ends of text files in git).

    Floats are rounded as in metrics files, truth values written as in JSON; what a row lacks is an
    empty cell.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    write_bytes(path, text.getvalue().encode())


def _cell(value: object) -> object:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return round(float(value), DECIMALS) if isinstance(value, float) else value


def read_csv(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file, which must hold `columns`; EmotionSlmError names what is missing."""
    try:
        reader = csv.DictReader(io.StringIO(require(path).read_text(encoding="utf-8"), newline=""))
        rows = list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise EmotionSlmError(f"{path}: not a readable CSV file ({error})") from error
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise EmotionSlmError(f"{path}: column {missing[0]!r} is missing; `dvc repro` writes it")
    return rows


def write_parquet(path: Path, frame) -> None:
    """Write a pandas frame without its index."""
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, index=False)


def read_parquet(path: Path, columns: Sequence[str]):
    """Read a pandas frame that must hold `columns`; EmotionSlmError names what is missing."""
    import pandas as pd
    import pyarrow

    require(path)
    try:
        frame = pd.read_parquet(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise EmotionSlmError(f"{path}: not a readable Parquet file ({error})") from error
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise EmotionSlmError(
            f"{path}: column {missing[0]!r} is missing (found {', '.join(frame.columns)})"
        )
    return frame


def write_array(path: Path, array: np.ndarray) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def read_array(path: Path) -> np.ndarray:
    """Memory-map a .npy file read-only."""
    require(path)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise EmotionSlmError(f"{path}: not a readable .npy file ({error})") from error


def require(path: Path) -> Path:
    """Return `path`, or raise EmotionSlmError telling how to come by it.

    The released model alone is kept in git.
    """
    if not path.exists():
        released = CLASSIFIER.as_posix() in path.as_posix()
        pull = ", `emotion-slm pull` fetches the released one" if released else ""
        raise EmotionSlmError(f"{path}: no such file; `dvc repro` makes it{pull}")
    return path


def sha256_file(path: Path) -> str:
    with require(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_lines(lines: Sequence[str]) -> str:
    """SHA-256 over the sorted lines, each ended by a newline: order does not matter."""
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
