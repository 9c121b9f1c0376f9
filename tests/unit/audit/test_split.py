"""Red team: each test plants one leak in clean splits; the audit counts it by name."""

import pytest
from support.leaks import append, edit

from emotion_slm.audit.split import audit_split

TRAIN = "data/split/train.parquet"
TEST = "data/split/test.parquet"

LEAKS = {
    "an id of test in train": (
        append(TRAIN, TEST, 0, text="another wording", duplicate_group=99),
        {"ids_in_several_splits": 1},
    ),
    "an id twice in test": (append(TEST, TEST, 0), {"ids_repeated_within_a_split": 1}),
    "a test text verbatim in train": (
        edit(TRAIN, 7, text="The test, amber!", duplicate_group=11),
        {"rows_with_verbatim_text_in_another_split": 2, "rows_with_text_in_another_split": 2},
    ),
    "a test text in train in other case and punctuation": (
        edit(TRAIN, 7, text="  the TEST -- aMBer?? ", duplicate_group=11),
        {"rows_with_text_in_another_split": 2},
    ),
    "a validation text in test": (
        edit(TEST, 1, text="the validation amber", duplicate_group=8),
        {"rows_with_text_in_another_split": 2},
    ),
    "two texts in one duplicate group": (
        edit(TRAIN, 7, duplicate_group=0), {"rows_with_false_duplicate_group": 2},
    ),
    "one text in two duplicate groups": (
        edit(TRAIN, 7, text="the train AMBER"), {"rows_with_false_duplicate_group": 2},
    ),
}  # fmt: skip


def test_clean_splits_pass(workspace):
    result = audit_split(workspace)
    assert result["passed"] is True and result["examples"] == {}
    assert result["findings"] == {"rows": {"train": 8, "validation": 3, "test": 3}}


@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_counted_and_nothing_else(workspace, leak):
    plant, expected = LEAKS[leak]
    plant(workspace)
    result = audit_split(workspace)
    assert {rule: n for rule, n in result["must_be_zero"].items() if n} == expected
    assert set(result["examples"]) == set(expected)
    assert result["passed"] is False
