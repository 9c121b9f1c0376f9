"""Random undersampling of the rows that carry neutral and nothing else."""

import numpy as np

from emotion_slm.corpus.labels import NEUTRAL


def undersample(frame, neutral_only: int, seed: int):
    """Keep `neutral_only` random rows labelled exactly neutral, and every other row.

    `frame`: pandas frame whose column `labels` holds label names per row (list or array).
    Row order is kept, the index is numbered anew. With fewer such rows than `neutral_only`, all
    are kept.
    """
    is_neutral_only = np.array([list(names) == [NEUTRAL] for names in frame["labels"]], dtype=bool)
    candidates = np.flatnonzero(is_neutral_only)
    random = np.random.default_rng(seed)
    kept = random.choice(candidates, size=min(neutral_only, len(candidates)), replace=False)
    keep = ~is_neutral_only
    keep[kept] = True
    return frame[keep].reset_index(drop=True)
