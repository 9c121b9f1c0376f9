"""ISMOTE as the published notebook has it, which the library's samplers do not offer.

The notebook has z = x_i + c (x_i − x_j), c = a − b if a ≥ ½ else a + b, a, b ~ U(0, 1). This c
is distributed as the library's t in z = x_i + t (x_j − x_i), with the sign turned: seven eighths of
the rows lie beyond the seed, away from its neighbour. Besides, a synthetic row copies all labels of
its seed, and a label does not count what earlier ones brought it, so labels overshoot.
"""

import numpy as np
from goemotions import LABELS

from emotion_slm.balance.geometry import draw, extend
from emotion_slm.balance.multilabel import PROVENANCE
from emotion_slm.balance.neighbours import nearest
from emotion_slm.common.errors import EmotionSlmError


def grow(
    vectors: np.ndarray, gold: np.ndarray, target: int, k_neighbors: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Grow each label of fewer than `target` rows by what it lacks, neutral among them.

    `vectors`: (n, d) float32; `gold`: (n, 28). Returns the (n + m, d) vectors, originals first, and
    the (m,) PROVENANCE of the synthetic rows, whose labels are their seeds'. EmotionSlmError for a
    label with fewer than two rows.
    """
    random = np.random.RandomState(seed)
    blocks = [np.empty(0, PROVENANCE)]
    for column, count in enumerate(gold.sum(axis=0, dtype=np.int64)):
        if count >= target:
            continue
        if count < 2:
            raise EmotionSlmError(
                f"label {LABELS[column]} has {count} rows and needs two to be grown; "
                "use the whole corpus"
            )
        members = np.flatnonzero(gold[:, column])
        k = min(k_neighbors, int(count) - 1)
        near = nearest(vectors[members], np.arange(count), k)
        drawn = draw(random, count, k, target - count, "segment")
        block = np.zeros(target - count, PROVENANCE)
        block["seed"] = members[drawn.seed]
        block["neighbour"] = members[near[drawn.seed, drawn.rank]]
        block["t"] = -drawn.t
        block["target"] = column
        blocks.append(block)
    provenance = np.concatenate(blocks)
    return extend(vectors, provenance, normalize=False), provenance
