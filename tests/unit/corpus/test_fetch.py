"""Fetching: sources in order, bytes verified, nothing written unless all of it is right."""

import gzip
import hashlib
import io
import os
import shutil
import threading
import time
import tracemalloc
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
import requests
from ruamel.yaml import YAML
from support.labels import CORPUS as DESCRIBED
from support.labels import GOEMOTIONS

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.paths import RAW_FILES
from emotion_slm.corpus import download as transport
from emotion_slm.corpus import fetch as module
from emotion_slm.corpus import tsv
from emotion_slm.corpus.description import Description, read_description
from emotion_slm.corpus.download import UnreachableError, download
from emotion_slm.corpus.fetch import fetch, hugging_face
from emotion_slm.corpus.labels import CORPUS
from emotion_slm.corpus.sample import ROWS

CONTENTS = {
    "train.tsv": b'"a ""quoted"" train text"\t0,17\tt1\nplain\t27\tt2\n',
    "dev.tsv": b" a dev text\t3\td1\n",
    "test.tsv": b"a test text\t25\te1\n",
}

PINS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
ROOT = Path(__file__).parents[3]
GOEMOTIONS_YAML = ROOT / "corpora/goemotions.yaml"
DESCRIPTION = read_description("goemotions", ROOT)


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch) -> Path:
    """A working directory without a corpus beside it, small pinned files, short waits."""
    root = tmp_path / "workspace"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("GOEMOTIONS_MIRROR", raising=False)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    describe()
    monkeypatch.setattr(transport, "READ_SECONDS", 0.5)
    monkeypatch.setattr(transport, "FIRST_PAUSE_SECONDS", 0.01)
    return root


def describe(url: str = "http://127.0.0.1:9/data") -> None:
    """GoEmotions' own description, but for the pins of CONTENTS and the place on the web."""
    described = YAML(typ="safe").load(GOEMOTIONS_YAML)
    described["sha256"] = PINS
    described["sources"]["url"] = url
    Path("corpora").mkdir(exist_ok=True)
    YAML(typ="safe").dump(described, Path("corpora/goemotions.yaml"))


@pytest.fixture
def unreachable_hub(monkeypatch):
    def refuse(description: Description, name: str) -> bytes:
        raise UnreachableError("the hub is down")

    monkeypatch.setattr(module, "hugging_face", refuse)


@pytest.fixture
def server(monkeypatch):
    """A local web server; `server.answers[path]` lists what it does on each request in turn."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests.append(self.path)
            self.server.encodings.add(self.headers["Accept-Encoding"])
            answers = self.server.answers[self.path]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            answer(self)

        def log_message(self, *arguments):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    web.requests = []
    web.encodings = set()
    web.url = f"http://127.0.0.1:{web.server_port}"
    web.answers = {f"/{name}": [sends(content)] for name, content in CONTENTS.items()}
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    describe(web.url)
    yield web
    web.shutdown()
    thread.join()
    web.server_close()


def sends(content: bytes, promised: int | None = None):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised or len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def fails(status: int):
    return lambda handler: handler.send_error(status)


def stalls(seconds: float):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        time.sleep(seconds)

    return answer


def drips(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.05)
    except OSError:
        pass


def filled(folder: Path, **changed: bytes | None) -> Path:
    """`folder` with CONTENTS, files given by stem altered or, when None, left out."""
    folder.mkdir(parents=True)
    for name, content in CONTENTS.items():
        content = changed.get(Path(name).stem, content)
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


def assert_fetched(folder: Path) -> None:
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    found.pop(CORPUS, None)
    assert found == CONTENTS


def refused(folder: Path = Path("data/raw")) -> str:
    """The message of the fetch that must fail, having written nothing."""
    with pytest.raises(EmotionSlmError) as caught:
        fetch("goemotions", folder)
    assert not folder.exists() or list(folder.iterdir()) == []
    return str(caught.value)


def test_named_mirror(tmp_path, monkeypatch, workspace):
    mirror = filled(tmp_path / "mirror")
    filled(tmp_path / "shared/goemotions", train=b"altered")
    monkeypatch.setenv("GOEMOTIONS_MIRROR", str(mirror))
    assert fetch("goemotions", Path("data/raw")) == f"GOEMOTIONS_MIRROR={mirror}"
    assert_fetched(Path("data/raw"))


@pytest.mark.parametrize("stem", ["train", "dev", "test"])
def test_an_altered_mirror_is_refused_by_name(tmp_path, monkeypatch, server, stem):
    altered = CONTENTS[f"{stem}.tsv"].replace(b"t", b"T", 1)
    mirror = filled(tmp_path / "mirror", **{stem: altered})
    monkeypatch.setenv("GOEMOTIONS_MIRROR", str(mirror))
    message = refused()
    assert message.startswith(f"{stem}.tsv from GOEMOTIONS_MIRROR={mirror}: ")
    assert "truncated or altered" in message
    assert hashlib.sha256(altered).hexdigest() in message
    assert PINS[f"{stem}.tsv"] in message
    assert server.requests == []


def test_a_named_mirror_that_lacks_a_file_is_refused(tmp_path, monkeypatch, server):
    filled(tmp_path / "shared/goemotions")
    mirror = filled(tmp_path / "mirror", test=None)
    monkeypatch.setenv("GOEMOTIONS_MIRROR", str(mirror))
    assert refused().startswith(f"{mirror / 'test.tsv'}: not readable (No such file or directory)")
    assert server.requests == []


def test_a_named_mirror_that_is_missing_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GOEMOTIONS_MIRROR", str(tmp_path / "nowhere"))
    assert refused().startswith(f"{tmp_path / 'nowhere' / 'train.tsv'}: not readable")


def test_an_empty_variable_names_no_mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("GOEMOTIONS_MIRROR", "")
    filled(tmp_path / "shared/goemotions")
    assert fetch("goemotions", Path("data/raw")) == "../shared/goemotions"


def test_shared_folder(tmp_path):
    filled(tmp_path / "shared/goemotions")
    assert fetch("goemotions", Path("data/raw")) == "../shared/goemotions"
    assert_fetched(Path("data/raw"))


def test_an_altered_shared_folder_is_refused(tmp_path, server):
    filled(tmp_path / "shared/goemotions", dev=CONTENTS["dev.tsv"][:-1])
    assert refused().startswith("dev.tsv from ../shared/goemotions: truncated or altered")
    assert server.requests == []


def test_a_refusal_keeps_what_was_there(tmp_path, monkeypatch):
    raw = filled(tmp_path / "raw")
    monkeypatch.setenv("GOEMOTIONS_MIRROR", str(filled(tmp_path / "mirror", test=b"")))
    with pytest.raises(EmotionSlmError):
        fetch("goemotions", raw)
    assert_fetched(raw)


def from_hub(name: str) -> bytes:
    return hugging_face(read_description("goemotions"), name)


def parquet(name: str, folder: Path) -> bytes:
    """CONTENTS as the hub serves them: label ids, columns in another order."""
    (folder / name).write_bytes(CONTENTS[name])
    frame = tsv.parse(folder / name, DESCRIBED)
    frame["labels"] = [[GOEMOTIONS.index[label] for label in row] for row in frame["labels"]]
    stream = io.BytesIO()
    frame[["text", "labels", "id"]].to_parquet(stream, index=False)
    return stream.getvalue()


def test_hugging_face_parquet_gives_the_original_bytes(tmp_path, monkeypatch):
    tables = {
        f"simplified/{role}-00000-of-00001.parquet": parquet(name, tmp_path)
        for role, name in zip(("train", "validation", "test"), RAW_FILES, strict=True)
    }
    urls = []

    def hub(url: str) -> bytes:
        urls.append(url)
        return next(table for file, table in tables.items() if url.endswith(file))

    monkeypatch.setattr(module, "download", hub)
    assert fetch("goemotions", Path("data/raw")) == "Hugging Face"
    assert_fetched(Path("data/raw"))
    assert len(urls) == 3
    for url in urls:
        assert f"/datasets/{DESCRIPTION.hub}/resolve/{DESCRIPTION.revision}/simplified/" in url


@pytest.mark.parametrize(
    "content",
    [
        b"<html>sign in</html>",
        b"",
        pd.DataFrame({"text": ["x"], "id": ["y"]}).to_parquet(),
        pd.DataFrame({"text": ["x"], "id": ["y"], "labels": [[28]]}).to_parquet(),
        pd.DataFrame({"text": ["x"], "id": ["y"], "labels": [None]}).to_parquet(),
        pd.DataFrame({"text": [None], "id": ["y"], "labels": [[1]]}).to_parquet(),
    ],
    ids=["html", "empty", "no labels column", "label id", "null labels", "null text"],
)
def test_a_bad_parquet_file_is_refused(monkeypatch, content):
    monkeypatch.setattr(module, "download", lambda url: content)
    with pytest.raises(EmotionSlmError, match="from Hugging Face: truncated or altered"):
        from_hub("train.tsv")


def test_github_is_used_when_the_hub_is_down(unreachable_hub, server):
    assert fetch("goemotions", Path("data/raw")) == "127.0.0.1"
    assert_fetched(Path("data/raw"))
    assert server.requests == ["/train.tsv", "/dev.tsv", "/test.tsv"]
    assert server.encodings == {"identity"}


def test_a_source_that_fails_halfway_is_left_for_the_next(monkeypatch, server):
    def half(description: Description, name: str) -> bytes:
        if name == "test.tsv":
            raise UnreachableError("gone")
        return CONTENTS[name]

    monkeypatch.setattr(module, "hugging_face", half)
    assert fetch("goemotions", Path("data/raw")) == "127.0.0.1"
    assert_fetched(Path("data/raw"))


@pytest.mark.parametrize(
    "content",
    [CONTENTS["test.tsv"][:-5], CONTENTS["test.tsv"].upper(), b"", b"<html>sign in</html>"],
    ids=["truncated", "altered", "empty", "other"],
)
def test_a_bad_download_is_refused_by_name(unreachable_hub, server, content):
    server.answers["/test.tsv"] = [sends(content)]
    message = refused()
    assert message.startswith("test.tsv from 127.0.0.1: truncated or altered")
    assert hashlib.sha256(content).hexdigest() in message


def test_a_busy_server_is_tried_again(unreachable_hub, server):
    server.answers["/dev.tsv"] = [fails(503), fails(429), sends(CONTENTS["dev.tsv"])]
    assert fetch("goemotions", Path("data/raw")) == "127.0.0.1"
    assert server.requests.count("/dev.tsv") == 3


def test_a_cut_transfer_is_tried_again(unreachable_hub, server):
    content = CONTENTS["dev.tsv"]
    server.answers["/dev.tsv"] = [sends(content[:4], promised=len(content)), sends(content)]
    assert fetch("goemotions", Path("data/raw")) == "127.0.0.1"
    assert server.requests.count("/dev.tsv") == 2


def test_a_missing_file_is_not_tried_again(server):
    server.answers["/dev.tsv"] = [fails(404)]
    with pytest.raises(UnreachableError, match=r"/dev.tsv: 404"):
        download(f"{server.url}/dev.tsv")
    assert server.requests == ["/dev.tsv"]


def test_a_server_that_stays_down_is_given_up(server):
    server.answers["/dev.tsv"] = [fails(500)]
    with pytest.raises(UnreachableError, match=r"/dev.tsv: 500"):
        download(f"{server.url}/dev.tsv")
    assert len(server.requests) == transport.ATTEMPTS


def test_a_silent_host_is_not_tried_again(monkeypatch):
    calls = []

    def silent(url: str, timeout: tuple[float, float], **options):
        calls.append(timeout)
        raise requests.ConnectTimeout("no answer")

    monkeypatch.setattr(requests, "get", silent)
    with pytest.raises(UnreachableError, match=r"dev\.tsv: no answer"):
        download("http://silent.example/dev.tsv")
    assert calls == [(transport.CONNECT_SECONDS, transport.READ_SECONDS)]


def test_a_stalled_server_is_given_up(monkeypatch, server):
    monkeypatch.setattr(transport, "READ_SECONDS", 0.1)
    server.answers["/dev.tsv"] = [stalls(1)]
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="timed out"):
        download(f"{server.url}/dev.tsv")
    assert time.monotonic() - started < 3


def test_a_dripping_server_is_given_up(monkeypatch, server):
    monkeypatch.setattr(transport, "FILE_SECONDS", 0.2)
    server.answers["/dev.tsv"] = [drips]
    started = time.monotonic()
    with pytest.raises(UnreachableError, match=r"not complete after 0\.2 s"):
        download(f"{server.url}/dev.tsv")
    assert time.monotonic() - started < 3


def drips_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    slowly(handler, b"X-Padding: " + b"x" * 200)


def drips_the_size_of_a_chunk(handler):
    handler.protocol_version = "HTTP/1.1"
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    slowly(handler, b"1;" + b"x" * 200)


def drips_trailers(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    slowly(handler, b"0\r\n" + b"X: y\r\n" * 40)


def slowly(handler, content: bytes):
    with suppress(OSError):
        for byte in content:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.05)


@pytest.mark.parametrize(
    "answer", [drips_headers, drips_the_size_of_a_chunk, drips_trailers], ids=lambda it: it.__name__
)
def test_a_server_that_drips_what_is_no_content_is_given_up(monkeypatch, server, answer):
    monkeypatch.setattr(transport, "FILE_SECONDS", 0.3)
    server.answers["/dev.tsv"] = [answer]
    with pytest.raises(UnreachableError, match=r"not complete after 0\.3 s"):
        download(f"{server.url}/dev.tsv")
    assert server.requests == ["/dev.tsv"]


def leads(to: str, status: int = 302, body: bytes = b""):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Location", to)
        handler.send_header("Content-Encoding", "gzip" if body else "identity")
        handler.end_headers()
        with suppress(OSError):  # nobody reads it
            handler.wfile.write(body)

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_followed(server, status):
    server.answers["/moved"] = [leads("/dev.tsv", status)]
    assert download(f"{server.url}/moved") == CONTENTS["dev.tsv"]


def test_the_body_of_a_redirection_is_not_read(monkeypatch, server):
    monkeypatch.setattr(transport, "MAX_BYTES", 1000)
    bomb = gzip.compress(bytes(50_000_000))
    server.answers["/moved"] = [leads("/dev.tsv", body=bomb)]
    tracemalloc.start()
    assert download(f"{server.url}/moved") == CONTENTS["dev.tsv"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_circle_of_redirections_is_given_up(server):
    server.answers["/round"] = [leads("/round")]
    with pytest.raises(UnreachableError, match=r"/round: redirected more than 5 times"):
        download(f"{server.url}/round")
    assert len(server.requests) == transport.MOST_REDIRECTIONS + 1


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "data:,x"])
def test_a_redirection_to_no_web_address_is_refused(server, to):
    server.answers["/moved"] = [leads(to)]
    with pytest.raises(UnreachableError, match="which is no https address"):
        download(f"{server.url}/moved")
    assert server.requests == ["/moved"]


def test_a_redirection_from_https_to_http_is_refused(monkeypatch, server):
    asked = []

    def answer(url, **_):
        asked.append(url)
        response = requests.Response()
        response.status_code, response.headers["Location"] = 302, f"{server.url}/dev.tsv"
        response.raw = io.BytesIO()
        return response

    monkeypatch.setattr(requests, "get", answer)
    with pytest.raises(UnreachableError, match=r"leads to http://.* no https address"):
        download("https://secure.example/dev.tsv")
    assert asked == ["https://secure.example/dev.tsv"] and server.requests == []


@pytest.mark.parametrize(
    "to", ["http://[", "http://", "//", "http://a b/", "\x01", "http://" + "a" * 300]
)
def test_a_redirection_to_nonsense_is_no_traceback(server, to):
    server.answers["/moved"] = [leads(to)]
    with pytest.raises(UnreachableError):
        download(f"{server.url}/moved")


def test_compressed_content_is_refused_unread(server):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(gzip.compress(bytes(10_000_000)))

    server.answers["/dev.tsv"] = [answer]
    with pytest.raises(UnreachableError, match="compressed, which was not asked for"):
        download(f"{server.url}/dev.tsv")


@pytest.mark.parametrize("size", ["9" * 5000, "-1", "many", "1e3", "99999999999"])
def test_an_odd_length_is_no_traceback(server, size):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", size)
        handler.end_headers()
        handler.wfile.write(b"x")

    server.answers["/dev.tsv"] = [answer]
    try:
        assert download(f"{server.url}/dev.tsv") == b"x"
    except UnreachableError as error:
        assert len(str(error)) < 500


def answers_raw(content: bytes):
    def answer(handler):
        handler.wfile.write(content)

    return answer


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 50,
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 500,
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 100_000,
        b"HTTP/1.1 404 \x1b[31mred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 302 Found\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
    ],
    ids=["nothing", "bytes", "many headers", "long header", "escape", "chunk", "nowhere", "status"],
)
def test_no_answer_of_http_is_no_traceback(server, content):
    server.answers["/dev.tsv"] = [answers_raw(content)]
    try:
        assert download(f"{server.url}/dev.tsv") == b""
    except UnreachableError as error:
        assert str(error).isprintable() and len(str(error)) < 500


def test_content_that_is_not_what_the_hub_names_is_refused_before_it_is_decoded(
    monkeypatch, server, tmp_path
):
    whole = parquet("dev.tsv", tmp_path)
    named = hashlib.sha256(whole).hexdigest()
    decoded = []
    frame = module._frame
    monkeypatch.setattr(module, "_frame", lambda *arguments: decoded.append(1) or frame(*arguments))

    def hub(handler):
        handler.send_response(302)
        handler.send_header("X-Linked-Etag", f'"{named}"')
        handler.send_header("Location", "/stored")
        handler.end_headers()

    server.answers["/hub"] = [hub]
    monkeypatch.setattr("huggingface_hub.hf_hub_url", lambda *_, **__: f"{server.url}/hub")
    server.answers["/stored"] = [sends(whole)]
    assert from_hub("dev.tsv") == CONTENTS["dev.tsv"] and len(decoded) == 1
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    server.answers["/stored"] = [sends(bytes(flipped))]
    with pytest.raises(EmotionSlmError, match=f"truncated or altered.*expected {named}"):
        from_hub("dev.tsv")
    assert len(decoded) == 1


@pytest.mark.slow
def test_no_flipped_byte_of_a_parquet_file_is_a_traceback(monkeypatch, tmp_path):
    """Without a hash named for it either."""
    whole = parquet("train.tsv", tmp_path)
    refused = 0
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 0xFF
        monkeypatch.setattr(module, "download", lambda _, content=bytes(flipped): content)
        try:
            from_hub("train.tsv")  # what it says wrongly is caught by its pinned hash
        except EmotionSlmError:
            refused += 1
    assert refused > len(whole) / 10


def test_a_parquet_file_that_unpacks_to_much_is_not_read(monkeypatch):
    monkeypatch.setattr(module, "MOST_UNPACKED_BYTES", 10_000)
    rows = {"id": ["x"], "text": ["a" * 100_000], "labels": [[1]]}
    content = pd.DataFrame(rows).to_parquet()
    monkeypatch.setattr(module, "download", lambda _: content)
    with pytest.raises(EmotionSlmError, match="1 rows in"):
        from_hub("train.tsv")


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path), lambda path: path.write_bytes(bytes(2000)),
    ],
    ids=["pipe", "folder", "device", "circle", "large"],
)  # fmt: skip
def test_a_mirror_of_what_is_no_file_is_refused(tmp_path, monkeypatch, make):
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    mirror = filled(tmp_path / "mirror", dev=None)
    make(mirror / "dev.tsv")
    monkeypatch.setenv("GOEMOTIONS_MIRROR", str(mirror))
    assert refused().startswith(f"{mirror / 'dev.tsv'}: not readable (")


def test_an_oversized_download_is_given_up(monkeypatch, server):
    monkeypatch.setattr(transport, "MAX_BYTES", 1000)
    server.answers["/dev.tsv"] = [sends(bytes(5000))]
    with pytest.raises(UnreachableError, match="larger than 1000 bytes"):
        download(f"{server.url}/dev.tsv")
    assert server.requests == ["/dev.tsv"]


def test_a_transfer_that_is_always_cut_is_given_up(server):
    server.answers["/dev.tsv"] = [sends(b"a dev", promised=100)]
    with pytest.raises(UnreachableError, match=r"/dev\.tsv: .*5 bytes read, 95 more expected"):
        download(f"{server.url}/dev.tsv")
    assert len(server.requests) == transport.ATTEMPTS


def test_with_no_source_the_error_lists_what_was_tried_and_the_ways_on(
    monkeypatch, unreachable_hub
):
    # Port 9 of this machine: nothing listens there, so a connection is refused at once.
    message = refused()
    for part in (
        "GOEMOTIONS_MIRROR: not set",
        "../shared/goemotions: no such folder",
        "Hugging Face: the hub is down",
        "127.0.0.1: http://127.0.0.1:9/data/train.tsv: ",
        "Connection refused",
        "set GOEMOTIONS_MIRROR to a folder that holds train.tsv, dev.tsv, test.tsv",
        "profile `sample`",
    ):
        assert part in message


def test_sample_needs_no_source(tmp_path):
    shutil.copytree(ROOT / "corpora/sample", "corpora/sample")
    shutil.copyfile(ROOT / "corpora/sample.yaml", "corpora/sample.yaml")
    assert fetch("sample", Path("data/raw")) == "corpora/sample/phrases.yaml"
    found = sorted(path.name for path in Path("data/raw").iterdir())
    assert found == sorted([CORPUS, *RAW_FILES])
    assert len(tsv.read_corpus(Path("data/raw"), DESCRIBED)) == ROWS
