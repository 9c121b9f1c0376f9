"""Stage scores: thresholds from validation, then test, once per arm → results.csv, predictions.

Thresholds act on the raw sigmoid. `tuned` is a label's own best threshold, `shrunken` that one
drawn towards the global one (shrunken_thresholds).
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from goemotions import LABELS, to_matrix
from scipy.special import expit
from shrunken_thresholds import ShrunkenParams, tune

from balance_ablation.arms import read_arms, write_csv
from balance_ablation.corpus import read_splits
from balance_ablation.names import EXPERIMENTS, HALF, SHRUNKEN, TUNED
from balance_ablation.params import read_params
from balance_ablation.places import PREDICTIONS, RESULTS, results_folder
from emotion_slm.common.console import progress, stage
from emotion_slm.common.files import write_array
from emotion_slm.common.ranking import f1_from_counts, mean_average_precision
from emotion_slm.common.threads import pin_threads


def thresholds(
    probabilities: np.ndarray,
    gold: np.ndarray,
    groups: np.ndarray,
    params: ShrunkenParams,
    seed: int,
) -> dict[str, np.ndarray]:
    """Kind → (28,) thresholds, from (n, 28) probabilities and gold of validation."""
    unshrunken = params.model_copy(update={"shrinkages": [0.0]})
    return {
        HALF: np.full(len(LABELS), 0.5),
        TUNED: tune(probabilities, gold, unshrunken, seed, groups).per_label,
        SHRUNKEN: tune(probabilities, gold, params, seed, groups).per_label,
    }


def scored(predicted: Mapping[str, np.ndarray], gold: np.ndarray) -> dict[str, float]:
    """Macro- and micro-F1 of each kind of thresholds; predictions and gold are (n, 28)."""
    scores = {}
    for kind, chosen in predicted.items():
        hits, claimed, support = (chosen & (gold > 0)).sum(0), chosen.sum(0), gold.sum(0)
        scores[f"macro_f1_{kind}"] = f1_from_counts(hits, claimed, support).mean()
        scores[f"micro_f1_{kind}"] = f1_from_counts(hits.sum(), claimed.sum(), support.sum())
    return scores


def main() -> None:
    experiment = sys.argv[1]
    with stage(f"scores {experiment}") as report:
        params = read_params()
        pin_threads(params.threads)
        splits = read_splits()
        gold = {split: to_matrix(frame["labels"]) for split, frame in splits.items()}
        groups = splits["validation"]["duplicate_group"].to_numpy()
        rows, packed = [], []
        for source in EXPERIMENTS[experiment]:
            arms, logits = read_arms(source)
            with progress(f"scoring {source}", len(arms)) as advance:
                for arm, of_arm in zip(arms, logits, strict=True):
                    probabilities = expit(of_arm.astype(np.float64))
                    validation, test = np.split(probabilities, [len(groups)])
                    cuts = thresholds(
                        validation, gold["validation"], groups, params.thresholds, params.seeds[0]
                    )
                    predicted = {kind: test >= cut for kind, cut in cuts.items()}
                    rows.append(
                        arm._asdict()
                        | {"map": mean_average_precision(gold["test"], test)}
                        | scored(predicted, gold["test"])
                    )
                    packed.append([np.packbits(chosen, axis=1) for chosen in predicted.values()])
                    advance(1)
        write_csv(results_folder(experiment) / RESULTS, pd.DataFrame(rows))
        write_array(predictions_file(experiment), np.array(packed))
        report(f"{len(rows)} arms → {results_folder(experiment) / RESULTS}")


def read_predictions(experiment: str) -> np.ndarray:
    """(arms, 3, n, 28) bool: test predictions by row of results.csv and kind of thresholds."""
    packed = np.load(predictions_file(experiment), allow_pickle=False)
    return np.unpackbits(packed, axis=3, count=len(LABELS)).astype(bool)


def predictions_file(experiment: str) -> Path:
    return PREDICTIONS / f"{experiment}.npy"


if __name__ == "__main__":
    main()
