"""Oversampling of train as the pipeline does it: names and ids instead of row indices."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emotion_slm.balance.ismote import MultiLabelISMOTE
from emotion_slm.balance.multilabel import PROVENANCE
from emotion_slm.balance.params import IsmoteParams
from emotion_slm.balance.targets import mean_ir
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.corpus.labels import LabelSet


def grow(
    vectors: np.ndarray, frame, labels: LabelSet, params: IsmoteParams, seed: int
) -> tuple[Any, Any, dict]:
    """Train rows followed by synthetic ones.

    `vectors`: (n, d) float32, one per row of `frame`, a pandas frame with columns `id, labels`.
    Returns the (n + m, d) float32 vectors, the frame of `data/balanced/rows.parquet` (null
    `target_label`, `seed_id`, `neighbour_id` and `t` for train rows) and the content of
    `metrics/balance.json`. EmotionSlmError when the rows cannot be grown as asked.
    """
    import pandas as pd

    y = pd.DataFrame(labels.to_matrix(frame["labels"]), columns=list(labels.names))
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
    synthetic_labels = labels.to_names(y_balanced.to_numpy()[len(frame) :])
    rows = _rows(frame, labels, synthetic_labels, sampler.provenance_)
    return balanced, rows, _report(y, y_balanced, sampler.overshoot_)


def as_ismote(
    grown: tuple,
    vectors: np.ndarray,
    frame,
    labels: LabelSet,
    params: IsmoteParams | None,
    seed: int,
):
    """Vectors and rows of `grown`, or of ISMOTE where the profile grows in another way.

    ISMOTE is what is compared with SMOTE, whatever the profile grows with.
    """
    if params is None or params.expansion == "segment":
        return grown[:2]
    params = params.model_copy(update={"expansion": "segment"})
    return grow(vectors, frame, labels, params, seed)[:2]


def keep(vectors: np.ndarray, frame, labels: LabelSet) -> tuple[Any, Any, dict]:
    """What `grow` returns for a profile without oversampling: the train rows alone."""
    y = labels.to_matrix(frame["labels"])
    return vectors, _rows(frame, labels, [], np.empty(0, PROVENANCE)), _report(y, y, {})


def _rows(frame, labels: LabelSet, synthetic_labels: list[list[str]], provenance: np.ndarray):
    import pandas as pd

    ids = frame["id"].to_numpy(dtype=object)
    names = np.array(labels.names, dtype=object)
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


def _report(y, y_balanced, overshoot: Mapping[str, int]) -> dict[str, float]:
    """Rows in all and synthetic ones, imbalance before and after, and rows beyond the targets."""
    before, after = (mean_ir(np.asarray(labels).sum(axis=0)) for labels in (y, y_balanced))
    return {
        "rows": len(y_balanced),
        "synthetic": len(y_balanced) - len(y),
        "mean_ir_before": round(before, DECIMALS),
        "mean_ir_after": round(after, DECIMALS),
        "overshoot": sum(overshoot.values()),
    }
