"""The 28 labels pooled into GoEmotions' coarser taxonomies.

Source: Demszky et al. 2020: Ekman's six emotions and four kinds of sentiment, `neutral` a group of
its own in both.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from emotion_slm.labels import EKMAN, LABEL_INDEX, NEUTRAL, SENTIMENT

TAXONOMIES: dict[str, dict[str, Sequence[str]]] = {
    name: {**groups, NEUTRAL: (NEUTRAL,)}
    for name, groups in (("ekman", EKMAN), ("sentiment", SENTIMENT))
}


def pool(labels: np.ndarray, groups: Mapping[str, Sequence[str]]) -> np.ndarray:
    """(n, 28) indicators → (n, groups) int8: a group is present if any of its labels is."""
    members = [[LABEL_INDEX[label] for label in names] for names in groups.values()]
    return np.column_stack([labels[:, columns].any(axis=1) for columns in members]).astype(np.int8)
