"""A cluster whose processes die gives what one process gives; skipped where Ray is missing."""

import time

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest
from support.bulk import wait_for

from emotion_slm.bulk import run
from emotion_slm.bulk.job import prepare
from emotion_slm.bulk.local_pool import LocalPool
from emotion_slm.scoring.plan import Options

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = pytest.mark.slow


def contents(folder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def nodes(monkeypatch):
    from support.ray_cluster import two_nodes

    with two_nodes(monkeypatch) as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("files", "rows", "kills"),
    [(4, 500, 3), pytest.param(100, 10_000, 10, marks=pytest.mark.drill)],
)
def test_killed_workers_and_nodes_change_no_byte(nodes, exported, tmp_path, files, rows, kills):
    from support.ray_cluster import KilledPool, write_rows

    row_group = rows // 4
    write_rows(tmp_path / "in", files, rows, row_group)
    summaries = []
    for name in ("local", "ray"):
        given, output = [str(tmp_path / "in")], str(tmp_path / name)
        uris, _, job = prepare(given, output, Options(), exported, None)
        pool = (
            LocalPool(job, 2)
            if name == "local"
            else KilledPool(job, 3, nodes, kills, units=4 * files)
        )
        with pool:
            summaries.append(run.score_files(uris, job, pool))
    assert len(pool.killed) == kills and "node" in pool.killed
    for summary in summaries:
        assert summary.failures == []
        assert (summary.units, summary.manifest["scored"]) == (4 * files, files * rows)
    local, ray = contents(tmp_path / "local"), contents(tmp_path / "ray")
    assert local == ray
    assert sum(name.startswith("part-") for name in ray) == 4 * files
    parts = pa.dataset.dataset(tmp_path / "ray", format="parquet")
    ids = np.sort(parts.to_table(columns=["id"])["id"].to_numpy())
    assert np.array_equal(ids, np.arange(files * rows))
    with LocalPool(job, 2) as pool:
        faults, manifest = run.verify_files(uris, job, pool)
    assert (faults, manifest["rows"]) == ([], files * rows)


def test_an_interrupted_run_ends_its_actors_before_it_clears_up(exported, tmp_path):
    from support.ray_cluster import write_rows

    from emotion_slm.bulk.ray_pool import RayPool

    write_rows(tmp_path / "in", 2, 20_000, 2_000)
    out = tmp_path / "out"
    uris, _, job = prepare([str(tmp_path / "in")], str(out), Options(), exported, None)
    with RayPool(job, 2, None) as pool:
        real = pool.run

        def interrupted(task, items):
            for outcome in real(task, items):
                yield outcome
                if task == "score":
                    wait_for(lambda: list(out.glob("_scratch*/*")))  # the other one is at work
                    raise KeyboardInterrupt

        pool.run = interrupted
        with pytest.raises(KeyboardInterrupt, match="1 of 20 units are done and stay"):
            run.score_files(uris, job, pool)
        assert not list(out.glob("_scratch*"))
        time.sleep(1)  # one still alive would write its next rows
        assert not list(out.glob("_scratch*"))
