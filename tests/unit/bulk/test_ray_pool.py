"""A cluster whose processes die gives what one process gives; skipped where Ray is missing."""

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest

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
