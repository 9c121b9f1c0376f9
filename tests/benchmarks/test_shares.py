import numpy as np
import pytest
from support.labels import GOEMOTIONS, LABEL_INDEX
from support.packages import validation_scores

from benchmarks import shares
from emotion_slm.monitor.bands import responses

GRIEF, JOY = LABEL_INDEX["grief"], LABEL_INDEX["joy"]


@pytest.fixture(scope="module")
def rows() -> shares.Rows:
    rng = np.random.default_rng(1)
    probabilities = rng.beta(0.3, 2, size=(3000, len(GOEMOTIONS)))
    gold = rng.random(probabilities.shape) < probabilities
    limits = np.full(len(GOEMOTIONS), 0.3)
    histograms = validation_scores(len(GOEMOTIONS))
    return shares.Rows(probabilities, gold, GOEMOTIONS, limits, histograms)


def test_a_period_has_the_share_it_is_drawn_with(rows):
    rng = np.random.default_rng(2)
    for share in (0.02, 0.4):
        chosen = shares.drawn(rows, JOY, share, 5000, rng, other=False)
        assert len(chosen) == 5000
        assert rows.gold[chosen, JOY].mean() == pytest.approx(share, abs=0.02)


def test_other_texts_are_of_the_labels_own_group(rows):
    group = next(names for names in GOEMOTIONS.grouped("ekman").values() if "grief" in names)
    columns = [LABEL_INDEX[name] for name in group if name != "grief"]
    found = shares.akin(rows, GRIEF)
    assert not rows.gold[found, GRIEF].any()
    assert rows.gold[found][:, columns].any(axis=1).all()


def test_a_draw_is_measured_against_the_share_it_was_drawn_with(rows):
    rng = np.random.default_rng(3)
    known = responses(rows.histograms, rng)
    found = [shares.measure(rows, known, JOY, 2, 2000, rng) for _ in range(5)]
    assert all(abs(one.corrected) < 0.6 for one in found)
    assert sum(one.covered for one in found) >= 3
    assert len(shares.summary(found)) == 6
