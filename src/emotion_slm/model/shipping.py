"""From the stages' outputs to models/classifier: what users load."""

from emotion_slm import paths
from emotion_slm.encoder import adapted
from emotion_slm.evaluation.evaluate import Evaluation
from emotion_slm.files import write_bytes
from emotion_slm.model import finetuned
from emotion_slm.model.card import model_card
from emotion_slm.model.package import CALIBRATION, THRESHOLDS, Origin, Package, write_package
from emotion_slm.model.pretrained import with_commit
from emotion_slm.params.encoder import EncoderParams
from emotion_slm.params.finetune import OnePositionSlm


def ship(
    origin: Origin, encoder: EncoderParams, result: Evaluation, test: dict, audit_passed: bool
) -> None:
    """Package encoder, classifier, calibration, thresholds and model card.

    `test` is the content of metrics/test.json.
    """
    trained = finetuned.read_finetuned(paths.FINETUNED)
    if isinstance(trained.classifier, OnePositionSlm):
        backbone = with_commit(trained.classifier.backbone)
        classifier = trained.classifier.model_copy(update={"backbone": backbone})
        trained = trained._replace(classifier=classifier)
    package = Package(
        folder=paths.CLASSIFIER,
        encoder=with_commit(encoder),
        adapted=adapted.read_adapted(paths.ADAPTED),
        finetuned=trained,
        origin=origin,
    )
    write_package(
        package,
        encoder_weights=paths.ADAPTED / adapted.ENCODER,
        classifier_weights=paths.FINETUNED / finetuned.WEIGHTS,
        parts={
            CALIBRATION: result.calibration.to_dict(),
            THRESHOLDS: result.thresholds.to_dict(),
        },
    )
    card = model_card(origin, encoder.id, test, audit_passed)
    write_bytes(paths.CLASSIFIER / "README.md", card.encode())
