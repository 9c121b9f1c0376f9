"""What of a backbone is trained: low-rank adapters, or everything but its embedding tables."""

import re

from torch import nn

from emotion_slm.backbone.params import LoraParams
from emotion_slm.common.errors import EmotionSlmError

# Projections that LoRA adapts, by their names in BERT-like, DistilBERT, ModernBERT and Llama-like
# architectures. ModernBERT computes query, key and value in one projection, so it counts as a
# query. Written as a regular expression: PEFT writes a list in hash-seed order.
ATTENTION_INPUTS = r"query|key|q_lin|k_lin|q_proj|k_proj|Wqkv"
OTHER_PROJECTIONS = (
    r"value|v_lin|out_lin|v_proj|o_proj|gate_proj|up_proj|down_proj|dense|lin1|lin2|Wo|Wi"
)


def add_lora(module: nn.Module, params: LoraParams, attend: bool) -> None:
    """Freeze a backbone and inject low-rank adapters, in place; adapters are float32.

    `attend=False` leaves the query and key projections without adapters: over a single position
    attention is the identity, so they cannot influence the output. Raises EmotionSlmError when
    the architecture has none of the projections known here.
    """
    from peft import LoraConfig, inject_adapter_in_model

    names = f"{ATTENTION_INPUTS}|{OTHER_PROJECTIONS}" if attend else OTHER_PROJECTIONS
    pattern = rf".*\.({names})"
    if not any(re.fullmatch(pattern, name) for name, _ in module.named_modules()):
        raise EmotionSlmError(
            f"{type(module).__name__}: none of its layers is named like a projection that LoRA "
            "adapts; train it without adapters (`lora: none`) or choose another model"
        )
    module.requires_grad_(False)
    config = LoraConfig(
        r=params.r,
        lora_alpha=params.alpha,
        lora_dropout=params.dropout,
        bias="none",
        target_modules=pattern,
    )
    inject_adapter_in_model(config, module)
    for weight in module.parameters():
        if weight.requires_grad:  # PEFT gives adapters the precision of the frozen weights
            weight.data = weight.data.float()


def train_adapters_alone(module: nn.Module) -> None:
    """Freeze all of a backbone but the adapters in it."""
    for name, weight in module.named_parameters():
        weight.requires_grad_(".lora_" in name)


def freeze_embeddings(module: nn.Module) -> None:
    """Keep the token and position tables as pretrained: half of MiniLM's weights, little gain."""
    for part in module.modules():
        if isinstance(part, nn.Embedding):
            part.requires_grad_(False)
