"""The sets of vectors that heads are trained on."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from goemotions import to_matrix

from balance_ablation.corpus import read_splits
from balance_ablation.names import ADAPTED, CROSSFITTED, FROZEN
from balance_ablation.places import ADAPTED_VECTORS, CROSSFIT, FOLDS, FROZEN_VECTORS
from emotion_slm.classifier.finetune import LabelledVectors
from emotion_slm.common.files import read_parquet
from emotion_slm.encoder.vectors import read_vectors


class VectorSet(NamedTuple):
    """Rows to train on and rows held out, all embedded by one encoder."""

    train: LabelledVectors
    validation: LabelledVectors
    test: LabelledVectors


def read_vector_sets(name: str) -> list[VectorSet]:
    """One set for `frozen` and `adapted`; for the others one per encoder, to be averaged over."""
    splits = read_splits()
    if name in (FROZEN, ADAPTED):
        folder = FROZEN_VECTORS if name == FROZEN else ADAPTED_VECTORS
        return [_read(folder, splits, splits["train"])]
    train = splits["train"]
    fold = read_parquet(FOLDS, ("id", "fold")).set_index("id")["fold"][train["id"]].to_numpy()
    return [
        _read(
            CROSSFIT / str(held_out),
            splits,
            train[fold == held_out if name == CROSSFITTED else fold != held_out],
        )
        for held_out in range(fold.max() + 1)
    ]


def _read(folder: Path, splits: dict, train) -> VectorSet:
    return VectorSet(
        *(_labelled(folder, rows) for rows in (train, splits["validation"], splits["test"]))
    )


def _labelled(folder: Path, frame) -> LabelledVectors:
    ids = frame["id"].tolist()
    return LabelledVectors(np.array(read_vectors(folder, ids)), to_matrix(frame["labels"]), ids)
