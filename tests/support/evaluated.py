"""A small evaluation with everything stage evaluate writes of it, of made-up logits and rows."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.common import paths
from emotion_slm.common.files import write_parquet
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.evaluation.results import Results, gather
from support.labels import GOEMOTIONS, LABELS, to_names

ROWS = 120
PARAMS = ThresholdParams(grid_step=0.1, folds=3, shrinkage=100)


class Evaluated(NamedTuple):
    """Results, the two splits they are of, and the folder of the rows that were counted."""

    results: Results
    validation: Scored
    test: Scored
    root: Path


def scored(seed: int, rows: int = ROWS) -> Scored:
    """Logits that rank well and are badly calibrated; each row is a group of its own."""
    random = np.random.default_rng(seed)
    gold = (random.random((rows, len(LABELS))) < 0.1).astype(np.int8)
    logits = (random.normal(size=gold.shape) + 3 * gold - 2).astype(np.float32)
    return Scored(logits, gold, np.arange(rows), GOEMOTIONS)


def evaluate_in(root: Path, seed: int = 1) -> Evaluated:
    """Write the rows that are counted under `root`, and gather results of validation and test.

    The first 40 texts of test are also in train.
    """
    train, validation, test = (scored(seed + place) for place in range(3))
    texts = {
        "train": [f"text {row}" for row in range(ROWS)],
        "validation": [f"validation {row}" for row in range(ROWS)],
        "test": [f"text {row}" if row < 40 else f"test {row}" for row in range(ROWS)],
    }
    frames = {
        name: pd.DataFrame({"text": texts[name], "labels": to_names(part.gold)})
        for name, part in zip(paths.SPLITS, (train, validation, test), strict=True)
    }
    for name, frame in frames.items():
        write_parquet(root / paths.SPLIT / f"{name}.parquet", frame)
    write_parquet(root / paths.UNDERSAMPLED / "train.parquet", frames["train"][:100])
    balanced = pd.concat([frames["train"][:100], frames["train"][:20]])
    write_parquet(root / paths.BALANCED / "rows.parquet", balanced)
    reference = [scored(seed + 3), scored(seed + 4)]
    found = gather(validation, test, reference, PARAMS, 0, root)
    return Evaluated(found, validation, test, root)
