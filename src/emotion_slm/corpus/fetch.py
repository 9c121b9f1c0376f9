"""A corpus from the first source that has it, verified byte by byte; or the sample corpus."""

import errno
import hashlib
import io
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from emotion_slm.common.console import progress
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import CORPORA
from emotion_slm.corpus import tsv
from emotion_slm.corpus.description import Description, read_description
from emotion_slm.corpus.labels import LabelSet, write_corpus
from emotion_slm.corpus.sample import write_sample

SAMPLE_SEED = 20

CONNECT_SECONDS = 4.0  # for each address of a host, of which there may be several
READ_SECONDS = 15.0
FILE_SECONDS = 300.0  # of a file in all; a server that drips bytes never runs into READ_SECONDS
POLL_SECONDS = 0.1
MOST_REDIRECTIONS = 5  # the hub needs one or two
ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.5
MAX_BYTES = 16 * 2**20  # the largest file has 3.5 MB
CHUNK_BYTES = 64 * 2**10
MOST_WORDS = 300  # of what a server says, in characters
MOST_ROWS = 100_000  # train has 43,410
MOST_UNPACKED_BYTES = 2**27


class UnreachableError(Exception):
    """A source cannot be reached or does not have the file; the next one may."""


def fetch(name: str, folder: Path) -> str:
    """Write the files of corpus `name` and its corpus.json into `folder`; return their source.

    They come from the folder that the environment variable NAME_MIRROR names and nowhere else if it
    is set, else from the sources of the description: a folder if it is there, the hub, the web.
    Nothing is written before all files have their pinned SHA-256. EmotionSlmError when a file
    differs from it, when a mirror lacks one, or when no source can be reached.
    """
    description = read_description(name)
    corpus = description.corpus(name)
    if description.made_from:
        material = CORPORA / name / description.made_from
        write_sample(material, corpus.labels, folder, SAMPLE_SEED)
        write_corpus(folder, corpus)
        return str(material)
    files = description.in_order
    failures: list[str] = []
    for source, read in _sources(name, description, failures):
        try:
            contents = {file: _verified(source, description, file, read(file)) for file in files}
        except UnreachableError as error:
            failures.append(f"{source}: {error}")
            continue
        tsv.write_together(folder, contents)
        write_corpus(folder, corpus)
        return source
    raise EmotionSlmError(
        "\n".join(
            [
                f"{description.title} could not be fetched. Tried:",
                *(f"  {failure}" for failure in failures),
                f"Ways on: set {mirror_variable(name)} to a folder that holds {', '.join(files)}; "
                "try again with a network; or choose profile `sample`",
            ]
        )
    )


def mirror_variable(name: str) -> str:
    """The environment variable that names a folder with the files of corpus `name`."""
    return f"{name.upper().replace('-', '_')}_MIRROR"


def mirror(folder: Path, files: Sequence[str], name: str) -> bytes:
    """File `name` of a local folder; EmotionSlmError when it cannot be read."""
    path = folder / name
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe or device might never end
            raise OSError(errno.EINVAL, "not a regular file")
        if found.st_size > MAX_BYTES:
            raise OSError(errno.EFBIG, f"larger than {MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise EmotionSlmError(
            f"{path}: not readable ({error.strerror}); the folder should hold {', '.join(files)}; "
            "add the file, or name another folder"
        ) from error


def hugging_face(description: Description, name: str) -> bytes:
    """File `name`, written back from the Parquet file of its split on the hub.

    The hub names the SHA-256 of the file, which is verified before it is decoded; what is decoded
    has its own, pinned by the description. UnreachableError when the hub cannot be reached,
    EmotionSlmError when the table is not right.
    """
    from huggingface_hub import hf_hub_url

    sources, labels = description.sources, description.label_set
    role = next(role for role, file in description.files.items() if file == name)
    parquet = f"{sources.config}/{role}-00000-of-00001.parquet"
    # The hub's own downloader retries for half a minute per file before it says it is offline.
    url = hf_hub_url(sources.hub, parquet, repo_type="dataset", revision=sources.revision)
    content = download(url)
    try:
        return tsv.render(_frame(content, labels), labels)
    except Exception as error:  # a damaged file makes pyarrow raise errors of many kinds
        reason = _words(str(error))
        raise _refusal("Hugging Face", parquet, f"unreadable ({reason})") from error


def _frame(content: bytes, labels: LabelSet):
    """Columns `id, text, labels` of a Parquet file; ValueError for one of another size."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(content))
    groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if file.metadata.num_rows > MOST_ROWS or unpacked > MOST_UNPACKED_BYTES:
        raise ValueError(f"{file.metadata.num_rows} rows in {unpacked} bytes")
    frame = file.read(columns=["id", "text", "labels"]).to_pandas()
    frame["labels"] = [[labels.names[place] for place in row] for row in frame["labels"]]
    return frame


def web(folder: str, name: str) -> bytes:
    """File `name` of a folder on the web; UnreachableError without an answer."""
    return download(f"{folder}/{name}")


def download(url: str) -> bytes:
    """The content at `url`, tried again with growing pauses; UnreachableError when that fails."""
    import requests
    import urllib3

    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            return _download_once(url)
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
        ) as error:
            reason = _reason(error)
            if not _may_pass(error):
                break
    raise UnreachableError(f"{url}: {_words(reason)}")


def _download_once(url: str) -> bytes:
    deadline = time.monotonic() + FILE_SECONDS
    transfer = _Transfer(url)
    transfer.start()
    transfer.opened.wait(FILE_SECONDS)
    with progress(url.rsplit("/", 1)[-1], transfer.total) as advance:
        told = 0
        while transfer.is_alive() and time.monotonic() < deadline:
            transfer.join(POLL_SECONDS)
            arrived = len(transfer.content)
            advance(arrived - told)
            told = arrived
    if transfer.is_alive():
        transfer.given_up = True
        raise UnreachableError(f"{url}: not complete after {FILE_SECONDS:g} s")
    if transfer.problem:
        raise transfer.problem
    return bytes(transfer.content)


class _Transfer(threading.Thread):
    """One download, in a thread that can be given up: a server that drips its headers, or the size
    of a chunk, byte by byte keeps a read from returning and never runs into READ_SECONDS.

    `opened` is set when `total`, the length that was promised, is known or the end has come.
    """

    def __init__(self, url: str):
        super().__init__(daemon=True)
        self.url, self.content, self.total = url, bytearray(), None
        self.opened, self.given_up = threading.Event(), False
        self.problem: Exception | None = None

    def run(self) -> None:
        try:
            self._receive()
        except Exception as error:  # for the thread that waits
            self.problem = error
        finally:
            self.opened.set()

    def _receive(self) -> None:
        response, expected = _open(self.url)
        with response:
            response.raise_for_status()
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise UnreachableError(f"{self.url}: compressed, which was not asked for")
            size = response.headers.get("Content-Length", "")
            self.total = int(size) if size.isdecimal() and len(size) < 16 else None
            self.opened.set()
            # `read1` returns what has arrived, as it was sent.
            read = partial(response.raw.read1, CHUNK_BYTES, decode_content=False)
            while (self.total or 0) <= MAX_BYTES and not self.given_up and (chunk := read()):
                self.content += chunk
                if len(self.content) > MAX_BYTES:
                    break
        if max(self.total or 0, len(self.content)) > MAX_BYTES:
            raise UnreachableError(f"{self.url}: larger than {MAX_BYTES} bytes")
        found = hashlib.sha256(self.content).hexdigest()
        if expected and found != expected:
            what = f"SHA-256 {found}, expected {expected}"
            raise _refusal("Hugging Face", self.url.rsplit("/", 1)[-1], what)


def _open(url: str):
    """The response at `url`, and the SHA-256 that the hub names for it before it redirects, if any.

    The bodies of redirections stay unread: they may be of any length. UnreachableError for one that
    leads from https to anything else, and for a chain of them.
    """
    import requests

    expected = None
    for _ in range(MOST_REDIRECTIONS + 1):
        response = requests.get(
            url,
            stream=True,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            headers={"Accept-Encoding": "identity"},
            allow_redirects=False,
            hooks={"response": _close_redirection},
        )
        named = response.headers.get("X-Linked-Etag", "").strip('"')
        expected = named if re.fullmatch("[0-9a-f]{64}", named) else expected
        if not response.is_redirect:
            return response, expected
        target = urljoin(url, response.headers["Location"])
        allowed = ("https",) if urlsplit(url).scheme == "https" else ("https", "http")
        if urlsplit(target).scheme not in allowed:
            raise UnreachableError(
                f"{url}: leads to {_words(target)}, which is no {allowed[0]} address"
            )
        url = target
    raise UnreachableError(f"{url}: redirected more than {MOST_REDIRECTIONS} times")


def _close_redirection(response, **_) -> None:
    """Requests reads the body of a redirection whole, and unpacks it, unless there is none left."""
    if response.is_redirect:
        response.raw.close()


def _may_pass(error) -> bool:
    """Whether trying again is worth the wait: not for a missing file or a host that is silent."""
    import requests

    if isinstance(error, requests.ConnectTimeout):
        return False
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is None or status >= 500 or status == 429


def _sources(
    name: str, description: Description, failures: list[str]
) -> list[tuple[str, Callable[[str], bytes]]]:
    """(description, reader of a file by name) in order; local folders that are not there fail."""
    variable, sources = mirror_variable(name), description.sources
    files = description.in_order
    named = os.environ.get(variable)
    if named:
        return [(f"{variable}={named}", partial(mirror, Path(named), files))]
    failures.append(f"{variable}: not set")
    if sources.folder and Path(sources.folder).exists():
        return [(sources.folder, partial(mirror, Path(sources.folder), files))]
    if sources.folder:
        failures.append(f"{sources.folder}: no such folder")
    found = []
    if sources.hub:
        found.append(("Hugging Face", partial(hugging_face, description)))
    if sources.url:
        host = urlsplit(sources.url).hostname
        found.append((str(host), partial(web, sources.url)))
    return found


def _verified(source: str, description: Description, name: str, content: bytes) -> bytes:
    found, pinned = hashlib.sha256(content).hexdigest(), description.sha256[name]
    if found != pinned:
        what = f"{len(content)} bytes with SHA-256 {found}, expected {pinned}"
        raise _refusal(source, name, what)
    return content


def _refusal(source: str, name: str, what: str) -> EmotionSlmError:
    return EmotionSlmError(
        f"{name} from {source}: truncated or altered, refused: {what}; get the original"
    )


def _words(said: str) -> str:
    """What a server says, on one line and no longer than people read."""
    return "".join(letter if letter.isprintable() else " " for letter in said[:MOST_WORDS])


def _reason(error: Exception) -> str:
    """The innermost cause, which says what happened without the layers around it."""
    inner = error
    while (deeper := getattr(inner, "reason", None) or next(iter(inner.args), None)) is not None:
        if not isinstance(deeper, Exception):
            break
        inner = deeper
    return str(inner)
