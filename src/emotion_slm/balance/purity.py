"""Neighbour purity: whether synthetic rows lie where unseen rows carry their label."""

from collections.abc import Mapping

import numpy as np

from emotion_slm.labels import LABEL_INDEX

NEIGHBOURS = 5


def neighbour_purity(
    probes: Mapping[str, Mapping[str, np.ndarray]], vectors: np.ndarray, gold: np.ndarray
) -> dict:
    """Mean share of a probe row's NEIGHBOURS nearest validation rows that carry its label.

    `probes`: label → kind → (m, d) rows, as `emotion_slm.balance.probes` makes them; `vectors`
    (v, d) and `gold` (v, 28): all validation rows. The search is exact, by Euclidean distance.
    Returns `neighbour_purity` of `metrics/balance.json`: `k`; `per_label`, by kind, with `chance`,
    the share of validation rows that carry the label, and `validation_rows`, their number; `macro`,
    the mean over labels. A label no validation row carries has no purity and is not in the mean.
    """
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(vectors)
    shares: dict[str, dict[str, float]] = {}
    counts: dict[str, int] = {}
    for label, kinds in probes.items():
        carries = gold[:, LABEL_INDEX[label]] == 1
        counts[label] = int(carries.sum())
        if not counts[label]:
            continue
        shares[label] = {"chance": float(carries.mean())}
        for kind, rows in kinds.items():
            nearest = search.kneighbors(rows, return_distance=False)
            shares[label][kind] = float(carries[nearest].mean())
    names = dict.fromkeys(name for row in shares.values() for name in row)
    return {
        "k": NEIGHBOURS,
        "macro": {name: float(np.mean([row[name] for row in shares.values()])) for name in names},
        "per_label": {
            label: {"validation_rows": count, **shares.get(label, {})}
            for label, count in counts.items()
        },
    }
