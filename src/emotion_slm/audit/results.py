"""Leak audit of predictions and metrics/: recomputed from the models and data/predictions.

This evaluates a second time: `emotion-slm audit` does, stage evaluate, which has just evaluated,
does not.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from emotion_slm.audit.evaluation import read_scored
from emotion_slm.audit.result import result
from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.common import files
from emotion_slm.common.paths import CLASSIFIER, METRICS, PLOTS
from emotion_slm.corpus.labels import LABELS
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.evaluation.predictions import (
    HELD_OUT,
    HeldOut,
    predict,
    predict_by_adapted_head,
    read_held_out,
)
from emotion_slm.evaluation.results import COLUMNS, Results, gather
from emotion_slm.package.build import card_results
from emotion_slm.package.card import model_card
from emotion_slm.package.package import CALIBRATION, CARD, RESULTS, THRESHOLDS, read_package

LOGIT_TOLERANCE = 0.05  # bfloat16 keeps two to three digits; logits of other weights differ by 1
TOLERANCE = 2e-6  # of numbers kept to 6 decimals


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
    return result(
        {
            "predictions_not_by_the_classifier": _foreign(rows, scored, predict(rows, root)),
            **_fitted_elsewhere(root / CLASSIFIER, again),
            **_other_numbers(root, again),
            "tables_not_from_predictions": _other_tables(root, again),
            "card_not_from_predictions": _other_card(root, again),
        },
        {},
    )


def _foreign(rows: list[HeldOut], written: tuple[Scored, Scored], anew: list[Scored]) -> list[str]:
    """Ids of held-out rows whose logits the classifier does not give for their vectors."""
    found = []
    for part, old, new in zip(rows, written, anew, strict=True):
        same = np.abs(new.logits - old.logits) <= LOGIT_TOLERANCE * np.maximum(
            1, np.abs(new.logits)
        )
        found += [part.ids[row] for row in np.flatnonzero(~same.all(axis=1))]
    return found


def _fitted_elsewhere(package: Path, again: Results) -> dict[str, list[str]]:
    choice, thresholds = again.evaluation.decision
    expected = {
        "thresholds_not_from_validation": (THRESHOLDS, thresholds.to_dict(LABELS)),
        "calibration_not_from_validation": (CALIBRATION, choice.calibration.to_dict(LABELS)),
    }
    return {
        rule: differences(files.read_json(package / name), content)
        for rule, (name, content) in expected.items()
    }


def _other_numbers(root: Path, again: Results) -> dict[str, list[str]]:
    return {
        f"{name}_metrics_not_from_predictions": differences(
            files.read_json(root / METRICS / f"{name}.json"), numbers
        )
        for name, numbers in again.numbers.items()
    }


def _other_tables(root: Path, again: Results) -> list[str]:
    """Places `table.row.column` in which a CSV file differs; a row is named by its first cell."""
    found = []
    for name, rows in again.tables.items():
        written = files.read_csv(root / PLOTS / f"{name}.csv", COLUMNS[name])
        places = differences(_by_row(name, written), _by_row(name, rows))
        found += [f"{name}.{place}" for place in places]
    return found


def _by_row(name: str, rows: Iterable[Mapping]) -> dict[str, dict]:
    columns = COLUMNS[name]
    return {
        str(row[columns[0]]): {column: _value(row.get(column, "")) for column in columns}
        for row in rows
    }


def _value(cell: object) -> object:
    """A cell of a file as the number or truth value it stands for."""
    if cell in ("true", "false"):
        return cell == "true"
    try:
        return float(cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def _other_card(root: Path, again: Results) -> list[str]:
    """Places in which the package's results differ, and the card where it does not show them."""
    package = read_package(root / CLASSIFIER)
    written = files.read_json(package.folder / RESULTS)
    leakage = written.get("leakage")
    found = differences(written, card_results(again.evaluation, leakage))
    card = files.require(package.folder / CARD).read_text(encoding="utf-8")
    if card != model_card(package, CLASSIFIER.as_posix()):
        found.append(CARD)
    return found


def differences(found: object, expected: object) -> list[str]:
    """Dotted paths of the values in which two JSON documents differ, missing and extra ones too.

    Numbers are equal within TOLERANCE, relative and absolute.
    """
    return _differences(found, json.loads(json.dumps(expected)), "")


def _differences(found: object, expected: object, path: str) -> list[str]:
    if isinstance(found, list) and isinstance(expected, list):
        found, expected = (dict(enumerate(values)) for values in (found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        absent = object()
        return [
            place
            for key in sorted(found.keys() | expected.keys(), key=str)
            for place in _differences(
                found.get(key, absent), expected.get(key, absent), f"{path}.{key}".lstrip(".")
            )
        ]
    if isinstance(found, (int, float)) and isinstance(expected, (int, float)):
        return [] if math.isclose(found, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE) else [path]
    return [] if found == expected else [path or "everything"]
