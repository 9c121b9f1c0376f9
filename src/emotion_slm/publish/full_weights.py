"""A package as one model with all its weights: tokens in, logits out, no pinned base needed."""

import shutil
from pathlib import Path

import torch

from emotion_slm.calibration.choice import Calibration
from emotion_slm.calibration.maps import Blend, Platt, Temperature
from emotion_slm.calibration.softmax_maps import SoftmaxTemperature, Vector
from emotion_slm.classifier.params import LinearHead
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.encoder.text_classifier import TextClassifier
from emotion_slm.package.config import CONFIG, PROBLEMS, WEIGHTS, package_file, read_config
from emotion_slm.package.contents import check_contents, read_calibration
from emotion_slm.package.models import load_models
from emotion_slm.package.package import Package, write_config
from emotion_slm.package.public import public, without_paths


def compose(package: Package) -> TextClassifier:
    """Encoder and linear head as one text classifier in evaluation mode.

    The sigmoid of its logits, or their softmax where a text has exactly one label, is the
    calibrated probability where calibration is affine in the logit (temperatures, Platt and vector
    scaling): it is folded into the head, in float64, then rounded to float32.
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
    model, classifier = load_models(package)
    trained = classifier.layers[0]
    slope, intercept = affine(read_calibration(package), len(trained.bias))
    with torch.no_grad():
        weight, bias = trained.weight.double() * slope[:, None], trained.bias.double() * slope
        model.head.weight.copy_(weight)  # (labels, d)
        model.head.bias.copy_(bias + intercept)  # (labels,)
    model.config.problem_type = PROBLEMS[package.corpus.task]
    return model


def affine(calibration: Calibration, labels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Slope and intercept, (labels,) float64, of a calibration σ(slope · logit + intercept), or of
    a softmax of the same.

    Those of its Platt half for a blend, 1 and 0 for isotonic regression.
    """
    mapping = calibration.mapping
    if isinstance(mapping, Blend):
        mapping = mapping.platt
    if isinstance(mapping, Platt | Vector):
        return torch.from_numpy(mapping.slope), torch.from_numpy(mapping.intercept)
    of_temperature = isinstance(mapping, Temperature | SoftmaxTemperature)
    slope = 1 / mapping.temperature if of_temperature else 1.0
    return torch.full((labels,), slope, dtype=torch.float64), torch.zeros(labels).double()


def write_full_weights(package: Package, folder: Path, revision: str | None) -> None:
    """Write the package once more into the empty `folder`, with every weight beside it.

    Both ways of loading work there: the Auto classes read model.safetensors, EmotionClassifier the
    package's own files. `revision`, a git commit, joins the provenance. No file names a folder of
    this machine, and there is no card yet. Raises EmotionSlmError when `folder` is not empty, for a
    package that could not be scored, and for models that `compose` or `save_pretrained` refuses.
    """
    if folder.exists() and any(folder.iterdir()):
        raise EmotionSlmError(f"{folder}: not empty; name a new folder")
    check_contents(package)
    names = [name for name in read_config(package.folder).files if name != WEIGHTS]
    model = compose(package)
    model.save_pretrained(folder)
    # Its model_type and architecture are now the whole model's.
    transformers = without_paths(read_json(folder / CONFIG))
    transformers["backbone"].pop("_name_or_path", None)  # where the base lies on this machine
    for name in names:
        shutil.copyfile(package_file(package.folder, name), folder / name)
    whole = public(package)._replace(folder=folder)
    whole = whole._replace(provenance=whole.provenance._replace(revision=revision))
    write_config(whole, [*names, WEIGHTS], transformers)
