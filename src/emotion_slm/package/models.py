"""The models of a package, as PyTorch modules."""

from torch import nn

from emotion_slm.classifier.finetuned import load_classifier
from emotion_slm.classifier.params import MlpHead, OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.tensor_files import read_header
from emotion_slm.encoder.adapted import load_encoder
from emotion_slm.encoder.text_classifier import TextClassifier
from emotion_slm.package.config import CLASSIFIER, CONFIG, ENCODER, package_file
from emotion_slm.package.package import Package


def load_models(package: Package) -> tuple[TextClassifier, nn.Module]:
    """Encoder and classifier in evaluation mode.

    Raises EmotionSlmError when the weights are not those of the models that config.json describes,
    before anything is built as large as it says.
    """
    folder, width = package.folder, package.finetuned.width
    _check_sizes(package)
    encoder = load_encoder(
        package.encoder, package.adapted, folder / ENCODER, package.finetuned.labels
    )
    if encoder.head.in_features != width:
        raise EmotionSlmError(
            f"{folder / CONFIG}: width: found {width}, expected {encoder.head.in_features}, the "
            f"length of the vectors of {package.encoder.id}; fetch the model again"
        )
    return encoder, load_classifier(package.finetuned, folder / CLASSIFIER)


def _check_sizes(package: Package) -> None:
    """The sizes in config.json are sizes of the weights."""
    folder, classifier = package.folder, package.finetuned.classifier
    claims = [("width", package.finetuned.width, CLASSIFIER)]
    if isinstance(classifier, MlpHead):
        claims.append(("classifier.hidden", classifier.hidden, CLASSIFIER))
    if isinstance(classifier, OnePositionSlm):
        claims.append(("classifier.lora.r", classifier.lora.r, CLASSIFIER))
    if package.adapted.lora:
        claims.append(("adapted.lora.r", package.adapted.lora.r, ENCODER))
    for key, claimed, name in claims:
        tensors = read_header(package_file(folder, name))
        if not any(claimed in tensor.shape for tensor in tensors.values()):
            raise EmotionSlmError(
                f"{folder / CONFIG}: {key}: found {claimed}, expected the size of some tensor of "
                f"{name}; fetch the model again"
            )
