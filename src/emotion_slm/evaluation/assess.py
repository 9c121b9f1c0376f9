"""What stage evaluate computes: the trained classifier, and adapt's own head, on held-out rows."""

from typing import NamedTuple

import numpy as np
from torch import nn

from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.classifier.adapted_head import load_adapted_head
from emotion_slm.classifier.finetuned import WEIGHTS, load_classifier, logits, read_finetuned
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import to_matrix
from emotion_slm.encoder.adapted import read_adapted
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.evaluation import predictions
from emotion_slm.evaluation import subsets as views
from emotion_slm.evaluation.evaluate import Evaluation, Scored, evaluate


class HeldOut(NamedTuple):
    """A split that was not trained on: ids, (n, d) vectors, (n, 28) gold, (n,) groups."""

    split: str
    ids: list[str]
    vectors: np.ndarray
    gold: np.ndarray
    groups: np.ndarray


def read_held_out(split: str) -> HeldOut:
    """Read `validation` or `test` from data/split, and its vectors."""
    columns = ("id", "labels", "duplicate_group")
    frame = read_parquet(paths.SPLIT / f"{split}.parquet", columns)
    return HeldOut(
        split=split,
        ids=frame["id"].tolist(),
        vectors=read_vectors(paths.EMBEDDED, frame["id"]),
        gold=to_matrix(frame["labels"]),
        groups=frame["duplicate_group"].to_numpy(),
    )


def score(classifier: nn.Module, rows: HeldOut) -> Scored:
    return Scored(logits(classifier, rows.vectors), rows.gold, rows.groups)


class Assessment(NamedTuple):
    """The classifier's evaluation, its scores, and what test.json holds beside them."""

    evaluation: Evaluation
    validation: Scored
    test: Scored
    views: dict  # headline metrics of some of test's rows, by view
    reference: dict  # test metrics by name; empty when the encoder is frozen


def assess(params: ThresholdParams, seed: int) -> Assessment:
    """Score validation and test, write their raw logits to data/predictions, evaluate these files.

    EmotionSlmError when a prediction file does not hold exactly the split's ids, the 28 labels and
    finite logits.
    """
    held_out = [read_held_out(name) for name in ("validation", "test")]
    finetuned = read_finetuned(paths.FINETUNED)
    classifier = load_classifier(finetuned, paths.FINETUNED / WEIGHTS)
    for rows in held_out:
        logits = score(classifier, rows).logits
        predictions.write(paths.PREDICTIONS / f"{rows.split}.parquet", rows.ids, logits)
    scored = [_read_scored(rows) for rows in held_out]
    evaluation = evaluate(*scored, params, seed)
    reference = {}
    if not read_adapted(paths.ADAPTED).frozen:
        head = load_adapted_head(paths.ADAPTED, finetuned.width)
        by_head = [score(head, rows) for rows in held_out]
        reference["adapt_head"] = evaluate(*by_head, params, seed).test
    return Assessment(evaluation, *scored, _views(evaluation, scored[1], seed), reference)


def _read_scored(rows: HeldOut) -> Scored:
    logits = predictions.read(paths.PREDICTIONS / f"{rows.split}.parquet", rows.ids)
    return Scored(logits, rows.gold, rows.groups)


def _views(evaluation: Evaluation, test: Scored, seed: int) -> dict:
    train_texts, texts = (
        read_parquet(paths.SPLIT / f"{name}.parquet", ("text",))["text"]
        for name in ("train", "test")
    )
    rows = views.masks(test.gold, texts, train_texts, child_seed(seed, "views"))
    return views.measure(
        rows,
        test.gold,
        evaluation.calibration.apply(test.logits),
        evaluation.thresholds.per_label,
        test.logits,
    )
