"""Scored texts by a made-up classifier whose scores are exactly calibrated in training."""

from collections.abc import Sequence

import numpy as np

from emotion_slm.monitor.estimates import Classifier
from emotion_slm.package.scores import ScoreHistograms, score_histograms

APART = 2.0  # how far scores with and without a label lie from each other, in standard deviations


def scores(gold: np.ndarray, prior: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, labels) probabilities of texts with (n, labels) labels, calibrated under `prior`."""
    seen = rng.standard_normal(gold.shape) + APART * gold
    logits = APART * (seen - APART / 2) + np.log(prior / (1 - prior))
    return 1 / (1 + np.exp(-logits))


def texts(
    shares: np.ndarray, size: int, prior: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(size, labels) probabilities and labels of texts with these shares."""
    gold = rng.random((size, len(shares))) < shares
    return scores(gold, prior, rng), gold


def histograms(prior: np.ndarray, rng: np.random.Generator, rows: int = 8000) -> ScoreHistograms:
    probabilities, gold = texts(prior, rows, prior, rng)
    return score_histograms(probabilities, gold, prior)


def classifier(prior: Sequence[float], rng: np.random.Generator) -> Classifier:
    return Classifier(np.full(len(prior), 0.5), histograms(np.asarray(prior), rng))
