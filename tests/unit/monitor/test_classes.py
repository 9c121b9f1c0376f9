import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_slm.monitor.assumption import DOUBTFUL
from emotion_slm.monitor.classes import ClassShares, class_shares
from emotion_slm.monitor.shares import corrected_shares
from emotion_slm.package.scores import ClassScores, class_scores
from emotion_slm.scoring.label_groups import LabelGroups

PRIOR = np.array([0.45, 0.3, 0.2, 0.05])
EACH = LabelGroups(tuple("abcd"), tuple((place,) for place in range(4)), single=True)
APART = 1.5


def texts(
    share: np.ndarray, size: int, rng: np.random.Generator, temper: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """(size, classes) probabilities, calibrated under PRIOR if `temper` is 1, and classes."""
    gold = rng.choice(len(share), size, p=share)
    seen = rng.standard_normal((size, len(share)))
    seen[np.arange(size), gold] += APART
    odds = np.exp(temper * (APART * seen + np.log(PRIOR)))
    return odds / odds.sum(axis=1, keepdims=True), gold


def known(rng: np.random.Generator, rows: int = 600, temper: float = 1.0) -> ClassScores:
    probabilities, gold = texts(PRIOR, rows, rng, temper)
    return class_scores(probabilities, np.eye(4)[gold], PRIOR)


def likelihood(ratios: np.ndarray, share: np.ndarray) -> float:
    return float(np.log(ratios @ share).sum())


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 80), st.integers(2, 6))
def test_shares_are_where_em_ends(seed, size, classes):
    rng = np.random.default_rng(seed)
    ratios = rng.gamma(0.7, size=(size, classes)) + 1e-6
    share = class_shares(ratios)
    assert share.min() >= 0 and share.sum() == pytest.approx(1)
    slow = np.full(classes, 1 / classes)
    for _ in range(3000):
        slow = slow * (ratios.T @ (1 / (ratios @ slow))) / size
    assert likelihood(ratios, share) >= likelihood(ratios, slow) - 1e-6


def test_two_classes_are_one_label_and_its_absence():
    rng = np.random.default_rng(1)
    p, prior = rng.beta(0.5, 1.5, size=400), 0.25
    both = np.stack([p, 1 - p], axis=1) / [prior, 1 - prior]
    expected = corrected_shares(p[:, None], np.array([prior]))
    assert class_shares(both)[0] == pytest.approx(expected[0], abs=1e-6)


def test_no_texts_have_no_shares():
    assert np.isnan(class_shares(np.empty((0, 3)))).all()


@pytest.mark.parametrize("share", [PRIOR, [0.2, 0.2, 0.35, 0.25], [0.6, 0.34, 0.04, 0.02]])
def test_bands_hold_all_shares_whatever_moves(share):
    share, rng, held = np.array(share), np.random.default_rng(2), []
    for _ in range(12):
        classes = ClassShares(known(rng), EACH)
        for _ in range(3):
            found = classes.corrected(texts(share, 500, rng)[0], None, rng)
            assert ((found.low <= found.share) & (found.share <= found.high)).all()
            assert (found.fit >= DOUBTFUL).mean() > 0.7
            held.append((found.low <= share) & (share <= found.high))
    assert np.mean(held, axis=0).min() >= 0.85 and np.mean(held) >= 0.93


def test_bands_hold_where_calibration_is_bad_and_a_share_ends_at_0():
    """Shares of EM are then off, some of them 0, where posteriors of a class would be 0 too."""
    rng, held, ends = np.random.default_rng(8), [], 0
    for _ in range(30):
        classes = ClassShares(known(rng, temper=0.5), EACH)
        found = classes.corrected(texts(PRIOR, 500, rng, temper=0.5)[0], None, rng)
        held.append((found.low <= PRIOR) & (found.high >= PRIOR))
        ends += (found.share < 1e-3).any()
    assert ends > 10 and np.mean(held) >= 0.9


def test_a_shift_is_followed_that_means_cling_against():
    rng, share = np.random.default_rng(3), np.array([0.2, 0.2, 0.35, 0.25])
    probabilities, _ = texts(share, 5000, rng)
    found = ClassShares(known(rng), EACH).corrected(probabilities, None, rng).share
    assert np.abs(found - share).max() < 0.03
    assert np.abs(probabilities.mean(axis=0) - share).max() > 0.1


def test_a_group_s_share_is_the_sum_of_its_classes_with_a_band_of_its_own():
    rng = np.random.default_rng(4)
    scores, columns = known(rng), LabelGroups(("bad", "d"), ((0, 1), (3,)), single=True)
    probabilities, _ = texts(PRIOR, 800, rng)
    each = ClassShares(scores, EACH).corrected(probabilities, None, rng)
    found = ClassShares(scores, columns).corrected(probabilities, None, rng)
    assert found.share == pytest.approx([each.share[:2].sum(), each.share[3]])
    assert found.high[1] == pytest.approx(each.high[3])
    # Texts that are taken for one of its classes in the place of the other do not matter to it.
    assert found.high[0] - found.low[0] < (each.high - each.low)[:2].sum()
    alone = ClassShares(scores, columns).corrected(probabilities, None, rng, column=1)
    assert np.concatenate(alone) == pytest.approx(np.array(found)[:, 1])


def test_clusters_widen_a_band_and_few_of_them_more():
    rng = np.random.default_rng(5)
    classes, probabilities = ClassShares(known(rng, 4000), EACH), texts(PRIOR, 40, rng)[0]
    repeated = np.repeat(probabilities, 20, axis=0)

    def width(probabilities, clusters):
        found = classes.corrected(probabilities, clusters, rng)
        return (found.high - found.low).mean()

    alone, by_cluster = width(probabilities, None), width(repeated, np.repeat(np.arange(40), 20))
    assert by_cluster == pytest.approx(alone, rel=0.15)
    assert by_cluster > 1.7 * width(repeated, None)
    assert width(repeated[:100], np.repeat(np.arange(5), 20)) > width(probabilities[:5], None)


def test_a_class_without_validation_rows_takes_its_calibration_on_trust():
    rng = np.random.default_rng(6)
    scores = known(rng)
    kept = scores.gold != 3
    scores = ClassScores(scores.train_share, scores.rows[kept], scores.gold[kept])
    found = ClassShares(scores, EACH).corrected(texts(PRIOR, 2000, rng)[0], None, rng)
    assert found.low[3] < PRIOR[3] < found.high[3] and np.isfinite(found).all()


def test_texts_of_another_kind_are_told():
    rng = np.random.default_rng(7)
    probabilities, _ = texts(PRIOR, 1000, rng, temper=4.0)
    assert (ClassShares(known(rng), EACH).corrected(probabilities, None, rng).fit < DOUBTFUL).any()
