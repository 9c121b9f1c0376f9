"""Trained tensors on disk: only what training changed, float16, safetensors, strict both ways."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import write_bytes
from emotion_slm.common.params import plain, shown
from emotion_slm.common.tensor_files import read_header

# The precision of a package: thresholds and calibration are fitted on the very weights users run.
PRECISION = torch.float16


def save_trained(module: nn.Module, path: Path) -> None:
    """Write every parameter of `module` that requires a gradient, rounded to float16.

    Raises EmotionSlmError when a value is not finite in float16 (its range ends at 65,504).
    """
    tensors = {
        name: weight.detach().cpu().to(PRECISION).contiguous()
        for name, weight in module.named_parameters()
        if weight.requires_grad
    }
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise EmotionSlmError(f"{path}: tensor {name} is not finite in float16; not written")
    write_bytes(path, save(tensors))


def load_trained(module: nn.Module, path: Path) -> None:
    """Copy the tensors of `path` into the parameters of `module` that require a gradient.

    Raises EmotionSlmError when a name or shape is missing on either side, and for a tensor that is
    not float16 or holds what is no finite number.
    """
    parameters = {
        name: weight for name, weight in module.named_parameters() if weight.requires_grad
    }
    tensors = read_tensors(path, parameters)
    for name, tensor in tensors.items():
        if tensor.dtype != PRECISION:
            raise EmotionSlmError(
                f"{path}: tensor {name} is {tensor.dtype}, the format is {PRECISION}"
            )
        if not torch.isfinite(tensor).all():
            raise EmotionSlmError(f"{path}: tensor {name} holds what is no finite number")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])


def read_tensors(path: Path, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of `path`, which must have the names and shapes of `expected`, no more, no less.

    Raises EmotionSlmError naming the first that differs.
    """
    found = read_header(path)
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            raise EmotionSlmError(f"{path}: tensor {name} is missing")
        if name not in expected:
            raise EmotionSlmError(f"{path}: tensor {plain(name)} has no place in the model")
        if tuple(expected[name].shape) != found[name].shape:
            raise EmotionSlmError(
                f"{path}: tensor {name} is {shown(found[name].shape)}, "
                f"the model needs {tuple(expected[name].shape)}"
            )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise EmotionSlmError(f"{path}: not a readable safetensors file ({error})") from error
