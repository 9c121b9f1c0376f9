import numpy as np
import pandas as pd
import pytest

from emotion_slm.balance import purity as module
from emotion_slm.balance.grow import grow, keep
from emotion_slm.balance.params import IsmoteParams
from emotion_slm.balance.purity import probes
from emotion_slm.corpus.labels import LABELS

SIZES = {"admiration": 70, "joy": 12, "fear": 20, "neutral": 30}


def parameters(**changes):
    defaults = {
        "target": 60, "k_neighbors": 5, "expansion": "segment", "labelset_strategy": "seed",
        "exclude_labels": ["neutral"], "normalize": False,
    }  # fmt: skip
    targets = {"target": {"admiration": 60, "joy": 60, "fear": 60}}
    return IsmoteParams(**defaults | targets | changes)


@pytest.fixture
def train():
    """(132, 6) vectors and their frame: every row with one label."""
    labels = [[label] for label, size in SIZES.items() for _ in range(size)]
    frame = pd.DataFrame({"id": [f"row{row}" for row in range(len(labels))], "labels": labels})
    vectors = np.random.default_rng(0).normal(size=(len(frame), 6)).astype(np.float32)
    return vectors, frame


def rows_in(found: np.ndarray, pool: np.ndarray) -> bool:
    return {row.tobytes() for row in found} <= {row.tobytes() for row in pool}


def test_grown_labels_alone_rarest_first(train):
    found = probes(*grow(*train, parameters(), seed=0)[:2], seed=1)
    assert list(found) == ["joy", "fear"]
    for label, kinds in found.items():
        assert set(kinds) == {"real", "ismote", "smote"}
        assert len(kinds["real"]) == SIZES[label]
        assert len(kinds["ismote"]) == len(kinds["smote"]) == 60 - SIZES[label]


def test_real_and_ismote_are_rows_of_the_balanced_set(train):
    balanced, rows, _ = grow(*train, parameters(), seed=0)
    for label, kinds in probes(balanced, rows, seed=1).items():
        carries = rows["labels"].map(lambda labels, label=label: label in labels)
        assert rows_in(kinds["real"], balanced[~rows["synthetic"] & carries])
        assert rows_in(kinds["ismote"], balanced[rows["target_label"] == label])


def test_smote_rows_lie_between_the_parents_of_the_ismote_rows(train):
    balanced, rows, _ = grow(*train, parameters(), seed=0)
    vector_of = dict(zip(rows["id"], balanced, strict=True))
    made = rows[rows["target_label"] == "joy"]
    smote = probes(balanced, rows, seed=1)["joy"]["smote"]
    seeds, neighbours = (
        np.stack([vector_of[name] for name in made[column]])
        for column in ("seed_id", "neighbour_id")
    )
    step, whole = smote - seeds, neighbours - seeds
    t = (step * whole).sum(axis=1) / (whole**2).sum(axis=1)
    assert t.min() >= 0 and t.max() <= 1 and t.std() > 0.2
    np.testing.assert_allclose(seeds + t[:, np.newaxis] * whole, smote, atol=1e-5)
    assert smote.dtype == np.float32


def test_smote_rows_are_of_unit_length_when_the_ismote_rows_are(train):
    vectors, frame = train
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = probes(*grow(unit, frame, parameters(normalize=True), seed=0)[:2], seed=1)
    np.testing.assert_allclose(np.linalg.norm(found["joy"]["smote"], axis=1), 1, rtol=1e-5)


def test_no_kind_exceeds_the_sample(train, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 15)
    found = probes(*grow(*train, parameters(), seed=0)[:2], seed=1)
    sizes = {label: [len(rows) for rows in kinds.values()] for label, kinds in found.items()}
    assert sizes == {"joy": [12, 15, 15], "fear": [15, 15, 15]}


def test_the_seed_chooses_the_rows(train, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 15)
    balanced, rows, _ = grow(*train, parameters(), seed=0)
    once, again, other = (probes(balanced, rows, seed)["fear"] for seed in (1, 1, 2))
    for kind in once:
        np.testing.assert_array_equal(once[kind], again[kind])
        assert not np.array_equal(once[kind], other[kind])


def test_without_synthetic_rows_every_label_with_rows_has_its_real_ones(train):
    found = probes(*keep(*train)[:2], seed=1)
    assert list(found) == ["joy", "fear", "neutral", "admiration"]
    assert all(set(kinds) == {"real"} for kinds in found.values())
    assert set(found) < set(LABELS)
