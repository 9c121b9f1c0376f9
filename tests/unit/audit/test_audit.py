"""The whole audit of a clean workspace, of spoilt ones, and of parts of one."""

import json
import shutil
from pathlib import Path

import pytest
from support.leaks import both, drop, edit, move, reset

from emotion_slm.audit.audit import PARTS, audit
from emotion_slm.audit.leaks import LEAKS as LEAKS_OF_STAGE
from emotion_slm.audit.leaks import check
from emotion_slm.audit.result import counts, enforce
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from stages import evaluate

LEAKS = {
    "split": (
        edit("data/split/train.parquet", 7, id="test0"), "ids_in_several_splits",
    ),
    "raw": (drop("data/split/test.parquet", 3), "raw_rows_missing"),
    "balance": (
        both(
            edit("data/balanced/rows.parquet", 200, seed_id="test0"),
            move("data/balanced/vectors.npy", 200, 1.0),
        ),
        "synthetic_seeds_not_in_train",
    ),
    "vectors": (drop("data/embedded/index.parquet", 5), "rows_without_vector"),
    "evaluation": (
        reset("models/adapted/config.json", "train_ids_sha256", value="0" * 64),
        "adapted_encoder_saw_other_rows",
    ),
    "package": (
        reset("models/classifier/config.json", "id2label", "0", value="joy"),
        "labels_of_the_model_differ",
    ),
    "results": (
        reset("metrics/test.json", "macro_f1", value=0.822), "test_metrics_not_from_predictions",
    ),
}  # fmt: skip


def test_clean_workspace_passes_and_says_the_same_twice(audited):
    result = audit(audited)
    assert set(result["must_be_zero"].values()) == {0}
    assert result["passed"] is True and result["examples"] == {}
    assert set(result) == {"must_be_zero", "findings", "examples", "passed"}
    enforce(result)
    paths = [audited / "metrics/leakage.json", audited / "metrics/again.json"]
    for path, content in zip(paths, (result, audit(audited)), strict=True):
        files.write_json(path, content)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    content = paths[0].read_text()
    texts = files.read_parquet(audited / "data/split/test.parquet", ["text"])["text"]
    assert str(audited) not in content and not any(text in content for text in texts)


@pytest.mark.parametrize("part", [part for part in LEAKS if part != "vectors"])
def test_a_leak_in_any_part_is_found(audited, part):
    plant, rule = LEAKS[part]
    plant(audited)
    result = check({part: PARTS[part]}, audited, strict=False)
    assert result["must_be_zero"][rule] >= 1 and result["passed"] is False
    with pytest.raises(EmotionSlmError, match=f"{rule} = \\d+ \\(such as "):
        enforce(result)


def test_a_row_without_a_vector_stops_what_needs_it(audited):
    """Whoever reads all vectors refuses; the part that looks for such rows counts them."""
    plant, rule = LEAKS["vectors"]
    plant(audited)
    with pytest.raises(EmotionSlmError, match="no vector for id"):
        audit(audited)
    result = audit(audited, strict=False)
    assert result["must_be_zero"][rule] == 1
    assert "near_duplicates" in result["not_checked"]


@pytest.mark.parametrize(
    ("missing", "unchecked"),
    [
        (
            "data/raw",
            set(PARTS) - {"split", "balance", "leakage"},
        ),
        ("data/predictions", {"evaluation", "results"}),
        ("models/classifier", {"package", "results", "leakage"}),
        ("models", {"vectors", "evaluation", "classifier", "package", "results"}),
        ("data/balanced", {"balance", "remade", "classifier", "results"}),
        ("data", set(PARTS)),
    ],
)
def test_what_is_missing_is_an_error_or_not_checked(audited, missing, unchecked):
    shutil.rmtree(audited / missing)
    with pytest.raises(EmotionSlmError, match="no such file"):
        audit(audited)
    result = audit(audited, strict=False)
    assert set(result["not_checked"]) == unchecked
    assert result["passed"] is False
    assert str(audited) not in json.dumps(result)


def test_params_of_another_form_leave_the_rest_to_be_checked(audited):
    (audited / "metrics/params.yaml").write_text("seed: 1\n")
    result = audit(audited, strict=False)
    unread = {"raw", "vectors", "evaluation", "remade", "classifier", "package", "results"}
    assert set(result["not_checked"]) == unread
    assert result["must_be_zero"]["synthetic_seeds_not_in_train"] == 0


def test_what_stage_evaluate_checks_needs_no_package(audited):
    shutil.rmtree(audited / "models/classifier")
    result = check(LEAKS_OF_STAGE, audited)
    assert result["passed"] is True
    assert "thresholds_not_from_validation" not in result["must_be_zero"]


def test_metrics_hold_counts_alone(audited):
    found = counts(check(LEAKS_OF_STAGE, audited))
    assert found["rules"] > 25 and found["broken"] == 0
    assert set(found) == {
        "rules", "broken", "near_duplicates_in_train", "near_duplicates_in_validation",
    }  # fmt: skip
    assert all(type(count) is int for count in found.values())


def test_a_run_that_leaks_leaves_no_metrics_behind(audited, monkeypatch, capsys):
    """Stage evaluate writes what it measured, and packages, after the audit has passed."""
    monkeypatch.chdir(audited)
    for path in [*Path("metrics").rglob("*.json"), *Path("metrics").rglob("*.csv")]:
        path.unlink()
    shutil.rmtree("models/classifier")
    edit("data/balanced/rows.parquet", 200, seed_id="test0")(Path())
    with pytest.raises(SystemExit):
        evaluate.main()
    assert "the leak audit failed: synthetic_seeds_not_in_train" in capsys.readouterr().err
    assert [path.name for path in Path("metrics").rglob("*.*")] == ["params.yaml"]
    assert not Path("models/classifier").exists()


@pytest.mark.slow
def test_a_clean_run_leaves_what_the_audit_accepts(audited, monkeypatch, capsys):
    monkeypatch.chdir(audited)
    shutil.rmtree("models/classifier")
    evaluate.main()
    shown = capsys.readouterr().err
    assert shown.count("grief") == 1 and shown.index("macro-F1") < shown.index("grief")
    result = audit()
    assert result["passed"] is True
    assert files.read_json(Path("metrics/leakage.json"))["broken"] == 0
