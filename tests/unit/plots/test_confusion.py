"""Which emotion is taken for which: the counts, and where the picture shows them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.drawn import figures_of
from support.labels import GOEMOTIONS, LABEL_INDEX, LABELS, label_set, to_matrix

from emotion_slm.plots import confusion as module
from emotion_slm.plots.confusion import confusion, confusions

JOY, LOVE, FEAR, NEUTRAL = (LABEL_INDEX[name] for name in ("joy", "love", "fear", "neutral"))
INDICATORS = arrays(np.int8, (6, len(LABELS)), elements=st.integers(0, 1))


def test_by_hand():
    gold = to_matrix([["joy"], ["joy", "love"], ["joy"], ["joy"], ["fear"]])
    predicted = to_matrix([["love"], ["love", "neutral"], [], ["joy", "fear"], ["fear"]])
    found = confusion(gold, predicted)
    assert found.missed[JOY] == 3 and found.missed.sum() == 3
    # On the second row love is gold: it is not taken for joy there.
    assert found.instead[JOY, LOVE] == pytest.approx(1 / 3)
    assert found.instead[JOY, NEUTRAL] == pytest.approx(1 / 3)
    assert found.instead.sum() == pytest.approx(2 / 3)
    assert found.nothing[JOY] == pytest.approx(1 / 3)


@given(INDICATORS, INDICATORS)
def test_against_counting_row_by_row(gold, predicted):
    found = confusion(gold, predicted)
    for label in range(len(LABELS)):
        rows = [row for row in range(6) if gold[row, label] and not predicted[row, label]]
        assert found.missed[label] == len(rows)
        empty = sum(not predicted[row].any() for row in rows)
        assert found.nothing[label] == pytest.approx(empty / max(len(rows), 1))
        for other in range(len(LABELS)):
            wrong = sum(predicted[row, other] and not gold[row, other] for row in rows)
            assert found.instead[label, other] == pytest.approx(wrong / max(len(rows), 1))
    assert not np.diag(found.instead).any()


@pytest.fixture
def drawn(monkeypatch):
    return figures_of(module, monkeypatch)


def test_cells_stand_where_their_labels_do(drawn, tmp_path):
    gold = to_matrix([["anger"], ["anger"], ["grief"]])
    predicted = to_matrix([["annoyance"], ["anger"], []])
    confusions(confusion(gold, predicted), GOEMOTIONS, tmp_path / "confusions.png")
    axes = drawn[0].axes[0]
    rows = [tick.get_text().split(" ")[0] for tick in axes.get_yticklabels()]
    columns = [tick.get_text() for tick in axes.get_xticklabels()]
    shown = np.asarray(axes.images[0].get_array())
    found = {(rows[row], columns[column]) for row, column in np.argwhere(shown > 0)}
    assert found == {("anger", "annoyance"), ("grief", "no label")}
    assert sorted(text.get_text() for text in axes.texts) == ["100", "100"]
    assert "anger (1)" in [tick.get_text() for tick in axes.get_yticklabels()]


def test_a_classifier_without_errors_can_be_drawn(drawn, tmp_path):
    gold = to_matrix([["anger"], ["grief"]])
    confusions(confusion(gold, gold), GOEMOTIONS, tmp_path / "confusions.png")
    axes = drawn[0].axes[0]
    assert not axes.texts
    assert axes.images[0].get_clim() == (0, 100)


@pytest.mark.parametrize("size", [2, 3, 6, 40, 100])
def test_any_number_of_labels_can_be_drawn(size, drawn, tmp_path):
    gold = np.eye(size, dtype=np.int8)
    found = confusion(gold, np.roll(gold, 1, axis=1))
    confusions(found, label_set(size), tmp_path / "confusions.png")
    rows = [tick.get_text().split(" ")[0] for tick in drawn[0].axes[0].get_yticklabels()]
    assert len(rows) == len(set(rows)) == min(size, module.MOST)
