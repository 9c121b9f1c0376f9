"""The processes that train together: how they share a batch, and how they agree."""

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn

from emotion_slm.processes import rank, world_size


class Processes:
    """One process, or as many as `accelerate launch` started, which compute the same steps.

    A batch is shared out row by row, so the effective batch does not depend on their number.
    """

    def __init__(self) -> None:
        self.rank, self.count = rank(), world_size()
        on_cpu = not torch.cuda.is_available()
        if self.count == 1:
            self.accelerator = None
            self.device = torch.device("cpu" if on_cpu else "cuda")
        else:
            from accelerate import Accelerator

            self.accelerator = Accelerator(cpu=on_cpu)
            self.device = self.accelerator.device

    def share(self, batch: np.ndarray) -> np.ndarray:
        """The rows of `batch` that are this process's; more processes than rows leave some none."""
        return batch[self.rank :: self.count]

    def prepare(
        self, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Both on this process's device, gradients averaged (DDP) or weights sharded (FSDP)."""
        if self.accelerator is None:
            return model.to(self.device), optimizer
        model, wrapped = self.accelerator.prepare(model, optimizer)
        return model, wrapped.optimizer

    def accumulating(self, model: nn.Module) -> AbstractContextManager:
        """Gradients computed inside the block stay with this process until a later backward."""
        return nullcontext() if self.accelerator is None else self.accelerator.no_sync(model)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        if self.count > 1:
            torch.distributed.all_reduce(values)
        return values

    def gather(self, item: Any) -> list[Any]:
        """The item of each process, in their order."""
        if self.count == 1:
            return [item]
        items = [None] * self.count
        torch.distributed.all_gather_object(items, item)
        return items


@functools.cache
def join() -> Processes:
    """The processes of this run; to be called before a model is placed on a device."""
    return Processes()
