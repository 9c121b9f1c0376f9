"""A training whose weights are sharded over two CPU processes by FSDP2.

accelerate shards on GPUs only; what it would call is called here, so that the rest of the core
(sums, snapshots, checkpoints) meets sharded weights in the tests.
"""

import os
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from emotion_slm.training import trainer
from emotion_slm.training.distributed import Processes
from emotion_slm.training.learner import Learner
from emotion_slm.training.losses import binary_cross_entropy
from emotion_slm.training.params import TrainingParams
from support.training import head, vector_rows


class ShardedProcesses(Processes):
    def __init__(self, rank: int, count: int):
        self.rank, self.count = rank, count
        self.device = torch.device("cpu")

    def prepare(self, model, optimizer):
        names = {id(weight): name for name, weight in model.named_parameters()}
        fully_shard(model, mesh=init_device_mesh("cpu", (self.count,)))
        sharded = dict(model.named_parameters())
        for group in optimizer.param_groups:
            group["params"] = [sharded[names[id(weight)]] for weight in group["params"]]
        return model, optimizer

    def accumulating(self, model) -> AbstractContextManager:
        @contextmanager
        def block():
            model.set_requires_gradient_sync(False)
            yield
            model.set_requires_gradient_sync(True)

        return block()


def run(
    rank: int,
    params: TrainingParams,
    arrays: tuple,
    folder: Path,
    stop_at: int | None,
    output: Path,
) -> None:
    """Train a head, stopping before step `stop_at` if given; the first process writes `output`."""
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), WORLD_SIZE="2")
    store = folder.parent / f"store-{stop_at}"
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=2
    )
    trainer.join = lambda: ShardedProcesses(rank, 2)
    gradients = Learner.gradients

    def stopping(self, rows, batches, step):
        if step == stop_at:
            raise SystemExit(3)
        return gradients(self, rows, batches, step)

    Learner.gradients = stopping
    model, rows = head(), vector_rows(*arrays)
    done = trainer.train(model, binary_cross_entropy, rows, rows, params, 7, folder)
    if rank == 0:
        curve = torch.tensor(done.curve, dtype=torch.float64)
        weights = {name: weight.detach() for name, weight in model.named_parameters()}
        save_file({**weights, "curve": curve}, output)
