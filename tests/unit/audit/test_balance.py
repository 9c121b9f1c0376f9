"""Red team: each test plants one leak in clean balanced rows; the audit counts it by name."""

import numpy as np
import pytest
from support.leaks import append, drop, edit, move

from emotion_slm.audit.balance import audit_balance
from emotion_slm.audit.result import enforce
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError

TEST = "data/split/test.parquet"
THINNED = "data/undersampled/train.parquet"
ROWS = "data/balanced/rows.parquet"
VECTORS = "data/balanced/vectors.npy"
FIRST_SYNTHETIC = 6


def test_clean_rows_pass(workspace):
    result = audit_balance(workspace)
    assert set(result["must_be_zero"].values()) == {0}
    assert result["passed"] is True
    assert result["examples"] == {}
    assert result["findings"] == {
        "original_rows": 6,
        "synthetic_rows": 4,
        "synthetic_rows_descending_from": {"validation": 0, "test": 0},
    }
    enforce(result)


LEAKS = {
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
}  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_counted_and_stops_the_pipeline(workspace, leak):
    plant, rule, count = LEAKS[leak]
    plant(workspace)
    result = audit_balance(workspace)
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


def test_workspace_without_synthetic_rows_passes(workspace):
    rows = files.read_parquet(workspace / ROWS, ["synthetic"])
    files.write_parquet(workspace / ROWS, rows[~rows["synthetic"]])
    vectors = np.array(files.read_array(workspace / VECTORS))[:FIRST_SYNTHETIC]
    files.write_array(workspace / VECTORS, vectors)
    assert audit_balance(workspace)["passed"]


def test_vectors_that_do_not_fit_the_rows_are_refused(workspace):
    files.write_array(workspace / VECTORS, np.zeros((3, 4), dtype=np.float32))
    with pytest.raises(EmotionSlmError, match=r"vectors.npy.*stage ismote"):
        audit_balance(workspace)
