"""Scoring a CSV file: its columns stay, `labels` and a probability column per label follow."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from emotion_slm.errors import EmotionSlmError
from emotion_slm.files import atomic_path
from emotion_slm.inference.classifier import EmotionClassifier
from emotion_slm.labels import LABELS
from emotion_slm.spelling import did_you_mean

CHUNK_ROWS = 2048  # bounds memory: a chunk is read, scored and written before the next


def score_csv(source: Path, output: Path, text_column: str, classifier: EmotionClassifier) -> int:
    """Score column `text_column` of `source` into `output`; return the number of rows.

    `labels` holds the labels at or above their threshold, most probable first, separated by
    spaces. EmotionSlmError names the file, the line and what is wrong with it; `output` is written
    whole or not at all.
    """
    count = 0
    try:
        with (
            source.open(newline="", encoding="utf-8-sig") as reading,
            atomic_path(output) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as writing,
        ):
            reader = csv.reader(reading, strict=True)
            header = next(reader, [])
            column = _text_index(source, header, text_column)
            writer = csv.writer(writing, lineterminator="\n")
            writer.writerow([*header, "labels", *LABELS])
            remaining = _rows(source, reader, len(header))
            while rows := list(islice(remaining, CHUNK_ROWS)):
                writer.writerows(_scored(rows, column, classifier))
                count += len(rows)
            if count == 0:
                raise EmotionSlmError(f"{source}: no rows to score")
    except (csv.Error, UnicodeDecodeError) as error:
        raise EmotionSlmError(f"{source}: not a readable UTF-8 CSV file ({error})") from error
    except OSError as error:
        place, problem = error.filename or source, (error.strerror or str(error)).lower()
        raise EmotionSlmError(f"{place}: {problem}") from error
    return count


def _text_index(source: Path, header: list[str], text_column: str) -> int:
    if not header:
        raise EmotionSlmError(f"{source}: not a readable UTF-8 CSV file (it is empty)")
    if text_column not in header:
        raise EmotionSlmError(
            f"{source}: no column {text_column!r}{did_you_mean(text_column, header)}; "
            "name it with --text-column"
        )
    taken = [name for name in ("labels", *LABELS) if name in header]
    if taken:
        raise EmotionSlmError(
            f"{source}: column {taken[0]!r} would be overwritten by a result; rename it"
        )
    return header.index(text_column)


def _rows(source: Path, reader, width: int) -> Iterator[list[str]]:
    for row in reader:
        # A blank line is the empty text of a one-column file.
        row = row or [""]
        if len(row) != width:
            raise EmotionSlmError(
                f"{source}:{reader.line_num}: not a readable UTF-8 CSV file: {len(row)} fields "
                f"where the header has {width}; put a field that holds a comma in quotes"
            )
        yield row


def _scored(
    rows: list[list[str]], column: int, classifier: EmotionClassifier
) -> Iterator[list[str]]:
    probabilities = classifier.probabilities([row[column] for row in rows])
    found = classifier.above_threshold(probabilities)
    for row, labels, values in zip(rows, found, probabilities, strict=True):
        yield [*row, " ".join(labels), *(f"{value:.4f}" for value in values)]
