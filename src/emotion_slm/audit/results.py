"""Leak audit of predictions and metrics/: recomputed from the models and data/predictions.

This evaluates a second time: `emotion-slm audit` does, stage evaluate, which has just evaluated,
does not.
"""

from pathlib import Path

import numpy as np

from emotion_slm.audit.evaluation import read_scored
from emotion_slm.audit.result import differences, result, table_differences
from emotion_slm.audit.towards_gold import pushed_towards
from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.classifier.finetuned import read_finetuned
from emotion_slm.common import files
from emotion_slm.common.paths import CLASSIFIER, FINETUNED, METRICS, PLOTS
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.evaluation.predictions import (
    HELD_OUT,
    HeldOut,
    predict,
    predict_by_adapted_head,
    read_held_out,
)
from emotion_slm.evaluation.results import Results, gather
from emotion_slm.package.build import card_results, validation_scores
from emotion_slm.package.card import model_card
from emotion_slm.package.config import CALIBRATION, CARD, RESULTS, SCORES, THRESHOLDS
from emotion_slm.package.package import read_package

# Of a logit, or of 1 where that is larger. Batches of another shape and other thread counts move a
# float32 logit by a millionth; bfloat16, in which 4-bit models compute, keeps two to three digits.
LOGIT_TOLERANCE, LOGIT_TOLERANCE_BFLOAT16 = 1e-4, 0.05


def audit_results(root: Path, params: ThresholdParams, seed: int) -> dict:
    """Score the held-out rows again, fit again, and compare all that follows with what is written.

    `params` and `seed` are those of stage evaluate. The logits of data/predictions must be the
    classifier's; what metrics/ and its tables hold of the evaluation, thresholds and calibration of
    models/classifier, and its card, must come out again of these logits.
    """
    scored = read_scored(root)
    if scored is None:
        return result({}, {})
    rows = [read_held_out(split, root) for split in HELD_OUT]
    reference = predict_by_adapted_head(rows, root)
    again = gather(*scored, reference, params, seed, root)
    anew = predict(rows, root)
    return result(
        {
            "predictions_not_by_the_classifier": _foreign(rows, scored, anew, _tolerance(root)),
            "predictions_moved_towards_their_labels": [
                split
                for split, old, new in zip(HELD_OUT, scored, anew, strict=True)
                if pushed_towards(old.gold, old.logits, new.logits)
            ],
            **_fitted_elsewhere(root, again, scored[0]),
            **_other_numbers(root, again),
            "tables_not_from_predictions": _other_tables(root, again),
            "card_not_from_predictions": _other_card(root, again),
        },
        _not_applicable(again),
    )


def _not_applicable(again: Results) -> dict[str, object]:
    """The rule that has nothing to look at, if there is one, and why."""
    if again.evaluation.decision.thresholds is not None:
        return {}
    why = "each row carries exactly one label, the most probable is predicted: no thresholds"
    return {"not_applicable": {"thresholds_not_from_validation": why}}


def _tolerance(root: Path) -> float:
    backbone = getattr(read_finetuned(root / FINETUNED).classifier, "backbone", None)
    four_bit = backbone is not None and backbone.four_bit
    return LOGIT_TOLERANCE_BFLOAT16 if four_bit else LOGIT_TOLERANCE


def _foreign(
    rows: list[HeldOut], written: tuple[Scored, Scored], anew: list[Scored], tolerance: float
) -> list[str]:
    """Ids of held-out rows whose logits the classifier does not give for their vectors."""
    found = []
    for part, old, new in zip(rows, written, anew, strict=True):
        bound = tolerance * np.maximum(1, np.abs(new.logits))
        same = np.abs(new.logits - old.logits) <= bound
        found += [part.ids[row] for row in np.flatnonzero(~same.all(axis=1))]
    return found


def _fitted_elsewhere(root: Path, again: Results, validation: Scored) -> dict[str, list[str]]:
    labels = validation.labels.names
    choice, thresholds = again.evaluation.decision
    scores = validation_scores(again.evaluation, validation, root)

    def other(name: str, content: dict) -> list[str]:
        return differences(files.read_json(root / CLASSIFIER / name), content)

    found = {
        "calibration_not_from_validation": [
            *other(CALIBRATION, choice.calibration.to_dict(labels)),
            *other(SCORES, scores.to_dict(labels)),
        ]
    }
    if thresholds is not None:
        found["thresholds_not_from_validation"] = other(THRESHOLDS, thresholds.to_dict(labels))
    return found


def _other_numbers(root: Path, again: Results) -> dict[str, list[str]]:
    return {
        f"{name}_metrics_not_from_predictions": differences(
            files.read_json(root / METRICS / f"{name}.json"), numbers
        )
        for name, numbers in again.numbers.items()
    }


def _other_tables(root: Path, again: Results) -> list[str]:
    return [
        place
        for name, rows in again.tables.items()
        for place in table_differences(root / PLOTS / f"{name}.csv", again.columns[name], rows)
    ]


def _other_card(root: Path, again: Results) -> list[str]:
    """Places in which the package's results differ, and the card where it does not show them."""
    package = read_package(root / CLASSIFIER)
    written = files.read_json(package.folder / RESULTS)
    leakage = written.get("leakage")
    found = differences(written, card_results(again.evaluation, leakage))
    card = files.read_text(package.folder / CARD)
    if card != model_card(package, CLASSIFIER.as_posix()):
        found.append(CARD)
    return found
