"""A file from the web, in bounded bytes, seconds and redirections."""

import hashlib
import re
import threading
import time
from functools import partial
from urllib.parse import urljoin, urlsplit

from emotion_slm.common.console import progress
from emotion_slm.common.errors import EmotionSlmError

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


class UnreachableError(Exception):
    """A source cannot be reached or does not have the file; the next one may."""


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
    raise UnreachableError(f"{url}: {words(reason)}")


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
            raise refusal("Hugging Face", self.url.rsplit("/", 1)[-1], what)


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
                f"{url}: leads to {words(target)}, which is no {allowed[0]} address"
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


def refusal(source: str, name: str, what: str) -> EmotionSlmError:
    return EmotionSlmError(
        f"{name} from {source}: truncated or altered, refused: {what}; get the original"
    )


def words(said: str) -> str:
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
