"""Classifiers on embedding vectors: linear, MLP, and the published one-position SLM."""

import torch
from torch import nn

from emotion_slm.labels import LABELS
from emotion_slm.model.backbone import add_lora, load_backbone
from emotion_slm.params.finetune import LinearHead, MlpHead, OnePositionSlm


def build_classifier(params: LinearHead | MlpHead | OnePositionSlm, width: int) -> nn.Module:
    """A fresh classifier: (n, width) vectors → {"logits": (n, 28)}.

    What training may change requires a gradient.
    """
    if isinstance(params, LinearHead):
        return HeadClassifier(nn.Linear(width, len(LABELS)))
    if isinstance(params, MlpHead):
        return HeadClassifier(
            nn.Linear(width, params.hidden),
            nn.GELU(),
            nn.Dropout(params.dropout),
            nn.Linear(params.hidden, len(LABELS)),
        )
    return OnePositionClassifier(params, width)


class HeadClassifier(nn.Module):
    """A stack of layers on the vectors."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, vectors: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.layers(vectors)}


class OnePositionClassifier(nn.Module):
    """The published architecture: projection → one input position → SLM with LoRA → linear.

    Attention over one key is the identity, so the SLM's query and key projections cannot matter:
    they get no adapters here, a departure from the published list. The SLM never reads a word.
    """

    def __init__(self, params: OnePositionSlm, width: int):
        super().__init__()
        backbone = load_backbone(params.backbone)
        add_lora(backbone, params.lora, attend=False)
        hidden = backbone.width  # H
        self.projection = nn.Sequential(
            nn.Linear(width, hidden // 2), nn.GELU(), nn.Linear(hidden // 2, hidden)
        ).to(backbone.device)
        self.backbone = backbone.module
        self.dropout = nn.Dropout(params.dropout)
        self.output = nn.Linear(hidden, len(LABELS), device=backbone.device)

    def forward(self, vectors: torch.Tensor) -> dict[str, torch.Tensor]:
        dtype = self.backbone.get_input_embeddings().weight.dtype
        position = self.projection(vectors).unsqueeze(1).to(dtype)  # (n, 1, H)
        mask = torch.ones(position.shape[:2], dtype=torch.long, device=position.device)
        hidden = self.backbone(inputs_embeds=position, attention_mask=mask).last_hidden_state
        return {"logits": self.output(self.dropout(hidden[:, -1].float()))}
