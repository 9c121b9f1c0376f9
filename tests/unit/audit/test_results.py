"""Red team: logits, thresholds, calibration, numbers, tables and a card that do not follow."""

from contextlib import chdir
from pathlib import Path

import pytest
from support.labels import LABELS
from support.leaks import both, edit, rehash, reset, rewrite, write_in

from emotion_slm.audit import results as module
from emotion_slm.audit.evaluation import read_scored
from emotion_slm.audit.result import differences
from emotion_slm.audit.results import audit_results
from emotion_slm.common import files
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.evaluation.evaluate import decide
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.evaluation.results import gather

FOLDER = "models/classifier"
PREDICTED = "data/predictions/test.parquet"
PER_LABEL = "metrics/plots/per_label.csv"


def settings(root):
    document = Document.of_run(root / "metrics/params.yaml")
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    return thresholds, child_seed(document.seed, "evaluate")


def check(root) -> dict:
    return audit_results(root, *settings(root))


@pytest.fixture(scope="module")
def fitted(audited_once):
    """What fitting again gives, as long as neither logits nor labels are spoilt."""
    rows = [module.read_held_out(split, audited_once) for split in module.HELD_OUT]
    reference = module.predict_by_adapted_head(rows, audited_once)
    return gather(*read_scored(audited_once), reference, *settings(audited_once), audited_once)


def fitted_on_test(name: str):
    """Thresholds or calibration that test gave; the package vouches for them."""

    def plant(root):
        decision = decide(read_scored(root)[1], *settings(root))
        content = {
            "thresholds": decision.thresholds.to_dict(LABELS),
            "calibration": decision.choice.calibration.to_dict(LABELS),
        }
        files.write_json(root / FOLDER / f"{name}.json", content[name])
        rehash(f"{name}.json")(root)

    return plant


def first_row_of(path: str):
    """A table without its first row."""

    def plant(root):
        header, _, *rows = (root / path).read_text().splitlines(keepends=True)
        (root / path).write_text("".join([header, *rows]))

    return plant


LEAKS = {
    "logits that the classifier does not give": (
        rewrite(PREDICTED, lambda frame: frame.assign(joy=frame["joy"] + 5)),
        "predictions_not_by_the_classifier", 150,
    ),
    "one logit edited": (edit(PREDICTED, 5, joy=9.0), "predictions_not_by_the_classifier", 1),
    "thresholds tuned on test": (fitted_on_test("thresholds"), "thresholds_not_from_validation", 1),
    "calibration fitted on test": (
        fitted_on_test("calibration"), "calibration_not_from_validation", 1,
    ),
    "one threshold moved": (
        both(
            reset(f"{FOLDER}/thresholds.json", "per_label", "joy", value=0.123456),
            rehash("thresholds.json"),
        ),
        "thresholds_not_from_validation", 1,
    ),
    "a test score embellished": (
        reset("metrics/test.json", "macro_f1", value=0.822), "test_metrics_not_from_predictions", 1,
    ),
    "a lower reference": (
        reset("metrics/test.json", "reference_macro_f1", value=0.01),
        "test_metrics_not_from_predictions", 1,
    ),
    "a score that is not measured": (
        reset("metrics/test.json", "human_macro_f1", value=0.3),
        "test_metrics_not_from_predictions", 1,
    ),
    "a validation score embellished": (
        reset("metrics/validation.json", "map", value=0.99),
        "validation_metrics_not_from_predictions", 1,
    ),
    "the headline embellished": (
        reset("metrics/headline.json", "macro_f1", value=0.822),
        "headline_metrics_not_from_predictions", 1,
    ),
    "a label left out of a table": (first_row_of(PER_LABEL), "tables_not_from_predictions", 1),
    "a count of rows altered": (
        write_in("metrics/plots/label_counts.csv", "\njoy,", "\njoy,1"),
        "tables_not_from_predictions", 1,
    ),
    "a calibration said to be another": (
        write_in("metrics/plots/calibration.csv", "true", "false"),
        "tables_not_from_predictions", 1,
    ),
    "a card that shows more than was measured": (
        write_in(f"{FOLDER}/README.md", "per-label thresholds | 0.", "per-label thresholds | 0.9"),
        "card_not_from_predictions", 1,
    ),
    "results for the card embellished": (
        both(
            reset(f"{FOLDER}/results.json", "test", "macro_f1", value=0.822),
            rehash("results.json"),
        ),
        "card_not_from_predictions", 2,
    ),
}  # fmt: skip


def test_a_clean_workspace_passes(audited_once):
    result = check(audited_once)
    assert result["passed"] is True and result["examples"] == {}


@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_counted(audited, fitted, monkeypatch, leak):
    monkeypatch.setattr(module, "gather", lambda *_: fitted)
    plant, rule, least = LEAKS[leak]
    plant(audited)
    result = check(audited)
    assert result["must_be_zero"][rule] >= least
    assert result["passed"] is False


def test_test_labels_flipped_after_evaluation(audited):
    edit("data/split/test.parquet", 4, labels=["grief"])(audited)
    broken = {rule for rule, count in check(audited)["must_be_zero"].items() if count}
    assert {"test_metrics_not_from_predictions", "tables_not_from_predictions"} <= broken


def test_the_places_that_differ_are_named(audited, fitted, monkeypatch):
    monkeypatch.setattr(module, "gather", lambda *_: fitted)
    (f1,) = [row["f1"] for row in fitted.tables["per_label"] if row["label"] == "joy"]
    write_in(PER_LABEL, f",{f1},", ",0.99,")(audited)
    assert "per_label.joy.f1" in check(audited)["examples"]["tables_not_from_predictions"]


def test_unusable_predictions_leave_nothing_to_refit(audited):
    edit(PREDICTED, 0, id="nobody")(audited)
    assert check(audited)["must_be_zero"] == {}


def test_the_folder_does_not_depend_on_where_the_audit_runs(audited_once, fitted, monkeypatch):
    monkeypatch.setattr(module, "gather", lambda *_: fitted)
    with chdir(audited_once):
        inside = audit_results(Path(), *settings(Path()))
    assert inside == check(audited_once)


def test_differences_are_named_by_their_place():
    expected = {"a": {"b": 1.0, "c": [1, 2]}, "d": "x", 5: None}
    assert differences({"a": {"b": 1.0 + 1e-7, "c": [1, 2]}, "d": "x", "5": None}, expected) == []
    found = {"a": {"b": 1.01, "c": [1, 3, 4]}, "e": 0, "5": None}
    assert differences(found, expected) == ["a.b", "a.c.1", "a.c.2", "d", "e"]
    assert differences({"a": float("nan")}, {"a": 1.0}) == ["a"]
    assert differences(None, expected) == ["everything"]
