"""A Ray cluster of two nodes on this machine, whose workers and second node are killed."""

import os
import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotion_slm.bulk.pool import Outcome
from emotion_slm.bulk.ray_pool import RayPool

WORDS = ("happy", "angry", "sad", "scared", "cat", "dog", "tree", "house", "the", "is", "very")


def write_rows(folder: Path, files: int, rows: int, row_group: int) -> None:
    """`files` Parquet files of `rows` short texts each, every row with an id of its own."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(files):
        words = generator.choice(WORDS, size=(rows, 3))
        texts = [" ".join(row[: 1 + place % 3]) for place, row in enumerate(words)]
        ids = np.arange(number * rows, (number + 1) * rows)
        table = pa.table({"id": ids, "text": texts})
        pq.write_table(table, folder / f"{number:03}.parquet", row_group_size=row_group)


class TwoNodes:
    """The driver's node of one CPU, and one of two."""

    def __init__(self):
        from ray.cluster_utils import Cluster

        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        self.second = self.cluster.add_node(num_cpus=2)
        self.address = self.cluster.address

    def kill_worker(self, generator: random.Random) -> bool:
        """kill -9 of a process that scores, on any node; whether there was one."""
        raylets = {_raylet(node) for node in (self.cluster.head_node, self.second)}
        found = [pid for pid in _scoring() if _parent(pid) in raylets]
        if found:
            os.kill(generator.choice(found), signal.SIGKILL)
        return bool(found)

    def kill_node(self) -> None:
        """kill -9 of the second node's raylet; its workers end with it, another takes its place."""
        os.kill(_raylet(self.second), signal.SIGKILL)
        self.cluster.remove_node(self.second, allow_graceful=False)
        self.second = self.cluster.add_node(num_cpus=2)

    def shutdown(self) -> None:
        self.cluster.shutdown()


@contextmanager
def two_nodes(patch) -> Iterator[TwoNodes]:
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_DEDUP_LOGS", "0")
    nodes = TwoNodes()
    try:
        yield nodes
    finally:
        nodes.shutdown()


class KilledPool(RayPool):
    """Kills something after some of the outcomes: `kills` of them, every fifth one the node."""

    def __init__(self, job, workers, nodes: TwoNodes, kills: int, units: int):
        super().__init__(job, workers, nodes.address)
        self.nodes, self.generator = nodes, random.Random(0)
        step = units / (kills + 1)
        self.moments = [int(step * (number + 1)) for number in range(kills)]
        self.killed: list[str] = []

    def run(self, task: str, items: Sequence[Any]) -> Iterator[Outcome]:
        for number, outcome in enumerate(super().run(task, items), start=1):
            yield outcome
            due = len(self.killed) < len(self.moments) and number >= self.moments[len(self.killed)]
            if task == "score" and due:
                if len(self.killed) % 5 == 2:
                    self.nodes.kill_node()
                    self.killed.append("node")
                elif self.nodes.kill_worker(self.generator):
                    self.killed.append("worker")


def _raylet(node) -> int:
    return node.all_processes["raylet"][0].process.pid


def _scoring() -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::Worker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:  # it has ended
            continue
    return found


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
