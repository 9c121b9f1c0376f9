"""Red team: thresholds, calibration, weights and metrics that do not follow from validation."""

from contextlib import chdir

import pytest
from support.leaks import edit, reset

from emotion_slm.audit.evaluation import read_scored
from emotion_slm.audit.package import audit_package, differences
from emotion_slm.common import files
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import LABELS
from emotion_slm.evaluation.evaluate import evaluate
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.package.package import Origin

ORIGIN = Origin("sample", "sample", "official")
FOLDER = "models/classifier"


def settings(root):
    document = Document.of_run(root / "metrics/params.yaml")
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    return thresholds, child_seed(document.seed, "evaluate")


def check(root) -> dict:
    return audit_package(root, ORIGIN, *settings(root))


def fitted_on_test(name: str):
    """Thresholds or calibration that test gave; the hashes of the package know nothing of it."""

    def plant(root):
        validation, test = read_scored(root)
        fitted = evaluate(test, validation, *settings(root))
        content = getattr(fitted, name).to_dict(LABELS)
        files.write_json(root / FOLDER / f"{name}.json", content)
        digest = files.sha256_file(root / FOLDER / f"{name}.json")
        reset(f"{FOLDER}/config.json", "files", f"{name}.json", value=digest)(root)

    return plant


LEAKS = {
    "thresholds tuned on test": (fitted_on_test("thresholds"), "thresholds_not_from_validation"),
    "calibration fitted on test": (
        fitted_on_test("calibration"), "calibration_not_from_validation",
    ),
    "one threshold moved": (
        reset(f"{FOLDER}/thresholds.json", "per_label", "joy", value=0.123456),
        "thresholds_not_from_validation",
    ),
    "a test score embellished": (
        reset("metrics/test.json", "macro_f1", value=0.822), "test_metrics_not_from_predictions",
    ),
    "a test score of one label embellished": (
        reset("metrics/test.json", "per_label", "joy", "f1", value=0.99),
        "test_metrics_not_from_predictions",
    ),
    "another protocol claimed": (
        reset("metrics/test.json", "protocol", value="pooled"),
        "test_metrics_not_from_predictions",
    ),
    "a validation score embellished": (
        reset("metrics/validation.json", "map", value=0.99),
        "validation_metrics_not_from_predictions",
    ),
    "test labels flipped after evaluation": (
        edit("data/split/test.parquet", 4, labels=["grief"]), "test_metrics_not_from_predictions",
    ),
    "two labels of the model exchanged": (
        reset(f"{FOLDER}/config.json", "id2label", "0", value="joy"),
        "labels_of_the_model_differ",
    ),
    "a label the model does not have": (
        reset(f"{FOLDER}/config.json", "id2label", "28", value="happiness"),
        "labels_of_the_model_differ",
    ),
    "a packaged file altered": (
        lambda root: (root / FOLDER / "classifier.safetensors").write_bytes(b"other"),
        "packaged_files_altered",
    ),
    "another classifier packaged": (
        lambda root: (root / FOLDER / "classifier.safetensors").write_bytes(b"other"),
        "packaged_weights_not_the_trained_ones",
    ),
    "no encoder packaged": (
        lambda root: (root / FOLDER / "encoder.safetensors").unlink(),
        "packaged_weights_not_the_trained_ones",
    ),
}  # fmt: skip


def test_clean_package_passes(audited):
    result = check(audited)
    assert result["passed"] is True and result["examples"] == {}


@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_counted(audited, leak):
    plant, rule = LEAKS[leak]
    plant(audited)
    result = check(audited)
    assert result["must_be_zero"][rule] >= 1
    assert result["passed"] is False


def test_the_places_that_differ_are_named(audited):
    reset("metrics/test.json", "per_label", "joy", "f1", value=0.99)(audited)
    assert check(audited)["examples"]["test_metrics_not_from_predictions"] == ["per_label.joy.f1"]


def test_unusable_predictions_leave_nothing_to_refit(audited):
    edit("data/predictions/test.parquet", 0, id="nobody")(audited)
    assert "thresholds_not_from_validation" not in check(audited)["must_be_zero"]


def test_the_folder_does_not_depend_on_where_the_audit_runs(audited):
    with chdir(audited):
        inside = audit_package(type(audited)(), ORIGIN, *settings(type(audited)()))
    assert inside == check(audited)


def test_differences_are_named_by_their_place():
    expected = {"a": {"b": 1.0, "c": [1, 2]}, "d": "x", 5: None}
    assert differences({"a": {"b": 1.0 + 1e-7, "c": [1, 2]}, "d": "x", "5": None}, expected) == []
    found = {"a": {"b": 1.01, "c": [1, 3, 4]}, "e": 0, "5": None}
    assert differences(found, expected) == ["a.b", "a.c.1", "a.c.2", "d", "e"]
    assert differences({"a": float("nan")}, {"a": 1.0}) == ["a"]
    assert differences(None, expected) == ["everything"]
