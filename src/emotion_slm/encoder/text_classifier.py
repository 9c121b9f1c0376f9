"""The SLM that reads: tokens → backbone → pooling → linear head."""

import torch
import torch.nn.functional as F
from torch import nn

from emotion_slm.labels import LABELS
from emotion_slm.model.backbone import Backbone


class TextClassifier(nn.Module):
    """A backbone, a pooling and a linear head; the pooled vector is also the text's embedding.

    pooling: "mean" over the text's tokens, or "last", the last token of it.
    """

    def __init__(self, backbone: Backbone, pooling: str, normalize: bool, dropout: float):
        super().__init__()
        self.backbone = backbone.module
        self.pooling = pooling
        self.normalize = normalize
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(backbone.width, len(LABELS), device=backbone.device)

    def encode(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Token ids and mask, (n, tokens), padded on the right → (n, d) float32 vectors."""
        hidden = self.backbone(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state.float()  # (n, tokens, d)
        if self.pooling == "mean":
            mask = attention_mask.unsqueeze(-1).float()  # (n, tokens, 1)
            vectors = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        else:
            last = attention_mask.sum(1).clamp(min=1) - 1  # (n,)
            vectors = hidden[torch.arange(len(hidden), device=hidden.device), last]
        return F.normalize(vectors, dim=-1) if self.normalize else vectors

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        vectors = self.encode(input_ids, attention_mask)
        return {"logits": self.head(self.dropout(vectors))}  # (n, 28)
