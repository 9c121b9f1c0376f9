"""The labels of GoEmotions, and label sets of other sizes."""

from pathlib import Path

from emotion_slm.corpus.description import read_description
from emotion_slm.corpus.labels import Corpus, LabelSet

ROOT = Path(__file__).parents[2]
CORPUS: Corpus = read_description("goemotions", ROOT).corpus("goemotions")
SAMPLE: Corpus = read_description("sample", ROOT).corpus("sample")
GOEMOTIONS: LabelSet = CORPUS.labels
LABELS, TARGETS, LABEL_INDEX = GOEMOTIONS.names, GOEMOTIONS.targets, GOEMOTIONS.index
NEUTRAL = "neutral"
to_matrix, to_names = GOEMOTIONS.to_matrix, GOEMOTIONS.to_names


def label_set(size: int) -> LabelSet:
    """Labels a corpus of one's own could have; every third one is a target."""
    names = tuple(f"label_{place:02d}" for place in range(size))
    return LabelSet(
        names=names,
        targets=names[::3],
        groups={"halves": {"first": names[: size // 2]}},
        definitions={name: f"what {name} is about" for name in names},
    )
