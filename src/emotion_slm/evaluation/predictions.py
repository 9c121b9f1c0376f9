"""data/predictions: the raw logits of a split, from which every number can be recomputed."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import ADAPTED, EMBEDDED, FINETUNED, PREDICTIONS, RAW, SPLIT
from emotion_slm.common.together import rows_together
from emotion_slm.corpus.labels import LabelSet, load_corpus, require_same
from emotion_slm.evaluation.evaluate import Scored

HELD_OUT = ("validation", "test")


class HeldOut(NamedTuple):
    """A split that was not trained on: (n,) ids, (n, labels) gold, (n,) groups, (n, d) vectors,
    and the labels."""

    ids: list[str]
    gold: np.ndarray
    groups: np.ndarray
    vectors: np.ndarray
    labels: LabelSet

    def scored(self, logits: np.ndarray) -> Scored:
        return Scored(logits, self.gold, self.groups, self.labels)


def read_held_out(split: str, root: Path = Path()) -> HeldOut:
    """Read `validation` or `test` from data/split, and its vectors from data/embedded."""
    from emotion_slm.encoder.vectors import read_vectors

    labels = load_corpus(root / RAW).labels
    columns = ("id", "labels", "duplicate_group")
    frame = files.read_parquet(root / SPLIT / f"{split}.parquet", columns)
    return HeldOut(
        ids=frame["id"].tolist(),
        gold=labels.to_matrix(frame["labels"]),
        groups=rows_together(frame),
        vectors=read_vectors(root / EMBEDDED, frame["id"]),
        labels=labels,
    )


def predict(rows: Sequence[HeldOut], root: Path = Path()) -> list[Scored]:
    """Held-out rows, scored by the classifier of models/finetuned.

    EmotionSlmError with both lists when its labels are not those of the rows.
    """
    from emotion_slm.classifier.finetuned import WEIGHTS, load_classifier, logits, read_finetuned

    finetuned = read_finetuned(root / FINETUNED)
    require_same(finetuned.labels, rows[0].labels.names, root / FINETUNED)
    model = load_classifier(finetuned, root / FINETUNED / WEIGHTS)
    return [part.scored(logits(model, part.vectors)) for part in rows]


def predict_by_adapted_head(rows: Sequence[HeldOut], root: Path = Path()) -> list[Scored] | None:
    """Held-out rows, scored by the head that adapt trained; None when the encoder is frozen."""
    from emotion_slm.classifier.architectures import load_adapted_head
    from emotion_slm.classifier.finetuned import logits
    from emotion_slm.encoder.adapted import read_adapted

    if read_adapted(root / ADAPTED).frozen:
        return None
    model = load_adapted_head(root / ADAPTED, rows[0].vectors.shape[1], rows[0].labels.names)
    return [part.scored(logits(model, part.vectors)) for part in rows]


def path_of(split: str, root: Path = Path()) -> Path:
    return root / PREDICTIONS / f"{split}.parquet"


def write(path: Path, ids: Sequence[str], logits: np.ndarray, labels: LabelSet) -> None:
    """Write (n, labels) logits as float32, one row per id and one column per label name.

    EmotionSlmError when a logit is not finite: the model that gave it is of no use.
    """
    import pandas as pd

    wanted = (len(ids), len(labels))
    if logits.shape != wanted:
        raise ValueError(f"{len(ids)} ids need {wanted} logits, not {logits.shape}")
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise EmotionSlmError(
            f"{path}: the model's logits of {len(broken)} rows are not finite, such as id "
            f"{ids[broken[0]]!r}; nothing is written, train the model again"
        )
    frame = pd.DataFrame(logits.astype(np.float32), columns=list(labels.names))
    frame.insert(0, "id", list(ids))
    files.write_parquet(path, frame)


def read(path: Path, expected_ids: Sequence[str], labels: LabelSet) -> np.ndarray:
    """(n, labels) float32 logits in the order of `expected_ids`.

    EmotionSlmError when ids are missing, extra or repeated (in the file or among the expected
    ones), when a logit is not finite, or when the label columns are not those of `labels`.
    """
    twice = [id_ for id_, times in Counter(expected_ids).items() if times > 1]
    if twice:
        raise EmotionSlmError(
            f"{path}: its split holds id {twice[0]!r} more than once; run stage split again"
        )
    frame = read_frame(path, labels)
    for problem, ids in problems(frame, expected_ids).items():
        if ids:
            raise EmotionSlmError(
                f"{path}: {len(ids)} rows {problem}, such as id {ids[0]!r}; "
                "run stage evaluate again to rewrite it"
            )
    frame = frame.set_index("id").loc[list(expected_ids), list(labels.names)]
    return frame.to_numpy(dtype=np.float32)


def read_frame(path: Path, labels: LabelSet):
    """The file as a pandas frame; EmotionSlmError unless its columns are `id` and the labels."""
    columns = ("id", *labels.names)
    frame = files.read_parquet(path, columns)
    extra = [column for column in frame.columns if column not in columns]
    if extra:
        raise EmotionSlmError(
            f"{path}: unknown column {extra[0]!r}; it must hold id and {len(labels)} labels"
        )
    text_columns = [label for label in labels.names if frame[label].dtype.kind != "f"]
    if text_columns:
        raise EmotionSlmError(f"{path}: column {text_columns[0]!r} does not hold floats")
    return frame


def problems(frame, expected_ids: Sequence[str]) -> dict[str, list[str]]:
    """What is wrong with the rows of `frame`: the ids concerned, by kind of problem."""
    found = Counter(frame["id"])
    expected = set(expected_ids)
    finite = np.isfinite(frame.drop(columns="id").to_numpy()).all(axis=1)
    return {
        "missing": sorted(expected - set(found)),
        "extra": sorted(set(found) - expected),
        "repeated": sorted(id_ for id_, times in found.items() if times > 1),
        "not finite": frame["id"][~finite].tolist(),
    }
