"""Leak audit of models/adapted and data/predictions: who was trained on, who scored whom."""

from pathlib import Path

import numpy as np

from emotion_slm.audit.ranking_gap import likelihood_gap, ranking_gap, ridge_logits
from emotion_slm.audit.result import result
from emotion_slm.common import files
from emotion_slm.common.params import Document
from emotion_slm.common.paths import ADAPTED, EMBEDDED, RAW, SPLIT
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.common.together import rows_together
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.encoder.adapted import CONFIG, read_adapted
from emotion_slm.encoder.params import Adapted, AdaptParams
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.evaluation import predictions
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.evaluation.predictions import HELD_OUT, path_of

# A model that saw neither split passes five standard deviations about once in millions of runs.
MOST_DEVIATIONS = 5.0
GAP_SEED = 0


def audit_evaluation(root: Path, document: Document) -> dict:
    """Check which rows the encoder was adapted on, and the rows of the prediction files.

    `document`: the run's settings. The logits must neither rank nor fit test far better than
    validation: those of an encoder or a classifier that saw test do, whatever its config says.
    """
    adapted = read_adapted(root / ADAPTED)
    offenders = {
        "adapted_encoder_saw_other_rows": [] if adapted.frozen else _other_rows_seen(root),
        "adapted_otherwise_than_params_say": _other_settings(adapted, document),
    }
    labels = load_corpus(root / RAW).labels
    for split in HELD_OUT:
        frame = predictions.read_frame(path_of(split, root), labels)
        for problem, ids in predictions.problems(frame, _rows(root, split)["id"]).items():
            offenders[f"{split}_predictions_{problem.replace(' ', '_')}"] = ids
    findings = {"encoder_frozen": adapted.frozen}
    scored = read_scored(root)
    if scored is not None:
        gaps = {
            "ranked": ("macro_average_precision", ranking_gap(*scored, GAP_SEED)),
            "fitted": ("likelihood_gained", likelihood_gap(scored, _honest(root), GAP_SEED)),
        }
        for done, (finding, gap) in gaps.items():
            offenders[f"test_{done}_far_above_validation"] = (
                [finding] if gap.deviations > MOST_DEVIATIONS else []
            )
            findings[finding] = {
                name: round(value, DECIMALS) for name, value in gap._asdict().items()
            }
    return result(offenders, findings)


def _honest(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logits of validation and test by a regression on train's own vectors."""
    train = _rows(root, "train")
    vectors = read_vectors(root / EMBEDDED, train["id"])
    held_out = [read_vectors(root / EMBEDDED, _rows(root, split)["id"]) for split in HELD_OUT]
    validation, test = ridge_logits(
        vectors, load_corpus(root / RAW).labels.to_matrix(train["labels"]), held_out
    )
    return validation, test


def _other_rows_seen(root: Path) -> list[str]:
    """The hashes in models/adapted that are not of the rows of this split.

    Of the rows that picked the epoch, a run made before they were recorded says nothing.
    """
    config = files.read_json(root / ADAPTED / CONFIG)
    found = []
    for split, key in (("train", "train_ids_sha256"), ("validation", "validation_ids_sha256")):
        ids = files.read_parquet(root / SPLIT / f"{split}.parquet", ["id"])["id"]
        if config.get(key) is None and split == "validation":
            continue
        if config.get(key) != files.sha256_lines(ids.tolist()):
            found.append(f"{key} {config.get(key)}")
    return found


def _other_settings(adapted: Adapted, document: Document) -> list[str]:
    """What models/adapted says of its making and params.yaml does not."""
    frozen = document.is_none("adapt")
    lora = None
    if not frozen:
        wanted = document.section("adapt", AdaptParams).lora
        lora = None if wanted == "none" else wanted
    return [
        name
        for name, found, expected in (
            ("frozen", adapted.frozen, frozen),
            ("lora", adapted.lora, lora),
        )
        if found != expected
    ]


def read_scored(root: Path) -> tuple[Scored, Scored] | None:
    """Validation and test from data/predictions; None when their rows are not those of the split.

    That breaks rules of its own, and no number can be recomputed.
    """
    labels, scored = load_corpus(root / RAW).labels, []
    for split in HELD_OUT:
        path, rows = path_of(split, root), _rows(root, split)
        if any(predictions.problems(predictions.read_frame(path, labels), rows["id"]).values()):
            return None
        logits, gold = predictions.read(path, rows["id"], labels), labels.to_matrix(rows["labels"])
        scored.append(Scored(logits, gold, rows_together(rows), labels))
    return scored[0], scored[1]


def _rows(root: Path, split: str):
    columns = ("id", "labels", "duplicate_group")
    return files.read_parquet(root / SPLIT / f"{split}.parquet", columns)
