"""Stage results: predictions and workspaces → results.json and per_label.csv.

Every number is a mean over seeds, with the least and the greatest beside it.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from goemotions import LABELS, to_matrix
from shrunken_thresholds import ShrunkenParams

from emotion_slm.balance.rows import COLUMNS, ROWS
from emotion_slm.common import paths
from emotion_slm.common.files import read_array, read_parquet, write_json
from published_protocol import parameters
from published_protocol.layout import (
    ARMS,
    HONEST,
    LEAKED,
    PER_LABEL,
    RESULTS,
    predictions,
    workspace,
)
from published_protocol.parents import Descent, descent
from published_protocol.scores import (
    HALF,
    SAME_ROWS,
    TEST,
    TUNED,
    Predicted,
    Scores,
    score_views,
)

DECIMALS = 6


class Outcome(NamedTuple):
    """One arm under one seed; `support`: view → (28,) test positives."""

    rows: dict[str, int]
    descent: Descent
    scores: dict[str, dict[str, Scores]]
    support: dict[str, np.ndarray]


def outcome(arm: str, seed: int, params: ShrunkenParams) -> Outcome:
    root = workspace(arm, seed)
    frames = {name: _split(root, name) for name in paths.SPLITS}
    predicted = {
        name: Predicted(
            np.asarray(read_array(predictions(arm, seed, name))), to_matrix(frames[name]["labels"])
        )
        for name in ("validation", "test")
    }
    views = {TEST: predicted["test"]}
    if arm == HONEST:
        published = _split(workspace(LEAKED, seed), "test")["id"]
        same = frames["test"]["id"].isin(published).to_numpy()
        views[SAME_ROWS] = Predicted(*(values[same] for values in predicted["test"]))
    rows = read_parquet(root / paths.BALANCED / ROWS, COLUMNS)
    counts = {name: len(frame) for name, frame in frames.items()}
    counts |= {"trained_on": len(rows), "synthetic": int(rows["synthetic"].sum())}
    return Outcome(
        counts,
        descent(rows, {name: frame["id"] for name, frame in frames.items()}),
        score_views(predicted["validation"], views, params, seed),
        {name: view.gold.sum(axis=0, dtype=np.int64) for name, view in views.items()},
    )


def summary(outcomes: list[Outcome]) -> dict:
    """What results.json says of one arm, from its outcomes by seed."""
    first = outcomes[0]
    return {
        "rows": {name: over([one.rows[name] for one in outcomes]) for name in first.rows},
        "shares": {
            name: over([one.descent.shares[name] for one in outcomes])
            for name in first.descent.shares
        },
        "scores": {
            view: {
                thresholds: {
                    f"{average}_f1": over(
                        [getattr(one.scores[view][thresholds], average) for one in outcomes]
                    )
                    for average in ("macro", "micro")
                }
                for thresholds in (HALF, TUNED)
            }
            for view in first.scores
        },
    }


def over(values: list[float]) -> dict[str, float]:
    """Mean, least and greatest of one number per seed."""
    kinds = {"mean": np.mean(values), "min": min(values), "max": max(values)}
    return {name: round(float(value), DECIMALS) for name, value in kinds.items()}


def per_label(leaked: list[Outcome], honest: list[Outcome]) -> pd.DataFrame:
    """A row per label; `support`: test positives of the leaked arm, `natural_support`: of the
    honest one. `children_per_positive` counts the leaked arm's synthetic rows."""
    columns = {"label": list(LABELS)}
    columns["support"] = _mean([one.support[TEST] for one in leaked])
    columns["natural_support"] = _mean([one.support[TEST] for one in honest])
    columns["children_per_positive"] = _mean(
        [one.descent.children / one.support[TEST] for one in leaked]
    )
    arms = {LEAKED: (leaked, TEST), HONEST: (honest, TEST), "honest_same_rows": (honest, SAME_ROWS)}
    for name, (outcomes, view) in arms.items():
        for thresholds in (HALF, TUNED):
            f1 = np.array([one.scores[view][thresholds].per_label for one in outcomes])
            columns[f"{name}_f1_{thresholds}"] = f1.mean(axis=0)
            columns[f"{name}_f1_{thresholds}_min"] = f1.min(axis=0)
            columns[f"{name}_f1_{thresholds}_max"] = f1.max(axis=0)
    return pd.DataFrame(columns)


def _mean(values: list[np.ndarray]) -> np.ndarray:
    return np.mean(values, axis=0)


def _split(root: Path, name: str) -> pd.DataFrame:
    return read_parquet(root / paths.SPLIT / f"{name}.parquet", ("id", "labels"))


def main() -> None:
    params = parameters.section("thresholds", ShrunkenParams)
    seeds = parameters.read()["seeds"]
    outcomes = {arm: [outcome(arm, seed, params) for seed in seeds] for arm in ARMS}
    write_json(RESULTS, {arm: summary(outcomes[arm]) for arm in ARMS})
    frame = per_label(outcomes[LEAKED], outcomes[HONEST])
    frame.to_csv(PER_LABEL, index=False, float_format="%.4f", lineterminator="\n")


if __name__ == "__main__":
    main()
