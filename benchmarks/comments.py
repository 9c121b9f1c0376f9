"""The comments that a benchmark reads."""

import tempfile
from pathlib import Path

from benchmarks.goemotions import CORPUS, ROOT
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.corpus.sample import write_sample
from emotion_slm.corpus.tsv import read_corpus

COLUMNS = ("id", "text", "labels")


def comments(split: str):
    """Their name, and a frame with COLUMNS: GoEmotions' `split`, else the sample corpus."""
    file = paths.SPLIT / f"{split}.parquet"
    if file.exists():
        return f"{split} of {paths.SPLIT}", read_parquet(file, COLUMNS)
    with tempfile.TemporaryDirectory() as folder:
        write_sample(ROOT / "corpora/sample/phrases.yaml", CORPUS, Path(folder), seed=0)
        return "the sample corpus", read_corpus(Path(folder), CORPUS)
