"""Which format a file is read and written in, and what its encoding can hold."""

import json
import re
from enum import StrEnum
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError

STANDARD = Path("-")  # standard input, or standard output


class Format(StrEnum):
    """File formats; plain lines (one text each) are only read."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    LINES = "lines"


class Quoting(StrEnum):
    """What double quotes are in CSV and TSV: around a field, or characters like any other."""

    DOUBLE = "double"
    NONE = "none"


SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".txt": Format.LINES,
}
COMPRESSED = {".gz", ".bz2", ".xz", ".zst"}
DELIMITERS = ",;\t|"  # of CSV files, the usual one first


def input_format(source: Path, named: Format | None, once: bool = False) -> Format:
    """By the suffix (that before .gz and the like), else the one named.

    Of what can be read `once` only, lines if none is named. EmotionSlmError for other suffixes.
    """
    by_suffix = _by_suffix(source)
    if by_suffix is None and named is None and not once:
        raise _unknown_suffix(source)
    return by_suffix or named or Format.LINES


def output_format(
    source: Path, output: Path | None, named: Format | None, reading: Format
) -> Format:
    """By the output's suffix, else the one named, else that of `reading`; CSV for plain lines."""
    by_suffix = SUFFIXES.get(output.suffix.lower()) if output else None
    if output and output.suffix.lower() in COMPRESSED:
        raise EmotionSlmError(
            f"{output}: output is not compressed; leave {output.suffix} out, and compress it after"
        )
    if output and output.suffix and by_suffix is None and named is None:
        raise _unknown_suffix(output)
    if named and by_suffix and named != by_suffix and _by_suffix(source):
        raise EmotionSlmError(f"{output}: is to hold {named} (--format); give it that suffix")
    chosen = by_suffix or named or reading
    return Format.CSV if chosen is Format.LINES else chosen


def default_output(source: Path, form: Format) -> Path:
    """FILE.scored.SUFFIX beside the input.

    FILE is the input's name, without its suffix where that is SUFFIX, and no suffix follows where
    the input has none: so no two inputs share an output.
    """
    if not source.suffix:
        return source.with_name(f"{source.name}.scored")
    return source.with_name(f"{source.name.removesuffix(f'.{form}')}.scored.{form}")


def sniff(head: str, text_column: str) -> Format | None:
    """The format of a text that begins with `head`: JSONL by a first line that is an object, CSV or
    TSV by one that names `text_column` among others; None when nothing tells."""
    first = re.split("[\r\n]", head.lstrip(), maxsplit=1)[0]
    if first.startswith("{"):
        try:
            return Format.JSONL if isinstance(json.loads(first), dict) else None
        except (ValueError, RecursionError):
            return None
    for delimiter in DELIMITERS:
        fields = [field.strip('"') for field in first.split(delimiter)]
        if len(fields) > 1 and text_column in fields:
            return Format.TSV if delimiter == "\t" else Format.CSV
    return None


def _by_suffix(source: Path) -> Format | None:
    packed = source.suffix.lower() in COMPRESSED
    return SUFFIXES.get((Path(source.stem) if packed else source).suffix.lower())


def _unknown_suffix(path: Path) -> EmotionSlmError:
    known = ", ".join(sorted(SUFFIXES))
    return EmotionSlmError(
        f"{path}: no known suffix; save it as one of {known}, or name its format with --format"
    )


SURROGATES = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD."""
    return text if text.isascii() else SURROGATES.sub("\ufffd", text)
