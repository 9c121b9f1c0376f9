"""From the stages' outputs to models/classifier: what users load."""

from pathlib import Path

from emotion_slm.backbone.pretrained import locate, with_commit
from emotion_slm.classifier import finetuned
from emotion_slm.classifier.params import OnePositionSlm
from emotion_slm.common import files, paths
from emotion_slm.common.params import Document
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.corpus.params import FetchParams, SplitParams
from emotion_slm.encoder import adapted
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.evaluation.evaluate import Evaluation, Scored
from emotion_slm.package.card import write_card
from emotion_slm.package.config import (
    AT_HALF,
    CALIBRATION,
    RESULTS,
    SCORES,
    THRESHOLDS,
    UNCALIBRATED,
)
from emotion_slm.package.package import Origin, Package, write_package
from emotion_slm.package.provenance import Provenance, base_hashes, data_hashes
from emotion_slm.package.scores import ClassScores, ScoreHistograms, class_scores, score_histograms


def build_package(
    origin: Origin,
    document: Document,
    found: Evaluation,
    scores: ScoreHistograms | ClassScores,
    leakage: dict[str, int],
) -> None:
    """Package encoder, classifier, calibration, thresholds, tokenizer and model card.

    `scores`: `validation_scores`; `leakage`: the counts of metrics/leakage.json.
    """
    package = describe(origin, document)
    names = package.corpus.labels.names
    choice, thresholds = found.decision
    decided = {} if thresholds is None else {THRESHOLDS: thresholds.to_dict(names)}
    write_package(
        package,
        encoder_weights=paths.ADAPTED / adapted.ENCODER,
        classifier_weights=paths.FINETUNED / finetuned.WEIGHTS,
        base=locate(document.section("encoder", EncoderParams)),
        parts={
            CALIBRATION: choice.calibration.to_dict(names),
            **decided,
            RESULTS: card_results(found, leakage),
            SCORES: scores.to_dict(names),
        },
    )
    write_card(package)


def describe(origin: Origin, document: Document, root: Path = Path()) -> Package:
    """What the package of the run in the workspace at `root` says of itself."""
    encoder = document.section("encoder", EncoderParams)
    trained = finetuned.read_finetuned(root / paths.FINETUNED)
    models = [encoder]
    if isinstance(trained.classifier, OnePositionSlm):
        backbone = with_commit(trained.classifier.backbone)
        classifier = trained.classifier.model_copy(update={"backbone": backbone})
        trained = trained._replace(classifier=classifier)
        models.append(backbone)
    return Package(
        folder=root / paths.CLASSIFIER,
        encoder=with_commit(encoder),
        adapted=adapted.read_adapted(root / paths.ADAPTED),
        finetuned=trained,
        origin=origin,
        provenance=Provenance(document.settings, data_hashes(root), base_hashes(*models)),
        corpus=load_corpus(root / paths.RAW),
    )


def origin_of(document: Document) -> Origin:
    """Profile, corpus and protocol of a run."""
    return Origin(
        document.profile,
        document.section("fetch", FetchParams).corpus,
        document.section("split", SplitParams).protocol,
    )


def validation_scores(
    found: Evaluation, validation: Scored, root: Path = Path()
) -> ScoreHistograms | ClassScores:
    """How `validation` was scored in the run at `root`, by the calibration that is packaged."""
    train = files.read_parquet(root / paths.SPLIT / "train.parquet", ("labels",))["labels"]
    share = validation.labels.to_matrix(train).mean(axis=0)
    probabilities = found.decision.choice.calibration.apply(validation.logits)
    of_rows = class_scores if validation.labels.single else score_histograms
    return of_rows(probabilities, validation.gold, share)


def card_results(found: Evaluation, leakage: dict[str, int]) -> dict:
    """The content of results.json: test metrics as tuned and at 0.5, by label, and the audit.

    Of one label a text nothing is tuned, and the second metrics are the uncalibrated ones.
    """
    return {
        "test": found.test,
        UNCALIBRATED if found.decision.thresholds is None else AT_HALF: found.at_half,
        "per_label": found.per_label,
        "leakage": leakage,
    }
