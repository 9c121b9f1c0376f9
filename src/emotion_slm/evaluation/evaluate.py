"""Validation fits calibration and thresholds; test is scored once with both."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from emotion_slm.evaluation import calibration, metrics, thresholds
from emotion_slm.evaluation.calibration import Calibration
from emotion_slm.evaluation.thresholds import Thresholds
from emotion_slm.labels import LABELS
from emotion_slm.params.thresholds import ThresholdParams

HALF = np.full(len(LABELS), 0.5)


class Scored(NamedTuple):
    """One split: (n, 28) raw logits and gold, (n,) duplicate groups."""

    logits: np.ndarray
    gold: np.ndarray
    groups: np.ndarray


class Evaluation(NamedTuple):
    """What validation gave, and the metrics of both splits.

    `cross_fitted`: (n, 28) probabilities of validation, on which the thresholds were tuned.
    """

    calibration: Calibration
    thresholds: Thresholds
    cross_fitted: np.ndarray
    validation: dict
    test: dict


def evaluate(validation: Scored, test: Scored, params: ThresholdParams, seed: int) -> Evaluation:
    """Platt scaling and per-label thresholds from validation, metrics of validation and test.

    Validation's own probabilities are cross-fitted before thresholds are tuned on them, so that
    the thresholds do not rest on a calibration that saw the same rows. Metrics are at the tuned
    thresholds on calibrated probabilities; under `at_0_5` they are on the raw sigmoid.
    """
    cross_fitted = calibration.cross_fitted(
        validation.logits, validation.gold, params.folds, seed, validation.groups
    )
    tuned = thresholds.tune(cross_fitted, validation.gold, params, seed, validation.groups)
    platt = Calibration(*calibration.fit_platt(validation.logits, validation.gold))
    return Evaluation(
        calibration=platt,
        thresholds=tuned,
        cross_fitted=cross_fitted,
        validation=_metrics(validation, cross_fitted, tuned),
        test=_metrics(test, platt.apply(test.logits), tuned),
    )


def _metrics(scored: Scored, probabilities: np.ndarray, tuned: Thresholds) -> dict:
    return {
        **metrics.evaluate(scored.gold, probabilities, tuned.per_label),
        "at_0_5": metrics.evaluate(scored.gold, expit(scored.logits), HALF),
    }
