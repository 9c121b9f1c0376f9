"""models/classifier: everything a user of the model needs but the hash-pinned base weights."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from emotion_slm.backbone.params import BackboneParams
from emotion_slm.classifier.params import Finetuned, in_order
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import (
    atomic_path,
    read_json,
    sha256_file,
    write_json,
)
from emotion_slm.corpus.description import described, read_description
from emotion_slm.corpus.labels import CORPUS, Corpus, LabelSet, load_corpus, write_corpus
from emotion_slm.encoder.params import Adapted, EncoderParams
from emotion_slm.package.config import (
    CLASSIFIER,
    CONFIG,
    ENCODER,
    FORMAT_VERSION,
    MODEL_TYPE,
    PROBLEMS,
    RESULTS,
    Config,
    Precision,
    package_file,
    read_config,
)
from emotion_slm.package.provenance import Provenance
from emotion_slm.package.tokenizer import Probe, probe_of, write_tokenizer


class Origin(NamedTuple):
    """What the model was made from; shown by its card."""

    profile: str
    corpus: str
    protocol: str


class Package(NamedTuple):
    """What config.json says of the model in `folder`, and corpus.json of its labels.

    `onnx`: the precision of the graph that stands in for the weights of an exported model.
    `probe`: what the tokenizer must make of one text; None of older packages.
    """

    folder: Path
    encoder: EncoderParams
    adapted: Adapted
    finetuned: Finetuned
    origin: Origin
    provenance: Provenance
    corpus: Corpus
    onnx: Precision | None = None
    probe: Probe | None = None


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
    probed = package._replace(probe=probe_of(base))
    write_config(probed, [*weights, *parts, CORPUS, *tokenizer])


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
        "problem_type": PROBLEMS[package.corpus.task],
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
    if package.probe:
        config["probe"] = package.probe._asdict()
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
        probe=Probe(config.probe.text, tuple(config.probe.ids)) if config.probe else None,
    )


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
        if PROBLEMS[corpus.task] != config.problem_type:
            raise EmotionSlmError(
                f"{folder / CONFIG}: problem_type {config.problem_type} is not the task of "
                f"{CORPUS}, {corpus.task}; fetch the model again"
            )
        return corpus
    if config.single:
        raise EmotionSlmError(f"{folder}: {CORPUS} is missing; fetch the model again")
    if described(name) and (found := read_description(name)).names == list(labels):
        return found.corpus(name)
    results = read_json(package_file(folder, RESULTS)) if RESULTS in config.files else {}
    rows = results.get("per_label")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    targets = [row.get("label") for row in rows if row.get("target")]
    chosen = tuple(label for label in labels if label in targets)
    return Corpus(name, name, LabelSet(labels, chosen or labels))


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
