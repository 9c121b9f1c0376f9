"""Each picture is written, 1,200 pixels wide, twice the same, and says what it should."""

import re
from contextlib import contextmanager

import numpy as np
import pytest
from matplotlib.image import imread

from emotion_slm.corpus.labels import LABELS
from emotion_slm.plots import balance as pictures


def cloud(random, **sizes) -> dict:
    return {kind: random.normal(size=(size, 8)) for kind, size in sizes.items()}


@pytest.fixture
def clouds():
    random = np.random.default_rng(0)
    sizes = {"real": 20, "ismote": 50, "smote": 50, "validation": 12}
    return {label: cloud(random, **sizes) for label in ("grief", "pride", "relief")}


@pytest.fixture
def purity():
    shares = {"real": 0.5, "ismote": 0.4, "smote": 0.3, "chance": 0.01, "validation_rows": 12}
    return {label: shares for label in LABELS}


@pytest.fixture
def per_label():
    """Rows before and after for every label: grief without rows, sadness above its target."""
    rows = {
        label: {"before": 10 + place, "after": 100, "target": 100, "overshoot": 0}
        for place, label in enumerate(LABELS)
    }
    rows["grief"] = {"before": 0, "after": 0, "target": 100, "overshoot": 0}
    rows["sadness"] = {"before": 20, "after": 1120, "target": 100, "overshoot": 1020}
    rows["neutral"] = {"before": 400, "after": 400}
    return rows


@pytest.fixture
def drawn(monkeypatch):
    """Figures as they stand after drawing, beside their files."""
    finished = []
    original = pictures.canvas

    @contextmanager
    def keep(*arguments):
        with original(*arguments) as figure:
            yield figure
            finished.append(figure)

    monkeypatch.setattr(pictures, "canvas", keep)
    return finished


def titles(figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def legend(figure) -> list[str]:
    (found,) = figure.legends or [figure.axes[0].get_legend()]
    return [text.get_text() for text in found.get_texts()]


@pytest.mark.parametrize("name", ["scatter", "counts"])
def test_same_bytes_twice_and_no_date(clouds, purity, per_label, tmp_path, name):
    first, second = tmp_path / "a" / "1.png", tmp_path / "b" / "2.png"
    for path in (first, second):
        if name == "scatter":
            pictures.scatter(clouds, purity, path)
        else:
            pictures.counts(per_label, path)
    assert first.read_bytes() == second.read_bytes()
    assert imread(first).shape[1] == 1200
    assert not re.search(rb"tEXt|tIME|iTXt", first.read_bytes())


def test_scatter_sets_smote_beside_ismote_in_one_frame_per_label(clouds, purity, drawn, tmp_path):
    pictures.scatter(clouds, purity, tmp_path / "scatter.png")
    assert len(drawn[0].axes) == 6
    for row, label in enumerate(clouds):
        smote, ismote = drawn[0].axes[2 * row : 2 * row + 2]
        assert smote.get_xlim() == ismote.get_xlim() and smote.get_ylim() == ismote.get_ylim()
        for axes, method, share in ((smote, "SMOTE", "0.300"), (ismote, "ISMOTE", "0.400")):
            name, rows, shares = axes.get_title().splitlines()
            assert name == f"{label}, {method}"
            assert rows == "50 synthetic, 20 train, 12 validation rows"
            assert shares == f"purity {share} (train 0.500, chance 0.010)"
            assert [len(points.get_offsets()) for points in axes.collections] == [50, 20, 12]
    assert legend(drawn[0]) == ["synthetic", "real, train", "real, validation"]


def test_the_plane_is_that_of_the_real_train_rows(clouds, purity, drawn, tmp_path):
    real = clouds["grief"]["real"]
    clouds["grief"]["ismote"] = 100 * clouds["grief"]["ismote"]
    pictures.scatter(clouds, purity, tmp_path / "scatter.png")
    centred = real - real.mean(axis=0)
    variance = np.linalg.svd(centred, compute_uv=False) ** 2
    first, second = variance[:2] / variance.sum()
    smote, ismote = drawn[0].axes[:2]
    assert f"{first:.0%}" in smote.get_xlabel() and f"{second:.0%}" in smote.get_ylabel()
    for axes in (smote, ismote):
        shown = np.asarray(axes.collections[1].get_offsets())
        assert (shown**2).sum(axis=0) == pytest.approx(variance[:2])


def test_without_synthetic_rows_the_scatter_shows_real_ones_and_says_so(purity, drawn, tmp_path):
    clouds = {"grief": cloud(np.random.default_rng(0), real=20, validation=12)}
    pictures.scatter(clouds, purity, tmp_path / "scatter.png")
    assert titles(drawn[0]) == [
        "grief\n20 train, 12 validation rows\npurity: train 0.500, chance 0.010"
    ]
    assert "real rows only" in drawn[0].get_suptitle()
    assert legend(drawn[0]) == ["real, train", "real, validation"]


def test_without_labels_the_scatter_is_written_all_the_same(drawn, tmp_path):
    pictures.scatter({}, {}, tmp_path / "scatter.png", "sample corpus")
    assert imread(tmp_path / "scatter.png").shape[1] == 1200
    assert "no label has rows enough" in drawn[0].get_suptitle()


def test_counts_are_sorted_and_tell_what_exceeds_the_target(per_label, drawn, tmp_path):
    pictures.counts(per_label, tmp_path / "counts.png")
    (axes,) = drawn[0].axes
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names == sorted(LABELS, key=lambda label: (per_label[label]["before"], label))
    assert names[0] == "grief" and names[-1] == "neutral"
    shown = texts(axes)
    assert shown[:28] == [f"{per_label[label]['before']:,}" for label in names]
    assert "1,120 (1,020 over target)" in shown
    assert len(shown) == 28 + 26  # grief and neutral did not grow
    assert legend(drawn[0]) == ["before", "after", "target"]
    assert "nothing was oversampled" not in drawn[0].get_suptitle()


def test_counts_without_oversampling_say_so(drawn, tmp_path):
    rows = {label: {"before": 5, "after": 5} for label in LABELS}
    pictures.counts(rows, tmp_path / "counts.png")
    assert "nothing was oversampled" in drawn[0].get_suptitle()
    assert legend(drawn[0]) == ["before"]


def test_a_note_stands_under_the_title(clouds, purity, per_label, drawn, tmp_path):
    pictures.scatter(clouds, purity, tmp_path / "scatter.png", "sample corpus")
    pictures.counts(per_label, tmp_path / "counts.png", "sample corpus")
    assert all(figure.get_suptitle().splitlines()[1] == "sample corpus" for figure in drawn)
