"""`emotion-slm predict` on many files: what is said, and by which status."""

import importlib.util
import json
from pathlib import Path

import pytest
from support.bulk import SerialPool
from typer.testing import CliRunner

from emotion_slm.cli.app import app
from emotion_slm.cli.bulk import many


@pytest.fixture
def run(tmp_path, monkeypatch, packaged):
    """Function: arguments → result of `predict` on two files and a folder, in one process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(
        "emotion_slm.bulk.local_pool.LocalPool", lambda job, workers: SerialPool(job)
    )
    Path("in/deep").mkdir(parents=True)
    Path("in/a.csv").write_text("id,text\n1,happy\n")
    Path("in/deep/b.csv").write_text("id,text\n2,sad\n")
    Path("taken").write_text("")

    def invoke(*arguments: str):
        command = ["predict", *arguments, "--model", str(packaged)]
        return CliRunner().invoke(app, command)

    return invoke


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["in"], "in: is a folder; many files are scored into a folder; name it with -o OUT/"),
        (["in/a.csv", "in/deep/b.csv"], "name it with -o OUT/"),
        (["in", "-o", "all.csv"], "all.csv: many files are scored into a folder"),
        (["in", "-o", "taken"], "taken: many files are scored into a folder"),
        (["in", "-o", "in/out"], "lies in the input"),
        (["in", "-o", "out/", "--resume"], "always taken up where it was left"),
        (["in", "-", "-o", "out/"], "go with one file"),
        (["in", "-o", "out/", "--shard", "4/4"], "--shard 4/4: must be K/N"),
        (["in", "-o", "out/", "--shard", "x"], "--shard x: must be K/N"),
        (["in", "-o", "out/", "--engine", "dask"], "--engine dask: unknown; known: local, ray"),
        (["in", "-o", "out/", "--address", "auto"], "--address goes with --engine ray"),
        (["in", "-o", "out/", "--labels", "ekmann"], "did you mean 'ekman'"),
        (["in", "-o", "out/", "--text-column", "body"], "no column 'body'"),
        (["in/*.json", "-o", "out/"], "in/*.json: no file of such a name"),
        (["in", "-o", "out/", "--explain"], "--explain goes with --text"),
        (["--text", "x", "--verify"], "with a file, not with --text"),
        (["in", "-o", "out/", "--verify"], "2 of 2 units are missing"),
    ],
)
def test_what_cannot_be_is_named(run, arguments, expected):
    result = run(*arguments)
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert expected in " ".join(result.output.split())
    assert not list(Path().glob("out/part-*"))


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_its_extra_is_named(run):
    result = run("in", "-o", "out/", "--engine", "ray")
    assert result.exit_code == 1 and "install the extra `ray`" in result.output


def test_a_folder_is_scored_and_verified(run):
    result = run("in", "-o", "out/")
    assert result.exit_code == 0, result.output
    assert "2 units: 2 rows in, 2 scored, 0 rejected" in result.output
    assert "→ out/_MANIFEST.json" in result.output
    assert json.loads(Path("out/_MANIFEST.json").read_text())["scored"] == 2
    assert "inputs, outputs and the manifest agree" in run("in", "-o", "out/", "--verify").output


def test_one_file_into_a_folder(run):
    assert run("in/a.csv", "-o", "out/").exit_code == 0
    assert len(list(Path("out").glob("part-*.csv"))) == 1
    assert run("in/deep/b.csv", "-o", "b.csv").exit_code == 0
    assert Path("b.csv").is_file()


def test_rejected_rows_are_told_by_the_status(run):
    Path("in/a.csv").write_text("id,text\n1,happy\n2\n")
    result = run("in", "-o", "out/")
    assert result.exit_code == 3
    assert "3 rows in, 2 scored, 1 rejected" in result.output
    assert "rejected rows → out/_rejected/" in result.output
    assert run("in", "-o", "out2/", "--shard", "0/1").exit_code == 0


def test_shards_say_what_is_left(run):
    result = run("in", "-o", "out/", "--shard", "0/2")
    assert result.exit_code == 0
    assert "1 units scored; 1 are left to other shards" in result.output
    assert "2 units: 2 rows in" in run("in", "-o", "out/", "--shard", "1/2").output


def test_files_of_no_known_suffix_are_told(run):
    Path("in/notes").write_text("x")
    assert "1 files of no known suffix are passed over" in run("in", "-o", "out/").output


def test_failed_units_are_told_by_the_status(run, monkeypatch):
    from emotion_slm.bulk.worker import Worker

    def failing(self, unit):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Worker, "score", failing)
    result = run("in", "-o", "out/")
    assert result.exit_code == 3
    assert "not scored: " in result.output and "2 units were not scored" in result.output


@pytest.mark.parametrize(
    ("files", "output", "expected"),
    [
        (["in/a.csv"], None, False),
        (["in/[1].csv"], "x.csv", False),
        (["none.csv"], "x.csv", False),
        (["-"], None, False),
        (["in"], None, True),
        (["in/*.csv"], None, True),
        (["s3://bucket/a.csv"], "x.csv", True),
        (["in/a.csv", "in/deep/b.csv"], None, True),
        (["in/a.csv"], "out/", True),
        (["in/a.csv"], "in/deep", True),
        (["in/a.csv"], "gs://bucket/out", True),
    ],
)
def test_one_file_is_not_many(run, files, output, expected):
    Path("in/[1].csv").write_text("text\n")
    assert many(files, output) is expected
