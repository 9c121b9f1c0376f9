import numpy as np

from emotion_slm.corpus.labels import to_matrix
from emotion_slm.plots.confusion import confusion, confusions


def test_cells_stand_where_their_labels_do(drawn, tmp_path):
    gold = to_matrix([["anger"], ["anger"], ["grief"]])
    predicted = to_matrix([["annoyance"], ["anger"], []])
    confusions(confusion(gold, predicted), tmp_path / "confusions.png")
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
    confusions(confusion(gold, gold), tmp_path / "confusions.png")
    assert not drawn[0].axes[0].texts
