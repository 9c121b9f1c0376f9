"""config.json of a package and the files that it lists.

A package may come from a stranger: nothing in it is believed before it is checked, and of its files
none is read, copied or published but those that a package has.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from emotion_slm.backbone.params import WIDEST
from emotion_slm.classifier.params import ClassifierParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import MOST_JSON_BYTES, read_json, require
from emotion_slm.common.params import Section, checked, plain
from emotion_slm.corpus.labels import CORPUS, MULTI_LABEL, SINGLE_LABEL, Words
from emotion_slm.encoder.params import AdaptedConfig, EncoderParams
from emotion_slm.package.tokenizer import TOKENIZER, TOKENIZER_CONFIG

FORMAT_VERSION = 4
READABLE = (3, FORMAT_VERSION)  # packages of 3 lack scores.json
MODEL_TYPE = "emotion-package"  # by which transformers' Auto classes know it
CONFIG = "config.json"
ENCODER = "encoder.safetensors"  # absent when the encoder is frozen
CLASSIFIER = "classifier.safetensors"
ONNX = "model.onnx"  # of an exported folder, in place of both
WEIGHTS = "model.safetensors"  # of a published folder, beside both: base and all
CALIBRATION = "calibration.json"
THRESHOLDS = "thresholds.json"  # absent where a text gets exactly one label, the most probable
RESULTS = "results.json"  # what the card shows; no part of scoring
AT_HALF, UNCALIBRATED = "at_half", "uncalibrated"  # keys of results.json
SCORES = "scores.json"  # how validation was scored; `emotion-slm monitor` corrects shares by it
CARD = "README.md"
# What config.json may list, with the most bytes that are read. No other name is a package's.
MOST_BYTES = {
    ENCODER: 2**36,
    CLASSIFIER: 2**36,
    WEIGHTS: 2**37,
    ONNX: 2**31,  # protobuf's limit
    TOKENIZER: 2**28,
    **dict.fromkeys(
        (CALIBRATION, CORPUS, THRESHOLDS, RESULTS, SCORES, TOKENIZER_CONFIG), MOST_JSON_BYTES
    ),
}

# By the task of corpus.json, what transformers calls it.
PROBLEMS = {
    MULTI_LABEL: "multi_label_classification",
    SINGLE_LABEL: "single_label_classification",
}
Precision = Literal["float32", "int8"]
MOST_PROBE_CHARACTERS = 1000
PLACE = "0|[1-9][0-9]{0,4}"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class OriginConfig(Section):
    profile: Words
    corpus: Words
    protocol: Words


class BaseConfig(Section):
    revision: Words | None
    files: dict[Annotated[str, Field(pattern=r"^[\w-][\w.-]*$")], Sha256]


class ProvenanceConfig(Section):
    parameters: dict[str, Any]
    data: dict[str, Sha256]
    base: dict[str, BaseConfig]
    revision: Words | None = None

    @field_validator("data")
    @classmethod
    def inside_the_workspace(cls, data: dict[str, str]) -> dict[str, str]:
        for name in data:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ValueError(f"{plain(name)} lies outside of the workspace")
        return data


class ProbeConfig(Section):
    """A text, and the token ids that the model was trained to read it as."""

    text: str = Field(max_length=MOST_PROBE_CHARACTERS)
    ids: list[Annotated[int, Field(ge=0)]] = Field(max_length=MOST_PROBE_CHARACTERS)


class Made(BaseModel):
    """What config.json says of the model's making. Keys beside those read are of no concern here,
    such as transformers' in a package with full weights."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    origin: OriginConfig
    provenance: ProvenanceConfig
    files: dict[str, Sha256]

    @field_validator("files")
    @classmethod
    def files_of_a_package(cls, files: dict[str, str]) -> dict[str, str]:
        foreign = sorted(files.keys() - MOST_BYTES.keys())
        if foreign:
            known = ", ".join(MOST_BYTES)
            raise ValueError(
                f"{plain(foreign[0])} is no file of a package; expected some of {known}"
            )
        return files


class Config(Made):
    """All of config.json that a package is read by."""

    id2label: dict[str, Words]
    label2id: dict[str, int]
    encoder: EncoderParams
    adapted: AdaptedConfig
    classifier: ClassifierParams
    width: int = Field(ge=1, le=WIDEST)
    problem_type: Literal["multi_label_classification", "single_label_classification"] = (
        "multi_label_classification"
    )
    onnx: Precision | None = None
    probe: ProbeConfig | None = None  # older packages have none

    @property
    def single(self) -> bool:
        """Whether a text gets exactly one label."""
        return self.problem_type == PROBLEMS[SINGLE_LABEL]


def read_config(folder: Path) -> Config:
    """config.json alone, every key checked; the files it lists are not looked at."""
    path = folder / CONFIG
    if not path.exists() and not path.is_symlink():
        raise EmotionSlmError(
            f"{folder}: no model here ({CONFIG} is missing); `dvc repro` trains one, "
            "`emotion-slm pull` fetches the released one"
        )
    content = read_json(package_file(folder, CONFIG))
    _check_version(folder, content.get("format_version"))
    config = checked(Config, content, path, most=1)
    places = {label: place for place, label in config.id2label.items()}
    named = {label: int(place) for label, place in places.items() if re.fullmatch(PLACE, place)}
    if config.label2id != named or sorted(named.values()) != list(range(len(config.id2label))):
        raise EmotionSlmError(
            f"{path}: id2label and label2id do not name the same labels; fetch the model again"
        )
    _check_listed(path, config)
    return config


def package_file(folder: Path, name: str) -> Path:
    """The file `name` of the package in `folder`, to be read or copied.

    EmotionSlmError when it is missing, no file, larger than such a file can be, or a link: a link
    may lead to a file that is nobody's business. Links of the hub's cache and of DVC's, which lead
    to the stores that these keep, are followed.
    """
    path = folder / name
    if path.is_symlink() and not in_store(path):
        raise EmotionSlmError(
            f"{path}: is a link, expected a file of the package itself; "
            "put the file in its place if it is the model's"
        )
    return require(path, MOST_BYTES.get(name, MOST_JSON_BYTES))


def in_store(link: Path) -> bool:
    """Whether a link leads into the store that the hub's cache or DVC's keeps."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # leads nowhere, or round in a circle
        return False
    in_hub_cache = target.parent == link.parent.resolve().parents[1] / "blobs"
    return in_hub_cache or bool(re.search(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$", str(target)))


def _check_version(folder: Path, version: object) -> None:
    if version in READABLE and type(version) is int:
        return
    newer = type(version) is int and version > FORMAT_VERSION
    remedy = (
        "it was made by a newer release: update emotion-slm"
        if newer
        else "make it again with `dvc repro`, or install the emotion-slm release it was made with"
    )
    raise EmotionSlmError(
        f"{folder}: model format {plain(version)}, this release reads "
        f"{' and '.join(map(str, READABLE))}; {remedy}"
    )


def _check_listed(path: Path, config: Config) -> None:
    """Every file that is loaded has a hash to be held to."""
    needed = {CALIBRATION, TOKENIZER, TOKENIZER_CONFIG} | (set() if config.single else {THRESHOLDS})
    if (path.parent / CORPUS).exists():
        needed.add(CORPUS)
    if config.onnx:
        needed.add(ONNX)
    else:
        needed |= {CLASSIFIER} if config.adapted.frozen else {CLASSIFIER, ENCODER}
    unlisted = sorted(needed - config.files.keys())
    if unlisted:
        raise EmotionSlmError(f"{path}: no hash for {unlisted[0]}; fetch the model again")
    if config.adapted.frozen and ENCODER in config.files:
        raise EmotionSlmError(
            f"{path}: adapted.frozen is true, yet files lists {ENCODER}, which an encoder that was "
            "never adapted has not; fetch the model again"
        )
