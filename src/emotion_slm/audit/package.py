"""Leak audit of models/classifier: the weights that were trained, set up as the run says."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from emotion_slm.audit.result import differences, result
from emotion_slm.backbone.pretrained import locate
from emotion_slm.classifier import finetuned
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document
from emotion_slm.common.paths import ADAPTED, FINETUNED, RAW
from emotion_slm.common.paths import CLASSIFIER as PACKAGE
from emotion_slm.corpus.labels import CORPUS, load_corpus
from emotion_slm.encoder import adapted
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.package.build import describe, origin_of
from emotion_slm.package.config import (
    CALIBRATION,
    CARD,
    CLASSIFIER,
    CONFIG,
    ENCODER,
    RESULTS,
    SCORES,
    THRESHOLDS,
    in_store,
)
from emotion_slm.package.package import config_of
from emotion_slm.package.tokenizer import (
    TOKENIZER,
    TOKENIZER_CONFIG,
    probe_of,
    write_tokenizer,
)


def audit_package(root: Path, document: Document) -> dict:
    """Check labels, hashes and settings of the package against the run's, `document`.

    Its weights must be those of models/finetuned and models/adapted, its tokenizer the pinned
    base's, and nothing else may lie beside them.
    """
    package = root / PACKAGE
    config = files.read_json(package / CONFIG)
    listed = config.get("files")
    if not isinstance(listed, dict):
        raise EmotionSlmError(f"{package / CONFIG}: 'files' is no mapping; run `dvc repro`")
    described = config_of(describe(origin_of(document), document, root))
    found = {key: value for key, value in config.items() if key not in ("files", "probe")}
    names = {CALIBRATION, CLASSIFIER, CORPUS, RESULTS, SCORES, TOKENIZER, TOKENIZER_CONFIG}
    if not load_corpus(root / RAW).labels.single:
        names.add(THRESHOLDS)
    if not adapted.read_adapted(root / ADAPTED).frozen:
        names.add(ENCODER)
    return result(
        {
            "labels_of_the_model_differ": _other_labels(root, config),
            "packaged_config_not_of_the_run": differences(found, described, tolerance=0),
            "packaged_files_altered": _altered(package, listed, names),
            "packaged_files_unexpected": _unexpected(package, listed, names),
            "packaged_tokenizer_not_of_the_base": _other_tokenizer(package, document),
            "packaged_weights_not_the_trained_ones": _other_weights(root),
        },
        {},
    )


def _other_labels(root: Path, config: dict) -> list[str]:
    """Both lists where the labels are not data/raw's; the file where it says else of them."""
    labels = load_corpus(root / RAW).labels.names
    names = {str(place): label for place, label in enumerate(labels)}
    packaged, fetched = (folder / CORPUS for folder in (root / PACKAGE, root / RAW))
    same = packaged.is_file() and files.sha256_file(packaged) == files.sha256_file(fetched)
    found = config.get("id2label")
    if found != names:
        of_model = map(str, found.values() if isinstance(found, dict) else [found])
        return [f"the model's {', '.join(of_model)}", f"the corpus's {', '.join(labels)}"]
    return [] if same else [CORPUS]


def _altered(package: Path, listed: dict, names: set[str]) -> list[str]:
    """Names of packaged files that do not have the hash in config.json."""
    return [
        name
        for name in sorted(names)
        if not (package / name).is_file() or files.sha256_file(package / name) != listed.get(name)
    ]


def _unexpected(package: Path, listed: dict, names: set[str]) -> list[str]:
    """What no stage packages: other files, links, and names in `listed` that are no such file."""
    present = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    links = {
        name for name in present if (package / name).is_symlink() and not in_store(package / name)
    }
    return sorted((present | set(listed)) - names - {CONFIG, CARD} | links)


def _other_tokenizer(package: Path, document: Document) -> list[str]:
    """Names of tokenizer files whose content is not what the pinned base gives, and config.json's
    where its probe is another. Older packages have none."""
    encoder = document.section("encoder", EncoderParams)
    base = locate(encoder)
    probe = files.read_json(package / CONFIG).get("probe")
    text, ids = probe_of(base)
    other = [CONFIG] if probe not in (None, {"text": text, "ids": list(ids)}) else []
    with TemporaryDirectory() as scratch:
        names = write_tokenizer(base, Path(scratch), encoder.max_length)
        return other + [
            name
            for name in names
            if json.dumps(files.read_json(package / name), sort_keys=True)
            != json.dumps(files.read_json(Path(scratch) / name), sort_keys=True)
        ]


def _other_weights(root: Path) -> list[str]:
    """Names of packaged weights that are not those of models/adapted and models/finetuned."""
    trained = {CLASSIFIER: root / FINETUNED / finetuned.WEIGHTS}
    if not adapted.read_adapted(root / ADAPTED).frozen:
        trained[ENCODER] = root / ADAPTED / adapted.ENCODER
    return [
        name
        for name, source in trained.items()
        if not (root / PACKAGE / name).is_file()
        or files.sha256_file(root / PACKAGE / name) != files.sha256_file(source)
    ]
