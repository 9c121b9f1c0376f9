"""Leak audit of models/classifier: the labels, and the weights that were trained."""

from pathlib import Path

from emotion_slm.audit.result import result
from emotion_slm.classifier import finetuned
from emotion_slm.common import files
from emotion_slm.common.paths import ADAPTED, FINETUNED
from emotion_slm.common.paths import CLASSIFIER as PACKAGE
from emotion_slm.corpus.labels import LABELS
from emotion_slm.encoder import adapted
from emotion_slm.package.package import CALIBRATION, CLASSIFIER, CONFIG, ENCODER, THRESHOLDS


def audit_package(root: Path = Path()) -> dict:
    """Check labels and hashes of the package; its weights must be those of models/finetuned and
    models/adapted."""
    package = root / PACKAGE
    config = files.read_json(package / CONFIG)
    labels = {str(index): label for index, label in enumerate(LABELS)}
    offenders = {
        "labels_of_the_model_differ": [] if config.get("id2label") == labels else ["id2label"],
        "packaged_files_altered": _altered(package, config),
        "packaged_weights_not_the_trained_ones": _other_weights(root),
    }
    return result(offenders, {})


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
