"""Outputs on a disk that is full, or takes nothing, and then does."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.bulk import SerialPool, make_job, score_stubbed
from support.disk import SmallDisk

from emotion_slm.bulk import run
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.scoring.formats import Format


@pytest.fixture
def disk(tmp_path):
    small = SmallDisk(tmp_path / "disk")
    if not small.mount():
        pytest.skip("this machine lets nobody mount a file system")
    yield small
    small.unmount()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "x.parquet"
    texts = [f"{row} " * 2000 for row in range(60)]
    pq.write_table(pa.table({"text": texts}), path, row_group_size=10, compression="none")
    return path


def test_units_without_room_are_named_and_done_when_there_is(disk, source):
    job = make_job(disk.folder / "out", Format.PARQUET)
    pool = SerialPool(job)
    real = pool.run

    def filling(task, items):
        for outcome in real(task, items):
            yield outcome
            if task == "score":
                disk.leave(4096)

    pool.run = filling
    done = run.score_files([str(source)], job, pool)
    assert (done.scored_now, done.missing) == (1, 5)
    assert all("No space left on device; free some space" in reason for reason in done.failures)
    assert all(str(disk.folder) in reason for reason in done.failures)
    disk.change("size=256m")
    done, scored = score_stubbed([source], job)
    assert (len(scored), done.manifest["scored"]) == (5, 60)
    assert run.verify_files([str(source)], job, SerialPool(job))[0] == []
    assert not list((disk.folder / "out").glob("_scratch*"))


def test_an_output_that_takes_nothing_is_named_first(disk, source):
    disk.change("ro")
    with pytest.raises(EmotionSlmError, match=r"disk/out/.*Read-only file system"):
        score_stubbed([source], make_job(disk.folder / "out", Format.PARQUET))
    disk.change("rw")
