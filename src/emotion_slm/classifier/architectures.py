"""Classifiers on embedding vectors: linear, multi-layer perceptron, and the published architecture,
in which the vector is the only input position of an SLM."""

import torch
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.modeling_outputs import SequenceClassifierOutput

from emotion_slm.backbone.base import BackboneConfig, EmotionConfig, EmotionModel, rebuild
from emotion_slm.backbone.loading import load_backbone
from emotion_slm.backbone.lora import add_lora
from emotion_slm.classifier.params import LinearHead, MlpHead, OnePositionSlm


class HeadConfig(EmotionConfig):
    """`width` of the vectors; `hidden` units of the MLP, None for a linear head."""

    model_type = "emotion-head"

    width: int = 0
    hidden: int | None = None
    dropout: float = 0.0


class HeadClassifier(EmotionModel):
    """Linear; or linear, GELU, dropout, linear."""

    config_class = HeadConfig
    main_input_name = "vectors"

    def __init__(self, config: HeadConfig):
        super().__init__(config)
        if config.hidden is None:
            layers = [nn.Linear(config.width, config.num_labels)]
        else:
            layers = [
                nn.Linear(config.width, config.hidden),
                nn.GELU(),
                nn.Dropout(config.dropout),
                nn.Linear(config.hidden, config.num_labels),
            ]
        self.layers = nn.Sequential(*layers)
        self.post_init()

    def forward(self, vectors: torch.Tensor) -> SequenceClassifierOutput:
        """(n, width) float32 vectors → `.logits`, (n, 28) float32."""
        return SequenceClassifierOutput(logits=self.layers(vectors))


AutoConfig.register(HeadConfig.model_type, HeadConfig)
AutoModel.register(HeadConfig, HeadClassifier)


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
        """(n, width) float32 vectors → `.logits`, (n, 28) float32."""
        dtype = self.backbone.get_input_embeddings().weight.dtype
        position = self.projection(vectors).unsqueeze(1).to(dtype)  # (n, 1, H)
        mask = torch.ones(position.shape[:2], dtype=torch.long, device=position.device)
        hidden = self.backbone(inputs_embeds=position, attention_mask=mask).last_hidden_state
        return SequenceClassifierOutput(logits=self.output(self.dropout(hidden[:, -1].float())))


AutoConfig.register(OnePositionConfig.model_type, OnePositionConfig)
AutoModel.register(OnePositionConfig, OnePositionClassifier)


def build_classifier(params: LinearHead | MlpHead | OnePositionSlm, width: int) -> EmotionModel:
    """A fresh classifier: (n, width) vectors → `.logits`, (n, 28).

    What training may change requires a gradient.
    """
    if isinstance(params, LinearHead):
        return HeadClassifier(HeadConfig(width=width))
    if isinstance(params, MlpHead):
        return HeadClassifier(HeadConfig(width=width, hidden=params.hidden, dropout=params.dropout))
    backbone = load_backbone(params.backbone, max_length=2)  # as published, though one is used
    add_lora(backbone, params.lora, attend=False)
    config = OnePositionConfig(
        backbone=backbone.config,
        lora=params.lora.model_dump(),
        width=width,
        dropout=params.dropout,
    )
    return OnePositionClassifier(config, backbone)
