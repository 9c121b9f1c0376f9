"""Validation fits calibration and thresholds; test is scored once with both."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from emotion_slm.calibration import choice as calibration
from emotion_slm.calibration import thresholds
from emotion_slm.calibration.choice import Calibration, Choice
from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.calibration.thresholds import Thresholds
from emotion_slm.common.ranking import DECIMALS, f1_from_counts
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import LABELS
from emotion_slm.evaluation import metrics
from emotion_slm.evaluation.bootstrap import with_intervals

HALF = np.full(len(LABELS), 0.5)


class Scored(NamedTuple):
    """One split: (n, 28) raw logits and gold, (n,) duplicate groups."""

    logits: np.ndarray
    gold: np.ndarray
    groups: np.ndarray


class Evaluation(NamedTuple):
    """What validation gave, and the metrics of both splits.

    `cross_fitted`: (n, 28) probabilities of validation, by calibrations that had not seen the row.
    """

    calibration: Calibration
    thresholds: Thresholds
    cross_fitted: np.ndarray
    validation: dict
    test: dict


def evaluate(validation: Scored, test: Scored, params: ThresholdParams, seed: int) -> Evaluation:
    """Calibration and per-label thresholds from validation, metrics of validation and test.

    Metrics are at the tuned thresholds on calibrated probabilities, with bootstrap intervals;
    under `at_0_5` they are on the raw sigmoid, under `at_global_threshold` at the one threshold
    that suits all labels best on validation. Validation's probabilities are cross-fitted, its
    thresholds are not: `cross_validated_macro_f1` is what they score on rows that took no part in
    them. `calibration` says which method was chosen and what it mends in that split. Within a
    label rows are ranked by raw logits throughout.
    """
    chosen, tuned = decide(validation, params, seed)
    f1 = cross_validated_macro_f1(validation.logits, validation.gold, chosen, params)
    return Evaluation(
        calibration=chosen.calibration,
        thresholds=tuned,
        cross_fitted=chosen.cross_fitted,
        validation={
            **_measure(validation, chosen.cross_fitted, chosen, tuned, seed),
            "cross_validated_macro_f1": round(f1, DECIMALS),
        },
        test=measure_test(test, chosen, tuned, seed),
    )


def decide(validation: Scored, params: ThresholdParams, seed: int) -> tuple[Choice, Thresholds]:
    """The calibration that validation chooses, and thresholds on its cross-fitted probabilities."""
    chosen = calibration.choose(
        validation.logits, validation.gold, params.folds, seed, validation.groups
    )
    tuned = thresholds.tune(
        chosen.cross_fitted, validation.gold, params.grid_step, params.shrinkage
    )
    return chosen, tuned


def measure_test(test: Scored, chosen: Choice, tuned: Thresholds, seed: int) -> dict:
    """The metrics of test, as `evaluate` has them, by what `decide` gave."""
    return _measure(test, chosen.calibration.apply(test.logits), chosen, tuned, seed)


def cross_validated_macro_f1(
    logits: np.ndarray, gold: np.ndarray, chosen: Choice, params: ThresholdParams
) -> float:
    """Macro-F1 of (n, 28) logits, each fold decided by a calibration and thresholds of the others.

    F1 is that of the counts pooled over the folds (Forman and Scholz 2010).
    """
    method = chosen.calibration.method
    predicted = np.empty(gold.shape, dtype=bool)
    for held_out in np.unique(chosen.fold):
        inside = chosen.fold == held_out
        outside, outside_gold = logits[~inside], gold[~inside]
        probabilities = calibration.cross_fitted(
            method, outside, outside_gold, chosen.fold[~inside]
        )
        tuned = thresholds.tune(probabilities, outside_gold, params.grid_step, params.shrinkage)
        predicted[inside] = chosen.cross_fitted[inside] >= tuned.per_label
    hits = (predicted & (gold > 0)).sum(axis=0)
    return float(f1_from_counts(hits, predicted.sum(axis=0), gold.sum(axis=0)).mean())


def _measure(
    scored: Scored, probabilities: np.ndarray, chosen: Choice, tuned: Thresholds, seed: int
) -> dict:
    logits, gold, groups = scored
    predicted = metrics.predictions(probabilities, tuned.per_label)
    common = np.full(len(LABELS), tuned.global_threshold)
    at_half = metrics.evaluate(gold, expit(logits), HALF, logits)
    measured = with_intervals(
        metrics.evaluate(gold, probabilities, tuned.per_label, logits),
        predicted,
        gold,
        groups,
        child_seed(seed, "bootstrap"),
    )
    before, after = ({key: at[key] for key in ("ece", "brier")} for at in (at_half, measured))
    return {
        **measured,
        "at_0_5": at_half,
        "at_global_threshold": {
            "threshold": tuned.global_threshold,
            **metrics.headline(gold, probabilities, common, logits),
        },
        "calibration": {
            "method": chosen.calibration.method,
            "cross_validated_nll": chosen.nll,
            "before": before,
            "after": after,
        },
    }
