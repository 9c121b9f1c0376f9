"""Leak audit of data/undersampled and data/balanced: every training vector descends from train."""

from pathlib import Path

import numpy as np

from emotion_slm.audit.result import result
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import BALANCED, EMBEDDED, SPLIT, UNDERSAMPLED

SPLIT_COLUMNS = ("id", "text", "labels", "official_split", "duplicate_group")
BALANCED_COLUMNS = (
    "id", "labels", "synthetic", "target_label", "seed_id", "neighbour_id", "t", "normalized",
)  # fmt: skip
ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE = 1e-6, 1e-5
CHUNK = 4096  # rows compared at once: 80,000 synthetic rows of a large SLM do not fit in memory


def audit_balance(root: Path = Path()) -> dict:
    """Check the thinned rows against train, and the balanced rows against both and the vectors.

    A row without neighbour counts as its seed's copy. Every synthetic vector is recomputed from
    its provenance, so that false provenance shows as a vector off its segment.
    """
    train = files.read_parquet(root / SPLIT / "train.parquet", SPLIT_COLUMNS)
    held_out = {
        name: files.read_parquet(root / SPLIT / f"{name}.parquet", ["id"])["id"]
        for name in ("validation", "test")
    }
    thinned = files.read_parquet(root / UNDERSAMPLED / "train.parquet", SPLIT_COLUMNS)
    rows = files.read_parquet(root / BALANCED / "rows.parquet", BALANCED_COLUMNS)
    rows["neighbour_id"] = rows["neighbour_id"].fillna(rows["seed_id"])

    foreign = ~_keys(thinned, SPLIT_COLUMNS).isin(_keys(train, SPLIT_COLUMNS))
    parents = thinned[~foreign].drop_duplicates("id")
    is_synthetic = rows["synthetic"].to_numpy(dtype=bool)
    originals, synthetic = rows[~is_synthetic], rows[is_synthetic]
    unknown_original = ~_keys(originals, ("id", "labels")).isin(_keys(parents, ("id", "labels")))
    offenders = {
        "undersampled_rows_not_in_train": thinned["id"][foreign],
        "undersampled_ids_repeated": thinned["id"][thinned["id"].duplicated()],
        "original_rows_not_in_undersampled": originals["id"][unknown_original],
        "original_ids_repeated": originals["id"][originals["id"].duplicated()],
        **_synthetic_offenders(synthetic, parents),
        **_vector_offenders(root, rows, is_synthetic),
    }
    findings = {
        "original_rows": len(originals),
        "synthetic_rows": len(synthetic),
        "synthetic_rows_descending_from": {
            name: int(_descends_from(synthetic, ids).sum()) for name, ids in held_out.items()
        },
    }
    return result({rule: list(map(str, ids)) for rule, ids in offenders.items()}, findings)


def _keys(frame, columns: tuple[str, ...]):
    """One hashable key per row; a label set does not depend on its order."""
    import pandas as pd

    values = [
        frame[column].map(lambda names: tuple(sorted(names))) if column == "labels"
        else frame[column]
        for column in columns
    ]  # fmt: skip
    return pd.Series(list(zip(*values, strict=True)), index=frame.index, dtype=object)


def _descends_from(synthetic, ids):
    return synthetic["seed_id"].isin(ids) | synthetic["neighbour_id"].isin(ids)


def _synthetic_offenders(synthetic, parents) -> dict:
    """Ids of synthetic rows by broken rule; `parents` are the rows they may descend from."""
    labels_of = dict(zip(parents["id"], map(set, parents["labels"]), strict=True))
    rows = zip(synthetic["target_label"], synthetic["labels"], synthetic["seed_id"], strict=True)
    targets = [
        (target in set(labels), target in labels_of.get(seed, ())) for target, labels, seed in rows
    ]
    in_own, in_seed = np.array(targets, dtype=bool).reshape(-1, 2).T
    return {
        "synthetic_seeds_not_in_train": synthetic["id"][~synthetic["seed_id"].isin(parents["id"])],
        "synthetic_neighbours_not_in_train": synthetic["id"][
            ~synthetic["neighbour_id"].isin(parents["id"])
        ],
        "synthetic_rows_without_target_label": synthetic["id"][~in_own],
        "synthetic_targets_not_carried_by_seed": synthetic["id"][~in_seed],
    }


def _vector_offenders(root: Path, rows, is_synthetic: np.ndarray) -> dict:
    """Ids of rows whose vector is not what data/embedded and their provenance say."""
    embedded = files.read_array(root / EMBEDDED / "vectors.npy")
    index = files.read_parquet(root / EMBEDDED / "index.parquet", ["id", "row"])
    balanced = files.read_array(root / BALANCED / "vectors.npy")
    if balanced.shape != (len(rows), embedded.shape[1]):
        raise EmotionSlmError(
            f"{root / BALANCED / 'vectors.npy'}: shape {balanced.shape} does not fit "
            f"{len(rows)} rows of {embedded.shape[1]} numbers; run stage ismote again"
        )
    index = index[index["row"].between(0, len(embedded) - 1)]
    row_of = index.drop_duplicates("id").set_index("id")["row"]

    def located(ids) -> np.ndarray:
        return ids.map(row_of).fillna(-1).to_numpy(dtype=np.int64)

    seed_or_self = located(rows["seed_id"].where(is_synthetic, rows["id"]))
    neighbour_or_self = located(rows["neighbour_id"].where(is_synthetic, rows["id"]))
    t = rows["t"].to_numpy(dtype=np.float64)
    normalized = rows["normalized"].to_numpy(dtype=bool)
    as_stated = np.zeros(len(rows), dtype=bool)
    locatable = np.flatnonzero((seed_or_self >= 0) & (neighbour_or_self >= 0))
    for start in range(0, len(locatable), CHUNK):
        chunk = locatable[start : start + CHUNK]
        seeds = embedded[seed_or_self[chunk]]
        as_stated[chunk] = np.where(
            is_synthetic[chunk],
            _on_segment(
                balanced[chunk],
                seeds,
                embedded[neighbour_or_self[chunk]],
                t[chunk],
                normalized[chunk],
            ),
            (balanced[chunk] == seeds).all(axis=1),
        )
    return {
        "original_vectors_altered": rows["id"][~is_synthetic & ~as_stated],
        "synthetic_vectors_off_their_segment": rows["id"][is_synthetic & ~as_stated],
    }


def _on_segment(
    vectors: np.ndarray,
    seeds: np.ndarray,
    neighbours: np.ndarray,
    t: np.ndarray,
    normalized: np.ndarray,
) -> np.ndarray:
    """(rows,) whether each float32 vector is x_i + t (x_j − x_i), computed in float64, cast once.

    Rows marked `normalized` are compared after projection to unit length.
    """
    x_i, x_j = seeds.astype(np.float64), neighbours.astype(np.float64)
    expected = x_i + t[:, None] * (x_j - x_i)
    length = np.linalg.norm(expected, axis=1, keepdims=True)
    expected = np.where(normalized[:, None], expected / np.maximum(length, 1e-300), expected)
    distance = np.abs(vectors - expected.astype(np.float32))
    return (distance <= ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * np.abs(expected)).all(axis=1)
