"""The pictures of stage evaluate: what they show, and that all are written as the pipeline does."""

import re
from contextlib import chdir
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.image import imread
from support.drawn import figures_of
from support.labels import GOEMOTIONS, LABEL_INDEX, LABELS, SAMPLE, TARGETS, label_set

from emotion_slm.calibration.thresholds import Thresholds, f1_curves, threshold_grid
from emotion_slm.plots import evaluation as pictures
from emotion_slm.plots.canvas import canvas

NAMES = {"per_label_f1", "precision_recall", "confusions", "threshold_curves"}


@pytest.fixture
def drawn(monkeypatch):
    return figures_of(pictures, monkeypatch)


@pytest.fixture
def per_label() -> list[dict]:
    """Rows of per_label.csv; grief has few positives."""
    return [
        {
            "label": label,
            "f1": 0.5,
            "f1_low": 0.4,
            "f1_high": 0.55,
            "support": 19 if label == "grief" else 1000 + place,
        }
        for place, label in enumerate(LABELS)
    ]


def test_the_pictures_are_written_as_they_are_declared(evaluated, tmp_path):
    found, validation, test, _ = evaluated
    with chdir(tmp_path):
        pictures.draw(found.evaluation, validation, test)
    plots = {path.stem: path for path in (tmp_path / "metrics/plots").iterdir()}
    assert set(plots) == NAMES
    assert all(imread(path).shape[1] == 1200 for path in plots.values())


def test_a_canvas_gives_the_same_bytes_twice_and_no_date(tmp_path):
    first, second = tmp_path / "a" / "1.png", tmp_path / "b" / "2.png"
    for path in (first, second):
        with canvas(path, 2, "title", "note") as figure:
            figure.subplots().plot([1, 2])
    assert first.read_bytes() == second.read_bytes()
    assert imread(first).shape[1] == 1200
    assert not re.search(rb"tEXt|tIME|iTXt", first.read_bytes())


def test_a_failed_drawing_leaves_no_file(tmp_path):
    with pytest.raises(ZeroDivisionError), canvas(tmp_path / "f1.png", 2, "title", ""):
        1 / 0  # noqa: B018
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_the_sample_corpus_say_so(evaluated, drawn, monkeypatch):
    notes = []
    monkeypatch.setattr(pictures, "confusions", lambda _, labels, path, note: notes.append(note))
    found, validation, test, _ = evaluated
    pictures.draw(found.evaluation, validation, test, SAMPLE.caption)
    assert notes == [SAMPLE.caption] and len(drawn) == len(NAMES) - 1
    assert all(figure.get_suptitle().endswith(f"\n{SAMPLE.caption}") for figure in drawn)


def test_targets_first_on_top(per_label, drawn, tmp_path):
    pictures.per_label_f1(per_label, GOEMOTIONS, tmp_path / "f1.png")
    (axes,) = drawn[0].axes
    assert [tick.get_text() for tick in axes.get_yticklabels()][:15] == list(TARGETS)
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_every_label_has_its_interval(per_label, drawn, tmp_path):
    fear = per_label[LABEL_INDEX["fear"]]
    fear["f1_low"], fear["f1_high"] = 0.51, 0.6  # above the score: drawn as it is
    pictures.per_label_f1(per_label, GOEMOTIONS, tmp_path / "f1.png")
    (lines,) = [item for item in drawn[0].axes[0].collections if isinstance(item, LineCollection)]
    spans = {position: (low, high) for (low, position), (high, _) in lines.get_segments()}
    rows = [per_label[LABEL_INDEX[label]] for label in GOEMOTIONS.targets_first]
    assert [spans[position] for position in range(28)] == [
        pytest.approx((row["f1_low"], row["f1_high"])) for row in rows
    ]


def test_labels_with_few_positives_are_hatched_and_explained(per_label, drawn, tmp_path):
    pictures.per_label_f1(per_label, GOEMOTIONS, tmp_path / "f1.png")
    (axes,) = drawn[0].axes
    hatched = {
        GOEMOTIONS.targets_first[place] for place, bar in enumerate(axes.patches) if bar.get_hatch()
    }
    assert hatched == {"grief"}
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "fewer than 100 positives" in legend


def test_without_such_labels_the_legend_does_not_speak_of_them(per_label, drawn, tmp_path):
    per_label[LABEL_INDEX["grief"]]["support"] = 100
    pictures.per_label_f1(per_label, GOEMOTIONS, tmp_path / "f1.png")
    legend = [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()]
    assert legend == ["target label", "other label", "macro-F1 0.500"]


def test_where_all_labels_are_targets_nothing_speaks_of_them(per_label, scored, drawn, tmp_path):
    labels = replace(GOEMOTIONS, targets=LABELS)
    pictures.per_label_f1(per_label, labels, tmp_path / "f1.png")
    legend = [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()]
    assert legend == ["macro-F1 0.500", "fewer than 100 positives"]
    pictures.precision_recall(*scored, labels, tmp_path / "pr.png")
    assert "target" not in drawn[1].get_suptitle()


def test_label_without_positives_has_an_empty_panel(scored, drawn, tmp_path):
    gold, logits = scored
    gold[:, LABELS.index("fear")] = 0
    pictures.precision_recall(gold, logits, GOEMOTIONS, tmp_path / "pr.png")
    fear, sadness = drawn[0].axes[:2]
    assert "fear" in fear.get_title()
    assert len(fear.lines) == 0
    assert len(sadness.lines) == 2


def test_each_panel_marks_the_chosen_and_the_global_threshold(scored, drawn, tmp_path):
    gold, logits = scored
    grid = threshold_grid(0.05)
    f1 = f1_curves(1 / (1 + np.exp(-logits)), gold, grid)
    per_label = np.full(len(LABELS), 0.3)
    per_label[LABEL_INDEX["fear"]] = 0.55
    pictures.threshold_curves(
        grid, f1, Thresholds(per_label, 0.4), GOEMOTIONS, tmp_path / "curves.png"
    )
    curve, common, dot = drawn[0].axes[0].lines
    assert drawn[0].axes[0].get_title().startswith("fear\n")
    assert curve.get_ydata() == pytest.approx(f1[LABEL_INDEX["fear"]])
    assert set(common.get_xdata()) == {0.4}
    assert dot.get_xdata() == [0.55]
    assert dot.get_ydata() == pytest.approx(f1[LABEL_INDEX["fear"], 10])


@pytest.mark.parametrize("size", [2, 3, 6, 40, 100])
def test_panels_fit_the_number_of_labels(size, drawn, tmp_path):
    labels = label_set(size)
    gold = np.eye(size, dtype=np.int8)
    pictures.precision_recall(gold, gold - 0.5, labels, tmp_path / "pr.png")
    (figure,) = drawn
    assert len(figure.axes) == min(size, pictures.PANELS)
    assert figure.axes[1].get_title().startswith(labels.targets_first[1])
    assert (f"of {size} labels" in figure.get_suptitle()) == (size > pictures.PANELS)
