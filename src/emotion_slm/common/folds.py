"""Cross-validation folds within one split: stratified, seeded, and blind to the order of rows."""

import numpy as np


def assign(
    gold: np.ndarray,
    scores: np.ndarray,
    folds: int,
    seed: int,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """(n,) fold number of each row, 0 ≤ fold < `folds`.

    Rows are shuffled, sorted by the rarest label they carry and dealt out in turn, so each label's
    rows, the rarest first, spread evenly. Rows of one group (`groups`, (n,) of any sortable type)
    share a fold, unless all rows are of one. Before the shuffle rows are put in order of their
    content, `gold` (n, labels) and `scores` (n, m): the same rows in another order get the same
    folds.
    """
    content = np.lexsort(np.column_stack([gold, scores]).T)
    order = np.random.default_rng(seed).permutation(content)
    alone = groups is None or len(np.unique(groups)) < 2
    groups = np.arange(len(gold)) if alone else np.asarray(groups)
    _, first, group = np.unique(groups[order], return_index=True, return_inverse=True)
    dealt = np.lexsort((first, _rarest_label_support(gold[order[first]], gold.sum(axis=0))))
    fold_of_group = np.empty(len(first), dtype=np.int64)
    fold_of_group[dealt] = np.arange(len(first)) % folds
    result = np.empty(len(gold), dtype=np.int64)
    result[order] = fold_of_group[group]
    return result


def _rarest_label_support(gold: np.ndarray, support: np.ndarray) -> np.ndarray:
    """(rows,) support of the rarest label of each row; rows without labels come last."""
    return np.where(gold > 0, support, support.sum() + 1).min(axis=1)
