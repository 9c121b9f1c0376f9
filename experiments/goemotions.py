"""The labels of GoEmotions, the corpus of every experiment, from its description."""

from pathlib import Path

from emotion_slm.corpus.description import read_description

CORPUS = read_description("goemotions", Path(__file__).resolve().parents[1]).corpus("goemotions")
GOEMOTIONS = CORPUS.labels
LABELS, LABEL_INDEX, NEUTRAL = GOEMOTIONS.names, GOEMOTIONS.index, GOEMOTIONS.thin
to_matrix, to_names = GOEMOTIONS.to_matrix, GOEMOTIONS.to_names
