"""Atomic, typed reads and writes: a reader never meets a half-written file."""

import csv
import hashlib
import io
import json
import math
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from emotion_slm.common import columns as columns_of_tables
from emotion_slm.common.errors import EmotionSlmError, writing
from emotion_slm.common.paths import CLASSIFIER
from emotion_slm.common.ranking import DECIMALS

AGAIN = "make it again with `dvc repro`, or fetch it again"
MOST_JSON_BYTES = 64 * 2**20
MOST_NESTED = 64  # a value in a list in an object counts three: Python's own limit is a crash


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


def flush(path: Path) -> None:
    """Make a file's content, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, content: object) -> None:
    """Write sorted, indented JSON that ends in a newline; NaN and infinity are refused."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> dict:
    """Read a JSON object; EmotionSlmError when the file is missing or is not one.

    Refused with it is what Python would read and could not write again: NaN and infinite numbers,
    half a surrogate pair; two values of one key, and nesting beyond MOST_NESTED.
    """
    require(path, MOST_JSON_BYTES)
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(
            text,
            parse_float=_finite,
            parse_constant=_finite,
            object_pairs_hook=_distinct,
        )
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode()
    except RecursionError:
        raise EmotionSlmError(f"{path}: not valid JSON (nested too deeply); {AGAIN}") from None
    except ValueError as error:  # that of an integer of thousands of digits has no class of its own
        raise EmotionSlmError(f"{path}: not valid JSON ({error}); {AGAIN}") from error
    if not isinstance(content, dict):
        found = type(content).__name__
        raise EmotionSlmError(f"{path}: expected a JSON object, found {found}; {AGAIN}")
    if _deeper(content, MOST_NESTED):
        raise EmotionSlmError(f"{path}: not valid JSON (nested too deeply); {AGAIN}")
    return content


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"key {twice[:80]!r} occurs twice")
    return content


def _deeper(content: object, levels: int) -> bool:
    """Whether lists and objects are nested in more than `levels`."""
    inside = [content]
    for _ in range(levels):
        inside = [
            inner
            for outer in inside
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(inside)


def read_text(path: Path) -> str:
    """Read a UTF-8 text; EmotionSlmError when the file is missing or is not one."""
    try:
        return require(path).read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise EmotionSlmError(f"{path}: not a text in UTF-8 ({error}); {AGAIN}") from error


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
        reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
        rows = list(reader)
    except csv.Error as error:
        raise EmotionSlmError(f"{path}: not a readable CSV file ({error}); {AGAIN}") from error
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise EmotionSlmError(f"{path}: column {missing[0]!r} is missing; `dvc repro` writes it")
    return rows


def write_parquet(path: Path, frame) -> None:
    """Write a pandas frame without its index."""
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, index=False)


def read_parquet(path: Path, columns: Sequence[str]):
    """Read a pandas frame that must hold `columns`; EmotionSlmError names what is missing.

    So it does a column that holds another type than the pipeline writes under that name.
    """
    import pandas as pd
    import pyarrow
    import pyarrow.parquet

    require(path)
    try:
        schema = pyarrow.parquet.read_schema(path)
        frame = pd.read_parquet(path)
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise EmotionSlmError(f"{path}: not a readable Parquet file ({error}); {AGAIN}") from error
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns))
        raise EmotionSlmError(f"{path}: column {missing[0]!r} is missing (found {found}); {AGAIN}")
    fault = columns_of_tables.fault(schema, frame)
    if fault:
        raise EmotionSlmError(f"{path}: {fault}; {AGAIN}")
    return frame


def write_array(path: Path, array: np.ndarray) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def read_array(path: Path) -> np.ndarray:
    """Memory-map a .npy file of (n, d) floats read-only; EmotionSlmError for anything else."""
    require(path)
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except (ValueError, EOFError, OSError) as error:
        raise EmotionSlmError(f"{path}: not a readable .npy file ({error}); {AGAIN}") from error
    if array.ndim != 2 or array.dtype.kind != "f":
        raise EmotionSlmError(
            f"{path}: expected rows of floats, found shape {array.shape} of {array.dtype}; {AGAIN}"
        )
    return array


def require(path: Path, most_bytes: int | None = None) -> Path:
    """Return `path`, or raise EmotionSlmError telling how to come by it.

    It is a file: what is not (a folder, a pipe, a device, a circle of links) would raise, block or
    never end when read, and neither would a file larger than `most_bytes` do any good. Of the
    outputs the released model alone is kept in git.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        released = CLASSIFIER.as_posix() in path.as_posix()
        pull = ", `emotion-slm pull` fetches the released one" if released else ""
        raise EmotionSlmError(f"{path}: no such file; `dvc repro` makes it{pull}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise EmotionSlmError(f"{path}: cannot be read ({reason})") from error
    if not os.access(path, os.R_OK):
        raise EmotionSlmError(f"{path}: cannot be read (Permission denied)")
    if not stat.S_ISREG(found.st_mode):
        raise EmotionSlmError(f"{path}: is {_kind(found.st_mode)}, expected a file; {AGAIN}")
    if most_bytes is not None and found.st_size > most_bytes:
        raise EmotionSlmError(
            f"{path}: {found.st_size} bytes, expected {most_bytes} at most; fetch it again"
        )
    return path


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"


def sha256_file(path: Path) -> str:
    with require(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_lines(lines: Sequence[str]) -> str:
    """SHA-256 over the sorted lines, each ended by a newline: order does not matter."""
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
