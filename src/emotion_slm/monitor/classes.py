"""Shares of classes of which each text has exactly one, corrected jointly.

Where one class becomes more frequent all others become less so; EM over all of them (Saerens,
Latinne and Decaestecker 2002) knows that. The band around it comes from mean posteriors: validation
rows of each class say what these are on texts of that class, so that a linear system gives the
shares back, whatever the calibration is worth (as probabilistic adjusted counts do, Bella et al.
2010). Texts, or clusters of them, and validation rows both make it uncertain.
"""

import numpy as np

from emotion_slm.monitor.assumption import misfit
from emotion_slm.monitor.clusters import TWO_SIDED, effective, few, sums, wider
from emotion_slm.monitor.shares import BOUND, Corrected, likelihood_band, most_likely_shares
from emotion_slm.package.scores import CENTRES, ClassScores, bins_of, histogram
from emotion_slm.scoring.label_groups import LabelGroups

STEPS = 500  # each of three of EM's, extrapolated
TOLERANCE = 1e-9  # of a share
PRIOR_ROWS = 1.0  # of each class, scored as calibration says; they steady classes with few rows


class ClassShares:
    """Corrects shares of `columns`, which are classes or groups of them."""

    def __init__(self, known: ClassScores, columns: LabelGroups):
        self.known = known
        self.columns = columns
        self.prior = np.clip(known.train_share, BOUND, 1)
        self.counts = np.bincount(known.gold, minlength=len(self.prior))
        self.members = np.zeros((len(self.prior), len(columns.names)))  # (classes, columns)
        for column, members in enumerate(columns.members):
            self.members[list(members), column] = 1
        of_rows = bins_of(columns.probabilities(known.rows))
        # (classes, columns, BINS): how validation rows of each class score in each column.
        self.histograms = np.stack(
            [histogram(of_rows[known.gold == place]) for place in range(len(self.prior))]
        )

    def corrected(
        self,
        probabilities: np.ndarray,
        clusters: np.ndarray | None,
        rng: np.random.Generator,
        column: int | None = None,
    ) -> Corrected:
        """Of (n, classes) probabilities; of one `column` alone, if it is given."""
        ratios = probabilities.astype(np.float64) / self.prior
        share = class_shares(ratios)
        chosen = slice(None) if column is None else slice(column, column + 1)
        members = self.members[:, chosen]
        low, high = self._band(ratios, share, clusters, members)
        found = share @ members
        counts = histogram(bins_of(self.columns.probabilities(probabilities)[:, chosen]))
        fit = np.array(
            [
                misfit(seen, [(part, self.histograms[place, at])
                              for place, part in enumerate(share) if self.counts[place]])
                for seen, at in zip(counts, np.arange(self.members.shape[1])[chosen], strict=True)
            ]
        )  # fmt: skip
        return Corrected(found, np.minimum(low, found), np.maximum(high, found), fit)

    def _band(
        self,
        ratios: np.ndarray,
        share: np.ndarray,
        clusters: np.ndarray | None,
        members: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the 95 % band of each column of (classes, columns) `members`."""
        n, number = len(ratios), effective(clusters)
        # Any shares serve; near the true ones the system is precise, and at 0 it knows nothing.
        at = (share + self.known.train_share) / 2
        posteriors = posterior(ratios, at)
        off = posteriors - posteriors.mean(axis=0)
        by_cluster = off if clusters is None else sums(off, clusters)
        alone, of_texts = off.T @ off / n**2, few(number) ** 2 * by_cluster.T @ by_cluster / n**2
        of_rows = posterior(self.known.rows / self.prior, at)
        answers = self._answers(posteriors, of_rows)
        back = np.linalg.pinv(answers.T)  # mean posteriors → shares
        unbiased = np.clip(back @ posteriors.mean(axis=0), 0, 1)
        through = members.T @ back  # (columns, classes)
        centre = through @ posteriors.mean(axis=0)
        variance = np.einsum("mj,jk,mk->m", through, of_texts, through)
        design = _ratio(variance, np.einsum("mj,jk,mk->m", through, alone, through))
        for place, part in enumerate(unbiased):
            rows = (of_rows[self.known.gold == place] - answers[place]) @ through.T
            variance += part**2 * (rows**2).sum(axis=0) / (len(rows) + PRIOR_ROWS) ** 2
        reach = wider(number) * TWO_SIDED * np.sqrt(variance)
        # Where hardly a text is of the class, the normal law knows nothing, the likelihood does.
        least, most = self._likelihood_band(ratios, share, members, design * wider(number) ** 2)
        return (
            np.clip(np.minimum(centre - reach, least), 0, 1),
            np.clip(np.maximum(centre + reach, most), 0, 1),
        )

    def _answers(self, posteriors: np.ndarray, of_rows: np.ndarray) -> np.ndarray:
        """(classes, classes) mean posteriors of texts of each class: by validation rows, and by
        what the texts themselves say if calibration holds."""
        answers = np.eye(len(self.prior))
        for place in range(len(answers)):
            weights = posteriors[:, place]
            if weights.sum() > 0:
                answers[place] = weights @ posteriors / weights.sum()
            rows = of_rows[self.known.gold == place]
            total = len(rows) + PRIOR_ROWS
            answers[place] = (rows.sum(axis=0) + PRIOR_ROWS * answers[place]) / total
        return answers

    def _likelihood_band(
        self, ratios: np.ndarray, share: np.ndarray, members: np.ndarray, design: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of each column against all other classes, these in the proportions found; texts by the
        bin of their odds."""
        weights = np.maximum(share, BOUND)[:, None]
        inside = ratios @ (weights * members) / (weights * members).sum(axis=0)
        outside = ratios @ (weights * (1 - members))
        outside /= np.maximum((weights * (1 - members)).sum(axis=0), BOUND)
        counts = histogram(bins_of(inside / np.maximum(inside + outside, BOUND)))
        odds = np.broadcast_to(np.exp(CENTRES), counts.shape)
        return likelihood_band(odds, counts / design[:, None], most_likely_shares(odds, counts))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """At least 1."""
    return np.maximum(1, np.divide(above, below, out=np.ones_like(above), where=below > 0))


def posterior(ratios: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(n, classes) probabilities under (classes,) shares, of (n, classes) p / π."""
    found = ratios * share
    return found / np.maximum(found.sum(axis=1, keepdims=True), BOUND)


def class_shares(ratios: np.ndarray) -> np.ndarray:
    """(classes,) shares to which EM converges from (n, classes) likelihood ratios p / π.

    Each step is three of EM's, extrapolated (SQUAREM, Varadhan and Roland 2008) where that does not
    lower the likelihood. NaN without texts.
    """
    n, size = ratios.shape
    if not n:
        return np.full(size, np.nan)

    def step(share: np.ndarray) -> tuple[np.ndarray, float]:
        """EM's next shares, and the log-likelihood of these."""
        likelihood = np.maximum(ratios @ share, BOUND**2)
        moved = share * (ratios.T @ (1 / likelihood)) / n
        return moved / moved.sum(), float(np.log(likelihood).sum())

    share = np.full(size, 1 / size)
    for _ in range(STEPS):
        first, _ = step(share)
        second, before = step(first)
        difference = first - share
        bend = second - first - difference
        if np.abs(second - first).max() < TOLERANCE:
            return second
        length = -np.sqrt((difference**2).sum() / max((bend**2).sum(), BOUND**4))
        # No share reaches 0, from where EM never brings it back.
        far = np.maximum(share - 2 * length * difference + length**2 * bend, second / 10)
        far, likelihood = step(far / far.sum())
        share = far if likelihood >= before else second
    return share
