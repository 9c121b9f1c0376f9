"""Random undersampling of the rows that carry one label and nothing else."""

import numpy as np


def undersample(frame, label: str, count: int, seed: int):
    """Keep `count` random rows labelled exactly `label`, and every other row.

    `frame`: pandas frame whose column `labels` holds label names per row (list or array).
    Row order is kept, the index is numbered anew. With fewer such rows than `count`, all are kept.
    """
    alone = np.array([list(names) == [label] for names in frame["labels"]], dtype=bool)
    candidates = np.flatnonzero(alone)
    random = np.random.default_rng(seed)
    kept = random.choice(candidates, size=min(count, len(candidates)), replace=False)
    keep = ~alone
    keep[kept] = True
    return frame[keep].reset_index(drop=True)
