"""The labels of GoEmotions, the corpus of the benchmarks, from its description."""

from pathlib import Path

from emotion_slm.corpus.description import read_description

ROOT = Path(__file__).parents[1]
CORPUS = read_description("goemotions", ROOT).corpus("goemotions")
GOEMOTIONS = CORPUS.labels
LABELS, LABEL_INDEX, NEUTRAL = GOEMOTIONS.names, GOEMOTIONS.index, GOEMOTIONS.thin
to_matrix, to_names = GOEMOTIONS.to_matrix, GOEMOTIONS.to_names
