import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import f1_score
from support.labels import LABELS

from emotion_slm.evaluation import bootstrap

N_LABELS = len(LABELS)
SHAPE = st.integers(1, 12).map(lambda rows: (rows, N_LABELS))


@st.composite
def predictions_of_groups(draw):
    shape = draw(SHAPE)
    matrix = arrays.arrays(np.int8, shape, elements=st.integers(0, 1))
    groups = arrays.arrays(np.int64, shape[0], elements=st.integers(0, 5))
    return draw(matrix), draw(matrix), draw(matrix), draw(groups)


def drawn_rows(groups: np.ndarray, replicates: int, seed: int) -> list[np.ndarray]:
    """Row numbers of each replicate: whole groups, drawn with replacement, one after another."""
    names = np.unique(groups)
    random = np.random.default_rng(seed)
    return [
        np.concatenate(
            [np.flatnonzero(groups == names[pick])
             for pick in random.integers(len(names), size=len(names))]
        )
        for _ in range(replicates)
    ]  # fmt: skip


@given(predictions_of_groups(), st.integers(0, 2**31 - 1))
def test_scores_are_those_of_rows_drawn_one_by_one(case, seed):
    gold, first, second, groups = case
    scores = bootstrap.replicate_scores([first, second], gold, groups, 3, seed)
    for replicate, rows in enumerate(drawn_rows(groups, 3, seed)):
        for which, predicted in enumerate((first, second)):
            arguments = gold[rows], predicted[rows]
            f1 = f1_score(*arguments, average=None, zero_division=0)
            micro = f1_score(*arguments, average="micro", zero_division=0)
            assert scores.f1[which, replicate] == pytest.approx(f1)
            assert scores.macro_f1[which, replicate] == pytest.approx(f1.mean())
            assert scores.micro_f1[which, replicate] == pytest.approx(micro)


@given(predictions_of_groups(), st.integers(0, 2**31 - 1), st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(case, seed, random):
    gold, first, _, groups = case
    order = random.sample(range(len(gold)), len(gold))
    one = bootstrap.replicate_scores([first], gold, groups, 4, seed)
    other = bootstrap.replicate_scores([first[order]], gold[order], groups[order], 4, seed)
    np.testing.assert_array_equal(one.f1, other.f1)


@given(predictions_of_groups(), st.integers(0, 2**31 - 1))
def test_differences_are_antisymmetric_and_vanish_for_equals(case, seed):
    gold, first, second, groups = case
    here = bootstrap.paired_difference([first], [second], gold, groups, 20, seed)
    there = bootstrap.paired_difference([second], [first], gold, groups, 20, seed)
    assert here == pytest.approx((-there.difference, -there.high, -there.low))
    assert here.low <= here.high
    same = bootstrap.paired_difference([first, second], [second, first], gold, groups, 20, seed)
    assert same == pytest.approx((0, 0, 0))


@pytest.mark.parametrize("score", ["macro_f1", "micro_f1"])
def test_paired_difference_averages_seeds_within_a_replicate(score):
    random = np.random.default_rng(0)
    gold = random.integers(0, 2, (40, N_LABELS), dtype=np.int8)
    sets = random.random((5, *gold.shape)) < 0.5
    groups = np.arange(40) // 2
    first, second = sets[:2], sets[2:]
    result = bootstrap.paired_difference(list(first), list(second), gold, groups, 50, 7, score)

    def mean(side, rows) -> float:
        average = score.removesuffix("_f1")
        return np.mean([f1_score(gold[rows], one[rows], average=average) for one in side])

    everything = np.arange(40)
    assert result.difference == pytest.approx(mean(first, everything) - mean(second, everything))
    gaps = [mean(first, rows) - mean(second, rows) for rows in drawn_rows(groups, 50, 7)]
    assert result[1:] == pytest.approx(np.percentile(gaps, [2.5, 97.5]))


def test_pairing_is_narrower_than_the_difference_of_two_intervals():
    random = np.random.default_rng(3)
    gold = (random.random((400, N_LABELS)) < 0.2).astype(np.int8)
    worse = gold ^ (random.random(gold.shape) < 0.1)
    better = np.where(random.random(gold.shape) < 0.02, gold, worse)
    groups = np.arange(400)
    paired = bootstrap.paired_difference([better], [worse], gold, groups, 300, 1)
    assert 0 < paired.low < paired.difference < paired.high
    alone = bootstrap.replicate_scores([better, worse], gold, groups, 300, 1).macro_f1
    widths = [np.ptp(bootstrap.interval(values)) for values in alone]
    assert paired.high - paired.low < min(widths)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Of 200 samples from a law whose F1 is known, 95 % give an interval around it."""
    random = np.random.default_rng(5)
    covered = 0
    for seed in range(200):
        gold = np.tile(random.random((150, 1)) < 0.5, (1, N_LABELS))
        predicted = np.where(np.tile(random.random((150, 1)) < 0.8, (1, N_LABELS)), gold, ~gold)
        scores = bootstrap.replicate_scores([predicted], gold, np.arange(150), 100, seed)
        low, high = bootstrap.interval(scores.micro_f1[0])
        covered += low <= 0.8 <= high
    assert 0.9 <= covered / 200 <= 0.99


def test_groups_widen_the_interval():
    random = np.random.default_rng(2)
    gold = np.repeat((random.random((50, N_LABELS)) < 0.3).astype(np.int8), 8, axis=0)
    predicted = np.repeat(random.random((50, N_LABELS)) < 0.3, 8, axis=0)
    by_group = bootstrap.replicate_scores([predicted], gold, np.arange(400) // 8, 300, 1)
    by_row = bootstrap.replicate_scores([predicted], gold, np.arange(400), 300, 1)
    grouped, alone = (np.ptp(bootstrap.interval(one.micro_f1[0])) for one in (by_group, by_row))
    assert grouped > 2 * alone


def test_what_shows_no_error_may_still_err():
    """Of labels without an error the lower end depends on how many rows speak for it."""
    rng = np.random.default_rng(8)
    gold = np.zeros((400, 3), dtype=np.int8)
    gold[:200, 0] = gold[:10, 1] = gold[:100, 2] = 1
    predicted = gold.copy()
    predicted[rng.choice(400, 40, replace=False), 2] ^= 1
    found = bootstrap.f1_intervals(predicted, gold, np.arange(400), 1)
    assert found.high[:2].tolist() == [1, 1]
    assert found.low[0] == bootstrap.error_free(200) > 0.98
    assert found.low[1] == bootstrap.error_free(10) < 0.85
    drawn = bootstrap.replicate_scores([predicted], gold, np.arange(400), seed=1)
    assert found.low[2] == bootstrap.interval(drawn.f1[0])[0][2]
    by_group = bootstrap.f1_intervals(gold, gold, np.arange(400) // 5, 1)
    assert by_group.low[1] == bootstrap.error_free(2)
    assert by_group.macro[0] == pytest.approx(by_group.low.mean()) and by_group.macro[1] == 1
    assert by_group.micro[0] == pytest.approx(0.025 ** (1 / 80))


@pytest.mark.parametrize("n", [5, 50])
def test_the_end_without_errors_is_passed_by_one_sample_in_forty(n):
    """At that F1 the share of right groups J gives no error among n with probability .025."""
    f1 = bootstrap.error_free(n)
    assert (f1 / (2 - f1)) ** n == pytest.approx(0.025)


def test_one_group_and_nothing_to_hit_leave_no_width():
    gold = np.zeros((6, N_LABELS), dtype=np.int8)
    nothing = bootstrap.replicate_scores([gold], gold, np.arange(6), 10, 1)
    assert (nothing.f1 == 0).all() and (nothing.micro_f1 == 0).all()
    one_group = bootstrap.replicate_scores([gold + 1], gold + 1, np.zeros(6), 10, 1)
    assert (one_group.macro_f1 == 1).all()


def test_intervals_lie_around_the_scores(scored):
    gold, logits = scored
    predicted = (logits >= 0).astype(np.int8)
    found = bootstrap.f1_intervals(predicted, gold, np.arange(len(gold)), 3)
    f1 = f1_score(gold, predicted, average=None)
    assert found.macro[0] < f1.mean() < found.macro[1]
    assert (found.low < f1).all() and (f1 < found.high).all()


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [([], [1], "needs predictions"), ([1], [], "needs predictions"), ([1], [2], "differ")],
)
def test_incomparable_sets_are_refused(first, second, named):
    sets = {1: np.ones((4, N_LABELS), dtype=bool), 2: np.ones((3, N_LABELS), dtype=bool)}
    first, second = ([sets[key] for key in side] for side in (first, second))
    with pytest.raises(ValueError, match=named):
        bootstrap.paired_difference(first, second, sets[1], np.arange(4), 10, 1)


def test_no_rows_are_refused():
    empty = np.zeros((0, N_LABELS))
    with pytest.raises(ValueError, match="rows"):
        bootstrap.replicate_scores([empty], empty, np.arange(0), 10, 1)
