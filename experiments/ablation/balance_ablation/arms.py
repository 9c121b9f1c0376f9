"""Trained arms on disk: what each was, and its logits on validation and test."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from balance_ablation.places import LOGITS
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import atomic_path, require, write_array


class Arm(NamedTuple):
    """One training. `rows` it was drawn from, `validation_map` of the weights kept."""

    vectors: str
    head: str
    balancing: str
    loss: str
    seed: int
    rows: int
    validation_map: float


def write_arms(source: str, arms: Sequence[Arm], logits: Sequence[np.ndarray]) -> Path:
    """Write the arms and their (validation + test, 28) float32 logits, in the same order."""
    folder = LOGITS / source
    write_array(folder / "logits.npy", np.stack(logits))
    write_csv(folder / "arms.csv", pd.DataFrame(arms))
    return folder


def read_arms(source: str) -> tuple[list[Arm], np.ndarray]:
    """The arms of `source` and their (arms, validation + test, 28) logits, memory-mapped."""
    folder = LOGITS / source
    frame = pd.read_csv(require(folder / "arms.csv"))
    logits = np.load(require(folder / "logits.npy"), mmap_mode="r", allow_pickle=False)
    if len(frame) != len(logits):
        raise EmotionSlmError(
            f"{folder}: arms.csv has {len(frame)} arms, logits.npy {len(logits)}; run `dvc repro`"
        )
    return [Arm(*row) for row in frame.itertuples(index=False)], logits


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.6f", lineterminator="\n")
