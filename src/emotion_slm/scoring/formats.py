"""Which format a file is read and written in, and what its encoding can hold."""

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


SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".txt": Format.LINES,
}


def input_format(source: Path, named: Format | None) -> Format:
    """By the suffix; for standard input and other suffixes the one named, lines if none is."""
    if source.suffix.lower() in SUFFIXES:
        return SUFFIXES[source.suffix.lower()]
    if source != STANDARD and named is None:
        raise _unknown_suffix(source)
    return named or Format.LINES


def output_format(source: Path, output: Path | None, named: Format | None) -> Format:
    """By the output's suffix, else the one named, else the input's; CSV for plain lines."""
    by_suffix = SUFFIXES.get(output.suffix.lower()) if output else None
    if output and output.suffix and by_suffix is None and named is None:
        raise _unknown_suffix(output)
    if named and by_suffix and named != by_suffix and source.suffix.lower() in SUFFIXES:
        raise EmotionSlmError(f"{output}: is to hold {named} (--format); give it that suffix")
    chosen = by_suffix or named or input_format(source, named)
    return Format.CSV if chosen is Format.LINES else chosen


def default_output(source: Path, form: Format) -> Path:
    """FILE.scored.SUFFIX beside the input; standard output for standard input."""
    return STANDARD if source == STANDARD else source.with_suffix(f".scored.{form}")


def _unknown_suffix(path: Path) -> EmotionSlmError:
    known = ", ".join(sorted(SUFFIXES))
    return EmotionSlmError(
        f"{path}: no known suffix; save it as one of {known}, or name its format with --format"
    )


SURROGATES = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD."""
    return text if text.isascii() else SURROGATES.sub("\ufffd", text)
