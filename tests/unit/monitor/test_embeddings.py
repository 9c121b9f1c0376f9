import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_slm.monitor.drift import EMBEDDINGS, drifts, moments
from emotion_slm.monitor.embeddings import drawn, embedded, texts_at, unexplained
from emotion_slm.monitor.inputs import read_scored
from emotion_slm.monitor.periods import Every
from emotion_slm.monitor.settings import Settings

DAILY = Settings(time="at", every=Every.DAY)
LABELS = ("anger", "joy")


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 8))
def test_at_most_so_many_rows_of_each_cell_are_drawn(places, most):
    place = np.array([*places, *range(max(places) + 1)])  # every cell has a row
    rows = drawn(place, most, np.random.default_rng(0))
    assert (np.diff(rows) > 0).all()
    expected = np.minimum(np.bincount(place), most)
    assert np.bincount(place[rows]).tolist() == expected.tolist()


def test_rows_are_drawn_by_chance():
    found = [drawn(np.zeros(50, int), 5, np.random.default_rng(seed)) for seed in range(200)]
    assert np.bincount(np.concatenate(found), minlength=50).std() < 2 * np.sqrt(20)


@pytest.fixture
def path(tmp_path):
    """Rows of four days, every third without a time."""
    path = tmp_path / "x.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["at", "text", *LABELS])
        for row in range(240):
            at = "" if row % 3 == 0 else f"2026-03-0{1 + row % 4}"
            writer.writerow([at, f"text {row}", 0.1, 0.9])
    return path


def test_texts_are_those_of_the_rows_that_are_used(path):
    scored = read_scored([path], DAILY, LABELS)
    rows = drawn(scored.place, 5, np.random.default_rng(1))
    texts = texts_at(rows, [path], DAILY, LABELS)
    used = [f"text {row}" for row in range(240) if row % 3]
    assert texts == [used[row] for row in rows]


class Embedder:
    """Vectors and probabilities that follow from a text's number."""

    def embeddings(self, texts):
        numbers = np.array([float(text.split()[1]) for text in texts])
        vectors = np.stack([np.cos(numbers), np.sin(numbers), np.ones(len(texts))], axis=1)
        return vectors, np.stack([numbers % 7, numbers % 5], axis=1) / 7


def test_a_sample_of_each_cell_is_embedded(path):
    scored = read_scored([path], DAILY, LABELS)
    rng = np.random.default_rng(2)
    found = embedded(scored, [path], DAILY, LABELS, Embedder(), 30, rng)
    assert found[:, -1].tolist() == [30] * 4
    assert found.shape == (4, 3 + 2)
    few = embedded(scored, [path], DAILY, LABELS, Embedder(), 2, rng)
    assert few is None  # 8 texts do not tell what two labels explain


def test_a_shift_of_shares_is_no_drift_of_embeddings_and_another_subject_is():
    """A label moves vectors in one direction, the subject in another."""
    rng = np.random.default_rng(3)
    toward_label, toward_subject = np.eye(12)[0], np.eye(12)[1]

    def kinds(share: float, subject: float) -> tuple[bool, bool]:
        shares, subjects = [0.1] * 8 + [share], [0.2] * 8 + [subject]
        cells, vectors, probabilities = [], [], []
        for cell, (label, about) in enumerate(zip(shares, subjects, strict=True)):
            held, off = rng.random(300) < label, rng.random(300) < about
            cells += [cell] * 300
            vectors.append(np.outer(held, toward_label) + np.outer(off, toward_subject)
                           + 0.4 * rng.standard_normal((300, 12)))  # fmt: skip
            probabilities.append(np.where(held, 0.9, 0.1) + rng.uniform(-0.1, 0.1, 300))
        vectors, known = np.concatenate(vectors), np.concatenate(probabilities)[:, None]
        raw = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        tables = [moments(part, np.array(cells), 9) for part in (raw, unexplained(vectors, known))]
        return tuple(drifts({EMBEDDINGS: table}, 8, range(8))[0].changed for table in tables)

    assert kinds(0.4, 0.2) == (True, False)
    assert kinds(0.1, 0.6)[1]
