"""One claim about a model's origin, and what became of its verification."""

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from emotion_slm.files import sha256_file

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
