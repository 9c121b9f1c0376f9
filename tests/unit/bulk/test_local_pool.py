"""Processes that score, and that die: the same bytes as without."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.bulk import dying_work, make_job, restless_work, wait_for

from emotion_slm.bulk import local_pool, pool, run
from emotion_slm.bulk.job import prepare
from emotion_slm.bulk.local_pool import LocalPool
from emotion_slm.bulk.worker import Failure
from emotion_slm.scoring.formats import Format
from emotion_slm.scoring.plan import Options


@pytest.fixture
def files(tmp_path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    words = ["happy", "angry", "sad cat", "the dog is very scared"]
    for number in range(2):
        table = pa.table({"id": range(40), "text": words * 10})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=8)
    return folder


def test_items_of_processes_that_die_are_done_again(tmp_path, monkeypatch):
    monkeypatch.setattr(local_pool, "_work", dying_work)
    monkeypatch.setattr(pool, "ATTEMPTS", 2)
    job = make_job(tmp_path, Format.CSV)
    with LocalPool(job, 2) as workers:
        outcomes = dict(workers.run("score", ["a", "poison"]))
    assert outcomes["a"] == "a done"
    assert isinstance(outcomes["poison"], Failure)
    assert "poison: the process that worked on it died 2 times" in outcomes["poison"].reason


def test_no_worker_writes_when_an_interrupted_run_has_cleared_up(files, tmp_path, monkeypatch):
    monkeypatch.setattr(local_pool, "_work", restless_work)
    out = tmp_path / "out"
    job = make_job(out, Format.PARQUET)
    with LocalPool(job, 2) as local:
        real = local.run

        def interrupted(task, items):
            for outcome in real(task, items):
                if task == "score":
                    wait_for(lambda: list(out.glob("_scratch*/*")))
                    raise KeyboardInterrupt
                yield outcome

        local.run = interrupted
        with pytest.raises(KeyboardInterrupt, match="0 of 10 units are done and stay"):
            run.score_files([str(path) for path in sorted(files.iterdir())], job, local)
        assert not list(out.glob("_scratch*"))


@pytest.mark.slow
def test_killed_processes_change_no_byte(files, exported, tmp_path):
    folders = []
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        uris, _, job = prepare([str(files)], str(out), Options(), exported, None)
        with LocalPool(job, workers) as local:
            real, killed = local.run, []

            def killing(task, items, real=real, local=local, killed=killed):
                for outcome in real(task, items):
                    if task == "score" and len(killed) < local.workers - 1:
                        (process, *_), *_ = local.busy.values()
                        os.kill(process.process.pid, signal.SIGKILL)
                        killed.append(process)
                    yield outcome

            local.run = killing
            done = run.score_files(uris, job, local)
            assert len(killed) == workers - 1
        assert (done.units, done.manifest["scored"]) == (10, 80)
        folders.append(out)
    one, two = (
        {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        for out in folders
    )
    assert one == two
    assert not list(folders[1].glob("_scratch*"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_whole_units_and_goes_on(files, exported, tmp_path, number):
    out = tmp_path / "out"
    texts = ["the dog is very scared " * 40] * 3000
    pq.write_table(
        pa.table({"id": range(3000), "text": texts}), files / "2.parquet", row_group_size=50
    )
    command = [
        sys.executable, "-m", "emotion_slm.cli.app", "predict", files, "-o", out, "--workers", "1",
        "--model", exported,
    ]  # fmt: skip
    # A shell's background jobs ignore Ctrl-C, and so would what they start.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heeding)
    wait_for(lambda: list(out.glob("_units/*.json")))
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "of 70 units are done and stay; the same command goes on" in " ".join(errors.split())
    # A worker killed as it wrote a record leaves a hidden file, which nobody reads.
    units = {path.stem for path in out.glob("_units/*.json")}
    assert 0 < len(units) < 70
    assert {path.stem.removeprefix("part-") for path in out.glob("part-*")} >= units
    assert not list(out.glob("_scratch*")) and not (out / "_MANIFEST.json").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert len(list(out.glob("part-*"))) == 70
    subprocess.run([*command, "--verify"], check=True, capture_output=True)
