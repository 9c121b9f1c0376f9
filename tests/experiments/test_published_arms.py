"""Which rows each arm sees, on a small corpus of random labels and vectors."""

import json

import numpy as np
import pandas as pd
import pytest
from published_protocol.arms import divide, rows_of_split, rows_to_grow, thinned_train
from published_protocol.audit import audit
from published_protocol.balance import write_arm
from published_protocol.layout import ARMS, HONEST, LEAKED
from published_protocol.parameters import Protocol
from published_protocol.parents import descent
from support.labels import LABEL_INDEX, LABELS, to_matrix, to_names

from emotion_slm.balance.rows import read_balanced
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet, write_array, write_parquet
from emotion_slm.corpus.params import Ratios
from emotion_slm.corpus.split import COLUMNS

PROTOCOL = Protocol(
    Ratios(train=0.6, validation=0.2, test=0.2), neutral_one_in=6, target=80, k_neighbors=5
)
ROWS = 1000


@pytest.fixture(scope="module")
def gold():
    random = np.random.default_rng(0)
    gold = np.zeros((ROWS, len(LABELS)), dtype=np.int8)
    gold[np.arange(ROWS), random.integers(len(LABELS), size=ROWS)] = 1
    gold[random.random(ROWS) < 0.3, LABEL_INDEX["neutral"]] = 1
    return gold


@pytest.fixture(scope="module")
def division(gold):
    return divide(gold, PROTOCOL.ratios, PROTOCOL.neutral_one_in, seed=1)


@pytest.fixture(scope="module")
def workspaces(gold, division, tmp_path_factory):
    corpus = pd.DataFrame(
        {
            "id": [f"id{row}" for row in range(ROWS)],
            "text": [f"text {row}" for row in range(ROWS)],
            "labels": to_names(gold),
            "official_split": "train",
            "duplicate_group": np.arange(ROWS),
        }
    )[COLUMNS]
    vectors = np.random.default_rng(1).normal(size=(ROWS, 6)).astype(np.float32)
    roots = {}
    for arm in ARMS:
        roots[arm] = root = tmp_path_factory.mktemp(arm)
        write_arm(root, arm, corpus, vectors, division, PROTOCOL, seed=2)
        write_array(root / paths.EMBEDDED / "vectors.npy", vectors)
        index = pd.DataFrame({"id": corpus["id"], "row": np.arange(ROWS)})
        write_parquet(root / paths.EMBEDDED / "index.parquet", index)
    return roots


def ids(root):
    return {
        name: read_parquet(root / paths.SPLIT / f"{name}.parquet", ("id",))["id"]
        for name in paths.SPLITS
    }


def test_one_neutral_row_in_six_is_kept_and_every_other_row(gold, division):
    neutral = gold[:, LABEL_INDEX["neutral"]] == 1
    assert division.kept[neutral].sum() == round(neutral.sum() / 6)
    assert division.kept[~neutral].all()


def test_splits_have_their_shares_of_the_kept_rows_and_of_the_others(division):
    for part in (division.kept, ~division.kept):
        shares = np.bincount(division.split[part]) / part.sum()
        assert shares == pytest.approx([0.6, 0.2, 0.2], abs=1 / part.sum())


def test_both_arms_train_on_the_same_rows_and_share_the_thinned_test_rows(division):
    train = np.flatnonzero(thinned_train(division))
    assert set(rows_of_split(LEAKED, division, "train")) == set(train)
    honest = rows_of_split(HONEST, division, "test")
    assert set(rows_of_split(LEAKED, division, "test")) == set(honest[division.kept[honest]])


def test_only_the_leaked_arm_lets_ismote_see_held_out_rows(division):
    seen = {arm: division.split[rows_to_grow(arm, division)] for arm in ARMS}
    assert set(seen[LEAKED]) == {0, 1, 2}
    assert set(seen[HONEST]) == {0}


def test_another_seed_divides_otherwise(gold, division):
    other = divide(gold, PROTOCOL.ratios, PROTOCOL.neutral_one_in, seed=2)
    assert (other.split != division.split).any() and (other.kept != division.kept).any()


def test_the_audit_passes_the_honest_arm(workspaces):
    result = audit(workspaces[HONEST])
    assert result["passed"], result


def test_the_audit_counts_in_the_leaked_arm_what_its_parents_say(workspaces):
    result = audit(workspaces[LEAKED])
    assert not result["passed"]
    _, rows = read_balanced(workspaces[LEAKED] / paths.BALANCED)
    synthetic = rows[rows["synthetic"]]
    shares = descent(rows, ids(workspaces[LEAKED])).shares
    leaked = result["must_be_zero"]["synthetic_seeds_not_in_train"]
    assert leaked == round(shares["seed_in_validation_or_test"] * len(synthetic)) > 0
    assert result["must_be_zero"]["synthetic_vectors_off_their_segment"] == 0
    assert result["must_be_zero"]["original_vectors_altered"] == 0


def test_the_audit_keeps_no_ids(workspaces):
    assert "synthetic-0" not in json.dumps(audit(workspaces[LEAKED]))


def test_every_label_reaches_its_target_over_all_rows(workspaces, gold, division):
    _, rows = read_balanced(workspaces[HONEST] / paths.BALANCED)
    before = gold[thinned_train(division)].sum(axis=0)
    after = to_matrix(rows["labels"]).sum(axis=0)
    assert (after >= np.maximum(before, PROTOCOL.target)).all()


def test_children_are_counted_by_the_labels_they_carry():
    rows = pd.DataFrame(
        {
            "id": ["a", "s1", "s2", "s3"],
            "labels": [["joy"], ["joy", "love"], ["joy"], ["fear"]],
            "synthetic": [False, True, True, True],
            "seed_id": [None, "t1", "t1", "a"],
            "neighbour_id": [None, "a", "v", "t2"],
        }
    )
    split = {"train": ["a"], "validation": ["v"], "test": ["t1", "t2", "t3", "t4"]}
    found = descent(rows, {name: pd.Series(values) for name, values in split.items()})
    counts = dict(zip(LABELS, found.children.tolist(), strict=True))
    assert {label: n for label, n in counts.items() if n} == {"joy": 2, "love": 1}
    assert found.shares == {
        "seed_in_train": pytest.approx(1 / 3),
        "seed_in_validation": 0,
        "seed_in_test": pytest.approx(2 / 3),
        "seed_in_validation_or_test": pytest.approx(2 / 3),
        "seed_or_neighbour_in_validation_or_test": 1,
        "test_rows_with_child": 0.25,
        "test_rows_that_are_a_parent": 0.5,
    }
