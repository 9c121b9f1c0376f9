"""The tensors that train: by name, whole even where processes hold a part each."""

from collections.abc import Mapping

import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor, distribute_tensor

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
