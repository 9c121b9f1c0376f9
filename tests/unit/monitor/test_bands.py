import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.monitored import histograms, scores, texts

from emotion_slm.monitor.assumption import DOUBTFUL, fits
from emotion_slm.monitor.bands import (
    GRID,
    REPLICATES,
    band,
    cluster_band,
    histogram,
    inverted,
    responses,
)
from emotion_slm.monitor.shares import corrected_shares, mean_errors
from emotion_slm.package.scores import BINS, ScoreHistograms, bins_of

PRIOR = np.array([0.01, 0.05])


@pytest.fixture(scope="module")
def known():
    return responses(histograms(PRIOR, np.random.default_rng(1)), np.random.default_rng(2))


@pytest.mark.parametrize("factor", [0.2, 1, 4])
def test_nine_in_ten_bands_hold_the_share(factor):
    """Validation rows are drawn anew: what is known of the classifier is uncertain too."""
    rng, held = np.random.default_rng(3), []
    for _ in range(40):
        curves = responses(histograms(PRIOR, rng, rows=4000), rng)
        for _ in range(3):
            probabilities, _ = texts(PRIOR * factor, 1000, PRIOR, rng)
            low, high = band(histogram(bins_of(probabilities)), curves, rng)
            held.append((low <= PRIOR * factor) & (PRIOR * factor <= high))
    assert np.mean(held) >= 0.9


def test_more_texts_narrow_a_band_until_validation_limits_it(known):
    rng, widths = np.random.default_rng(4), []
    for size in (500, 20_000, 2_000_000):
        probabilities, _ = texts(PRIOR, size, PRIOR, rng)
        low, high = band(histogram(bins_of(probabilities)), known, rng)
        widths.append(high - low)
    assert (widths[1] < 0.7 * widths[0]).all()
    assert (widths[2] > 0.2 * widths[1]).all()


def test_repeated_texts_of_a_cluster_narrow_nothing(known):
    rng = np.random.default_rng(5)
    probabilities, _ = texts(PRIOR, 600, PRIOR, rng)
    bins = bins_of(np.repeat(probabilities, 4, axis=0))
    clusters = np.repeat(np.arange(600), 4)
    low, high = cluster_band(bins, clusters, known, rng, np.full(2, 4.0))
    alone = band(histogram(bins_of(probabilities)), known, rng)
    thought = band(histogram(bins), known, rng)
    assert high - low == pytest.approx(alone[1] - alone[0], rel=0.35)
    assert (high - low > 1.3 * (thought[1] - thought[0])).all()


@pytest.mark.parametrize("authors", [5, 10])
def test_bands_of_few_clusters_hold_the_share(authors):
    """Each author has a mood of its own; the label is on a fifth of all texts."""
    rng, held = np.random.default_rng(11), []
    prior = np.array([0.2])
    known = responses(histograms(prior, rng), rng)
    clusters = np.repeat(np.arange(authors), 30)
    for _ in range(60):
        moods = rng.beta(2, 8, size=(authors, 1)).repeat(30, axis=0)
        probabilities = scores(rng.random(moods.shape) < moods, prior, rng)
        error = mean_errors(probabilities, clusters) / mean_errors(probabilities, None)
        design = np.maximum(error, 1) ** 2
        low, high = cluster_band(bins_of(probabilities), clusters, known, rng, design)
        held.append((low <= 0.2) & (high >= 0.2))
    assert np.mean(held) >= 0.9


def test_clusters_take_memory_by_their_number_and_not_by_texts(known):
    bins = np.zeros((40_000, 1), np.uint8)
    clusters = np.arange(40_000) % 1000
    tracemalloc.start()
    cluster_band(bins, clusters, known.of(0), np.random.default_rng(0), np.ones(1))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 24_000_000  # a float for each text and replicate would take 32


def test_a_label_without_validation_rows_answers_with_the_share_itself():
    nothing = ScoreHistograms(np.array([0.1]), np.zeros((1, BINS), int), np.ones((1, BINS), int))
    found = responses(nothing, np.random.default_rng(6))
    assert found.curves == pytest.approx(np.broadcast_to(GRID, found.curves.shape))


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=len(GRID), max_size=len(GRID)), st.floats(0, 1))
def test_inverting_a_curve_undoes_it(values, share):
    curve = np.sort(np.array(values)) + np.arange(len(GRID)) * 1e-3
    found = np.interp(share, GRID, curve)
    assert inverted(np.array([found]), curve[None])[0] == pytest.approx(share, abs=1e-6)


def test_curves_never_fall_and_are_one_per_resample(known):
    assert known.curves.shape == (REPLICATES, 2, len(GRID))
    assert (np.diff(known.curves, axis=2) >= 0).all()


def test_a_mixture_of_validation_rows_fits_and_other_texts_do_not():
    rng = np.random.default_rng(7)
    rows = histograms(PRIOR, rng)
    doubted = []
    for _ in range(100):
        probabilities, _ = texts(PRIOR * 3, 2000, PRIOR, rng)
        share = corrected_shares(probabilities, PRIOR)
        doubted.append(fits(histogram(bins_of(probabilities)), share, rows) < DOUBTFUL)
    assert np.mean(doubted) <= 0.02
    changed = probabilities**1.5
    share = corrected_shares(changed, PRIOR)
    assert (fits(histogram(bins_of(changed)), share, rows) < DOUBTFUL).all()
