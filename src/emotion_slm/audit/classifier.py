"""Leak audit of the trainings: what models/finetuned says it learnt from, the classifier trained
again, and the curve of adaptation against the model it left."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from emotion_slm.audit.result import differences, result, table_differences
from emotion_slm.balance.rows import read_balanced
from emotion_slm.classifier.architectures import load_adapted_head
from emotion_slm.classifier.finetune import finetune
from emotion_slm.classifier.finetuned import (
    CONFIG,
    WEIGHTS,
    LabelledVectors,
    load_classifier,
    logits,
    read_finetuned,
    read_training_record,
    training_record,
)
from emotion_slm.classifier.params import Finetuned, FinetuneParams
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document
from emotion_slm.common.paths import ADAPTED, BALANCED, EMBEDDED, FINETUNED, PLOTS, RAW, SPLIT
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.encoder.params import AdaptParams
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.training.curve import Epoch, best
from emotion_slm.training.losses import build_loss
from emotion_slm.training.validation import measure

# Of the logits' spread. The same training on one thread and on two differs by a ten-thousandth;
# a tenth more rows, those of test, move logits by a hundredth at least.
REFIT_TOLERANCE = 2e-3
CURVE_TOLERANCE = 2e-3  # of losses and scores after training on another processor


def audit_classifier(root: Path, document: Document) -> dict:
    """Check what the classifier says of its training, and train a linear one again.

    `document`: the run's settings. A larger classifier is not trained again: its training may take
    hours, and draws on the random numbers of the processor it ran on. EmotionSlmError for one
    that was made before training rows were recorded.
    """
    pin_threads(document.threads)  # float sums depend on their number
    params = document.section("finetune", FinetuneParams)
    vectors, rows = read_balanced(root / BALANCED)
    labels = load_corpus(root / RAW).labels
    train_set = LabelledVectors(vectors, labels.to_matrix(rows["labels"]), rows["id"].tolist())
    held_out = {name: _labelled(root, name) for name in ("validation", "test")}
    trained, record = read_finetuned(root / FINETUNED), read_training_record(root / FINETUNED)
    if record is None:
        raise EmotionSlmError(
            f"{root / FINETUNED / CONFIG}: this classifier was made before the rows it learnt from "
            "were recorded; run `dvc repro` to make it again"
        )
    expected = training_record(train_set, held_out["validation"])
    of_params = Finetuned(params.classifier, vectors.shape[1], labels.names)
    offenders = {
        "classifier_trained_on_other_rows": differences(record.model_dump(), expected.model_dump()),
        "classifier_of_other_params": [CONFIG] if trained != of_params else [],
        "adapt_curve_not_of_the_encoder": _other_curve(root, document, held_out["validation"]),
    }
    again = params.classifier.name == "linear" and not params.training.launch_files
    if again and not offenders["classifier_of_other_params"]:
        offenders |= _refitted(root, train_set, held_out, params, document.seed)
    return result(offenders, {"classifier_trained_again": again})


def _labelled(root: Path, split: str) -> LabelledVectors:
    frame = files.read_parquet(root / SPLIT / f"{split}.parquet", ("id", "labels"))
    ids, labels = frame["id"].tolist(), load_corpus(root / RAW).labels
    gold = labels.to_matrix(frame["labels"])
    return LabelledVectors(read_vectors(root / EMBEDDED, ids), gold, ids)


def _other_curve(root: Path, document: Document, validation: LabelledVectors) -> list[str]:
    """Where adapt_curve.csv says another quality of the epoch kept than its head now shows.

    Other rows than validation's, if they picked the epoch, have another one.
    """
    written = files.read_csv(root / PLOTS / "adapt_curve.csv", Epoch._fields)
    if document.is_none("adapt"):
        return [f"epoch {row['epoch']}" for row in written]
    params = document.section("adapt", AdaptParams)
    try:
        curve = [Epoch(*(float(row[field]) for field in Epoch._fields)) for row in written]
        kept = best(curve, params.training.selection)
    except (TypeError, ValueError):
        return ["not a curve"]
    labels = load_corpus(root / RAW).labels
    head = load_adapted_head(root / ADAPTED, validation.vectors.shape[1], labels.names)
    loss = build_loss(params.loss, labels, _labelled(root, "train").gold)
    expected = measure(logits(head, validation.vectors), validation.gold, loss, labels.single)
    found = (kept.validation_loss, kept.validation_map, kept.validation_macro_f1)
    return differences(
        dict(zip(expected._fields, found, strict=True)), expected._asdict(), CURVE_TOLERANCE
    )


def _refitted(
    root: Path,
    train_set: LabelledVectors,
    held_out: dict[str, LabelledVectors],
    params: FinetuneParams,
    seed: int,
) -> dict[str, list[str]]:
    """Train again as stage finetune did; compare its curve, and logits of held-out rows."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        done = finetune(
            train_set,
            held_out["validation"],
            load_corpus(root / RAW).labels,
            params,
            child_seed(seed, "finetune"),
            folder,
            folder / "checkpoints",
            root / ADAPTED,
        )
        found, made = (
            load_classifier(read_finetuned(place), place / WEIGHTS)
            for place in (root / FINETUNED, folder)
        )
    vectors = np.concatenate([part.vectors for part in held_out.values()])
    written, expected = logits(found, vectors), logits(made, vectors)
    distance = np.sqrt(((written - expected) ** 2).mean(axis=0))  # (labels,)
    same = bool((distance <= REFIT_TOLERANCE * expected.std()).all())  # NaN is not the same
    return {
        "classifier_not_made_again": [] if same else [WEIGHTS],
        "classifier_curve_not_made_again": table_differences(
            root / PLOTS / "finetune_curve.csv",
            Epoch._fields,
            [epoch._asdict() for epoch in done.curve],
            CURVE_TOLERANCE,
        ),
    }
