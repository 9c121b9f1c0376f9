import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labels import GOEMOTIONS, LABEL_INDEX, LABELS

from emotion_slm.balance import purity as module
from emotion_slm.balance.grow import grow, keep
from emotion_slm.balance.params import IsmoteParams
from emotion_slm.balance.purity import (
    COLUMNS,
    NEIGHBOURS,
    mean_purity,
    neighbour_purity,
    probes,
)


def gold_of(n_rows: int, **carriers) -> np.ndarray:
    """(n, 28) gold, each label on the rows given."""
    gold = np.zeros((n_rows, len(LABELS)), dtype=np.int8)
    for label, rows in carriers.items():
        gold[rows, LABEL_INDEX[label]] = 1
    return gold


def test_shares_counted_by_hand():
    validation = np.arange(10, dtype=np.float32)[:, np.newaxis]  # 0, 1, … 9 on a line
    gold = gold_of(10, grief=[0, 1, 5], joy=[9])
    of_label = {
        "grief": {
            "real": np.array([[-1.0]]),  # nearest: 0 to 4, of which 0 and 1 carry grief
            "ismote": np.array([[-1.0], [20.0]]),  # the same; then 5 to 9, of which 5 does
            "smote": np.array([[20.0]]),
        },
        "joy": {kind: np.array([[20.0]]) for kind in ("real", "ismote", "smote")},
    }
    purity = neighbour_purity(of_label, GOEMOTIONS, validation, gold)
    assert purity == [
        {
            "label": "grief", "real": 0.4, "ismote": pytest.approx(0.3), "smote": 0.2,
            "chance": 0.3, "validation_rows": 3,
        },
        {
            "label": "joy", "real": 0.2, "ismote": 0.2, "smote": 0.2, "chance": 0.1,
            "validation_rows": 1,
        },
    ]  # fmt: skip
    assert all(set(row) == set(COLUMNS) for row in purity)
    assert mean_purity(purity, "ismote") == pytest.approx(0.25)
    json.dumps(purity, allow_nan=False)


def test_a_label_without_validation_rows_has_no_purity_and_leaves_the_mean_alone():
    validation = np.arange(10, dtype=np.float32)[:, np.newaxis]
    of_label = {label: {"real": validation[:2], "ismote": validation} for label in ("grief", "joy")}
    with_both = neighbour_purity(of_label, GOEMOTIONS, validation, gold_of(10, joy=[0, 1, 2]))
    joy_alone = neighbour_purity(
        {"joy": of_label["joy"]}, GOEMOTIONS, validation, gold_of(10, joy=[0, 1, 2])
    )
    assert with_both == joy_alone and len(joy_alone) == 1


def test_no_label_at_all_has_no_mean():
    validation = np.zeros((5, 2), dtype=np.float32)
    assert neighbour_purity({}, GOEMOTIONS, validation, gold_of(5)) == []
    assert mean_purity([], "ismote") is None


def test_without_synthetic_rows_real_and_chance_remain():
    validation = np.arange(10, dtype=np.float32)[:, np.newaxis]
    purity = neighbour_purity(
        {"joy": {"real": validation}}, GOEMOTIONS, validation, gold_of(10, joy=[4])
    )
    assert set(purity[0]) == {"label", "real", "chance", "validation_rows"}
    assert mean_purity(purity, "ismote") is None


@given(seed=st.integers(0, 2**31), d=st.sampled_from([2, 20]), n_rows=st.integers(5, 40))
def test_agrees_with_a_loop_over_all_distances(seed, d, n_rows):
    random = np.random.default_rng(seed)
    validation = random.normal(size=(n_rows, d))
    gold = (random.random((n_rows, len(LABELS))) < 0.4).astype(np.int8)
    gold[0] = 1  # every label has a validation row
    of_label = {
        label: {kind: random.normal(size=(7, d)) for kind in ("real", "ismote", "smote")}
        for label in ("grief", "joy")
    }
    purity = {row["label"]: row for row in neighbour_purity(of_label, GOEMOTIONS, validation, gold)}
    for label, kinds in of_label.items():
        for kind, rows in kinds.items():
            shares = []
            for row in rows:
                distances = [float(np.sqrt(((row - other) ** 2).sum())) for other in validation]
                nearest = sorted(range(n_rows), key=distances.__getitem__)[:NEIGHBOURS]
                shares.append(sum(gold[near, LABEL_INDEX[label]] for near in nearest) / NEIGHBOURS)
            assert purity[label][kind] == pytest.approx(np.mean(shares))


def test_displaced_rows_are_refuted():
    """Purity is near 1 for rows in their label's cluster and near chance for rows far from all."""
    random = np.random.default_rng(0)
    d, n_clusters, size = 16, 10, 40
    centres = 20 * random.normal(size=(n_clusters, d))
    cluster = np.repeat(np.arange(n_clusters), size)
    validation = centres[cluster] + random.normal(size=(len(cluster), d))
    gold = gold_of(len(cluster), grief=cluster == 0)
    inside = centres[0] + random.normal(size=(200, d))
    displaced = inside + 1000 * random.normal(size=inside.shape)
    probes = {"grief": {"ismote": inside, "smote": displaced}}
    (grief,) = neighbour_purity(probes, GOEMOTIONS, validation, gold)
    assert grief["ismote"] > 0.99
    assert grief["chance"] == pytest.approx(0.1)
    assert grief["smote"] < 0.25


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
    found = probes(
        *grow(*train, GOEMOTIONS, parameters(), seed=0)[:2],
        GOEMOTIONS,
        seed=1,
    )
    assert list(found) == ["joy", "fear"]
    for label, kinds in found.items():
        assert set(kinds) == {"real", "ismote", "smote"}
        assert len(kinds["real"]) == SIZES[label]
        assert len(kinds["ismote"]) == len(kinds["smote"]) == 60 - SIZES[label]


def test_real_and_ismote_are_rows_of_the_balanced_set(train):
    balanced, rows, _ = grow(*train, GOEMOTIONS, parameters(), seed=0)
    for label, kinds in probes(balanced, rows, GOEMOTIONS, seed=1).items():
        carries = rows["labels"].map(lambda labels, label=label: label in labels)
        assert rows_in(kinds["real"], balanced[~rows["synthetic"] & carries])
        assert rows_in(kinds["ismote"], balanced[rows["target_label"] == label])


def test_smote_rows_lie_between_the_parents_of_the_ismote_rows(train):
    balanced, rows, _ = grow(*train, GOEMOTIONS, parameters(), seed=0)
    vector_of = dict(zip(rows["id"], balanced, strict=True))
    made = rows[rows["target_label"] == "joy"]
    smote = probes(balanced, rows, GOEMOTIONS, seed=1)["joy"]["smote"]
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
    found = probes(
        *grow(unit, frame, GOEMOTIONS, parameters(normalize=True), seed=0)[:2],
        GOEMOTIONS,
        seed=1,
    )
    np.testing.assert_allclose(np.linalg.norm(found["joy"]["smote"], axis=1), 1, rtol=1e-5)


def test_no_kind_exceeds_the_sample(train, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 15)
    found = probes(
        *grow(*train, GOEMOTIONS, parameters(), seed=0)[:2],
        GOEMOTIONS,
        seed=1,
    )
    sizes = {label: [len(rows) for rows in kinds.values()] for label, kinds in found.items()}
    assert sizes == {"joy": [12, 15, 15], "fear": [15, 15, 15]}


def test_the_seed_chooses_the_rows(train, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 15)
    balanced, rows, _ = grow(*train, GOEMOTIONS, parameters(), seed=0)
    once, again, other = (probes(balanced, rows, GOEMOTIONS, seed)["fear"] for seed in (1, 1, 2))
    for kind in once:
        np.testing.assert_array_equal(once[kind], again[kind])
        assert not np.array_equal(once[kind], other[kind])


def test_without_synthetic_rows_every_label_with_rows_has_its_real_ones(train):
    found = probes(*keep(*train, GOEMOTIONS)[:2], GOEMOTIONS, seed=1)
    assert list(found) == ["joy", "fear", "neutral", "admiration"]
    assert all(set(kinds) == {"real"} for kinds in found.values())
    assert set(found) < set(LABELS)
