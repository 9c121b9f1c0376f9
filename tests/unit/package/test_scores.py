import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.packages import validation_classes, validation_scores

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.package.contents import read_scores
from emotion_slm.package.package import read_package
from emotion_slm.package.scores import (
    BINS,
    CENTRES,
    ClassScores,
    ScoreHistograms,
    bins_of,
    class_scores,
    score_histograms,
)

LABELS = ("joy", "grief", "fear")


def content() -> dict:
    return validation_scores(3).to_dict(LABELS)


def test_what_is_read_is_what_was_written():
    written = validation_scores(3)
    found = ScoreHistograms.from_dict(written.to_dict(LABELS), LABELS, "x")
    for name in ("train_share", "positives", "negatives"):
        assert (getattr(found, name) == getattr(written, name)).all()


def test_every_row_is_counted_once_by_label():
    rng = np.random.default_rng(1)
    probabilities, gold = rng.random((500, 3)), rng.random((500, 3)) < 0.3
    found = score_histograms(probabilities, gold, np.full(3, 0.3))
    assert found.positives.sum(axis=1).tolist() == gold.sum(axis=0).tolist()
    assert (found.positives + found.negatives).sum(axis=1).tolist() == [500] * 3
    assert (found.of(2, 0).positives == found.positives[[2, 0]]).all()


@given(st.floats(0, 1))
def test_a_bin_holds_the_probabilities_nearest_to_its_centre(probability):
    place = int(bins_of(np.array([probability]))[0])
    bounded = np.clip(probability, 1e-6, 1 - 1e-6)
    logit = np.log(bounded / (1 - bounded))
    assert np.abs(CENTRES - logit).min() == pytest.approx(abs(CENTRES[place] - logit), abs=1e-9)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda found: found.pop("joy"), "joy"),
        (lambda found: found.update(bliss={}), "bliss"),
        (lambda found: found.update(joy=3), "joy: train_share must be from 0 to 1"),
        (lambda found: found["joy"].update(train_share=1.5), "joy: train_share"),
        (lambda found: found["joy"].update(train_share=True), "joy: train_share"),
        (lambda found: found["joy"].update(positives=[1] * 63), "joy: positives must be 64"),
        (lambda found: found["joy"].update(negatives=[-1] * BINS), "joy: negatives must be 64"),
        (lambda found: found["joy"].update(negatives=[0.5] * BINS), "joy: negatives must be 64"),
        (lambda found: found["joy"].update(negatives=[2**70] * BINS), "joy: negatives"),
        (lambda found: found["joy"].update(negatives="1" * BINS), "joy: negatives"),
    ],
)
def test_what_is_no_histogram_is_refused_by_name(change, reason):
    found = content()
    change(found)
    with pytest.raises(EmotionSlmError, match=reason):
        ScoreHistograms.from_dict(found, LABELS, "scores.json")


def test_rows_by_class_are_read_as_they_were_written():
    written = validation_classes(3)
    content = written.to_dict(LABELS)
    assert [len(content[label]["rows"]) for label in LABELS] == np.bincount(written.gold).tolist()
    found = ClassScores.from_dict(content, LABELS, "x")
    order = np.argsort(written.gold, kind="stable")
    assert (found.gold == written.gold[order]).all()
    np.testing.assert_allclose(found.rows, written.rows[order], atol=2e-5)
    assert (found.train_share == written.train_share).all()


def test_of_many_rows_of_a_class_some_are_kept(monkeypatch):
    monkeypatch.setattr("emotion_slm.package.scores.ROWS_OF_CLASS", 40)
    gold = np.eye(3)[np.arange(300) % 2]  # of the third class there are none
    found = class_scores(np.full((300, 3), 1 / 3), gold, np.full(3, 1 / 3))
    assert np.bincount(found.gold, minlength=3).tolist() == [38, 38, 0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda found: found.pop("joy"), "joy"),
        (lambda found: found.update(joy=3), "joy: train_share must be from 0 to 1"),
        (lambda found: found["joy"].pop("rows"), "joy: rows must be lists of 3 counts; make"),
        (lambda found: found["joy"]["rows"].append([1, 2]), "joy: rows"),
        (lambda found: found["joy"]["rows"].append([1, 2, -3]), "joy: rows"),
        (lambda found: found["joy"]["rows"].append([1, 2, 0.5]), "joy: rows"),
        (lambda found: found["joy"]["rows"].append([0, 0, 0]), "joy: rows"),
        (lambda found: found["joy"]["rows"].append([1, 2, 2**70]), "joy: rows"),
    ],
)
def test_what_are_no_rows_is_refused_by_name(change, reason):
    found = validation_classes(3).to_dict(LABELS)
    change(found)
    with pytest.raises(EmotionSlmError, match=reason):
        ClassScores.from_dict(found, LABELS, "scores.json")


def test_a_package_of_format_3_says_nothing_of_validation(packaged, tmp_path):
    import shutil

    old = shutil.copytree(packaged, tmp_path / "old")
    (old / "scores.json").unlink()
    config = read_json(old / "config.json")
    del config["files"]["scores.json"]
    write_json(old / "config.json", config | {"format_version": 3})
    assert read_scores(read_package(old)) is None
    assert read_scores(read_package(packaged)) is not None
