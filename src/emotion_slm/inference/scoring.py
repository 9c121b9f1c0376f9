"""Scoring a CSV file: its columns stay, `labels` and a probability column per label follow."""

from pathlib import Path

from emotion_slm.errors import EmotionSlmError
from emotion_slm.files import atomic_path, require
from emotion_slm.inference.classifier import EmotionClassifier
from emotion_slm.labels import LABELS
from emotion_slm.spelling import did_you_mean

CHUNK_ROWS = 2048  # bounds memory: a chunk is read, scored and written before the next


def score_csv(source: Path, output: Path, text_column: str, classifier: EmotionClassifier) -> int:
    """Score column `text_column` of `source` into `output`; return the number of rows.

    `labels` holds the labels at or above their threshold, most probable first, separated by
    spaces. EmotionSlmError names the file and what is wrong with it; `output` is written whole or
    not at all.
    """
    import pandas as pd

    rows = 0
    try:
        chunks = pd.read_csv(
            require(source), dtype=str, keep_default_na=False, chunksize=CHUNK_ROWS
        )
        with chunks, atomic_path(output) as temporary:
            for chunk in chunks:
                _check_columns(source, list(chunk.columns), text_column)
                scored = _scored(chunk, text_column, classifier)
                scored.to_csv(temporary, mode="a", header=rows == 0, index=False)
                rows += len(chunk)
            if rows == 0:
                raise EmotionSlmError(f"{source}: no rows to score")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise EmotionSlmError(f"{source}: not a readable UTF-8 CSV file ({error})") from error
    return rows


def _check_columns(source: Path, columns: list[str], text_column: str) -> None:
    if text_column not in columns:
        raise EmotionSlmError(
            f"{source}: no column {text_column!r}{did_you_mean(text_column, columns)}; "
            "name it with --text-column"
        )
    taken = [name for name in ("labels", *LABELS) if name in columns]
    if taken:
        raise EmotionSlmError(
            f"{source}: column {taken[0]!r} would be overwritten by a result; rename it"
        )


def _scored(chunk, text_column: str, classifier: EmotionClassifier):
    import pandas as pd

    probabilities = classifier.probabilities(chunk[text_column])
    labels = [" ".join(found) for found in classifier.above_threshold(probabilities)]
    results = pd.DataFrame(probabilities.round(4), columns=list(LABELS), index=chunk.index)
    results.insert(0, "labels", labels)
    return pd.concat([chunk, results], axis=1)
