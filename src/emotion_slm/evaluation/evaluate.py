"""Validation fits calibration and thresholds; test is scored once with both."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from emotion_slm.evaluation import calibration, metrics, thresholds
from emotion_slm.evaluation.bootstrap import with_intervals
from emotion_slm.evaluation.calibration import Calibration
from emotion_slm.evaluation.thresholds import Thresholds
from emotion_slm.labels import LABELS
from emotion_slm.params.thresholds import ThresholdParams
from emotion_slm.seeds import child_seed

HALF = np.full(len(LABELS), 0.5)


class Scored(NamedTuple):
    """One split: (n, 28) raw logits and gold, (n,) duplicate groups."""

    logits: np.ndarray
    gold: np.ndarray
    groups: np.ndarray


class Evaluation(NamedTuple):
    """What validation gave, and the metrics of both splits."""

    calibration: Calibration
    thresholds: Thresholds
    validation: dict
    test: dict


def evaluate(validation: Scored, test: Scored, params: ThresholdParams, seed: int) -> Evaluation:
    """Calibration and per-label thresholds from validation, metrics of validation and test.

    Validation's own probabilities are cross-fitted before thresholds are tuned on them, so that
    the thresholds do not rest on a calibration that saw the same rows. Metrics are at the tuned
    thresholds on calibrated probabilities, with bootstrap intervals; under `at_0_5` they are on
    the raw sigmoid, under `at_global_threshold` at the one threshold that suits all labels best on
    validation. `calibration` says which method was chosen and what it mends in that split. Within
    a label rows are ranked by raw logits throughout.
    """
    chosen = calibration.choose(
        validation.logits, validation.gold, params.folds, seed, validation.groups
    )
    tuned = thresholds.tune(chosen.cross_fitted, validation.gold, params, seed, validation.groups)
    bootstrap_seed = child_seed(seed, "bootstrap")

    def measure(scored: Scored, probabilities: np.ndarray) -> dict:
        measured = _metrics(scored, probabilities, tuned, bootstrap_seed)
        before, after = (
            {key: at[key] for key in ("ece", "brier")} for at in (measured["at_0_5"], measured)
        )
        measured["calibration"] = {
            "method": chosen.calibration.method,
            "cross_validated_nll": chosen.nll,
            "before": before,
            "after": after,
        }
        return measured

    return Evaluation(
        calibration=chosen.calibration,
        thresholds=tuned,
        validation=measure(validation, chosen.cross_fitted),
        test=measure(test, chosen.calibration.apply(test.logits)),
    )


def _metrics(scored: Scored, probabilities: np.ndarray, tuned: Thresholds, seed: int) -> dict:
    logits, gold, groups = scored
    predicted = metrics.predictions(probabilities, tuned.per_label)
    common = np.full(len(LABELS), tuned.global_threshold)
    return {
        **with_intervals(
            metrics.evaluate(gold, probabilities, tuned.per_label, logits),
            predicted,
            gold,
            groups,
            seed,
        ),
        "at_0_5": metrics.evaluate(gold, expit(logits), HALF, logits),
        "at_global_threshold": {
            "threshold": tuned.global_threshold,
            **metrics.headline(gold, probabilities, common, logits),
        },
    }
