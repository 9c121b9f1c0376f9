"""Whether a period's scores look like a mixture of the classifier's own validation rows.

That is what a corrected share assumes. Where no share mixes them so, texts of the label no longer
look alike, or are of a kind that the classifier was never tried on.
"""

from collections.abc import Sequence

import numpy as np

from emotion_slm.package.scores import ScoreHistograms

PIECES = 8  # about equally many texts are expected in each
DOUBTFUL = 0.001  # a smaller p-value says that the mixture does not fit


def fits(counts: np.ndarray, shares: np.ndarray, histograms: ScoreHistograms) -> np.ndarray:
    """(labels,) p-values of χ² of (labels, BINS) counts against the mixture by (labels,) `shares`.

    1 for a label without validation rows of both kinds.
    """
    found = np.ones(len(counts))
    for label, (seen, share) in enumerate(zip(counts, shares, strict=True)):
        positives, negatives = histograms.positives[label], histograms.negatives[label]
        if positives.sum() and negatives.sum():
            found[label] = misfit(seen, [(share, positives), (1 - share, negatives)])
    return found


def misfit(seen: np.ndarray, parts: Sequence[tuple[float, np.ndarray]]) -> float:
    """The p-value of χ² of (BINS,) counts against a mixture of validation rows, each part with its
    share and (BINS,) counts; 1 where nothing was seen.

    What is expected is known from validation rows, so its variance joins that of the counts.
    """
    from scipy.stats import chi2

    n = seen.sum()
    mixture = sum(weight * counts / counts.sum() for weight, counts in parts)
    if not n or not np.any(mixture):
        return 1.0
    mixture = mixture / mixture.sum()
    piece = np.minimum((np.cumsum(mixture) - mixture / 2) * PIECES, PIECES - 1).astype(int)

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(piece, weights=values, minlength=PIECES)

    expected = n * summed(mixture)
    variance = expected + sum(
        (n * weight / counts.sum()) ** 2 * summed(counts) for weight, counts in parts
    )
    held = expected >= 1
    if held.sum() <= 2:
        return 1.0
    distance = ((summed(seen) - expected)[held] ** 2 / variance[held]).sum()
    return float(chi2.sf(distance, held.sum() - 2))
