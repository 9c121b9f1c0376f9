"""Rows that stand or fall together, in splits, folds and resamples."""

import numpy as np


def rows_together(frame) -> np.ndarray:
    """(n,) whole numbers, one for the rows of a split that have equal texts or are of one group.

    `frame` has `duplicate_group`, and `group` where the corpus has it. Rows of a conversation
    depend on each other as equal texts do: folds and bootstraps take all of them or none.
    """
    texts = frame["duplicate_group"].to_numpy()
    return linked(texts, frame["group"]) if "group" in frame else texts


def linked(texts: np.ndarray, groups) -> np.ndarray:
    """(n,) int64: one number for rows linked by (n,) `texts`, whole numbers, or by the names in
    (n,) `groups`, perhaps through other rows, in order of first appearance. An empty name links
    nothing.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    named = np.flatnonzero(groups != "")
    numbers: dict[str, int] = {}
    places = [numbers.setdefault(name, len(numbers)) for name in groups.iloc[named]]
    n = int(texts.max()) + 1
    # Nodes are texts, then groups; each row of a group is an edge between the two.
    ends = (texts[named], n + np.array(places, dtype=np.int64))
    links = coo_array((np.ones(len(named)), ends), shape=(n + len(numbers),) * 2)
    components = connected_components(links, directed=False)[1][texts]
    first: dict[int, int] = {}
    return np.array([first.setdefault(found, len(first)) for found in components], dtype=np.int64)
