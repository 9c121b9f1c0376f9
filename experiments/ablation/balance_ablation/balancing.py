"""Balancing by name: the rows a head is trained on."""

import numpy as np
import pandas as pd
from goemotions import LABEL_INDEX, NEUTRAL, to_names

from balance_ablation.names import (
    BALANCINGS,
    BOTH,
    COPIES,
    ISMOTE,
    JITTER,
    SMOTE,
    UNDERSAMPLING,
)
from balance_ablation.params import BalancingParams
from emotion_slm.balance.ismote import MultiLabelISMOTE
from emotion_slm.balance.undersample import undersample
from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.common.seeds import child_seed

EXPANSIONS = {COPIES: "copy", SMOTE: "none", ISMOTE: "segment", BOTH: "segment"}


def balance(
    name: str, vectors: np.ndarray, gold: np.ndarray, params: BalancingParams, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The (m, d) float32 vectors and (m, 28) gold that `name` makes of (n, d) and (n, 28) of train.

    EmotionSlmError for an unknown name.
    """
    if name not in BALANCINGS:
        raise EmotionSlmError(f"unknown balancing {name!r}{did_you_mean(name, BALANCINGS)}")
    if name in (UNDERSAMPLING, BOTH):
        kept = _kept(gold, params.neutral_only, child_seed(seed, "undersample"))
        vectors, gold = vectors[kept], gold[kept]
    seed = child_seed(seed, "oversample")
    if name == JITTER:
        return jitter(vectors, gold, params, seed)
    if name in EXPANSIONS:
        return oversample(vectors, gold, EXPANSIONS[name], params, seed)[:2]
    return vectors, gold


def oversample(
    vectors: np.ndarray, gold: np.ndarray, expansion: str, params: BalancingParams, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every label but neutral grown to the target; the last array is the rows' provenance."""
    sampler = MultiLabelISMOTE(
        sampling_strategy=params.target,
        k_neighbors=params.k_neighbors,
        expansion=expansion,
        labelset_strategy=params.labelset_strategy,
        exclude_labels=[LABEL_INDEX[NEUTRAL]],
        random_state=seed,
    )
    return *sampler.fit_resample(vectors, gold), sampler.provenance_


def jitter(
    vectors: np.ndarray, gold: np.ndarray, params: BalancingParams, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Random oversampling whose copies are moved by isotropic Gaussian noise.

    The noise of a label's rows has the mean squared length of ISMOTE's displacements for that
    label, E‖z − x_i‖², but no direction: what ISMOTE gains beyond it comes from the neighbours.
    """
    real, width = vectors.shape
    moved, _, ismote = oversample(vectors, gold, "segment", params, seed)
    squared = ((moved[real:] - vectors[ismote["seed"]]) ** 2).sum(axis=1)
    labels = gold.shape[1]
    count = np.bincount(ismote["target"], minlength=labels)
    total = np.bincount(ismote["target"], weights=squared, minlength=labels)
    copied, gold, copies = oversample(vectors, gold, "copy", params, seed)
    # A label that only copying had to grow: inheritance had filled it for ISMOTE.
    mean = np.where(count > 0, total / np.maximum(count, 1), squared.mean())
    scale = np.sqrt(mean / width)[copies["target"], None].astype(np.float32)
    random = np.random.default_rng(child_seed(seed, "jitter"))
    copied[real:] += scale * random.standard_normal((len(copies), width), dtype=np.float32)
    return copied, gold


def _kept(gold: np.ndarray, neutral_only: int, seed: int) -> np.ndarray:
    frame = pd.DataFrame({"labels": to_names(gold), "row": np.arange(len(gold))})
    return undersample(frame, NEUTRAL, neutral_only, seed)["row"].to_numpy()
