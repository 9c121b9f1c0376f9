"""models/classifier: everything a user of the model needs but the hash-pinned base weights."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.params import Finetuned, parse_finetuned
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import atomic_path, read_json, sha256_file, write_json
from emotion_slm.corpus.labels import LABEL_INDEX, LABELS
from emotion_slm.encoder.params import Adapted, EncoderParams
from emotion_slm.package.provenance import Provenance
from emotion_slm.package.tokenizer import TOKENIZER, TOKENIZER_CONFIG, write_tokenizer

FORMAT_VERSION = 3
MODEL_TYPE = "emotion-package"  # by which transformers' Auto classes know it
CONFIG = "config.json"
ENCODER = "encoder.safetensors"  # absent when the encoder is frozen
CLASSIFIER = "classifier.safetensors"
ONNX = "model.onnx"  # of an exported folder, in place of both
CALIBRATION = "calibration.json"
THRESHOLDS = "thresholds.json"
RESULTS = "results.json"  # what the card shows; no part of scoring
CARD = "README.md"


class Origin(NamedTuple):
    """What the model was made from; shown by its card."""

    profile: str
    corpus: str
    protocol: str


Precision = Literal["float32", "int8"]


class Package(NamedTuple):
    """What config.json says of the model in `folder`.

    `onnx`: the precision of the graph that stands in for the weights of an exported model.
    """

    folder: Path
    encoder: EncoderParams
    adapted: Adapted
    finetuned: Finetuned
    origin: Origin
    provenance: Provenance
    onnx: Precision | None = None


def write_package(
    package: Package,
    encoder_weights: Path,
    classifier_weights: Path,
    base: Path,
    parts: dict[str, Any],
) -> None:
    """Copy the weights, write the tokenizer of the pretrained model in `base`, `parts` (JSON by
    file name), and a config that holds the hashes of all these."""
    folder = package.folder
    weights = {CLASSIFIER: classifier_weights}
    if not package.adapted.frozen:
        weights[ENCODER] = encoder_weights
    for name, source in weights.items():
        with atomic_path(folder / name) as temporary:
            shutil.copyfile(source, temporary)
    for name, content in parts.items():
        write_json(folder / name, content)
    tokenizer = write_tokenizer(base, folder, package.encoder.max_length)
    write_config(package, [*weights, *parts, *tokenizer])


def write_config(package: Package, names: Iterable[str]) -> None:
    """Write config.json; `names` are the files of the folder that it vouches for by their hash."""
    folder, lora = package.folder, package.adapted.lora
    config = {
        "format_version": FORMAT_VERSION,
        "model_type": MODEL_TYPE,
        "problem_type": "multi_label_classification",
        "id2label": {str(index): label for index, label in enumerate(LABELS)},
        "label2id": LABEL_INDEX,
        "encoder": package.encoder.model_dump(),
        "adapted": package.adapted._replace(lora=lora.model_dump() if lora else None)._asdict(),
        "classifier": package.finetuned.classifier.model_dump(),
        "width": package.finetuned.width,
        "origin": package.origin._asdict(),
        "provenance": package.provenance._asdict(),
        "files": {name: sha256_file(folder / name) for name in names},
    }
    if package.onnx:
        config["onnx"] = package.onnx
    write_json(folder / CONFIG, config)


def read_package(folder: Path) -> Package:
    """Read config.json and verify every file it names by its hash.

    Raises EmotionSlmError when a file is missing or altered, when the label set is not this
    project's, and when the format version is another one, older or newer.
    """
    if not (folder / CONFIG).exists():
        raise EmotionSlmError(
            f"{folder}: no model here ({CONFIG} is missing); `dvc repro` trains one, "
            "`emotion-slm pull` fetches the released one"
        )
    config = read_json(folder / CONFIG)
    _check_version(folder, config.get("format_version"))
    try:
        if config["label2id"] != LABEL_INDEX:
            raise EmotionSlmError(f"{folder / CONFIG}: the label set is not GoEmotions' 28 labels")
        _check_listed(folder, config)
        for name, expected in config["files"].items():
            if sha256_file(folder / name) != expected:
                raise EmotionSlmError(
                    f"{folder / name}: altered or truncated (its SHA-256 is not the one in "
                    f"{CONFIG}); fetch the model again"
                )
        lora = config["adapted"]["lora"]
        return Package(
            folder=folder,
            encoder=EncoderParams.model_validate(config["encoder"]),
            adapted=Adapted(**{**config["adapted"], "lora": lora and LoraParams(**lora)}),
            finetuned=parse_finetuned(config),
            origin=Origin(**config["origin"]),
            provenance=Provenance(**config["provenance"]),
            onnx=TypeAdapter(Precision | None).validate_python(config.get("onnx")),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise EmotionSlmError(f"{folder / CONFIG}: not a model config ({error})") from error


def _check_version(folder: Path, version: object) -> None:
    if version == FORMAT_VERSION and type(version) is int:
        return
    newer = type(version) is int and version > FORMAT_VERSION
    remedy = (
        "it was made by a newer release: update emotion-slm"
        if newer
        else "make it again with `dvc repro`, or install the emotion-slm release it was made with"
    )
    raise EmotionSlmError(
        f"{folder}: model format {version}, this release reads {FORMAT_VERSION}; {remedy}"
    )


def _check_listed(folder: Path, config: dict) -> None:
    """Every file that is loaded has a hash to be held to."""
    needed = {CALIBRATION, THRESHOLDS, TOKENIZER, TOKENIZER_CONFIG}
    if config.get("onnx"):
        needed.add(ONNX)
    else:
        needed |= {CLASSIFIER} if config["adapted"]["frozen"] else {CLASSIFIER, ENCODER}
    unlisted = sorted(needed - set(config["files"]))
    if unlisted:
        raise EmotionSlmError(
            f"{folder / CONFIG}: no hash for {unlisted[0]}; fetch the model again"
        )
