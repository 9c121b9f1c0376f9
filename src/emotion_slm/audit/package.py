"""Leak audit of models/classifier and metrics/: fitted on validation, counted on test, as said."""

import json
import math
from pathlib import Path

from emotion_slm.audit.evaluation import read_scored
from emotion_slm.audit.result import result
from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.classifier import finetuned
from emotion_slm.common import files
from emotion_slm.common.paths import ADAPTED, FINETUNED, METRICS
from emotion_slm.common.paths import CLASSIFIER as PACKAGE
from emotion_slm.corpus.labels import LABELS
from emotion_slm.encoder import adapted
from emotion_slm.evaluation.evaluate import evaluate
from emotion_slm.package.package import CALIBRATION, CLASSIFIER, CONFIG, ENCODER, THRESHOLDS, Origin

TOLERANCE = 2e-6  # of numbers kept to 6 decimals


def audit_package(root: Path, origin: Origin, params: ThresholdParams, seed: int) -> dict:
    """Fit calibration and thresholds again on data/predictions, and compare what follows from them.

    `params` and `seed` are those of stage evaluate, `origin` what params.yaml says of the run.
    Thresholds and calibration of models/classifier, and every number of metrics/validation.json and
    metrics/test.json that the evaluation gives, must come out again; the packaged weights must be
    the trained ones.
    """
    package = root / PACKAGE
    config = files.read_json(package / CONFIG)
    labels = {str(index): label for index, label in enumerate(LABELS)}
    offenders = {
        "labels_of_the_model_differ": differences(config.get("id2label"), labels),
        "packaged_files_altered": _altered(package, config),
        "packaged_weights_not_the_trained_ones": _other_weights(root),
    }
    scored = read_scored(root)
    if scored is not None:
        again = evaluate(*scored, params, seed)
        for rule, name, expected in (
            ("thresholds_not_from_validation", THRESHOLDS, again.thresholds.to_dict(LABELS)),
            ("calibration_not_from_validation", CALIBRATION, again.calibration.to_dict(LABELS)),
        ):
            offenders[rule] = differences(files.read_json(package / name), expected)
        for split, expected in (("validation", again.validation), ("test", again.test)):
            written = files.read_json(root / METRICS / f"{split}.json")
            expected = {**origin._asdict(), **expected}
            kept = {key: value for key, value in written.items() if key in expected}
            offenders[f"{split}_metrics_not_from_predictions"] = differences(kept, expected)
    return result(offenders, {})


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


def _altered(package: Path, config: dict) -> list[str]:
    """Names of packaged files that do not have the hash in config.json."""
    listed = config.get("files", {})
    return [
        name
        for name in sorted({CALIBRATION, CLASSIFIER, THRESHOLDS, *listed})
        if not (package / name).exists() or files.sha256_file(package / name) != listed.get(name)
    ]


def _other_weights(root: Path) -> list[str]:
    """Names of packaged weights that are not those of models/adapted and models/finetuned."""
    trained = {CLASSIFIER: root / FINETUNED / finetuned.WEIGHTS}
    if not adapted.read_adapted(root / ADAPTED).frozen:
        trained[ENCODER] = root / ADAPTED / adapted.ENCODER
    return [
        name
        for name, source in trained.items()
        if not (root / PACKAGE / name).exists()
        or files.sha256_file(root / PACKAGE / name) != files.sha256_file(source)
    ]
