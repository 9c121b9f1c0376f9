"""A package as one model with all its weights: tokens in, logits out, no pinned base needed."""

import shutil
from pathlib import Path

import torch

from emotion_slm.calibration.choice import Calibration
from emotion_slm.calibration.maps import Blend, Platt, Temperature
from emotion_slm.classifier.finetuned import load_classifier
from emotion_slm.classifier.params import LinearHead
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file, write_json
from emotion_slm.corpus.labels import LABELS
from emotion_slm.encoder.adapted import load_encoder
from emotion_slm.encoder.text_classifier import TextClassifier
from emotion_slm.package.package import CALIBRATION, CARD, CLASSIFIER, CONFIG, ENCODER, Package

WEIGHTS = "model.safetensors"


def compose(package: Package) -> TextClassifier:
    """Encoder and linear head as one text classifier in evaluation mode.

    The sigmoid of its logits is the calibrated probability where calibration is affine in the
    logit (temperature, Platt): it is folded into the head, in float64, then rounded to float32.
    Of a blend Platt's half is folded. Isotonic regression alone cannot be: logits stay raw. Raises
    EmotionSlmError for a classifier that is not a linear head, and for an ONNX export, which has no
    weights.
    """
    folder = package.folder
    if package.onnx:
        raise EmotionSlmError(
            f"{folder}: an ONNX graph, without the weights to compose a model of; "
            "use EmotionClassifier.from_pretrained, or the folder it was exported from"
        )
    if not isinstance(package.finetuned.classifier, LinearHead):
        raise EmotionSlmError(
            f"{folder}: a classifier of kind {package.finetuned.classifier.name!r} does not fit "
            "into one text classifier, only a linear head does; "
            "use EmotionClassifier.from_pretrained"
        )
    model = load_encoder(package.encoder, package.adapted, folder / ENCODER)
    trained = load_classifier(package.finetuned, folder / CLASSIFIER).layers[0]
    slope, intercept = affine(_calibration(folder), len(trained.bias))
    with torch.no_grad():
        weight, bias = trained.weight.double() * slope[:, None], trained.bias.double() * slope
        model.head.weight.copy_(weight)  # (28, d)
        model.head.bias.copy_(bias + intercept)  # (28,)
    return model


def affine(calibration: Calibration, labels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Slope and intercept, (labels,) float64, of a calibration σ(slope · logit + intercept).

    Those of its Platt half for a blend, 1 and 0 for isotonic regression.
    """
    mapping = calibration.mapping
    if isinstance(mapping, Blend):
        mapping = mapping.platt
    if isinstance(mapping, Platt):
        return torch.from_numpy(mapping.slope), torch.from_numpy(mapping.intercept)
    slope = 1 / mapping.temperature if isinstance(mapping, Temperature) else 1.0
    return torch.full((labels,), slope, dtype=torch.float64), torch.zeros(labels).double()


def write_full_weights(package: Package, folder: Path, revision: str | None) -> None:
    """Write the package once more into the empty `folder`, with every weight beside it.

    Both ways of loading work there: the Auto classes read model.safetensors, EmotionClassifier the
    package's own files. `revision`, a git commit, joins the provenance. Raises EmotionSlmError when
    `folder` is not empty, and for models that `compose` or `save_pretrained` refuses.
    """
    if folder.exists() and any(folder.iterdir()):
        raise EmotionSlmError(f"{folder}: not empty; name a new folder")
    model = compose(package)
    config = read_json(package.folder / CONFIG)
    model.save_pretrained(folder)
    names = [*config["files"], *([CARD] if (package.folder / CARD).exists() else [])]
    for name in names:
        shutil.copyfile(package.folder / name, folder / name)
    config |= read_json(folder / CONFIG)  # model_type and architecture are now the whole model's
    config["backbone"].pop("_name_or_path", None)  # where the base lies on this machine
    config["provenance"]["revision"] = revision
    config["files"][WEIGHTS] = sha256_file(folder / WEIGHTS)
    write_json(folder / CONFIG, config)


def _calibration(folder: Path) -> Calibration:
    path = folder / CALIBRATION
    return Calibration.from_dict(read_json(path), LABELS, str(path))
