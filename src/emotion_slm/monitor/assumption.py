"""Whether a period's scores look like a mixture of the classifier's own validation rows.

That is what a corrected share assumes. Where no share mixes them so, texts of the label no longer
look alike, or are of a kind that the classifier was never tried on.
"""

import numpy as np

from emotion_slm.package.scores import ScoreHistograms

PIECES = 8  # about equally many texts are expected in each
DOUBTFUL = 0.001  # a smaller p-value says that the mixture does not fit


def fits(counts: np.ndarray, shares: np.ndarray, histograms: ScoreHistograms) -> np.ndarray:
    """(labels,) p-values of χ² of (labels, BINS) counts against the mixture by (labels,) `shares`.

    What is expected is known from validation rows, so its variance joins that of the counts. 1 for
    a label without validation rows of both kinds.
    """
    from scipy.stats import chi2

    found = np.ones(len(counts))
    for label, (seen, share) in enumerate(zip(counts, shares, strict=True)):
        positives, negatives = histograms.positives[label], histograms.negatives[label]
        if not positives.sum() or not negatives.sum() or not seen.sum():
            continue
        parts = [(share, positives), (1 - share, negatives)]
        mixture = sum(weight * counts / counts.sum() for weight, counts in parts)
        piece = np.minimum((np.cumsum(mixture) - mixture / 2) * PIECES, PIECES - 1).astype(int)
        n = seen.sum()

        def summed(values: np.ndarray, piece=piece) -> np.ndarray:
            return np.bincount(piece, weights=values, minlength=PIECES)

        expected = n * summed(mixture)
        variance = expected + sum(
            (n * weight / counts.sum()) ** 2 * summed(counts) for weight, counts in parts
        )
        held = expected >= 1
        if held.sum() > 2:
            misfit = ((summed(seen) - expected)[held] ** 2 / variance[held]).sum()
            found[label] = chi2.sf(misfit, held.sum() - 2)
    return found
