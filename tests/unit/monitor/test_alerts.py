from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import polygamma
from support.monitored import texts

from emotion_slm.monitor.alerts import benjamini_hochberg, episodes, find
from emotion_slm.monitor.changes import change_points
from emotion_slm.monitor.periods import Every
from emotion_slm.monitor.settings import Settings
from emotion_slm.monitor.shares import mean_errors
from emotion_slm.monitor.swings import (
    Group,
    gap_of,
    inverse_trigamma,
    shrunken,
    skewed_tails,
    tails,
)

PRIOR = np.array([0.005, 0.05, 0.3])
WEEKLY = Settings(time="t", every=Every.WEEK)


def group(shares: list[np.ndarray], size: int, rng: np.random.Generator, gaps=()) -> Group:
    """A series of weeks with these shares, without those in `gaps`."""
    parts = [texts(one, size, PRIOR, rng)[0] for one in shares]
    weeks = [datetime(2026, 1, 5) + timedelta(weeks=week) for week in range(len(shares))]
    kept = [week for week in range(len(shares)) if week not in gaps]
    parts = [parts[week] for week in kept]
    return Group(
        [weeks[week] for week in kept],
        np.full(len(kept), size),
        np.full(len(kept), np.inf),
        np.array([part.mean(axis=0) for part in parts]),
        np.array([mean_errors(part, None) for part in parts]),
        np.array([((part - part.mean(axis=0)) ** 3).mean(axis=0) for part in parts]),
    )


@pytest.mark.parametrize("size", [120, 1000])
def test_where_nothing_changes_hardly_a_period_alerts(size):
    rng = np.random.default_rng(1)
    settings = WEEKLY._replace(discoveries=0.05)
    alerted = [
        len({one.period for one in find([group([PRIOR] * 30, size, rng)], settings)})
        for _ in range(30)
    ]
    assert np.sum(alerted) <= 0.05 * 30 * 27 + 2 * np.sqrt(0.05 * 30 * 27)


def test_a_shift_is_found_when_it_begins_and_is_over_when_it_ends():
    rng = np.random.default_rng(2)
    shares = [PRIOR * ([1, 3, 1] if 15 <= week < 18 else 1) for week in range(30)]
    one = group(shares, 800, rng)
    (episode,) = episodes(find([one], WEEKLY), [one], WEEKLY.every)
    assert [one.period for one in episode] == [15, 16, 17]
    assert {one.label for one in episode} == {1} and episode[0].rose
    assert episode[0].reference == tuple(range(7, 15))
    assert episode[-1].reference == tuple(range(7, 15))


def test_a_fall_is_found_too():
    shares = [PRIOR * (1 if week < 20 else [1, 1, 0.5]) for week in range(24)]
    found = find([group(shares, 800, np.random.default_rng(3))], WEEKLY)
    assert {(one.label, one.rose) for one in found} == {(2, False)}


def swinging(weeks: int, labels: int, rng: np.random.Generator) -> Group:
    """Means that swing twice as much as chance makes them."""
    texts, errors = np.full(weeks, 500), np.full((weeks, labels), 0.004)
    means = 0.1 + 3 * errors * rng.standard_normal(errors.shape)
    return Group(
        [datetime(2026, 1, 5) + timedelta(weeks=week) for week in range(weeks)],
        texts, np.full(weeks, np.inf), means, errors, np.zeros_like(errors),
    )  # fmt: skip


def test_where_all_labels_swing_the_rule_still_holds():
    """By eight weeks of each label alone a fifth of the weeks would alert."""
    rng, weeks = np.random.default_rng(12), 0
    for _ in range(12):
        weeks += len({one.period for one in find([swinging(40, 20, rng)], WEEKLY)})
    assert weeks <= 0.03 * 12 * 37


def test_a_label_that_swings_more_than_others_is_judged_by_itself():
    rng, alerted = np.random.default_rng(13), 0
    for _ in range(20):
        series = swinging(30, 12, rng)
        calm = 0.1 + (series.means - 0.1) / 3
        calm[:, 4] = 0.1 + 5 * (calm[:, 4] - 0.1)
        found = find([series._replace(means=calm)], WEEKLY)
        alerted += len({one.period for one in found if one.period >= 8})  # of a whole reference
    assert alerted <= 0.04 * 20 * 22


@given(st.floats(1e-3, 1e3))
def test_the_inverse_of_trigamma(value):
    assert polygamma(1, inverse_trigamma(value)) == pytest.approx(value, rel=1e-6)


def test_ratios_are_drawn_together_as_far_as_they_agree():
    rng = np.random.default_rng(14)
    alike = 4 * rng.chisquare(7, size=200) / 7
    drawn, freedom = shrunken(alike, np.full(200, 7))
    assert np.ptp(drawn) < 0.5 * np.ptp(alike) and drawn.mean() == pytest.approx(4, rel=0.15)
    assert freedom.min() > 50
    apart, few = shrunken(alike * np.repeat([0.1, 10], 100), np.full(200, 7))
    assert few.max() < 20 and apart[100:].min() > apart[:100].max()
    alone, degrees = shrunken(np.array([3.0]), np.array([7]))
    assert (alone.tolist(), degrees.tolist()) == ([3.0], [7.0])
    assert shrunken(np.zeros(2), np.full(2, 7))[0].tolist() == [0, 0]


def test_errors_of_few_clusters_take_a_larger_gap():
    rng = np.random.default_rng(15)
    one = group([PRIOR] * 8 + [PRIOR * [1, 2, 1]], 800, rng)
    gap = gap_of(one, 8, range(8), 1)
    few = gap_of(one._replace(clusters=np.full(9, 2.0)), 8, range(8), 1)
    assert (gap.clusters, few.clusters) == (np.inf, 9)
    assert tails(few, few.ratio, few.clusters) > 2 * tails(gap, gap.ratio, gap.clusters)


def test_swings_that_the_reference_has_itself_are_no_alert():
    """As weekends have: every other period is half as happy, at any number of texts."""
    shares = [PRIOR * [1, 1, 1.3 if week % 2 else 0.7] for week in range(30)]
    assert not find([group(shares, 5000, np.random.default_rng(4))], WEEKLY)


def test_few_texts_raise_no_alert():
    shares = [PRIOR * (1 if week < 20 else 3) for week in range(24)]
    series = group(shares, 800, np.random.default_rng(5))
    assert find([series], WEEKLY)
    assert not find([series], WEEKLY._replace(least_texts=801))


def test_a_fixed_reference_is_kept():
    shares = [PRIOR * (1 if week < 6 else 2) for week in range(20)]
    window = datetime(2026, 1, 1), datetime(2026, 2, 12)
    found = find([group(shares, 2000, np.random.default_rng(6))], WEEKLY._replace(reference=window))
    assert {one.reference for one in found if one.label == 2} == {tuple(range(6))}
    assert {one.period for one in found if one.label == 2} == set(range(6, 20))


def test_discoveries_are_bounded_over_all_groups():
    rng = np.random.default_rng(7)
    one = group([PRIOR] * 10, 500, rng)
    raised = one._replace(means=one.means + np.eye(10)[9][:, None] * one.errors[9] * 3.2)
    alone = [found for found in find([raised], WEEKLY) if found.period == 9]
    among = [found for found in find([raised, *[one] * 40], WEEKLY) if found.period == 9]
    assert len(among) < len(alone)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_reject_what_the_step_up_rule_rejects(values):
    p_values = np.array(values)
    adjusted = benjamini_hochberg(p_values)
    assert (adjusted >= p_values - 1e-12).all() and (adjusted <= 1).all()
    ranked = np.sort(p_values)
    passing = [place + 1 for place, p in enumerate(ranked) if p <= 0.05 * (place + 1) / len(ranked)]
    assert (adjusted <= 0.05 + 1e-12).sum() >= (max(passing) if passing else 0)


@pytest.mark.parametrize("skew", [-1.5, -0.3, 0.0, 0.3, 1.5])
def test_tails_are_those_of_a_gamma_variate(skew):
    rng = np.random.default_rng(8)
    if skew:
        shape = 4 / skew**2
        drawn = np.sign(skew) * (rng.gamma(shape, size=200_000) - shape) / np.sqrt(shape)
    else:
        drawn = rng.standard_normal(200_000)
    for z in (-2.0, -1.0, 1.0, 2.5):
        smaller = min((drawn >= z).mean(), (drawn <= z).mean())
        assert skewed_tails(z, skew) == pytest.approx(min(1, 2 * smaller), abs=0.01)


def test_change_points_stand_where_levels_begin():
    rng = np.random.default_rng(9)
    levels = np.repeat([0.03, 0.09, 0.03], [20, 6, 20])
    errors = np.sqrt(levels * (1 - levels) / 2000)
    assert change_points(levels + errors * rng.standard_normal(46), errors) == [20, 26]


def test_a_level_series_has_no_change_point():
    rng, found = np.random.default_rng(10), 0
    for _ in range(100):
        errors = np.full(52, 0.003)
        found += len(change_points(0.05 + errors * rng.standard_normal(52), errors))
    assert found <= 8
    assert change_points(np.array([0.1, 0.9]), np.array([0.01, 0.01])) == []


def test_episodes_end_where_a_period_does_not_alert():
    shares = [PRIOR * ([1, 3, 1] if week in (12, 13, 18) else 1) for week in range(24)]
    one = group(shares, 1500, np.random.default_rng(11))
    found = episodes(find([one], WEEKLY), [one], WEEKLY.every)
    assert [[alert.period for alert in episode] for episode in found] == [[12, 13], [18]]


def test_episodes_end_where_periods_have_no_texts():
    shares = [PRIOR * ([1, 3, 1] if week in (12, 13) else 1) for week in range(24)]
    one = group(shares, 1500, np.random.default_rng(11))
    late = [period + timedelta(weeks=20 * (week > 12)) for week, period in enumerate(one.periods)]
    one = one._replace(periods=late)
    found = episodes(find([one], WEEKLY), [one], WEEKLY.every)
    assert [[alert.period for alert in episode] for episode in found] == [[12], [13]]
