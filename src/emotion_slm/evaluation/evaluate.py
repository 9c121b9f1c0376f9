"""Validation fits calibration and thresholds; test is scored once with both."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, softmax

from emotion_slm.calibration import choice as calibration
from emotion_slm.calibration import thresholds
from emotion_slm.calibration.choice import Choice
from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.calibration.thresholds import Thresholds
from emotion_slm.common.ranking import f1_from_counts, most_probable
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.evaluation import metrics
from emotion_slm.evaluation.bootstrap import F1Intervals, f1_intervals

HALF = 0.5
Row = dict[str, object]  # of a table, by column


class Scored(NamedTuple):
    """One split: (n, labels) raw logits and gold, (n,) numbers that rows share which stand
    or fall together (`rows_together`), and the labels."""

    logits: np.ndarray
    gold: np.ndarray
    groups: np.ndarray
    labels: LabelSet


class Decision(NamedTuple):
    """What validation chose: a calibration, and a threshold per label.

    Where each row carries exactly one label there are no thresholds: the most probable one is
    predicted.
    """

    choice: Choice
    thresholds: Thresholds | None

    @property
    def limits(self) -> np.ndarray | None:
        """(labels,) thresholds."""
        return None if self.thresholds is None else self.thresholds.per_label

    def predicted(self, probabilities: np.ndarray) -> np.ndarray:
        """(n, labels) int8 from (n, labels) calibrated probabilities."""
        if self.thresholds is None:
            return most_probable(probabilities)
        return metrics.predictions(probabilities, self.thresholds.per_label)

    def overall(self, scored: Scored) -> dict[str, float]:
        """`overall` of rows that took no part in the decision."""
        return overall(scored, self.choice.calibration.apply(scored.logits), self.limits)


def overall(
    scored: Scored, probabilities: np.ndarray, thresholds: np.ndarray | float | None
) -> dict[str, float]:
    """The metrics of (n, labels) probabilities, in which `thresholds`, if any, decide.

    Of many labels a row, rows are ranked by the raw logits; of one, by the probabilities.
    """
    targets = scored.labels.target_columns
    if scored.labels.single:
        return metrics.overall_of_one(scored.gold, probabilities, targets)
    return metrics.overall(scored.gold, probabilities, thresholds, targets, scored.logits)


def raw_probabilities(scored: Scored) -> np.ndarray:
    """(n, labels) float of the logits as they are: sigmoids, or the softmax of one label a row."""
    if scored.labels.single:
        return softmax(scored.logits.astype(np.float64), axis=1)
    return expit(scored.logits)


class Evaluation(NamedTuple):
    """What validation gave, and the metrics of both splits.

    `validation` has `macro_f1_cross_validated` and `nll` beside `metrics.overall`, `test` the ends
    of macro-F1's interval, and of accuracy's where that is a metric; `per_label`: test's, a row per
    label; `at_half`: test's raw sigmoids at threshold 0.5, or its raw softmax; `probabilities`:
    (n, labels), test's calibrated ones.
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
    choice, limits, single = decision.choice, decision.limits, test.labels.single
    f1 = cross_validated_macro_f1(validation.logits, validation.gold, choice, params, single)
    probabilities = choice.calibration.apply(test.logits)
    predicted = decision.predicted(probabilities)
    seed = child_seed(seed, "bootstrap")
    intervals = f1_intervals(predicted, test.gold, test.groups, seed)
    ends = {"macro_f1": intervals.macro} | ({"accuracy": intervals.micro} if single else {})
    return Evaluation(
        decision=decision,
        validation={
            **overall(validation, choice.cross_fitted, limits),
            "macro_f1_cross_validated": metrics.rounded(f1),
            "nll": choice.nll[choice.calibration.method],
        },
        test={
            **overall(test, probabilities, limits),
            **{
                f"{name}_{end}": metrics.rounded(value)
                for name, interval in ends.items()
                for end, value in zip(("low", "high"), interval, strict=True)
            },
        },
        at_half=overall(test, raw_probabilities(test), HALF),
        per_label=_per_label(test, predicted, probabilities, intervals),
        probabilities=probabilities,
    )


def decide(validation: Scored, params: ThresholdParams, seed: int) -> Decision:
    """The calibration that validation chooses, and thresholds on its cross-fitted probabilities."""
    single = validation.labels.single
    chosen = calibration.choose(
        validation.logits, validation.gold, params.folds, seed, validation.groups, single
    )
    if single:
        return Decision(chosen, None)
    tuned = thresholds.tune(
        chosen.cross_fitted, validation.gold, params.grid_step, params.shrinkage
    )
    return Decision(chosen, tuned)


def cross_validated_macro_f1(
    logits: np.ndarray,
    gold: np.ndarray,
    chosen: Choice,
    params: ThresholdParams,
    single: bool = False,
) -> float:
    """Macro-F1 of (n, labels) logits, each fold decided by calibration and thresholds of others.

    Of a `single` label a row the calibration alone decides. F1 is that of the counts pooled over
    the folds (Forman and Scholz 2010).
    """
    method = chosen.calibration.method
    predicted = most_probable(chosen.cross_fitted).astype(bool)
    for held_out in () if single else np.unique(chosen.fold):
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


def _per_label(
    test: Scored, predicted: np.ndarray, probabilities: np.ndarray, intervals: F1Intervals
) -> list[Row]:
    """The rows of metrics/plots/per_label.csv; what is undefined for a label is left out."""
    ranked_by = probabilities if test.labels.single else test.logits
    scores = metrics.per_label(test.gold, predicted, ranked_by)
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
