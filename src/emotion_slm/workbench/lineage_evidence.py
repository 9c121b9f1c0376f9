"""What a package says of its making, held against its files and against this machine's."""

import importlib.util
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from emotion_slm.backbone.pretrained import PACKAGED
from emotion_slm.common import paths
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file
from emotion_slm.common.params import checked
from emotion_slm.corpus.description import described, read_description
from emotion_slm.encoder.params import StartParams
from emotion_slm.encoder.start import kept_at
from emotion_slm.package.config import CONFIG, Made, package_file
from emotion_slm.package.package import Origin
from emotion_slm.package.provenance import Provenance

SHOWN = 12  # digits of a hash


class Verdict(StrEnum):
    """Absent: what the claim speaks of is not on this machine, so nothing can be said."""

    VERIFIED = "verified"
    ABSENT = "absent here"
    DIFFERS = "DIFFERS"


class Evidence(NamedTuple):
    """`claim` names a file or fact; `detail` says what was compared, or what is wrong."""

    claim: str
    verdict: Verdict
    detail: str


def of_file(claim: str, path: Path | None, expected: str) -> Evidence:
    """Whether the file at `path` has the SHA-256 `expected`; no path is an absent file."""
    if path is None or not path.is_file():
        return Evidence(claim, Verdict.ABSENT, f"recorded SHA-256 {short(expected)}")
    found = sha256_file(path)
    if found == expected:
        return Evidence(claim, Verdict.VERIFIED, f"SHA-256 {short(found)}")
    return Evidence(claim, Verdict.DIFFERS, f"SHA-256 {short(found)}, recorded {short(expected)}")


def short(digest: str) -> str:
    """The first digits of a hash, enough to tell it from others by eye."""
    return f"{digest[:SHOWN]}…"


class Record(NamedTuple):
    """What config.json says of a model's making; `files`: SHA-256 by name."""

    origin: Origin
    provenance: Provenance
    files: dict[str, str]


def read_record(folder: Path) -> Record:
    """Read config.json without judging the files beside it: an altered package has a lineage too.

    EmotionSlmError when there is no package or its config does not say where it came from.
    """
    if not (folder / CONFIG).exists():
        raise EmotionSlmError(
            f"{folder}: no model here ({CONFIG} is missing); `emotion-slm pull` fetches the "
            "released one"
        )
    config = read_json(package_file(folder, CONFIG))
    try:
        made = checked(Made, config, folder / CONFIG, most=1)
    except EmotionSlmError as error:
        raise EmotionSlmError(
            f"{error}: does not say what the model was made from; packages before format 3 do not, "
            "`dvc repro` makes one that does"
        ) from error
    return Record(
        Origin(**made.origin.model_dump()),
        Provenance(**made.provenance.model_dump()),
        made.files,
    )


def files(folder: Path, record: Record) -> list[Evidence]:
    """Every file that config.json lists; one that is missing differs, as the package needs it."""
    found = []
    for name, expected in record.files.items():
        evidence = of_file(name, folder / name, expected)
        if evidence.verdict is Verdict.ABSENT:
            evidence = evidence._replace(verdict=Verdict.DIFFERS, detail="missing")
        found.append(evidence)
    return found


def data(record: Record) -> list[Evidence]:
    """The corpus and its splits, relative to the working directory.

    Files of a corpus whose description pins them are also held to that, here or not.
    """
    found = []
    corpus = record.origin.corpus
    pins = read_description(corpus).sha256 if described(corpus) else {}
    for name, expected in record.provenance.data.items():
        path = Path(name)
        evidence = of_file(name, path, expected)
        if path.parent == paths.RAW and path.name in pins:
            pinned = pins[path.name]
            if expected == pinned:
                evidence = evidence._replace(detail=f"{evidence.detail}, as pinned for {corpus}")
            else:
                wrong = f"recorded SHA-256 {short(expected)}, {corpus}'s is {short(pinned)}"
                evidence = Evidence(name, Verdict.DIFFERS, wrong)
        found.append(evidence)
    return found


def base_weights(record: Record) -> list[Evidence]:
    """Files of the pretrained models, wherever this machine has them; nothing is downloaded.

    With them what the encoder was started from, if it was from a packaged model.
    """
    found = [
        of_file(f"{model} {name}", _local(model, base["revision"], name), expected)
        for model, base in record.provenance.base.items()
        for name, expected in base["files"].items()
    ]
    encoder = record.provenance.parameters.get("encoder")
    start = encoder.get("start") if isinstance(encoder, dict) else None
    if start:
        params = checked(StartParams, start, Path(CONFIG), "provenance.parameters.encoder.start")
        claim = f"started from the encoder of {params.profile} on {params.corpus}, {CONFIG}"
        found.append(of_file(claim, kept_at(params) / CONFIG, params.sha256))
    return found


def _local(model: str, revision: str | None, name: str) -> Path | None:
    """The file in a local folder, in an installed package, or in the hub's cache."""
    if Path(model).is_dir():
        return Path(model) / name
    if model in PACKAGED:
        package, subfolder = PACKAGED[model]
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            return Path(spec.origin).parent / subfolder / name
    return _cached(model, revision, name)


def _cached(model: str, revision: str | None, name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, name, revision=revision)
    except HFValidationError:  # the path of a local folder that is not here
        return None
    return Path(found) if isinstance(found, str) else None
