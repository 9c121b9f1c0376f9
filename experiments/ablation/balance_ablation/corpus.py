"""The split of the pipeline: texts, gold labels and duplicate groups."""

from typing import Any

from balance_ablation.places import SPLIT
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet

COLUMNS = ("id", "text", "labels", "duplicate_group")


def read_splits() -> dict[str, Any]:
    """Split → pandas frame with columns `id, text, labels, duplicate_group`."""
    return {split: read_parquet(SPLIT / f"{split}.parquet", COLUMNS) for split in paths.SPLITS}
