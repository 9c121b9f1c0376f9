"""Raw logits of validation and test, from the vectors of data/embedded."""

from typing import NamedTuple

import numpy as np
from torch import nn

from emotion_slm import paths
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.files import read_parquet
from emotion_slm.labels import to_matrix
from emotion_slm.model.finetuned import logits


class HeldOut(NamedTuple):
    """A split that was not trained on: ids, (n, d) vectors, (n, 28) gold, (n,) groups."""

    split: str
    ids: list[str]
    vectors: np.ndarray
    gold: np.ndarray
    groups: np.ndarray


def read_held_out(split: str) -> HeldOut:
    """Read `validation` or `test` from data/split, and its vectors."""
    columns = ("id", "labels", "duplicate_group")
    frame = read_parquet(paths.SPLIT / f"{split}.parquet", columns)
    return HeldOut(
        split=split,
        ids=frame["id"].tolist(),
        vectors=read_vectors(paths.EMBEDDED, frame["id"]),
        gold=to_matrix(frame["labels"]),
        groups=frame["duplicate_group"].to_numpy(),
    )


def score(classifier: nn.Module, rows: HeldOut) -> Scored:
    return Scored(logits(classifier, rows.vectors), rows.gold, rows.groups)
