import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.common import folds


def test_each_label_is_spread_evenly():
    gold = np.zeros((103, 3), dtype=np.int8)
    gold[:100, 0], gold[:10, 1], gold[95:103, 2] = 1, 1, 1
    scores = np.random.default_rng(0).random(gold.shape)
    fold = folds.assign(gold, scores, folds=5, seed=3)
    assert np.bincount(fold[gold[:, 1] > 0], minlength=5).tolist() == [2, 2, 2, 2, 2]
    rare = np.bincount(fold[gold[:, 2] > 0], minlength=5)
    assert rare.max() - rare.min() <= 1
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= 1


def test_rows_of_a_group_share_a_fold():
    rng = np.random.default_rng(1)
    gold = (rng.random((60, 4)) < 0.3).astype(np.int8)
    groups = rng.integers(0, 20, 60)
    fold = folds.assign(gold, rng.random((60, 4)), folds=4, seed=0, groups=groups)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))
    assert set(fold) == {0, 1, 2, 3}


def test_rows_that_are_all_of_one_group_are_dealt_as_none():
    gold, scores = np.ones((20, 1), dtype=np.int8), np.arange(20.0)[:, None]
    alone = folds.assign(gold, scores, folds=4, seed=0)
    assert (folds.assign(gold, scores, 4, 0, np.zeros(20)) == alone).all()
    assert set(alone) == {0, 1, 2, 3}


def test_another_seed_deals_otherwise():
    gold = np.ones((50, 1), dtype=np.int8)
    scores = np.arange(50.0)[:, None]
    first, second = (folds.assign(gold, scores, folds=5, seed=seed) for seed in (0, 1))
    assert (first != second).any()


@given(st.permutations(range(30)))
def test_order_of_rows_changes_nothing(order):
    rng = np.random.default_rng(2)
    gold = (rng.random((30, 4)) < 0.3).astype(np.int8)
    scores, groups = rng.random((30, 4)), np.arange(30) // 2
    for chosen in (None, groups):
        fold = folds.assign(gold, scores, folds=3, seed=9, groups=chosen)
        shuffled = folds.assign(
            gold[order], scores[order], 3, 9, None if chosen is None else chosen[order]
        )
        assert (shuffled == fold[order]).all()
