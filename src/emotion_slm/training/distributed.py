"""The processes that train together: how they share a batch, how they agree, and the weights they
train, whole even where each process holds a part."""

import functools
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor, distribute_tensor

from emotion_slm.common.processes import rank, world_size


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


Tensors = dict[str, torch.Tensor]


def trained_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Every parameter of `model` that requires a gradient, by name."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def snapshot(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Copies on the CPU, put together from their shards: every process must call this."""
    return {name: whole(tensor).detach().cpu().clone() for name, tensor in tensors.items()}


def is_sharded(tensors: Mapping[str, torch.Tensor]) -> bool:
    return any(isinstance(tensor, DTensor) for tensor in tensors.values())


def whole(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def sharded_like(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """`source` on the device of `target`, cut into the same shards."""
    source = source.to(target.device)
    if isinstance(target, DTensor):
        return distribute_tensor(source, target.device_mesh, target.placements)
    return source


def assign(targets: Mapping[str, torch.Tensor], sources: Mapping[str, torch.Tensor]) -> None:
    """Copy `sources` into `targets`, in place."""
    with torch.no_grad():
        for name, target in targets.items():
            target.copy_(sharded_like(sources[name], target))


def forget_gathered(model: nn.Module) -> None:
    """Let the next forward gather the shards anew: FSDP keeps what the last one gathered, and would
    not see that other weights were put in their place."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def gather_into(model: nn.Module, sources: Mapping[str, torch.Tensor]) -> None:
    """Leave `model` with `sources` as its trained weights, no longer in shards.

    A sharded weight is replaced, so that whoever saves the model's parameters meets ordinary
    tensors; it is of no other use then.
    """
    for name, weight in trained_parameters(model).items():
        if isinstance(weight, DTensor):
            parent, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(parent), leaf, nn.Parameter(sources[name].clone()))
        else:
            with torch.no_grad():
                weight.copy_(sources[name])
