"""Validation fits calibration and thresholds; test is scored once with both."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from emotion_slm.calibration import choice as calibration
from emotion_slm.calibration import thresholds
from emotion_slm.calibration.choice import Choice
from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.calibration.thresholds import Thresholds
from emotion_slm.common.ranking import f1_from_counts
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.evaluation import metrics
from emotion_slm.evaluation.bootstrap import F1Intervals, f1_intervals

HALF = 0.5
Row = dict[str, object]  # of a table, by column


class Scored(NamedTuple):
    """One split: (n, labels) raw logits and gold, (n,) duplicate groups, and the labels."""

    logits: np.ndarray
    gold: np.ndarray
    groups: np.ndarray
    labels: LabelSet


class Decision(NamedTuple):
    """What validation chose: a calibration, and a threshold per label."""

    choice: Choice
    thresholds: Thresholds

    def overall(self, scored: Scored) -> dict[str, float]:
        """`metrics.overall` of rows that took no part in the decision."""
        probabilities = self.choice.calibration.apply(scored.logits)
        return overall(scored, probabilities, self.thresholds.per_label)


def overall(
    scored: Scored, probabilities: np.ndarray, thresholds: np.ndarray | float
) -> dict[str, float]:
    """`metrics.overall` of (n, labels) probabilities, rows ranked by the raw logits."""
    targets = scored.labels.target_columns
    return metrics.overall(scored.gold, probabilities, thresholds, targets, scored.logits)


class Evaluation(NamedTuple):
    """What validation gave, and the metrics of both splits.

    `validation` has `macro_f1_cross_validated` and `nll` beside `metrics.overall`, `test` the ends
    of macro-F1's interval; `per_label`: test's, a row per label; `at_half`: test's raw sigmoids at
    threshold 0.5; `probabilities`: (n, labels), test's calibrated ones.
    """

    decision: Decision
    validation: dict[str, float]
    test: dict[str, float]
    at_half: dict[str, float]
    per_label: list[Row]
    probabilities: np.ndarray


def evaluate(validation: Scored, test: Scored, params: ThresholdParams, seed: int) -> Evaluation:
    """Calibration and per-label thresholds from validation, metrics of validation and test.

    Metrics are at the tuned thresholds on calibrated probabilities. Validation's probabilities are
    cross-fitted, its thresholds are not: `macro_f1_cross_validated` is what they score on rows that
    took no part in them. Within a label rows are ranked by raw logits throughout.
    """
    decision = decide(validation, params, seed)
    choice, limits = decision.choice, decision.thresholds.per_label
    f1 = cross_validated_macro_f1(validation.logits, validation.gold, choice, params)
    probabilities = choice.calibration.apply(test.logits)
    predicted = metrics.predictions(probabilities, limits)
    seed = child_seed(seed, "bootstrap")
    intervals = f1_intervals(predicted, test.gold, test.groups, seed)
    low, high = intervals.macro
    return Evaluation(
        decision=decision,
        validation={
            **overall(validation, choice.cross_fitted, limits),
            "macro_f1_cross_validated": metrics.rounded(f1),
            "nll": choice.nll[choice.calibration.method],
        },
        test={
            **overall(test, probabilities, limits),
            "macro_f1_low": metrics.rounded(low),
            "macro_f1_high": metrics.rounded(high),
        },
        at_half=overall(test, expit(test.logits), HALF),
        per_label=_per_label(test, predicted, intervals),
        probabilities=probabilities,
    )


def decide(validation: Scored, params: ThresholdParams, seed: int) -> Decision:
    """The calibration that validation chooses, and thresholds on its cross-fitted probabilities."""
    chosen = calibration.choose(
        validation.logits, validation.gold, params.folds, seed, validation.groups
    )
    tuned = thresholds.tune(
        chosen.cross_fitted, validation.gold, params.grid_step, params.shrinkage
    )
    return Decision(chosen, tuned)


def cross_validated_macro_f1(
    logits: np.ndarray, gold: np.ndarray, chosen: Choice, params: ThresholdParams
) -> float:
    """Macro-F1 of (n, labels) logits, each fold decided by calibration and thresholds of others.

    F1 is that of the counts pooled over the folds (Forman and Scholz 2010).
    """
    method = chosen.calibration.method
    predicted = np.empty(gold.shape, dtype=bool)
    for held_out in np.unique(chosen.fold):
        inside = chosen.fold == held_out
        outside, outside_gold = logits[~inside], gold[~inside]
        probabilities = calibration.cross_fitted(
            [method], outside, outside_gold, chosen.fold[~inside]
        )
        tuned = thresholds.tune(
            probabilities[method], outside_gold, params.grid_step, params.shrinkage
        )
        predicted[inside] = chosen.cross_fitted[inside] >= tuned.per_label
    hits = (predicted & (gold > 0)).sum(axis=0)
    return float(f1_from_counts(hits, predicted.sum(axis=0), gold.sum(axis=0)).mean())


def _per_label(test: Scored, predicted: np.ndarray, intervals: F1Intervals) -> list[Row]:
    """The rows of metrics/plots/per_label.csv; what is undefined for a label is left out."""
    scores = metrics.per_label(test.gold, predicted, test.logits)
    both = metrics.both_classes(test.gold)
    rows: list[Row] = []
    for column, label in enumerate(test.labels.names):
        numbers = {
            "precision": scores.precision[column],
            "recall": scores.recall[column],
            "f1": scores.f1[column],
            "f1_low": intervals.low[column],
            "f1_high": intervals.high[column],
        }
        if scores.support[column]:
            numbers["ap"] = scores.ap[column]
        if both[column]:
            numbers["auroc"] = scores.auroc[column]
        rows.append(
            {
                "label": label,
                "target": label in test.labels.targets,
                **{name: metrics.rounded(value) for name, value in numbers.items()},
                "support": int(scores.support[column]),
            }
        )
    return rows
