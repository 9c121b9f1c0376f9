"""The published architecture: a vector is the only input position of an SLM."""

from collections.abc import Sequence

import torch
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.modeling_outputs import SequenceClassifierOutput

from emotion_slm.backbone.base import BackboneConfig, EmotionModel, naming, rebuild
from emotion_slm.backbone.loading import load_backbone
from emotion_slm.backbone.lora import add_lora
from emotion_slm.classifier.params import OnePositionSlm


class OnePositionConfig(BackboneConfig):
    """`width` of the vectors; `dropout` before the output layer."""

    model_type = "emotion-one-position"

    width: int = 0
    dropout: float = 0.0


class OnePositionClassifier(EmotionModel):
    """Projection → one input position → SLM with LoRA → dropout → linear (Koráb 2026).

    Attention over one key is the identity, so the SLM's query and key projections cannot matter:
    they get no adapters here, a departure from the published list. The SLM never reads a word.
    """

    config_class = OnePositionConfig
    main_input_name = "vectors"
    supports_gradient_checkpointing = True

    def __init__(self, config: OnePositionConfig, backbone: nn.Module | None = None):
        """`backbone`: the pretrained module; without it one of random weights is built."""
        super().__init__(config)
        backbone = rebuild(config, attend=False) if backbone is None else backbone
        device = next(backbone.parameters()).device
        hidden = config.backbone.hidden_size  # H
        self.projection = nn.Sequential(
            nn.Linear(config.width, hidden // 2), nn.GELU(), nn.Linear(hidden // 2, hidden)
        ).to(device)
        self.backbone = backbone
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(hidden, config.num_labels, device=device)
        self.post_init()

    def forward(self, vectors: torch.Tensor) -> SequenceClassifierOutput:
        """(n, width) float32 vectors → `.logits`, (n, labels) float32."""
        dtype = self.backbone.get_input_embeddings().weight.dtype
        position = self.projection(vectors).unsqueeze(1).to(dtype)  # (n, 1, H)
        mask = torch.ones(position.shape[:2], dtype=torch.long, device=position.device)
        hidden = self.backbone(inputs_embeds=position, attention_mask=mask).last_hidden_state
        return SequenceClassifierOutput(logits=self.output(self.dropout(hidden[:, -1].float())))


AutoConfig.register(OnePositionConfig.model_type, OnePositionConfig)
AutoModel.register(OnePositionConfig, OnePositionClassifier)


def build_one_position(
    params: OnePositionSlm, width: int, labels: Sequence[str]
) -> OnePositionClassifier:
    """A fresh classifier of vectors of `width` around its pinned backbone."""
    backbone = load_backbone(params.backbone, max_length=2)  # as published, though one is used
    return around(backbone, params, width, labels)


def around(
    backbone: nn.Module, params: OnePositionSlm, width: int, labels: Sequence[str]
) -> OnePositionClassifier:
    """The same around a backbone that is loaded already; it is given the adapters."""
    add_lora(backbone, params.lora, attend=False)
    config = OnePositionConfig(
        backbone=backbone.config,
        lora=params.lora.model_dump(),
        width=width,
        dropout=params.dropout,
        **naming(labels),
    )
    return OnePositionClassifier(config, backbone)
