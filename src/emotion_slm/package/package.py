"""models/classifier: everything a user of the model needs but the hash-pinned base weights.

A package may come from a stranger: nothing in it is believed before it is checked, and of its files
none is read, copied or published but those that a package has.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from emotion_slm.backbone.params import WIDEST, BackboneParams
from emotion_slm.classifier.params import ClassifierParams, Finetuned, in_order
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import (
    MOST_JSON_BYTES,
    atomic_path,
    read_json,
    require,
    sha256_file,
    write_json,
)
from emotion_slm.common.params import Section, checked, plain
from emotion_slm.corpus.description import described, read_description
from emotion_slm.corpus.labels import CORPUS, Corpus, LabelSet, Words, load_corpus, write_corpus
from emotion_slm.encoder.params import Adapted, AdaptedConfig, EncoderParams
from emotion_slm.package.provenance import Provenance
from emotion_slm.package.tokenizer import TOKENIZER, TOKENIZER_CONFIG, write_tokenizer

FORMAT_VERSION = 3
MODEL_TYPE = "emotion-package"  # by which transformers' Auto classes know it
CONFIG = "config.json"
ENCODER = "encoder.safetensors"  # absent when the encoder is frozen
CLASSIFIER = "classifier.safetensors"
ONNX = "model.onnx"  # of an exported folder, in place of both
WEIGHTS = "model.safetensors"  # of a published folder, beside both: base and all
CALIBRATION = "calibration.json"
THRESHOLDS = "thresholds.json"
RESULTS = "results.json"  # what the card shows; no part of scoring
CARD = "README.md"
# What config.json may list, with the most bytes that are read. No other name is a package's.
MOST_BYTES = {
    ENCODER: 2**36,
    CLASSIFIER: 2**36,
    WEIGHTS: 2**37,
    ONNX: 2**31,  # protobuf's limit
    TOKENIZER: 2**28,
    **dict.fromkeys((CALIBRATION, CORPUS, THRESHOLDS, RESULTS, TOKENIZER_CONFIG), MOST_JSON_BYTES),
}


class Origin(NamedTuple):
    """What the model was made from; shown by its card."""

    profile: str
    corpus: str
    protocol: str


Precision = Literal["float32", "int8"]


class Package(NamedTuple):
    """What config.json says of the model in `folder`, and corpus.json of its labels.

    `onnx`: the precision of the graph that stands in for the weights of an exported model.
    """

    folder: Path
    encoder: EncoderParams
    adapted: Adapted
    finetuned: Finetuned
    origin: Origin
    provenance: Provenance
    corpus: Corpus
    onnx: Precision | None = None


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
    write_corpus(folder, package.corpus)
    tokenizer = write_tokenizer(base, folder, package.encoder.max_length)
    write_config(package, [*weights, *parts, CORPUS, *tokenizer])


def write_config(
    package: Package, names: Iterable[str], more: dict[str, Any] | None = None
) -> None:
    """Write config.json; `names` are the files of the folder that it vouches for by their hash.

    `more`: keys of transformers' that join the package's own, or take their place.
    """
    files = {name: sha256_file(package.folder / name) for name in names}
    write_json(package.folder / CONFIG, config_of(package) | {"files": files} | (more or {}))


def config_of(package: Package) -> dict[str, Any]:
    """The content of config.json, but for `files`."""
    lora = package.adapted.lora
    config = {
        "format_version": FORMAT_VERSION,
        "model_type": MODEL_TYPE,
        "problem_type": "multi_label_classification",
        "id2label": {str(place): label for place, label in enumerate(package.finetuned.labels)},
        "label2id": package.corpus.labels.index,
        "encoder": package.encoder.model_dump(),
        "adapted": package.adapted._replace(lora=lora.model_dump() if lora else None)._asdict(),
        "classifier": package.finetuned.classifier.model_dump(),
        "width": package.finetuned.width,
        "origin": package.origin._asdict(),
        "provenance": package.provenance._asdict(),
    }
    if package.onnx:
        config["onnx"] = package.onnx
    return config


def read_package(folder: Path) -> Package:
    """Read config.json and verify every file it names by its hash.

    Raises EmotionSlmError when a file is missing, altered or no file of a package's; when config
    says something that cannot be; when two files do not agree on the labels; and when the format
    version is another one, older or newer.
    """
    config = read_config(folder)
    encoder = _pinned(folder, config, "encoder", config.encoder)
    classifier = config.classifier
    if classifier.name == "one_position":
        backbone = _pinned(folder, config, "classifier.backbone", classifier.backbone)
        classifier = classifier.model_copy(update={"backbone": backbone})
    for name, expected in config.files.items():
        if sha256_file(package_file(folder, name)) != expected:
            raise EmotionSlmError(
                f"{folder / name}: altered or truncated (its SHA-256 is not the one in "
                f"{CONFIG}); fetch the model again"
            )
    return Package(
        folder=folder,
        encoder=encoder,
        adapted=config.adapted.adapted(),
        finetuned=Finetuned(classifier, config.width, in_order(config.id2label)),
        origin=Origin(**config.origin.model_dump()),
        provenance=Provenance(**config.provenance.model_dump()),
        corpus=_corpus(folder, config),
        onnx=config.onnx,
    )


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


def read_labels(folder: Path) -> LabelSet:
    """The labels of a package, before it is loaded; EmotionSlmError as `read_package`."""
    return _corpus(folder, read_config(folder)).labels


def _corpus(folder: Path, config: Config) -> Corpus:
    """corpus.json; of a package that was made before there was one, what can be known without it.

    In a clone the description in corpora/ says the rest, if its labels are the model's; elsewhere
    there are no groups, and the targets are those of the results.
    """
    labels, name = in_order(config.id2label), config.origin.corpus
    if CORPUS in config.files:
        package_file(folder, CORPUS)
        corpus = load_corpus(folder)
        if corpus.labels.names != labels:
            raise EmotionSlmError(
                f"{folder / CONFIG}: its labels are not those of {CORPUS}; fetch the model again"
            )
        return corpus
    if described(name) and (corpus := read_description(name).corpus(name)).labels.names == labels:
        return corpus
    results = read_json(package_file(folder, RESULTS)) if RESULTS in config.files else {}
    rows = results.get("per_label")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    targets = [row.get("label") for row in rows if row.get("target")]
    chosen = tuple(label for label in labels if label in targets)
    return Corpus(name, name, LabelSet(labels, chosen or labels))


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
    if version == FORMAT_VERSION and type(version) is int:
        return
    newer = type(version) is int and version > FORMAT_VERSION
    remedy = (
        "it was made by a newer release: update emotion-slm"
        if newer
        else "make it again with `dvc repro`, or install the emotion-slm release it was made with"
    )
    raise EmotionSlmError(
        f"{folder}: model format {plain(version)}, this release reads {FORMAT_VERSION}; {remedy}"
    )


def _check_listed(path: Path, config: Config) -> None:
    """Every file that is loaded has a hash to be held to."""
    needed = {CALIBRATION, THRESHOLDS, TOKENIZER, TOKENIZER_CONFIG}
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


ParamsT = TypeVar("ParamsT", bound=BackboneParams)


def _pinned(folder: Path, config: Config, key: str, params: ParamsT) -> ParamsT:
    """`params` with the hashes of its provenance where it has none of its own: what is scored must
    be the base that was trained on."""
    if params.sha256 is not None or config.onnx:
        return params
    base = config.provenance.base.get(params.id)
    if base is None or not base.files:
        raise EmotionSlmError(
            f"{folder / CONFIG}: {key}.sha256: found null, expected the SHA-256 of the base "
            "weights, here or in provenance.base; make the package again with `dvc repro`"
        )
    return params.model_copy(update={"pins": tuple(sorted(base.files.items()))})
