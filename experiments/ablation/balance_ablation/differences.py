"""Stage differences: paired intervals of macro-F1 on test → differences.csv, contrasts.csv.

differences.csv compares every balancing with none, all else equal. contrasts.csv compares what the
steps towards the default profile add. `clear` marks what would still exclude 0 if the interval were
widened, as a normal one, to hold for all comparisons of its file at once (Bonferroni).
"""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from goemotions import to_matrix
from scipy.stats import norm

from balance_ablation.arms import write_csv
from balance_ablation.corpus import read_splits
from balance_ablation.names import (
    ADAPTED,
    BOTH,
    FROZEN,
    LINEAR,
    MLP,
    NONE,
    OWN,
    THRESHOLDS,
)
from balance_ablation.params import BootstrapParams, read_params
from balance_ablation.places import CONTRASTS, DIFFERENCES, RESULTS, results_folder
from balance_ablation.scores import read_predictions
from emotion_slm.common.console import progress, stage
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.evaluation.bootstrap import interval, replicate_scores

DEFAULT_CONTRAST = "adapted: ISMOTE + undersampling, focal − none with this loss"
SETTING = ["vectors", "head", "loss"]
ALPHA = 0.05  # 1 − the level of the library's intervals


class Comparison:
    """All arms' macro-F1 in the same bootstrap replicates, of which any two groups are compared.

    What `emotion_slm.evaluation.bootstrap.paired_difference` does for one pair, with the replicates
    of an arm computed once for all its comparisons.
    """

    def __init__(
        self, results: pd.DataFrame, predictions: np.ndarray, test, params: BootstrapParams
    ):
        """`predictions`: (arms, 3, n, 28) bool, arms as in `results`; `test`: the split's frame."""
        self.results = results
        gold, groups = to_matrix(test["labels"]), test["duplicate_group"].to_numpy()
        seed = child_seed(params.seed, "bootstrap")
        self._replicates = np.stack(
            [
                replicate_scores(list(of_arm), gold, groups, params.replicates, seed).macro_f1
                for of_arm in predictions
            ]
        )  # (arms, 3, replicates)

    def rows_of(self, **values: Any) -> np.ndarray:
        """Rows of results.csv with these values: the seeds of an arm."""
        chosen = np.all([self.results[name] == value for name, value in values.items()], axis=0)
        return np.flatnonzero(chosen)

    def against(self, first: np.ndarray, second: np.ndarray) -> Iterator[dict]:
        """Per kind of thresholds: mean macro-F1 of both groups of rows, difference, interval."""
        for place, kind in enumerate(THRESHOLDS):
            score = self.results[f"macro_f1_{kind}"]
            of_first, of_second = (
                self._replicates[rows, place].mean(axis=0) for rows in (first, second)
            )
            low, high = interval(of_first - of_second)
            yield {
                "thresholds": kind,
                "macro_f1": score[first].mean(),
                "reference": score[second].mean(),
                "difference": score[first].mean() - score[second].mean(),
                "low": low,
                "high": high,
            }


def differences(comparison: Comparison) -> Iterator[dict]:
    """Each balancing minus none, for the same vectors, head and loss."""
    arms = comparison.results[[*SETTING, "balancing"]].drop_duplicates()
    for arm in arms[arms["balancing"] != NONE].to_dict("records"):
        reference = comparison.rows_of(**arm | {"balancing": NONE})
        for found in comparison.against(comparison.rows_of(**arm), reference):
            yield arm | found


def contrasts(comparison: Comparison) -> Iterator[dict]:
    """What each step adds, and the default's balancing and loss against other losses without."""
    for loss in comparison.results["loss"].unique():
        plain = {"head": LINEAR, "balancing": NONE, "loss": loss}
        frozen, adapted = plain | {"vectors": FROZEN}, plain | {"vectors": ADAPTED}
        pairs = {
            "frozen: MLP − linear head": (frozen | {"head": MLP}, frozen),
            "linear head: adapted − frozen vectors": (adapted, frozen),
            "adapted: linear head − adapt's own": (adapted, {"vectors": ADAPTED, "head": OWN}),
            DEFAULT_CONTRAST: (adapted | {"balancing": BOTH, "loss": "focal"}, adapted),
        }
        if loss == "focal":
            del pairs[DEFAULT_CONTRAST]  # differences.csv has it
        for name, arms in pairs.items():
            first, second = (comparison.rows_of(**arm) for arm in arms)
            if len(first) and len(second):
                for found in comparison.against(first, second):
                    yield {"contrast": name, "loss": loss} | found


def with_correction(rows: list[dict]) -> pd.DataFrame:
    """The comparisons as a frame, with `clear`: 0 excluded at level 1 − ALPHA / their number."""
    frame = pd.DataFrame(rows)
    half = (frame["high"] - frame["low"]) / 2
    widened = half * norm.isf(ALPHA / 2 / len(frame)) / norm.isf(ALPHA / 2)
    return frame.assign(clear=frame["difference"].abs() > widened)


def main() -> None:
    experiment = sys.argv[1]
    with stage(f"differences {experiment}") as report:
        params = read_params()
        pin_threads(params.threads)
        folder = results_folder(experiment)
        comparison = Comparison(
            pd.read_csv(folder / RESULTS),
            read_predictions(experiment),
            read_splits()["test"],
            params.bootstrap,
        )
        tables = {DIFFERENCES: differences}
        if experiment == "ablation":
            tables[CONTRASTS] = contrasts
        for file, compare in tables.items():
            with progress(file, None):
                frame = with_correction(list(compare(comparison)))
            write_csv(folder / file, frame)
            report(f"{len(frame)} comparisons → {folder / file}")


if __name__ == "__main__":
    main()
