"""Neighbour purity: whether synthetic rows lie where unseen rows carry their label."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.preprocessing import normalize as unit_rows

from emotion_slm.corpus.labels import LabelSet

NEIGHBOURS = 5
# Of metrics/plots/purity.csv.
COLUMNS = ("label", "chance", "real", "smote", "ismote", "validation_rows")


def neighbour_purity(
    probes: Mapping[str, Mapping[str, np.ndarray]],
    labels: LabelSet,
    vectors: np.ndarray,
    gold: np.ndarray,
) -> list[dict]:
    """Mean share of a probe row's NEIGHBOURS nearest validation rows that carry its label.

    `probes`: label → kind → (m, d) rows, as `probes` makes them; `vectors` (v, d) and `gold` (v,
    labels): all validation rows. The search is exact, by Euclidean distance. Returns a row of
    COLUMNS per label, without the kinds it lacks; `chance` is the share of validation rows that
    carry the label. A label no validation row carries has no row.
    """
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(vectors)
    found = []
    for label, kinds in probes.items():
        carries = gold[:, labels.index[label]] == 1
        if not carries.any():
            continue
        row = {"label": label, "chance": float(carries.mean())}
        for kind, points in kinds.items():
            nearest = search.kneighbors(points, return_distance=False)
            row[kind] = float(carries[nearest].mean())
        found.append({**row, "validation_rows": int(carries.sum())})
    return found


def mean_purity(rows: Sequence[Mapping], kind: str) -> float | None:
    """The mean of a kind over the labels; None when no label has it."""
    found = [row[kind] for row in rows if kind in row]
    return float(np.mean(found)) if found else None


SAMPLE = 400  # rows of a kind: keeps the standard error of a share at most 0.025


def probes(
    vectors: np.ndarray, rows, labels: LabelSet, seed: int
) -> dict[str, dict[str, np.ndarray]]:
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
    gold = labels.to_matrix(rows["labels"][:n_train])
    made_for = rows["target_label"].to_numpy(dtype=object)
    counts = dict(zip(labels.names, gold.sum(axis=0).tolist(), strict=True))
    shown = set(made_for[n_train:]) or {label for label in labels.names if counts[label]}

    result: dict[str, dict[str, np.ndarray]] = {}
    for label in sorted(shown, key=lambda label: (counts[label], label)):
        real = _sample(random, np.flatnonzero(gold[:, labels.index[label]]))
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
