"""Oversampling of train as the pipeline does it: names and ids instead of row indices."""

from typing import Any

import numpy as np

from emotion_slm.balance.ismote import MultiLabelISMOTE
from emotion_slm.balance.multilabel import PROVENANCE
from emotion_slm.balance.params import IsmoteParams
from emotion_slm.balance.targets import irlbl, label_cardinality, mean_ir
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus.labels import LABELS, to_matrix, to_names


def grow(vectors: np.ndarray, frame, params: IsmoteParams, seed: int) -> tuple[Any, Any, dict]:
    """Train rows followed by synthetic ones.

    `vectors`: (n, d) float32, one per row of `frame`, a pandas frame with columns `id, labels`.
    Returns the (n + m, d) float32 vectors, the frame of `data/balanced/rows.parquet` (null
    `target_label`, `seed_id`, `neighbour_id` and `t` for train rows) and the content of
    `metrics/balance.json`. EmotionSlmError when the rows cannot be grown as asked.
    """
    import pandas as pd

    y = pd.DataFrame(to_matrix(frame["labels"]), columns=list(LABELS))
    sampler = MultiLabelISMOTE(
        sampling_strategy=params.target,
        k_neighbors=params.k_neighbors,
        expansion=params.expansion,
        labelset_strategy=params.labelset_strategy,
        exclude_labels=params.exclude_labels,
        normalize=params.normalize,
        random_state=seed,
    )
    try:
        balanced, y_balanced = sampler.fit_resample(vectors, y)
    except ValueError as error:
        raise EmotionSlmError(f"train cannot be oversampled: {error}") from error
    synthetic_labels = to_names(y_balanced.to_numpy()[len(frame) :])
    rows = _rows(frame, synthetic_labels, sampler.provenance_)
    return balanced, rows, _report(y, y_balanced, sampler.targets_, sampler.overshoot_)


def keep(vectors: np.ndarray, frame) -> tuple[Any, Any, dict]:
    """What `grow` returns for a profile without oversampling: the train rows alone."""
    y = to_matrix(frame["labels"])
    return vectors, _rows(frame, [], np.empty(0, PROVENANCE)), _report(y, y, {}, {})


def _rows(frame, synthetic_labels: list[list[str]], provenance: np.ndarray):
    import pandas as pd

    ids = frame["id"].to_numpy(dtype=object)
    names = np.array(LABELS, dtype=object)
    n_synthetic = len(provenance)
    real, null = len(frame), np.full(len(frame), None, dtype=object)

    def text(of_synthetic: np.ndarray):
        return pd.array(np.concatenate([null, of_synthetic]), dtype="str")

    return pd.DataFrame(
        {
            "id": [*ids, *(f"synthetic-{number + 1:06d}" for number in range(n_synthetic))],
            "labels": [*map(list, frame["labels"]), *synthetic_labels],
            "synthetic": np.arange(real + n_synthetic) >= real,
            "target_label": text(names[provenance["target"]]),
            "seed_id": text(ids[provenance["seed"]]),
            "neighbour_id": text(ids[provenance["neighbour"]]),
            "t": np.concatenate([np.full(real, np.nan), provenance["t"]]),
            "normalized": np.concatenate([np.zeros(real, dtype=bool), provenance["normalized"]]),
        }
    )


def _report(y, y_balanced, targets: dict[str, int], overshoot: dict[str, int]) -> dict:
    """Counts and imbalance before and after; what is undefined for a label is left out."""
    before, after = np.asarray(y).sum(axis=0), np.asarray(y_balanced).sum(axis=0)
    columns = {
        "before": dict(zip(LABELS, before.tolist(), strict=True)),
        "after": dict(zip(LABELS, after.tolist(), strict=True)),
        "target": targets,
        "overshoot": overshoot,
        "irlbl_before": _finite(irlbl(before)),
        "irlbl_after": _finite(irlbl(after)),
    }
    return {
        "rows": {"train": len(y), "synthetic": len(y_balanced) - len(y)},
        "mean_ir": {"before": mean_ir(before), "after": mean_ir(after)},
        "label_cardinality": {
            "before": label_cardinality(y),
            "after": label_cardinality(y_balanced),
        },
        "per_label": {
            label: {name: column[label] for name, column in columns.items() if label in column}
            for label in LABELS
        },
    }


def _finite(values: np.ndarray) -> dict[str, float]:
    return {
        label: float(value)
        for label, value in zip(LABELS, values, strict=True)
        if np.isfinite(value)
    }
