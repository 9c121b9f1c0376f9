"""Packages as stage evaluate makes them, of random weights."""

from pathlib import Path

import numpy as np
import torch

from emotion_slm.backbone.params import LoraParams
from emotion_slm.calibration.choice import Calibration
from emotion_slm.calibration.maps import Platt
from emotion_slm.calibration.softmax_maps import Vector
from emotion_slm.calibration.thresholds import Thresholds
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.finetuned import WEIGHTS, Finetuned, write_finetuned
from emotion_slm.classifier.params import LinearHead, MlpHead, OnePositionSlm
from emotion_slm.corpus.labels import Corpus, LabelSet
from emotion_slm.encoder.adapted import (
    ENCODER,
    build_encoder,
    read_adapted,
    write_adapted,
    write_frozen,
)
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.package.config import CALIBRATION, RESULTS, SCORES, THRESHOLDS
from emotion_slm.package.package import Origin, Package, write_package
from emotion_slm.package.provenance import Provenance
from emotion_slm.package.scores import ClassScores, ScoreHistograms, class_scores, score_histograms
from support.labels import SAMPLE

WIDTH = 32
LINEAR = LinearHead(name="linear")


def card_material(labels: LabelSet) -> dict:
    """Results of which a card is made; grief alone has few positives."""
    names = (
        "macro_f1", "micro_f1", "macro_precision", "macro_recall", "map", "exact_accuracy", "ece",
        "macro_f1_low", "macro_f1_high",
    )  # fmt: skip
    if labels.single:
        names = (
            "accuracy",
            *(name for name in names if name not in ("micro_f1", "exact_accuracy")),
        )
    test = {name: round(0.51 + 0.01 * place, 6) for place, name in enumerate(names)}
    rows = [
        {
            "label": label, "target": label in labels.targets, "precision": 0.4, "recall": 0.6,
            "f1": 0.48, "f1_low": 0.45, "f1_high": 0.5, "support": 19 if label == "grief" else 1234,
        }
        for label in labels.names
    ]  # fmt: skip
    at_half = {name: test[name] - 0.25 for name in names[:-2]}
    leakage = {"rules": 39, "broken": 0, "near_duplicates_in_train": 1234}
    second = "uncalibrated" if labels.single else "at_half"
    return {"test": test, second: at_half, "per_label": rows, "leakage": leakage}


def validation_scores(labels: int) -> ScoreHistograms:
    """Of 2,000 rows that are scored as their probabilities say."""
    rng = np.random.default_rng(4)
    probabilities = rng.beta(0.3, 2, size=(2000, labels))
    gold = rng.random(probabilities.shape) < probabilities
    return score_histograms(probabilities, gold, gold.mean(axis=0))


def validation_classes(classes: int) -> ClassScores:
    """The same of rows that have exactly one of the classes."""
    rng = np.random.default_rng(4)
    probabilities = rng.dirichlet(np.full(classes, 0.5), size=2000)
    drawn = (rng.random((2000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    gold = np.eye(classes)[np.minimum(drawn, classes - 1)]
    return class_scores(probabilities, gold, gold.mean(axis=0))


def create_package(
    root: Path,
    encoder: EncoderParams,
    classifier: LinearHead | MlpHead | OnePositionSlm = LINEAR,
    frozen: bool = False,
    lora: LoraParams | None = None,
    corpus: Corpus = SAMPLE,
) -> Path:
    """Folder `root`/classifier; what training moves is moved by chance, the same in every call."""
    labels, size = corpus.labels.names, len(corpus.labels)
    torch.manual_seed(4)
    if frozen:
        write_frozen(root / "adapted")
    else:
        model = build_encoder(encoder, lora, 0.0, labels)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.requires_grad:
                    weight.add_(0.05 * torch.randn_like(weight))
        write_adapted(root / "adapted", model, lora, "ab" * 32)
    finetuned = Finetuned(classifier, WIDTH, labels)
    write_finetuned(root / "finetuned", build_classifier(classifier, WIDTH, labels), finetuned)
    slope, intercept = np.linspace(0.5, 3, size), np.linspace(-1, 1, size)
    calibration = Calibration("platt", Platt(slope, intercept))
    thresholds = Thresholds(np.linspace(0.3, 0.7, size), 0.5)
    decided = {THRESHOLDS: thresholds.to_dict(labels)}
    scores = validation_scores(size)
    if corpus.labels.single:
        calibration, decided = Calibration("vector", Vector(slope, intercept)), {}
        scores = validation_classes(size)
    package = Package(
        folder=root / "classifier",
        encoder=encoder,
        adapted=read_adapted(root / "adapted"),
        finetuned=finetuned,
        origin=Origin("tiny", corpus.name, "pooled"),
        provenance=Provenance({"seed": 4}, {"data/raw/train.tsv": "cd" * 32}, {}),
        corpus=corpus,
    )
    write_package(
        package,
        encoder_weights=root / "adapted" / ENCODER,
        classifier_weights=root / "finetuned" / WEIGHTS,
        base=Path(encoder.id),
        parts={
            CALIBRATION: calibration.to_dict(labels),
            **decided,
            RESULTS: card_material(corpus.labels),
            SCORES: scores.to_dict(labels),
        },
    )
    return package.folder
