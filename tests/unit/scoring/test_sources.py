"""Inputs of every compression, encoding and kind of file, each opened once."""

import bz2
import gzip
import io
import json
import lzma
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from support.labels import GOEMOTIONS, LABELS
from support.scorer import StubScorer

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring import lines
from emotion_slm.scoring.formats import STANDARD, Format
from emotion_slm.scoring.plan import Options, check
from emotion_slm.scoring.run import score

TEXTS = ["happy cat", "привет, мир", "猫は\u2028嬉しい 上", "😀 café", ""]
COMPRESS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}


def content(suffix: str) -> str:
    if suffix == "jsonl":
        return "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in TEXTS)
    if suffix == "txt":
        return "".join(text + "\n" for text in TEXTS)
    separator = "\t" if suffix == "tsv" else ","
    return f"n{separator}text\n" + "".join(
        f'{n}{separator}"{text}"\n' for n, text in enumerate(TEXTS)
    )


def texts(source: Path, output: Path, options: Options = Options()) -> list[str]:  # noqa: B008
    """The texts of `source` as they come out of scoring."""
    done = score(source, output, StubScorer(), options)
    assert done.rejected == 0
    return [json.loads(line)["text"] for line in output.read_text("utf-8").split("\n")[:-1]]


@pytest.mark.parametrize(("outer", "inner"), [("gz", "gz"), ("zst", "gz"), ("xz", "bz2")])
def test_what_is_compressed_twice_is_told(tmp_path, outer, inner):
    source = tmp_path / f"x.csv.{outer}"
    source.write_bytes(COMPRESS[outer](COMPRESS[inner](content("csv").encode())))
    with pytest.raises(EmotionSlmError, match=r"it is \w+ inside \w+; decompress it once"):
        score(source, None, StubScorer(), Options())


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "txt"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", ("\ufeff", "utf-16-be")]
)
def test_encodings_with_their_mark(tmp_path, suffix, encoding):
    mark, encoding = encoding if isinstance(encoding, tuple) else ("", encoding)
    source = tmp_path / f"x.{suffix}"
    source.write_bytes((mark + content(suffix)).encode(encoding))
    assert texts(source, tmp_path / "out.jsonl") == TEXTS


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "txt"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["happy", "嬉しい猫上\n" * 4])
def test_utf16_without_its_mark_is_refused(tmp_path, suffix, encoding, text):
    source = tmp_path / f"x.{suffix}"
    whole = content(suffix) if text == "happy" else text
    source.write_bytes(whole.encode(encoding))
    with pytest.raises(EmotionSlmError, match=r"UTF-16 without a byte-order mark; save it as UTF-"):
        score(source, tmp_path / "out.jsonl", StubScorer(), Options())


def test_a_stray_nul_is_not_utf16(tmp_path):
    source = tmp_path / "x.txt"
    source.write_bytes(b"nul \0 here\nand \0\0 there, in a file of other text\n")
    assert texts(source, tmp_path / "o.jsonl") == [
        "nul \0 here", "and \0\0 there, in a file of other text"
    ]  # fmt: skip


def test_half_a_character_of_utf16_is_a_bad_row(tmp_path):
    source, output = tmp_path / "x.txt", tmp_path / "out.jsonl"
    source.write_bytes("one\ntwo\nthree".encode("utf-16")[:-1])
    assert score(source, output, StubScorer(), Options()) == (output, 3, 1, 0)
    assert "not UTF-16" in (tmp_path / "out.jsonl.rejected.jsonl").read_text()
    lone = "one\n".encode("utf-16") + b"\x00\xd8" + "\nthree\n".encode("utf-16-le")
    source.write_bytes(lone)
    assert score(source, output, StubScorer(), Options()) == (output, 3, 1, 0)


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.jsonl.zst", "x.txt"])
def test_compression_is_known_by_content(tmp_path, kind, name):
    source = tmp_path / name
    suffix = name.split(".")[1]
    source.write_bytes(COMPRESS[kind](content(suffix).encode("utf-16")))
    check(source, None, Options(), GOEMOTIONS)
    assert texts(source, tmp_path / "out.jsonl") == TEXTS


@pytest.mark.parametrize("kind", COMPRESS)
def test_joined_compressed_files_are_one(tmp_path, kind):
    source = tmp_path / "x.txt"
    source.write_bytes(COMPRESS[kind](b"a\nb") + COMPRESS[kind](b"c\nd\n"))
    assert texts(source, tmp_path / "out.jsonl") == ["a", "bc", "d"]


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "txt"])
@pytest.mark.parametrize("rows", [100, 5_000])
def test_damage_loses_only_what_follows_it(tmp_path, kind, suffix, rows):
    body = [f'{{"text": "row {row} {hash(str(row))}"}}\n' for row in range(rows)]
    if suffix != "jsonl":
        body = ["text\n", *(f"row {row} {hash(str(row))}\n" for row in range(rows))]
    whole = COMPRESS[kind]("".join(body).encode())
    source, output = tmp_path / f"x.{suffix}", tmp_path / "out.jsonl"
    # The first half is a file of its own: a block of some compressions may hold a whole file.
    source.write_bytes(COMPRESS[kind]("".join(body).encode()) + whole[: len(whole) // 2])
    done = score(source, output, StubScorer(), Options())
    lost = 30 if kind == "zst" else 0
    assert done.rejected == 1 and rows - lost <= done.records - 1 <= 2 * rows
    (line,) = (tmp_path / "out.jsonl.rejected.jsonl").read_text().splitlines()
    assert "is damaged or ends early" in json.loads(line)["reason"]
    assert json.loads(line)["line"] >= done.records


def test_damage_from_the_beginning_names_the_file(tmp_path):
    source = tmp_path / "x.csv"
    source.write_bytes(gzip.compress(b"text\nhappy\n")[:12])
    with pytest.raises(EmotionSlmError, match=r"x\.csv: its gzip data is damaged"):
        score(source, None, StubScorer(), Options())


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        (b"PK\x03\x04rest", "Excel workbook; .*save what it holds as CSV"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel workbook"),
        (b"PAR1rest", "holds Parquet, not csv"),
    ],
)
def test_what_is_no_text_at_all_says_what_to_do(tmp_path, begin, said):
    source = tmp_path / "x.csv"
    source.write_bytes(begin)
    with pytest.raises(EmotionSlmError, match=said.replace("; .*", ".*")):
        score(source, None, StubScorer(), Options())


@pytest.mark.parametrize("name", ["pipe", "pipe.csv", "pipe.csv.gz"])
def test_a_named_pipe_is_opened_once(tmp_path, name):
    fifo = tmp_path / name
    os.mkfifo(fifo)
    body = content("csv").encode()
    body = gzip.compress(body) if name.endswith("gz") else body
    writer = threading.Thread(target=fifo.write_bytes, args=(body,))
    writer.start()
    check(fifo, tmp_path / "out.jsonl", Options(), GOEMOTIONS)  # must not take what it holds
    assert texts(fifo, tmp_path / "out.jsonl") == TEXTS
    writer.join()
    with pytest.raises(EmotionSlmError, match="can be read only once"):
        check(fifo, tmp_path / "out.jsonl", Options(), GOEMOTIONS, resume=True)


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "-"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_every_name_of_standard_input(tmp_path, path, kind):
    script = (
        "import sys; from pathlib import Path; from support.scorer import StubScorer\n"
        "from emotion_slm.scoring.plan import Options, check\n"
        "from emotion_slm.scoring.run import score\n"
        "source = Path(sys.argv[1])\n"
        "scorer = StubScorer()\n"
        "check(source, None, Options(), scorer.labels); score(source, None, scorer, Options())"
    )
    command = [sys.executable, "-c", script, path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "tests"])}
    (tmp_path / "x").write_text(content("csv"))
    with (tmp_path / "x").open("rb") as stream:
        given = {"stdin": stream} if kind == "file" else {"input": content("csv").encode()}
        done = subprocess.run(command, capture_output=True, env=environment, **given)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().startswith("n,text,labels,admiration")
    assert len(done.stdout.decode().split("\n")) == len(TEXTS) + 2


@pytest.mark.parametrize(
    ("begin", "form"),
    [
        ('{"text": "a"}\n', Format.JSONL),
        ("id\ttext\n1\ta\n", Format.TSV),
        ("id;text\n1;a\n", Format.CSV),
        ("text about nothing, or not\n", Format.CSV),
    ],
)
def test_a_pipe_without_a_format_is_known_by_its_beginning(monkeypatch, begin, form):
    streams = [io.TextIOWrapper(io.BytesIO(begin.encode())), io.TextIOWrapper(io.BytesIO())]
    monkeypatch.setattr("sys.stdin", streams[0])
    monkeypatch.setattr("sys.stdout", streams[1])
    assert score(STANDARD, None, StubScorer(), Options()).records == 1
    out = streams[1].buffer.getvalue().decode()
    if form is Format.JSONL:
        assert json.loads(out)["text"] == "a"
    else:
        assert ("\t" in out, ";" in out) == ("\t" in begin, ";" in begin)
        assert out.split("\n")[0].count(LABELS[0]) == 1


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero"])
def test_a_device_is_not_an_input(path, tmp_path):
    with pytest.raises(EmotionSlmError, match="neither a file nor a pipe"):
        score(Path(path), tmp_path / "o.csv", StubScorer(), Options(format=Format.CSV))


def test_closed_standard_input_is_named(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(EmotionSlmError, match="standard input is closed"):
        score(STANDARD, None, StubScorer(), Options())


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "txt"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_line_without_end_is_passed_over(tmp_path, monkeypatch, suffix, compressed):
    monkeypatch.setattr(lines, "LINE_CHARACTERS", 1000)
    pieces = re.split("(?<=\n)", content(suffix))[:-1]
    body = "".join([pieces[0], "x" * 10**6, "\n", *pieces[1:]]).encode()
    source, output = tmp_path / f"x.{suffix}", tmp_path / "out.jsonl"
    source.write_bytes(gzip.compress(body) if compressed else body)
    done = score(source, output, StubScorer(), Options())
    assert done.rejected == 1 and done.records - 1 == len(pieces) - (suffix in ("csv", "tsv"))
    reason = json.loads((tmp_path / "out.jsonl.rejected.jsonl").read_text())
    assert reason == {"line": 2, "reason": "a line above 1,000 characters"}


def test_a_decompression_bomb_takes_no_more_memory_than_a_line(tmp_path):
    """200 MB of one line, of 200 kB compressed."""
    source = tmp_path / "bomb.txt"
    with gzip.open(source, "wb", compresslevel=1) as stream:
        for _ in range(200):
            stream.write(b"x" * 10**6)
    script = (
        "import sys, resource; from pathlib import Path; from support.scorer import StubScorer\n"
        "from emotion_slm.scoring.plan import Options\n"
        "from emotion_slm.scoring.run import score\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "done = score(Path(sys.argv[1]), None, StubScorer(), Options())\n"
        "assert done[1:3] == (1, 1), done\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "tests"])}
    done = subprocess.run(
        [sys.executable, "-c", script, source], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100 * 1024  # KiB; a line of 16 million characters has 16 MiB
