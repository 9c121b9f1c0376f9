import pytest
from matplotlib.collections import LineCollection
from support.plots import label_metrics

from emotion_slm.corpus.labels import TARGETS
from emotion_slm.evaluation.tables import label_order
from emotion_slm.plots.labels import per_label_f1


def test_targets_first_on_top(drawn, tmp_path):
    per_label_f1(label_metrics(), tmp_path / "f1.png")
    (axes,) = drawn[0].axes
    assert [tick.get_text() for tick in axes.get_yticklabels()][:15] == list(TARGETS)
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_every_label_has_its_interval(drawn, tmp_path):
    metrics = label_metrics()
    metrics["per_label"]["fear"]["f1_interval"] = [0.51, 0.6]  # above the score: drawn as it is
    per_label_f1(metrics, tmp_path / "f1.png")
    (lines,) = [item for item in drawn[0].axes[0].collections if isinstance(item, LineCollection)]
    spans = {position: (low, high) for (low, position), (high, _) in lines.get_segments()}
    expected = [tuple(metrics["per_label"][label]["f1_interval"]) for label in label_order()]
    assert [spans[position] for position in range(28)] == [pytest.approx(e) for e in expected]


def test_labels_with_few_positives_are_hatched_and_explained(drawn, tmp_path):
    per_label_f1(label_metrics(), tmp_path / "f1.png")
    (axes,) = drawn[0].axes
    hatched = {label_order()[place] for place, bar in enumerate(axes.patches) if bar.get_hatch()}
    assert hatched == {"grief"}
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "fewer than 100 positives" in legend


def test_without_such_labels_the_legend_does_not_speak_of_them(drawn, tmp_path):
    metrics = label_metrics()
    metrics["per_label"]["grief"]["few_positives"] = False
    per_label_f1(metrics, tmp_path / "f1.png")
    legend = [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()]
    assert legend == ["target emotion", "other label", "macro-F1 0.500"]
