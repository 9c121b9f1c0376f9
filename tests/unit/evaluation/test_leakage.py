"""Red team: each test plants one leak in a clean workspace; the audit must count it by name."""

import re
import shutil
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from emotion_slm import files
from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation.leakage import audit
from emotion_slm.evaluation.leakage_balance import audit_balance
from emotion_slm.evaluation.leakage_evaluation import audit_evaluation
from emotion_slm.evaluation.leakage_result import enforce, leakage_table
from emotion_slm.evaluation.leakage_split import audit_split

SPLIT_TRAIN = "data/split/train.parquet"
TEST = "data/split/test.parquet"
THINNED = "data/undersampled/train.parquet"
ROWS = "data/balanced/rows.parquet"
VECTORS = "data/balanced/vectors.npy"
PREDICTED = "data/predictions/test.parquet"
FIRST_SYNTHETIC = 6


def test_clean_workspace_passes(workspace):
    result = audit(workspace)
    assert set(result["must_be_zero"].values()) == {0}
    assert result["passed"] is True
    assert result["examples"] == {}
    assert result["findings"] == {
        "rows": {"train": 8, "validation": 3, "test": 3},
        "original_rows": 6,
        "synthetic_rows": 4,
        "synthetic_rows_descending_from": {"validation": 0, "test": 0},
        "encoder_frozen": False,
    }
    enforce(result)
    files.write_json(workspace / "metrics/leakage.json", result)


def edit(path: str, row: int, **values):
    """A leak: set columns of one row of a Parquet file."""

    def plant(root):
        frame = files.read_parquet(root / path, ["id"]).astype(object)
        for column, value in values.items():
            frame.at[row, column] = value
        files.write_parquet(root / path, frame)

    return plant


def append(path: str, source: str, row: int, **values):
    """A leak: add a row of another file."""

    def plant(root):
        frame = files.read_parquet(root / path, ["id"]).astype(object)
        added = files.read_parquet(root / source, ["id"]).iloc[[row]].assign(**values)
        files.write_parquet(root / path, pd.concat([frame, added], ignore_index=True))

    return plant


def drop(path: str, row: int):
    def plant(root):
        frame = files.read_parquet(root / path, ["id"])
        files.write_parquet(root / path, frame.drop(index=row))

    return plant


def move(path: str, row: int, amount: float, column: int = 2):
    """A leak: shift one number of one vector."""

    def plant(root):
        array = np.array(files.read_array(root / path))
        array[row, column] += amount
        files.write_array(root / path, array)

    return plant


def config(content: dict):
    return lambda root: files.write_json(root / "models/adapted/config.json", content)


LEAKS = {
    "an id of test in train": (
        append(SPLIT_TRAIN, TEST, 0, text="another wording"), "ids_in_several_splits", 1,
    ),
    "an id twice in test": (append(TEST, TEST, 0), "ids_repeated_within_a_split", 1),
    "a test text verbatim in train": (
        edit(SPLIT_TRAIN, 7, text="The test, amber!"), "rows_with_text_in_another_split", 2,
    ),
    "a test text in train in other case and punctuation": (
        edit(SPLIT_TRAIN, 7, text="  the TEST -- aMBer?? "), "rows_with_text_in_another_split", 2,
    ),
    "a validation text in test": (
        edit(TEST, 1, text="the validation amber"), "rows_with_text_in_another_split", 2,
    ),
    "a test row among the thinned ones": (
        append(THINNED, TEST, 0), "undersampled_rows_not_in_train", 1,
    ),
    "a thinned row with another text": (
        edit(THINNED, 0, text="edited"), "undersampled_rows_not_in_train", 1,
    ),
    "a thinned row with other labels": (
        edit(THINNED, 0, labels=["love"]), "undersampled_rows_not_in_train", 1,
    ),
    "a thinned row twice": (append(THINNED, THINNED, 0), "undersampled_ids_repeated", 1),
    "a test row passed off as an original": (
        edit(ROWS, 0, id="test0"), "original_rows_not_in_undersampled", 1,
    ),
    "a thinned-away row brought back": (
        edit(ROWS, 5, id="train7"), "original_rows_not_in_undersampled", 1,
    ),
    "an original with other labels": (
        edit(ROWS, 1, labels=["joy"]), "original_rows_not_in_undersampled", 1,
    ),
    "an original twice": (edit(ROWS, 2, id="train0"), "original_ids_repeated", 1),
    "a synthetic row passed off as an original": (
        edit(ROWS, FIRST_SYNTHETIC, synthetic=False), "original_rows_not_in_undersampled", 1,
    ),
    "a seed from test": (
        edit(ROWS, FIRST_SYNTHETIC, seed_id="test0"), "synthetic_seeds_not_in_train", 1,
    ),
    "a seed from validation": (
        edit(ROWS, FIRST_SYNTHETIC, seed_id="validation0"), "synthetic_seeds_not_in_train", 1,
    ),
    "a seed nobody knows": (
        edit(ROWS, FIRST_SYNTHETIC, seed_id="nowhere"), "synthetic_seeds_not_in_train", 1,
    ),
    "a synthetic row without a seed": (
        edit(ROWS, FIRST_SYNTHETIC, seed_id=None), "synthetic_seeds_not_in_train", 1,
    ),
    "a neighbour from test": (
        edit(ROWS, FIRST_SYNTHETIC, neighbour_id="test0"), "synthetic_neighbours_not_in_train", 1,
    ),
    "a target label the row does not carry": (
        edit(ROWS, FIRST_SYNTHETIC, labels=["love"]), "synthetic_rows_without_target_label", 1,
    ),
    "a target label the seed does not carry": (
        edit(ROWS, FIRST_SYNTHETIC, target_label="love", labels=["love"]),
        "synthetic_targets_not_carried_by_seed", 1,
    ),
    "a seed swapped for another row of train": (
        edit(ROWS, FIRST_SYNTHETIC, seed_id="train2"), "synthetic_vectors_off_their_segment", 1,
    ),
    "a false coefficient": (
        edit(ROWS, FIRST_SYNTHETIC, t=0.26), "synthetic_vectors_off_their_segment", 1,
    ),
    "a coefficient that is no number": (
        edit(ROWS, FIRST_SYNTHETIC, t=np.nan), "synthetic_vectors_off_their_segment", 1,
    ),
    "a synthetic vector moved a little": (
        move(VECTORS, FIRST_SYNTHETIC, 1e-3), "synthetic_vectors_off_their_segment", 1,
    ),
    "a copy moved a little": (move(VECTORS, 9, 1e-3), "synthetic_vectors_off_their_segment", 1),
    "a synthetic vector that is no number": (
        move(VECTORS, FIRST_SYNTHETIC, np.nan), "synthetic_vectors_off_their_segment", 1,
    ),
    "a projected row marked as not projected": (
        edit(ROWS, 8, normalized=False), "synthetic_vectors_off_their_segment", 1,
    ),
    "a row marked as projected that is not": (
        edit(ROWS, FIRST_SYNTHETIC, normalized=True), "synthetic_vectors_off_their_segment", 1,
    ),
    "an original vector moved by float noise": (
        move(VECTORS, 0, 1e-6), "original_vectors_altered", 1,
    ),
    "an original that was never embedded": (
        drop("data/embedded/index.parquet", 8), "original_vectors_altered", 1,
    ),
    "an encoder adapted on other rows": (
        config({"frozen": False, "train_ids_sha256": files.sha256_lines(["train0", "test0"])}),
        "adapted_encoder_saw_other_rows", 1,
    ),
    "an encoder that does not say what it saw": (
        config({"frozen": False}), "adapted_encoder_saw_other_rows", 1,
    ),
    "a test row not scored": (drop(PREDICTED, 1), "test_predictions_missing", 1),
    "a row of train scored as test": (
        append(PREDICTED, PREDICTED, 0, id="train0"), "test_predictions_extra", 1,
    ),
    "a test row scored twice": (
        append(PREDICTED, PREDICTED, 0), "test_predictions_repeated", 1,
    ),
    "a logit that is no number": (
        lambda root: files.write_parquet(
            root / PREDICTED,
            files.read_parquet(root / PREDICTED, ["joy"]).assign(joy=[0.0, np.nan, np.inf]),
        ),
        "test_predictions_not_finite", 2,
    ),
}  # fmt: skip


@pytest.fixture
def numeric_columns(monkeypatch):
    """Parquet keeps the numeric columns that `edit` and `append` turned into objects."""
    write = files.write_parquet
    monkeypatch.setattr(
        files, "write_parquet", lambda path, frame: write(path, frame.infer_objects())
    )


@pytest.mark.usefixtures("numeric_columns")
@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_counted_and_stops_the_pipeline(workspace, leak):
    plant, rule, count = LEAKS[leak]
    plant(workspace)
    result = audit(workspace)
    assert result["must_be_zero"][rule] == count
    assert result["passed"] is False
    with pytest.raises(EmotionSlmError, match=f"{rule} = {count} \\(such as "):
        enforce(result)


def test_descent_from_held_out_rows_is_reported(workspace):
    edit(ROWS, FIRST_SYNTHETIC, seed_id="test0", neighbour_id="test1")(workspace)
    edit(ROWS, FIRST_SYNTHETIC + 1, neighbour_id="validation0")(workspace)
    result = audit_balance(workspace)
    found = result["findings"]["synthetic_rows_descending_from"]
    assert found == {"validation": 1, "test": 1}
    assert result["examples"]["synthetic_seeds_not_in_train"] == ["synthetic-0"]


@pytest.mark.usefixtures("numeric_columns")
def test_test_row_smuggled_through_undersampling_is_no_parent(workspace):
    append(THINNED, TEST, 0)(workspace)
    edit(ROWS, 0, id="test0")(workspace)
    edit(ROWS, FIRST_SYNTHETIC, seed_id="test0")(workspace)
    counts = audit_balance(workspace)["must_be_zero"]
    assert counts["original_rows_not_in_undersampled"] == 1
    assert counts["synthetic_seeds_not_in_train"] == 1


def test_order_of_a_label_set_is_no_difference(workspace):
    edit(ROWS, 1, labels=["love", "joy"])(workspace)
    assert audit_balance(workspace)["passed"]


def test_frozen_encoder_needs_no_hash(workspace):
    config({"frozen": True})(workspace)
    result = audit_evaluation(workspace)
    assert result["passed"]
    assert result["findings"] == {"encoder_frozen": True}


def test_workspace_without_synthetic_rows_passes(workspace):
    rows = files.read_parquet(workspace / ROWS, ["synthetic"])
    files.write_parquet(workspace / ROWS, rows[~rows["synthetic"]])
    vectors = np.array(files.read_array(workspace / VECTORS))[:FIRST_SYNTHETIC]
    files.write_array(workspace / VECTORS, vectors)
    assert audit_balance(workspace)["passed"]


def test_each_part_needs_only_the_files_of_its_stage(workspace):
    shutil.rmtree(workspace / "data/predictions")
    shutil.rmtree(workspace / "models")
    assert audit_balance(workspace)["passed"]
    for folder in ("balanced", "embedded", "undersampled"):
        shutil.rmtree(workspace / "data" / folder)
    assert audit_split(workspace)["passed"]


def test_vectors_that_do_not_fit_the_rows_are_refused(workspace):
    files.write_array(workspace / VECTORS, np.zeros((3, 4), dtype=np.float32))
    with pytest.raises(EmotionSlmError, match=r"vectors.npy.*stage ismote"):
        audit_balance(workspace)


def test_missing_file_is_named(workspace):
    (workspace / PREDICTED).unlink()
    with pytest.raises(EmotionSlmError, match=r"predictions/test.parquet"):
        audit(workspace)


def test_table_shows_the_broken_rule(workspace):
    def rendered() -> str:
        console = Console(file=StringIO(), width=120)
        console.print(leakage_table(audit(workspace)))
        return console.file.getvalue()

    assert "passed" in rendered()
    drop(PREDICTED, 1)(workspace)
    table = rendered()
    assert "FAILED" in table
    assert re.search(r"test_predictions_missing +│ +1 │ test1 ", table)
