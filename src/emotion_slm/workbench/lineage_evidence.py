"""Claims about a model's origin, what became of their verification, and what the package claims."""

import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file
from emotion_slm.package.package import CONFIG, Origin
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
    if not (folder / CONFIG).is_file():
        raise EmotionSlmError(
            f"{folder}: no model here ({CONFIG} is missing); `dvc pull models/classifier` fetches "
            "the released one"
        )
    config = read_json(folder / CONFIG)
    try:
        record = Record(
            Origin(**config["origin"]), Provenance(**config["provenance"]), config["files"]
        )
        for hashes in (record.files, record.provenance.data, record.provenance.parameters):
            hashes.items()
        for base in record.provenance.base.values():
            base["revision"], base["files"].items()
    except (KeyError, TypeError, AttributeError) as error:
        raise EmotionSlmError(
            f"{folder / CONFIG}: does not say what the model was made from ({error}); packages "
            "before format 3 do not, `dvc repro` makes one that does"
        ) from error
    return record


def files(folder: Path, record: Record) -> list[Evidence]:
    """Every file that config.json lists; one that is missing differs, as the package needs it."""
    found = []
    for name, expected in record.files.items():
        evidence = of_file(name, folder / name, expected)
        if evidence.verdict is Verdict.ABSENT:
            evidence = evidence._replace(verdict=Verdict.DIFFERS, detail="missing")
        found.append(evidence)
    return found


def dvc_hash(folder: Path) -> str:
    """The hash by which DVC knows a folder: MD5 of the listing of its files' MD5s, by path."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    listing = []
    for name, path in sorted(paths.items()):
        if path.is_file():
            with path.open("rb") as stream:
                md5 = hashlib.file_digest(stream, "md5").hexdigest()
            listing.append({"md5": md5, "relpath": name})
    return f"{hashlib.md5(json.dumps(listing).encode()).hexdigest()}.dir"
