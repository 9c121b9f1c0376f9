"""Heads on embedding vectors: linear, and a multi-layer perceptron."""

import torch
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.modeling_outputs import SequenceClassifierOutput

from emotion_slm.model.base import EmotionConfig, EmotionModel


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
