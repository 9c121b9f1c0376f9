import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.monitored import texts

from emotion_slm.monitor.shares import (
    corrected_shares,
    likelihood_band,
    likelihood_ratios,
    mean_errors,
    most_likely_shares,
    powered_shares,
)

PRIOR = np.array([0.005, 0.03, 0.3])
RATIOS = arrays(np.float64, (5,), elements=st.floats(1e-3, 1e3))
COUNTS = arrays(np.float64, (5,), elements=st.integers(0, 1000).map(float))


def em(probabilities: np.ndarray, prior: float, rounds: int = 20_000) -> float:
    """Saerens, Latinne and Decaestecker 2002, equations 6 and 7, as they stand."""
    share = prior
    for _ in range(rounds):
        with_label = probabilities * share / prior
        without = (1 - probabilities) * (1 - share) / (1 - prior)
        share = (with_label / (with_label + without)).mean()
    return share


@pytest.mark.parametrize("factor", [0.2, 1, 3])
def test_is_where_em_ends(factor):
    rng = np.random.default_rng(1)
    probabilities, _ = texts(PRIOR * factor, 500, PRIOR, rng)
    found = corrected_shares(probabilities, PRIOR)
    for label, prior in enumerate(PRIOR):
        assert found[label] == pytest.approx(em(probabilities[:, label], prior), abs=2e-4)


def test_follows_a_shift_to_which_counts_and_means_do_not():
    rng = np.random.default_rng(2)
    truth = PRIOR * [4, 3, 2]
    probabilities, gold = texts(truth, 100_000, PRIOR, rng)
    found, real = corrected_shares(probabilities, PRIOR), gold.mean(axis=0)
    assert found == pytest.approx(real, rel=0.12)
    assert (probabilities.mean(axis=0) < 0.85 * real).all()
    assert ((probabilities >= 0.5).mean(axis=0)[:2] < 0.8 * real[:2]).all()


@given(RATIOS, COUNTS)
def test_no_other_share_is_more_likely(ratios, counts):
    share = most_likely_shares(ratios, counts)
    if not counts.sum():
        assert np.isnan(share)
        return

    def likelihood(q):
        return float(counts @ np.log(q * ratios + 1 - q))

    others = np.linspace(0, 1, 101)
    assert likelihood(share) >= max(map(likelihood, others)) - 1e-6


@given(RATIOS, COUNTS.filter(lambda counts: counts.sum() > 0))
def test_more_texts_narrow_the_interval_around_the_share(ratios, counts):
    share = most_likely_shares(ratios[None], counts[None])
    low, high = likelihood_band(ratios[None], counts[None], share)
    assert 0 <= low <= share <= high <= 1
    closer = likelihood_band(ratios[None], 4 * counts[None], share)
    assert low - 1e-6 <= closer[0] and closer[1] <= high + 1e-6


def test_no_texts_have_no_share():
    assert np.isnan(corrected_shares(np.empty((0, 3)), PRIOR)).all()


def test_texts_are_corrected_in_blocks_as_at_once(monkeypatch):
    probabilities, _ = texts(PRIOR, 100, PRIOR, np.random.default_rng(3))
    whole = corrected_shares(probabilities, PRIOR)
    monkeypatch.setattr("emotion_slm.monitor.shares.AT_ONCE", 120)
    assert corrected_shares(probabilities, PRIOR) == pytest.approx(whole, abs=1e-8)


def test_probabilities_of_zero_and_one_are_bounded():
    ratios = likelihood_ratios(np.array([[0.0], [1.0]]), np.array([0.1]))
    assert np.isfinite(ratios).all() and (ratios > 0).all()


def test_errors_of_clusters_are_those_of_their_sums():
    rng = np.random.default_rng(4)
    once = rng.random((300, 2))
    thrice = np.repeat(once, 3, axis=0)
    clusters = np.repeat(np.arange(300), 3)
    few = np.sqrt(300 / 299)
    assert mean_errors(thrice, clusters) == pytest.approx(few * mean_errors(once, None))
    assert mean_errors(once, np.arange(300)) == pytest.approx(few * mean_errors(once, None))
    assert (mean_errors(thrice, None) < 0.6 * mean_errors(once, None)).all()


def test_a_labelled_sample_mends_what_the_classifier_errs_by():
    """Nineteen of twenty intervals hold the share, however wrong the probabilities are."""
    rng = np.random.default_rng(5)
    truth, held = np.array([0.1, 0.4]), []
    for _ in range(300):
        gold = rng.random((4000, 2)) < truth
        probabilities = np.clip(0.3 + 0.3 * gold + 0.1 * rng.standard_normal(gold.shape), 0, 1)
        chosen = rng.choice(4000, 200, replace=False)
        found = powered_shares(probabilities, probabilities[chosen], gold[chosen])
        real = gold.mean(axis=0)
        held.append((found.low <= real) & (real <= found.high))
        people = np.sqrt(gold[chosen].var(axis=0) / 200) * 1.96
        assert ((found.high - found.low) / 2 < people).all()
    assert np.mean(held) >= 0.92


def test_none_in_a_labelled_sample_is_not_none_at_all():
    gold = np.zeros((60, 2))
    gold[:, 1] = 1
    found = powered_shares(np.full((500, 2), 0.3), np.full((60, 2), 0.3), gold)
    assert found.share.tolist() == [0, 1]
    assert found.low.tolist() == pytest.approx([0, 0.025 ** (1 / 60)])
    assert found.high.tolist() == pytest.approx([1 - 0.025 ** (1 / 60), 1])


def test_a_useless_classifier_leaves_the_sample_to_itself():
    gold = np.array([[1.0], [0.0], [1.0], [0.0]] * 20)
    found = powered_shares(np.full((500, 1), 0.3), np.full((80, 1), 0.3), gold)
    assert found.share == pytest.approx(0.5)
