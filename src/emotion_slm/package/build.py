"""From the stages' outputs to models/classifier: what users load."""

from emotion_slm.backbone.pretrained import locate, with_commit
from emotion_slm.classifier import finetuned
from emotion_slm.classifier.params import LinearHead, OnePositionSlm
from emotion_slm.common import paths
from emotion_slm.common.files import write_bytes
from emotion_slm.common.params import Document
from emotion_slm.corpus.labels import LABELS
from emotion_slm.encoder import adapted
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.evaluation.evaluate import Evaluation
from emotion_slm.package.card import model_card
from emotion_slm.package.package import CALIBRATION, THRESHOLDS, Origin, Package, write_package
from emotion_slm.package.provenance import Provenance, base_hashes, data_hashes


def ship(origin: Origin, document: Document, result: Evaluation, test: dict, leakage: dict) -> None:
    """Package encoder, classifier, calibration, thresholds, tokenizer and model card.

    `test` is the content of metrics/test.json, `leakage` the audit's result so far.
    """
    encoder = document.section("encoder", EncoderParams)
    trained = finetuned.read_finetuned(paths.FINETUNED)
    models = [encoder]
    if isinstance(trained.classifier, OnePositionSlm):
        backbone = with_commit(trained.classifier.backbone)
        classifier = trained.classifier.model_copy(update={"backbone": backbone})
        trained = trained._replace(classifier=classifier)
        models.append(backbone)
    package = Package(
        folder=paths.CLASSIFIER,
        encoder=with_commit(encoder),
        adapted=adapted.read_adapted(paths.ADAPTED),
        finetuned=trained,
        origin=origin,
        provenance=Provenance(document.settings, data_hashes(), base_hashes(*models)),
    )
    write_package(
        package,
        encoder_weights=paths.ADAPTED / adapted.ENCODER,
        classifier_weights=paths.FINETUNED / finetuned.WEIGHTS,
        base=locate(encoder),
        parts={
            CALIBRATION: result.calibration.to_dict(LABELS),
            THRESHOLDS: result.thresholds.to_dict(LABELS),
        },
    )
    linear = isinstance(trained.classifier, LinearHead)
    card = model_card(origin, encoder.id, test, leakage, linear)
    write_bytes(paths.CLASSIFIER / "README.md", card.encode())
