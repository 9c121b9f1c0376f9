import json

import numpy as np
import pandas as pd
import pytest
from support.labels import GOEMOTIONS, LABELS

from emotion_slm.balance.grow import grow, keep
from emotion_slm.balance.params import IsmoteParams
from emotion_slm.common.errors import EmotionSlmError

COLUMNS = [
    "id", "labels", "synthetic", "target_label", "seed_id", "neighbour_id", "t", "normalized",
]  # fmt: skip


def parameters(**changes):
    return IsmoteParams(
        **{
            "target": 30,
            "k_neighbors": 5,
            "expansion": "segment",
            "labelset_strategy": "seed",
            "exclude_labels": ["neutral"],
            "normalize": False,
            **changes,
        }
    )


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)


@pytest.fixture(params=[list, np.array], ids=["lists", "arrays"])
def frame(request):
    random = np.random.default_rng(1)
    sets = [[LABELS[number % 28]] for number in range(100)] + [["neutral"]] * 60
    sets += [["sadness", "anger"]] * 40  # not in label order: kept as they are
    order = random.permutation(200)
    return pd.DataFrame(
        {
            "id": [f"row{number}" for number in order],
            "text": "",
            "labels": [request.param(sets[number]) for number in order],
        }
    )


def count(rows, label):
    return sum(label in names for names in rows["labels"])


def test_train_rows_come_first_unchanged(vectors, frame):
    balanced, rows, _ = grow(vectors, frame, GOEMOTIONS, parameters(), seed=0)
    assert balanced.dtype == np.float32
    assert balanced[:200].tobytes() == vectors.tobytes()
    assert list(rows.columns) == COLUMNS
    assert len(rows) == len(balanced) > 200
    train = rows[:200]
    assert train["id"].tolist() == frame["id"].tolist()
    assert list(map(list, train["labels"])) == list(map(list, frame["labels"]))
    assert not train["synthetic"].any() and not train["normalized"].any()
    assert train[["target_label", "seed_id", "neighbour_id", "t"]].isna().all().all()


def test_synthetic_rows_name_their_parents(vectors, frame):
    balanced, rows, _ = grow(vectors, frame, GOEMOTIONS, parameters(), seed=0)
    synthetic = rows[200:]
    assert synthetic["synthetic"].all()
    assert synthetic["id"].iloc[0] == "synthetic-000001"
    assert rows["id"].is_unique
    assert synthetic["t"].dtype == np.float64
    row_of = {name: row for row, name in enumerate(frame["id"])}
    seed, neighbour = (
        vectors[synthetic[name].map(row_of)].astype(np.float64)
        for name in ("seed_id", "neighbour_id")
    )
    recomputed = seed + synthetic["t"].to_numpy()[:, np.newaxis] * (neighbour - seed)
    np.testing.assert_allclose(balanced[200:], recomputed, rtol=1e-5, atol=1e-6)
    for _, row in synthetic.iterrows():
        assert row["target_label"] in row["labels"]
        for parent in (row["seed_id"], row["neighbour_id"]):
            assert row["target_label"] in frame["labels"][row_of[parent]]


def test_every_label_but_the_excluded_reaches_the_target(vectors, frame):
    _, rows, _ = grow(vectors, frame, GOEMOTIONS, parameters(), seed=0)
    assert all(count(rows, label) >= 30 for label in LABELS if label != "neutral")
    assert count(rows, "neutral") == count(frame, "neutral")
    assert count(rows, "anger") == count(frame, "anger") > 30


def test_a_mapping_grows_its_labels_alone(vectors, frame):
    _, rows, report = grow(
        vectors, frame, GOEMOTIONS, parameters(target={"joy": 12, "fear": 9}), seed=0
    )
    assert rows["target_label"].dropna().value_counts().to_dict() == {"joy": 9, "fear": 5}
    over = count(rows, "joy") - 12 + count(rows, "fear") - 9
    assert report["overshoot"] == over


def test_copies_are_their_own_neighbours(vectors, frame):
    balanced, rows, _ = grow(vectors, frame, GOEMOTIONS, parameters(expansion="copy"), seed=0)
    synthetic = rows[200:]
    assert (synthetic["seed_id"] == synthetic["neighbour_id"]).all()
    assert (synthetic["t"] == 0).all()
    row_of = {name: row for row, name in enumerate(frame["id"])}
    np.testing.assert_array_equal(balanced[200:], vectors[synthetic["seed_id"].map(row_of)])


def test_normalized_rows_are_marked(vectors, frame):
    balanced, rows, _ = grow(vectors, frame, GOEMOTIONS, parameters(normalize=True), seed=0)
    assert rows["normalized"].tolist() == rows["synthetic"].tolist()
    np.testing.assert_allclose(np.linalg.norm(balanced[200:], axis=1), 1, rtol=1e-6)


def test_the_report_is_true(vectors, frame):
    _, rows, report = grow(vectors, frame, GOEMOTIONS, parameters(), seed=0)
    before, after = (np.array([count(of, label) for label in LABELS]) for of in (frame, rows))
    beyond = {label: count(rows, label) - 30 for label in LABELS if label != "neutral"}
    grown = {label for label in beyond if count(frame, label) < 30}
    assert report == {
        "rows": len(rows),
        "synthetic": len(rows) - 200,
        "mean_ir_before": pytest.approx(np.mean(before.max() / before), abs=1e-6),
        "mean_ir_after": pytest.approx(np.mean(after.max() / after), abs=1e-6),
        "overshoot": sum(beyond[label] for label in grown),
    }
    json.dumps(report, allow_nan=False)


def test_the_seed_chooses_the_rows(vectors, frame):
    once, again, other = (
        grow(vectors, frame, GOEMOTIONS, parameters(), seed)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once[:210], other[:210])


@pytest.mark.parametrize(
    "change",
    [{"k_neighbors": 1}, {"expansion": "none"}, {"labelset_strategy": "union"}],
    ids=str,
)
def test_every_parameter_is_heeded(vectors, frame, change):
    default, changed = (
        grow(vectors, frame, GOEMOTIONS, parameters(target=200, **changes), seed=1)[1]
        for changes in ({}, change)
    )
    assert not default.equals(changed)


def test_a_label_without_rows_is_left_out_of_the_report(vectors, frame):
    without = frame["labels"].map(lambda names: "grief" not in names)
    rows = frame[without].reset_index(drop=True)
    with pytest.warns(UserWarning, match="grief"):
        _, _, report = grow(vectors[without], rows, GOEMOTIONS, parameters(), seed=0)
    json.dumps(report, allow_nan=False)


def test_vectors_must_be_finite(vectors, frame):
    vectors[3, 3] = np.nan
    with pytest.raises(EmotionSlmError, match="NaN"):
        grow(vectors, frame, GOEMOTIONS, parameters(), seed=0)


def test_keep_returns_the_train_rows_alone(vectors, frame):
    kept, rows, report = keep(vectors, frame, GOEMOTIONS)
    assert kept is vectors
    _, grown, _ = grow(vectors, frame, GOEMOTIONS, parameters(), seed=0)
    pd.testing.assert_frame_equal(rows, grown[:200])
    assert (report["rows"], report["synthetic"], report["overshoot"]) == (200, 0, 0)
    assert report["mean_ir_before"] == report["mean_ir_after"]


def test_the_frames_survive_parquet_with_one_schema(vectors, frame, tmp_path):
    import pyarrow.parquet as pq

    for name, rows in (
        ("grown", grow(vectors, frame, GOEMOTIONS, parameters(), seed=0)[1]),
        ("kept", keep(vectors, frame, GOEMOTIONS)[1]),
    ):
        rows.to_parquet(tmp_path / name, index=False)
    schemas = [pq.read_schema(tmp_path / name).remove_metadata() for name in ("grown", "kept")]
    assert schemas[0].equals(schemas[1])
    assert pq.read_table(tmp_path / "kept")["t"].null_count == 200
