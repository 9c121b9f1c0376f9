"""The whole audit of a clean workspace, of spoilt ones, and of parts of one."""

import json
import shutil

import pytest
from support.leaks import both, drop, edit, move, reset

from emotion_slm.audit.audit import PARTS, audit
from emotion_slm.audit.result import enforce
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError

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
def test_a_leak_in_any_part_stops_the_pipeline(audited, part):
    plant, rule = LEAKS[part]
    plant(audited)
    result = audit(audited, strict=False)
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
        ("data/raw", {"raw"}),
        ("data/predictions", {"evaluation", "package"}),
        ("models/classifier", {"package"}),
        ("models", {"vectors", "evaluation", "package"}),
        ("data/balanced", {"balance"}),
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
    assert set(result["not_checked"]) == {"raw", "vectors", "package"}
    assert result["must_be_zero"]["synthetic_seeds_not_in_train"] == 0


def test_parts_can_be_left_out(audited):
    shutil.rmtree(audited / "models/classifier")
    result = audit(audited, without=("package",))
    assert result["passed"] is True
    assert "thresholds_not_from_validation" not in result["must_be_zero"]
