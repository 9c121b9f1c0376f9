"""The picture of stage ismote: synthetic rows beside real ones."""

import numpy as np
import pytest
from matplotlib.image import imread
from support.drawn import figures_of
from support.labels import LABELS, SAMPLE, to_matrix

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
def drawn(monkeypatch):
    return figures_of(pictures, monkeypatch)


def titles(figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def legend(figure) -> list[str]:
    (found,) = figure.legends or [figure.axes[0].get_legend()]
    return [text.get_text() for text in found.get_texts()]


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


def test_without_labels_the_scatter_is_written_all_the_same(tmp_path):
    pictures.scatter({}, {}, tmp_path / "scatter.png", "sample corpus")
    assert imread(tmp_path / "scatter.png").shape[1] == 1200


def test_a_picture_says_what_it_lacks_and_of_what_corpus_it_is(drawn, tmp_path):
    pictures.scatter({}, {}, tmp_path / "scatter.png", "sample corpus")
    _, note, *more = drawn[0].get_suptitle().splitlines()
    assert note == "sample corpus" and "no label has rows enough to be drawn" in more


def test_the_rarest_labels_with_rows_enough_are_drawn(monkeypatch):
    """`draw` takes labels in their order, the rarest first, and leaves out those with few rows."""
    seen = {}
    monkeypatch.setattr(
        pictures, "scatter", lambda clouds, purity, path, note: seen.update(clouds, note=note)
    )
    random = np.random.default_rng(0)
    sizes = {"relief": 4, "grief": 15, "pride": 16, "fear": 25, "joy": 40, "love": 50}
    probes = {label: cloud(random, real=size) for label, size in sizes.items()}
    held_out = {"relief": 20, "grief": 12, "pride": 9, "fear": 25, "joy": 40, "love": 30}
    gold = to_matrix([[label] for label, size in held_out.items() for _ in range(size)])
    pictures.draw(probes, random.normal(size=(len(gold), 8)), gold, [], SAMPLE)
    assert seen.pop("note") == SAMPLE.caption
    assert list(seen) == ["grief", "fear", "joy"]
    assert [len(kinds["validation"]) for kinds in seen.values()] == [12, 25, 40]
