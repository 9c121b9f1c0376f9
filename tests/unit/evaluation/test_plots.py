"""Each figure is written, 1,200 pixels wide, twice the same, and says what it should."""

import csv
import re
from contextlib import contextmanager

import numpy as np
import pytest
from matplotlib.image import imread

from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation import metrics, plots
from emotion_slm.labels import LABELS, TARGETS


def write_curve(path, epochs: int, columns=plots.CURVE_COLUMNS):
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for epoch in range(1, epochs + 1):
            writer.writerow([epoch, *[1 / epoch] * (len(columns) - 1)])
    return path


@pytest.fixture
def figures(scored, tmp_path):
    """Function name → what draws it into a path."""
    gold, logits = scored
    raw = 1 / (1 + np.exp(-logits))
    result = metrics.evaluate(gold, raw, np.full(len(LABELS), 0.5))
    counts = {label: 3 ** (place % 7) - 1 for place, label in enumerate(LABELS)}
    splits = {"train (balanced)": dict.fromkeys(LABELS, 400), "validation": counts, "test": counts}
    curves = {
        "adapt": write_curve(tmp_path / "adapt.csv", 0),
        "finetune": write_curve(tmp_path / "finetune.csv", 3),
    }
    return {
        "label_frequency": lambda path: plots.label_frequency(splits, path),
        "corpus_imbalance": lambda path: plots.corpus_imbalance(counts, path),
        "training_curve": lambda path: plots.training_curve(curves, path),
        "per_label_f1": lambda path: plots.per_label_f1(result, path),
        "precision_recall": lambda path: plots.precision_recall(gold, raw, path),
        "reliability": lambda path: plots.reliability(gold, raw, raw**2, path),
    }


@pytest.fixture
def drawn(monkeypatch):
    """Figures as they stand after drawing, in place of files."""
    finished = []
    original = plots.canvas

    @contextmanager
    def keep(*arguments):
        with original(*arguments) as figure:
            yield figure
            finished.append(figure)

    monkeypatch.setattr(plots, "canvas", keep)
    return finished


@pytest.mark.parametrize(
    "name",
    ["label_frequency", "corpus_imbalance", "training_curve", "per_label_f1", "precision_recall",
     "reliability"],
)  # fmt: skip
def test_same_bytes_twice_and_no_date(figures, tmp_path, name):
    first, second = tmp_path / "a" / "1.png", tmp_path / "b" / "2.png"
    for path in (first, second):
        figures[name](path)
    assert first.read_bytes() == second.read_bytes()
    assert imread(first).shape[1] == 1200
    assert not re.search(rb"tEXt|tIME|iTXt", first.read_bytes())


def tick_labels(axes) -> list[str]:
    return [tick.get_text() for tick in axes.get_yticklabels()]


def test_f1_shows_targets_first_on_top(figures, drawn, tmp_path):
    figures["per_label_f1"](tmp_path / "f1.png")
    (axes,) = drawn[0].axes
    assert tick_labels(axes)[:15] == list(TARGETS)
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_frequency_is_sorted_by_the_natural_split(figures, drawn, tmp_path):
    figures["label_frequency"](tmp_path / "frequency.png")
    (axes,) = drawn[0].axes
    natural = [bar.get_width() for bar in axes.containers[2]]
    assert natural == sorted(natural, reverse=True)
    assert len(axes.containers) == 3
    assert len(axes.containers[0]) == len(LABELS)


def test_a_frozen_encoder_has_no_curve(figures, drawn, tmp_path):
    figures["training_curve"](tmp_path / "curve.png")
    titles = [axes.get_title() for axes in drawn[0].axes]
    assert titles == ["finetune: loss", "finetune: validation"]
    epochs = drawn[0].axes[0].lines[0].get_xdata()
    assert list(epochs) == [1, 2, 3]


def test_curve_without_a_column_is_refused(tmp_path):
    curve = write_curve(tmp_path / "odd.csv", 1, columns=("epoch", "train_loss"))
    with pytest.raises(EmotionSlmError, match=r"odd.csv.*validation_loss"):
        plots.training_curve({"adapt": curve}, tmp_path / "curve.png")


def test_label_without_positives_has_an_empty_panel(scored, drawn, tmp_path):
    gold, logits = scored
    gold[:, LABELS.index("fear")] = 0
    plots.precision_recall(gold, logits, tmp_path / "pr.png")
    fear, sadness = drawn[0].axes[:2]
    assert "fear" in fear.get_title()
    assert len(fear.lines) == 0
    assert len(sadness.lines) == 2


def test_reliability_points_are_the_bins(scored, drawn, tmp_path):
    gold, logits = scored
    raw = 1 / (1 + np.exp(-logits))
    plots.reliability(gold, raw, raw**2, tmp_path / "reliability.png")
    confidence, observed, _ = metrics.equal_mass_bins(gold.ravel(), raw.ravel())
    line = drawn[0].axes[0].lines[0]
    assert line.get_xdata() == pytest.approx(confidence[observed > 0])
    assert line.get_ydata() == pytest.approx(observed[observed > 0])


def test_a_failed_drawing_leaves_no_file(tmp_path):
    with pytest.raises(KeyError):
        plots.per_label_f1({"per_label": {}}, tmp_path / "f1.png")
    assert list(tmp_path.iterdir()) == []


def test_a_note_stands_under_the_title(figures, drawn, tmp_path):
    plots.corpus_imbalance({"joy": 3}, tmp_path / "noted.png", "sample corpus")
    figures["corpus_imbalance"](tmp_path / "plain.png")
    noted, plain = (figure.get_suptitle() for figure in drawn)
    assert noted == f"{plain}\nsample corpus"
