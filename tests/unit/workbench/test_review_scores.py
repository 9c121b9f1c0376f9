import pytest

from emotion_slm.corpus.labels import LABELS
from emotion_slm.workbench import review_scores as scores
from emotion_slm.workbench.review_scores import Score, headline, labels


@pytest.mark.parametrize(
    ("before", "after", "old", "new", "reading"),
    [
        (0.50, 0.50, (0.4, 0.6), (0.4, 0.6), scores.SAME),
        (0.50, 0.55, (0.4, 0.6), (0.5, 0.6), scores.WITHIN),
        (0.50, 0.60, (0.4, 0.6), (0.55, 0.65), scores.WITHIN),  # the edge belongs to the interval
        (0.50, 0.61, (0.4, 0.6), (0.49, 0.7), scores.WITHIN),  # the base is in that of now
        (0.50, 0.61, (0.4, 0.6), (0.55, 0.7), scores.HIGHER),
        (0.50, 0.39, (0.4, 0.6), (0.30, 0.45), scores.LOWER),
        (0.50, 0.39, None, (0.30, 0.45), scores.LOWER),
        (0.50, 0.51, None, None, scores.NO_INTERVAL),
        (None, 0.51, None, (0.4, 0.6), scores.NEW),
        (0.50, None, (0.4, 0.6), None, scores.GONE),
    ],
)
def test_a_change_is_read_against_the_intervals(before, after, old, new, reading):
    assert Score("macro-F1", before, after, old, new).reading == reading


def test_delta_needs_both_sides():
    assert Score("x", 0.5, 0.4, None, None).delta == pytest.approx(-0.1)
    assert Score("x", None, 0.4, None, None).delta is None
    assert Score("x", 0.4, None, None, None).delta is None


def test_headline_takes_values_and_intervals_from_their_keys():
    before = {"macro_f1": 0.5, "intervals": {"macro_f1": [0.4, 0.6]}, "target": {"macro_f1": 0.7}}
    after = {"macro_f1": 0.6, "intervals": {"macro_f1": [0.5, 0.7]}}
    macro, target = headline(before, after)
    assert macro == Score("macro-F1", 0.5, 0.6, (0.4, 0.6), (0.5, 0.7))
    assert target == Score("macro-F1, 15 targets", 0.7, None, None, None)
    assert headline(None, None) == []


def test_metrics_of_an_older_form_have_no_interval():
    for odd in (None, {}, {"macro_f1": "wide"}, {"macro_f1": [0.1]}, {"macro_f1": [None, 1]}, 7):
        (row,) = headline({"macro_f1": 0.5, "intervals": odd}, None)
        assert row.before_interval is None


def test_labels_come_with_their_intervals_targets_first():
    content = {"per_label": {name: {"f1": 0.5, "f1_interval": [0.4, 0.6]} for name in LABELS}}
    rows = labels(content, content)
    assert len(rows) == 28 and rows[0].name == "fear" and rows[-1].name == "neutral"
    assert rows[0] == Score("fear", 0.5, 0.5, (0.4, 0.6), (0.4, 0.6))
