"""Weights in 4 bits, by bitsandbytes: made so on loading, or found so in the checkpoint."""

import re
from pathlib import Path
from typing import Any

import torch
from torch import nn

from emotion_slm.backbone.params import BackboneParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import shown
from emotion_slm.common.tensor_files import read_header

QUANTISED = ".absmax"  # beside a weight in 4 bits: the scales of its blocks
# What a checkpoint's names and the model's begin with, each in an order of its own.
WRAPPERS = re.compile(r"^((language_)?model\.)+")


def found_quantised(config: Any, params: BackboneParams) -> bool:
    """Whether the checkpoint that `config` is of is in 4 bits already.

    EmotionSlmError when that, or another precision it is in, is not what `params` ask for.
    """
    found = getattr(config, "quantization_config", None)
    if not found:
        return False
    method = found.get("quant_method") if isinstance(found, dict) else None
    if method != "bitsandbytes" or not found.get("load_in_4bit"):
        raise EmotionSlmError(
            f"{params.id}: the weights are quantised ({shown(method)}), in a precision that is not "
            "trained here; set `id` to the same model in 16 bits, or in bitsandbytes' 4 bits"
        )
    if not params.four_bit:
        raise EmotionSlmError(
            f"{params.id}: the weights are in 4 bits; set `four_bit` to true, or `id` to the same "
            "model in 16 bits"
        )
    return True


def quantising() -> Any:
    """What transformers takes to make weights NF4 on loading, with double quantisation."""
    import transformers

    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_quant_storage=torch.bfloat16,  # FSDP shards tensors of one type only
    )


def name_full_layers(config: Any, folder: Path) -> None:
    """Let the configuration of a checkpoint in 4 bits name the layers that it holds in full.

    It names them as the release of transformers that wrote it did; later ones call them otherwise,
    and would read 16-bit numbers as packed ones. The tensors themselves tell which they are.
    """
    names = {name for path in folder.glob("*.safetensors") for name in read_header(path)}
    full = {name for name in names if name.endswith(".weight") and name + QUANTISED not in names}
    layers = {WRAPPERS.sub("", name.removesuffix(".weight")) for name in full}
    config.quantization_config["llm_int8_skip_modules"] = sorted(layers | {"lm_head"})


def prepare(model: nn.Module, folder: Path) -> None:
    """Make a model with layers in 4 bits fit for training on a CPU too.

    bitsandbytes 0.50 repacks 4-bit weights when it evaluates on a CPU with AVX512-BF16: afterwards
    no gradient passes through them, and most fresh adapters get none. EmotionSlmError for a layer
    that was to be in 4 bits and whose weights were not.
    """
    for name, module in model.named_modules():
        if not hasattr(module, "support_avx512bf16_for_cpu"):
            continue
        module.support_avx512bf16_for_cpu = False
        if getattr(module.weight, "quant_state", None) is None:
            raise EmotionSlmError(
                f"{folder}: layer {name} of the checkpoint is not in 4 bits, and transformers "
                "takes it to be; set `id` in params.yaml to the same model in 16 bits"
            )
