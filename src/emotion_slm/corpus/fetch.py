"""GoEmotions from the first source that has it, verified byte by byte; or the sample corpus."""

import hashlib
import io
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from emotion_slm.common.console import progress
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.corpus import tsv
from emotion_slm.corpus.goemotions import HUB_DATASET, HUB_FILES, HUB_REVISION, SHA256
from emotion_slm.corpus.labels import LABELS
from emotion_slm.corpus.sample import write_sample

SAMPLE_SEED = 20

MIRROR_VARIABLE = "GOEMOTIONS_MIRROR"
SHARED_FOLDER = Path("../shared/goemotions")
GITHUB_FOLDER = (
    "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data"
)

CONNECT_SECONDS = 4.0  # for each address of a host, of which there may be several
READ_SECONDS = 15.0
FILE_SECONDS = 300.0  # a server that drips bytes never runs into READ_SECONDS
ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.5
MAX_BYTES = 16 * 2**20  # the largest file has 3.5 MB
CHUNK_BYTES = 64 * 2**10


class UnreachableError(Exception):
    """A source cannot be reached or does not have the file; the next one may."""


def fetch(corpus: Literal["goemotions", "sample"], folder: Path) -> str:
    """Write train.tsv, dev.tsv and test.tsv into `folder`; return the source they came from.

    GoEmotions comes from the folder named by GOEMOTIONS_MIRROR and nowhere else if that is set,
    else from SHARED_FOLDER if there is one, else from Hugging Face, else from GitHub. Nothing is
    written before all three files have their pinned SHA-256. EmotionSlmError when a file differs
    from it, when a mirror lacks one, or when no source can be reached.
    """
    if corpus == "sample":
        write_sample(folder, SAMPLE_SEED)
        return "the bundled sample corpus"
    failures: list[str] = []
    for source, read in _sources(failures):
        try:
            contents = {name: _verified(source, name, read(name)) for name in tsv.FILES}
        except UnreachableError as error:
            failures.append(f"{source}: {error}")
            continue
        tsv.write_together(folder, contents)
        return source
    raise EmotionSlmError(
        "\n".join(
            [
                "GoEmotions could not be fetched. Tried:",
                *(f"  {failure}" for failure in failures),
                f"Ways on: set {MIRROR_VARIABLE} to a folder that holds {', '.join(tsv.FILES)}; "
                "try again with a network; or choose profile `sample`",
            ]
        )
    )


def mirror(folder: Path, name: str) -> bytes:
    """A file of a local folder; EmotionSlmError when it cannot be read."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise EmotionSlmError(
            f"{folder / name}: not readable ({error.strerror}); a mirror of GoEmotions holds "
            f"{', '.join(tsv.FILES)}; add the file, or let {MIRROR_VARIABLE} name another folder"
        ) from error


def hugging_face(name: str) -> bytes:
    """A file of the corpus, written back from the Parquet file on the hub.

    UnreachableError when the hub cannot be reached, EmotionSlmError when the table is not right.
    """
    import pandas as pd
    import pyarrow
    from huggingface_hub import hf_hub_url

    # The hub's own downloader retries for half a minute per file before it says it is offline.
    url = hf_hub_url(HUB_DATASET, HUB_FILES[name], repo_type="dataset", revision=HUB_REVISION)
    content = download(url)
    try:
        frame = pd.read_parquet(io.BytesIO(content), columns=["id", "text", "labels"])
        frame["labels"] = [[LABELS[index] for index in row] for row in frame["labels"]]
        return tsv.render(frame)
    except (pyarrow.ArrowException, ValueError, IndexError, TypeError) as error:
        raise _refusal("Hugging Face", HUB_FILES[name], f"unreadable ({error})") from error


def github(name: str) -> bytes:
    """A file of the corpus from the authors' repository; UnreachableError without an answer."""
    return download(f"{GITHUB_FOLDER}/{name}")


def download(url: str) -> bytes:
    """The content at `url`, tried again with growing pauses; UnreachableError when that fails."""
    import requests
    import urllib3

    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            return _download_once(url)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            reason = _reason(error)
            if not _may_pass(error):
                break
    raise UnreachableError(f"{url}: {reason}")


def _download_once(url: str) -> bytes:
    import requests

    deadline = time.monotonic() + FILE_SECONDS
    content = bytearray()
    timeouts = (CONNECT_SECONDS, READ_SECONDS)
    headers = {"Accept-Encoding": "identity"}
    with requests.get(url, stream=True, timeout=timeouts, headers=headers) as response:
        response.raise_for_status()
        size = response.headers.get("Content-Length", "")
        total = int(size) if size.isdecimal() else None
        with progress(url.rsplit("/", 1)[-1], total) as advance:
            # `read1` returns what has arrived; `iter_content` waits for whole chunks, past any
            # deadline.
            while chunk := response.raw.read1(CHUNK_BYTES):
                content += chunk
                advance(len(chunk))
                if len(content) > MAX_BYTES:
                    raise UnreachableError(f"{url}: larger than {MAX_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise UnreachableError(f"{url}: not complete after {FILE_SECONDS:g} s")
    return bytes(content)


def _may_pass(error) -> bool:
    """Whether trying again is worth the wait: not for a missing file or a host that is silent."""
    import requests

    if isinstance(error, requests.ConnectTimeout):
        return False
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is None or status >= 500 or status == 429


def _sources(failures: list[str]) -> list[tuple[str, Callable[[str], bytes]]]:
    """(description, reader of a file by name) in order; local folders that are not there fail."""
    named = os.environ.get(MIRROR_VARIABLE)
    if named:
        return [(f"{MIRROR_VARIABLE}={named}", partial(mirror, Path(named)))]
    failures.append(f"{MIRROR_VARIABLE}: not set")
    if SHARED_FOLDER.exists():
        return [(str(SHARED_FOLDER), partial(mirror, SHARED_FOLDER))]
    failures.append(f"{SHARED_FOLDER}: no such folder")
    return [("Hugging Face", hugging_face), ("GitHub", github)]


def _verified(source: str, name: str, content: bytes) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[name]:
        what = f"{len(content)} bytes with SHA-256 {found}, expected {SHA256[name]}"
        raise _refusal(source, name, what)
    return content


def _refusal(source: str, name: str, what: str) -> EmotionSlmError:
    return EmotionSlmError(
        f"{name} from {source}: truncated or altered, refused: {what}; get the original, "
        f"or let {MIRROR_VARIABLE} name a folder that holds {', '.join(tsv.FILES)} unchanged"
    )


def _reason(error: Exception) -> str:
    """The innermost cause, which says what happened without the layers around it."""
    inner = error
    while (deeper := getattr(inner, "reason", None) or next(iter(inner.args), None)) is not None:
        if not isinstance(deeper, Exception):
            break
        inner = deeper
    return str(inner)
