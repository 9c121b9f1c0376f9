"""Probes: rows of a label, real and synthetic, that are laid beside validation rows."""

import numpy as np
from sklearn.preprocessing import normalize as unit_rows

from emotion_slm.labels import LABEL_INDEX, LABELS, to_matrix

SAMPLE = 400  # rows of a kind: keeps the standard error of a share at most 0.025


def probes(vectors: np.ndarray, rows, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Label → kind → at most SAMPLE vectors; the label with the fewest train rows first.

    `vectors`, (n, d) float32, and `rows` as `grow` returns them under expansion "segment", or as
    `keep` does. Kinds: "real", train rows that carry the label; "ismote", synthetic rows made for
    it; "smote", for each of those what SMOTE makes of its seed and neighbour, a uniform draw from
    their segment, so that only the coefficient differs. Without synthetic rows every label that has
    rows gets the kind "real" alone.
    """
    import pandas as pd

    random = np.random.default_rng(seed)
    n_train = int((~rows["synthetic"]).sum())
    train_row = pd.Index(rows["id"][:n_train])
    gold = to_matrix(rows["labels"][:n_train])
    made_for = rows["target_label"].to_numpy(dtype=object)
    counts = dict(zip(LABELS, gold.sum(axis=0).tolist(), strict=True))
    labels = set(made_for[n_train:]) or {label for label in LABELS if counts[label]}

    result: dict[str, dict[str, np.ndarray]] = {}
    for label in sorted(labels, key=lambda label: (counts[label], label)):
        real = _sample(random, np.flatnonzero(gold[:, LABEL_INDEX[label]]))
        result[label] = {"real": vectors[real]}
        made = _sample(random, np.flatnonzero(made_for == label))
        if len(made):
            parents = rows.iloc[made]
            result[label]["ismote"] = vectors[made]
            result[label]["smote"] = _between(
                vectors[train_row.get_indexer(parents["seed_id"])],
                vectors[train_row.get_indexer(parents["neighbour_id"])],
                random.uniform(size=len(made)),
                bool(parents["normalized"].all()),
            )
    return result


def _sample(random: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    """At most SAMPLE of `rows`, in their order."""
    return np.sort(random.choice(rows, min(SAMPLE, len(rows)), replace=False))


def _between(seeds: np.ndarray, neighbours: np.ndarray, t: np.ndarray, normalize: bool):
    rows = (seeds + t[:, np.newaxis] * (neighbours - seeds)).astype(seeds.dtype)
    return unit_rows(rows) if normalize else rows
