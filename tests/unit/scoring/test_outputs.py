"""Outputs of every kind: what is not a regular file of its own is written to, or refused."""

import errno
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.labels import GOEMOTIONS
from support.scorer import StubScorer

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring import chunks, resume
from emotion_slm.scoring.formats import STANDARD
from emotion_slm.scoring.plan import Options, check
from emotion_slm.scoring.run import score

SUFFIXES = ["csv", "jsonl", "parquet"]


@pytest.fixture
def source(tmp_path) -> Path:
    """Two good rows and a bad one."""
    path = tmp_path / "x.csv"
    path.write_text("id,text\n1,happy\n2\n3,sad\n")
    return path


def refused(source: Path, output: Path, said: str) -> None:
    """By `check`, before a model is loaded, and by `score`; nothing is changed."""
    before = everything(source.parent)
    for run in (
        lambda *given: check(*given, GOEMOTIONS),
        lambda *given: score(given[0], given[1], StubScorer(), given[2]),
    ):
        with pytest.raises(EmotionSlmError, match=said):
            run(source, output, Options())
    assert everything(source.parent) == before


def everything(folder: Path) -> dict:
    return {
        path: (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("way", ["itself", "spelling", "symlink", "hardlink", "relative"])
def test_the_input_is_not_an_output(source, tmp_path, monkeypatch, way):
    output = tmp_path / "other.csv"
    if way == "itself":
        output = source
    elif way == "spelling":
        output = tmp_path / ".." / tmp_path.name / "x.csv"
    elif way == "symlink":
        output.symlink_to(source)
    elif way == "hardlink":
        output.hardlink_to(source)
    else:
        monkeypatch.chdir(tmp_path)
        output = Path("x.csv")
    refused(source, output, "is the input, whose rejected rows would be lost; give another")


@pytest.mark.parametrize(
    "suffix", [".part", ".part.json", ".rejected.jsonl", ".rejected.jsonl.part"]
)
@pytest.mark.parametrize("kind", ["input", "symlink", "folder", "fifo"])
def test_nor_are_the_files_beside_it(source, tmp_path, suffix, kind):
    output = tmp_path / "out.csv"
    taken = tmp_path / f"out.csv{suffix}"
    if kind == "input":
        taken.hardlink_to(source)
    elif kind == "symlink":
        (tmp_path / "precious").write_text("kept")
        taken.symlink_to(tmp_path / "precious")
    elif kind == "folder":
        taken.mkdir()
    else:
        os.mkfifo(taken)
    refused(source, output, r"out\.csv\..*(is the input|is not a regular file|is a folder)")


def test_a_linked_output_stays_a_link(source, tmp_path):
    (tmp_path / "deep").mkdir()
    target, output = tmp_path / "deep/real.csv", tmp_path / "link.csv"
    output.symlink_to(Path("deep/real.csv"))  # leads nowhere yet
    for _ in range(2):
        assert score(source, output, StubScorer(), Options()) == (target, 3, 1, 0)
        assert output.is_symlink() and target.read_text().startswith("id,text,labels")
    assert (tmp_path / "deep/real.csv.rejected.jsonl").exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_links_in_a_circle_are_named(source, tmp_path, suffix):
    output = tmp_path / f"a.{suffix}"
    output.symlink_to(tmp_path / f"b.{suffix}")
    (tmp_path / f"b.{suffix}").symlink_to(output)
    refused(source, output, rf"[ab]\.{suffix}: ")


def test_a_second_name_of_the_output_is_not_left_behind(source, tmp_path):
    output = tmp_path / "out.csv"
    output.write_text("old")
    (tmp_path / "name.csv").hardlink_to(output)
    refused(source, output, r"out\.csv: is known by 2 names \(hard links\)")


def test_folders_and_protected_files_are_refused(source, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    refused(source, tmp_path / "folder.csv", r"folder\.csv: is a folder")
    refused(source, source / "out.csv", r"x\.csv is a file, not a folder")
    output = tmp_path / "out.csv"
    output.write_text("old")
    output.chmod(0o444)
    refused(source, output, r"out\.csv: is write-protected")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_an_output_keeps_its_mode(source, tmp_path, suffix, mode):
    output = tmp_path / f"out.{suffix}"
    output.write_text("old")
    output.chmod(mode)

    class Watching(StubScorer):
        def probabilities(self, texts):
            modes.add(stat.S_IMODE((tmp_path / f"out.{suffix}.part").stat().st_mode))
            return super().probabilities(texts)

    modes: set[int] = set()
    score(source, output, Watching(), Options())
    rejected = tmp_path / f"out.{suffix}.rejected.jsonl"
    modes |= {stat.S_IMODE(path.stat().st_mode) for path in (output, rejected)}
    assert modes == {mode}
    assert output.read_bytes() != b"old"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_output_keeps_its_owner(source, tmp_path):
    output = tmp_path / "out.parquet"
    output.write_text("old")
    os.chown(output, 12, 34)
    score(source, output, StubScorer(), Options())
    assert (output.stat().st_uid, output.stat().st_gid) == (12, 34)


def test_devices_are_written_to(source, capsys):
    before = Path("/dev/null").stat()
    done = score(source, Path("/dev/null"), StubScorer(), Options())
    assert done == (Path("/dev/null"), 3, 1, 0)
    after = Path("/dev/null").stat()
    assert stat.S_ISCHR(after.st_mode) and after.st_ino == before.st_ino
    assert json.loads(capsys.readouterr().err)["line"] == 3
    assert not list(Path("/dev").glob("null.*"))
    with pytest.raises(EmotionSlmError, match=r"/dev/full: could not be written .*No space left"):
        score(source, Path("/dev/full"), StubScorer(), Options())
    with pytest.raises(EmotionSlmError, match="--resume needs a file to write"):
        check(source, Path("/dev/null"), Options(), GOEMOTIONS, resume=True)


def test_a_fifo_is_written_to(source, tmp_path, capsys):
    fifo = tmp_path / "out.csv"
    os.mkfifo(fifo)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_text()))
    reader.start()
    score(source, fifo, StubScorer(), Options())
    reader.join()
    assert read[0].startswith("id,text,labels") and read[0].count("\n") == 3
    assert fifo.is_fifo() and sorted(path.name for path in tmp_path.iterdir()) == [
        "out.csv", "x.csv"
    ]  # fmt: skip
    assert json.loads(capsys.readouterr().err)["line"] == 3


SCORE = (
    "import sys; from pathlib import Path; from support.scorer import StubScorer\n"
    "from emotion_slm.scoring.plan import Options\n"
    "from emotion_slm.scoring.run import score\n"
    "score(Path(sys.argv[1]), Path(sys.argv[2]), StubScorer(), Options())\n"
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "tests"])}


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_every_name_of_standard_output(source, tmp_path, name, kind):
    command = [sys.executable, "-c", SCORE, str(source), name]
    log = tmp_path / "log"
    log.write_text("before\n")
    with log.open("ab") as stream:
        out = stream if kind == "file" else subprocess.PIPE
        done = subprocess.run(command, stdout=out, env=ENVIRONMENT, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    text = log.read_text() if kind == "file" else "before\n" + done.stdout.decode()
    assert text.startswith("before\nid,text,labels") and text.count("\n") == 4


def test_standard_output_that_is_the_input_is_refused(source):
    before = source.read_bytes()
    command = [sys.executable, "-c", SCORE, str(source), "-"]
    with source.open("ab") as stream:
        done = subprocess.run(command, stdout=stream, env=ENVIRONMENT, stderr=subprocess.PIPE)
    assert b"is the input" in done.stderr
    assert source.read_bytes() == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_names_the_output_and_keeps_what_is_done(source, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 1)
    output = tmp_path / f"out.{suffix}"
    write, calls = resume._write, []

    def full(stream, content):
        calls.append(content)
        if len(calls) == 2:
            stream.write(content[:5])
            stream.flush()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(stream, content)

    monkeypatch.setattr(resume, "_write", full)
    with pytest.raises(EmotionSlmError, match=rf"out\.{suffix}.*No space left on device\); free"):
        score(source, output, StubScorer(), Options())
    assert not output.exists()
    assert score(source, output, StubScorer(), Options(), resume=True) == (output, 3, 1, 0)
    whole = score(source, tmp_path / f"whole.{suffix}", StubScorer(), Options()).output
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_limit_of_file_size_names_the_output(source, tmp_path, suffix):
    source.write_text("text\n" + "happy cat\n" * 2000)
    output = tmp_path / f"out.{suffix}"

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [sys.executable, "-c", SCORE, str(source), str(output)]
    done = subprocess.run(
        command, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True, preexec_fn=limit
    )
    assert done.stderr.splitlines()[-1].startswith(
        f"emotion_slm.common.errors.EmotionSlmError: {output}.part: could not be written (file too"
    )


def test_closed_standard_output_is_named(source, monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(EmotionSlmError, match="standard output is closed; give a file with -o"):
        score(source, STANDARD, StubScorer(), Options())


def test_compressed_output_is_not_promised(source, tmp_path):
    refused(source, tmp_path / "out.csv.gz", r"out\.csv\.gz: output is not compressed; leave")
