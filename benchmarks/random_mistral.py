"""Mistral's decoder with random weights, quantised layer by layer where it will run.

Speed and memory do not depend on what the weights are, and 48 GB of them need not be downloaded.
"""

import math
from typing import NamedTuple

import torch
from torch import nn

from emotion_slm.backbone.loading import rebuild_backbone


class Shape(NamedTuple):
    """A decoder's sizes, and whether its projections are NF4 or float32."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    key_value_heads: int
    head_dim: int
    vocabulary: int
    four_bit: bool


# The text tower of Mistral-Small-3.1-24B, by its config.json.
MISTRAL_SMALL = Shape(40, 5120, 32768, 32, 8, 128, 131072, four_bit=True)
REDUCED = Shape(4, 512, 3072, 8, 2, 64, 1000, four_bit=False)


def random_mistral(shape: Shape, device: torch.device) -> nn.Module:
    """The decoder on `device`, ready for adapters, as `load_backbone` would leave it.

    In four bits (NF4, double quantisation) the other weights are bfloat16, and no more than one
    projection exists unquantised at any time.
    """
    from transformers import MistralConfig

    config = MistralConfig(
        num_hidden_layers=shape.layers,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        head_dim=shape.head_dim,
        vocab_size=shape.vocabulary,
        max_position_embeddings=131072,
        sliding_window=None,
        rms_norm_eps=1e-5,
    )
    with torch.device("meta"):
        model = rebuild_backbone(config)
    dtype = torch.bfloat16 if shape.four_bit else torch.float32
    for parent in list(model.modules()):
        for name, part in list(parent.named_children()):
            if isinstance(part, nn.Linear):
                make = _four_bit_linear if shape.four_bit else _linear
                setattr(parent, name, make(part.in_features, part.out_features, device))
    for part in model.modules():
        if isinstance(part, nn.Embedding):
            part.weight = nn.Parameter(_random(part.weight.shape, dtype, device))
        elif type(part).__name__.endswith("RMSNorm"):
            part.weight = nn.Parameter(torch.ones(part.weight.shape, dtype=dtype, device=device))
    model.rotary_emb = type(model.rotary_emb)(model.config).to(device)
    model.is_loaded_in_4bit = shape.four_bit  # PEFT asks the model, not its layers
    model.config.use_cache = False
    return model


def _linear(inputs: int, outputs: int, device: torch.device) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=False, device="meta")
    layer.weight = nn.Parameter(_random((outputs, inputs), torch.float32, device))
    return layer


def _four_bit_linear(inputs: int, outputs: int, device: torch.device) -> nn.Module:
    from bitsandbytes.nn import Linear4bit, Params4bit

    layer = Linear4bit(
        inputs, outputs, bias=False, compute_dtype=torch.bfloat16, quant_type="nf4", device="meta"
    )
    layer.weight = Params4bit(
        _random((outputs, inputs), torch.bfloat16, device), quant_type="nf4", module=layer
    ).to(device)  # this quantises, and the random matrix is freed
    return layer


def _random(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    return torch.randn(shape, dtype=dtype, device=device) / math.sqrt(shape[-1])
