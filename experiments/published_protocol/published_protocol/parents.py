"""Where the parents of synthetic rows are: what an arm's balanced rows took from held-out rows."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from goemotions import to_matrix

from emotion_slm.common.paths import SPLITS


class Descent(NamedTuple):
    """`shares`: of synthetic rows by their parents' split, and of test rows by having children;
    `children`: (28,) synthetic rows by label that carry a test row's labels."""

    shares: dict[str, float]
    children: np.ndarray


def descent(rows: pd.DataFrame, ids: Mapping[str, pd.Series]) -> Descent:
    """`rows`: those of data/balanced; `ids`: the ids of each split.

    A child of a row is a synthetic row whose seed it is: it lies nearest to that row and has its
    labels.
    """
    synthetic = rows[rows["synthetic"]]
    held_out = pd.concat([ids["validation"], ids["test"]])
    of_seed = {name: synthetic["seed_id"].isin(ids[name]) for name in SPLITS}
    either = synthetic["seed_id"].isin(held_out) | synthetic["neighbour_id"].isin(held_out)
    shares = {f"seed_in_{name}": inside.mean() for name, inside in of_seed.items()}
    shares["seed_in_validation_or_test"] = synthetic["seed_id"].isin(held_out).mean()
    shares["seed_or_neighbour_in_validation_or_test"] = either.mean()
    parents = pd.concat([synthetic["seed_id"], synthetic["neighbour_id"]])
    shares["test_rows_with_child"] = ids["test"].isin(synthetic["seed_id"]).mean()
    shares["test_rows_that_are_a_parent"] = ids["test"].isin(parents).mean()
    children = to_matrix(synthetic["labels"][of_seed["test"]]).sum(axis=0, dtype=np.int64)
    return Descent({name: float(share) for name, share in shares.items()}, children)
