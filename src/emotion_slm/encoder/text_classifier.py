"""The SLM that reads: tokens → backbone → pooling → dropout → linear head."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification
from transformers.modeling_outputs import SequenceClassifierOutput

from emotion_slm.backbone.base import BackboneConfig, EmotionModel, rebuild
from emotion_slm.backbone.lora import freeze_embeddings
from emotion_slm.backbone.tokenizer import load_tokenizer
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.tokens import pad


class TextClassifierConfig(BackboneConfig):
    """`pooling`: the text's vector is the mean of its tokens' hidden states, or the last one.

    The mean fits encoders, whose every token has seen the whole text; the last token fits
    decoders, where no other has. Both work with either. `normalize` scales it to unit length.
    """

    model_type = "emotion-text-classifier"

    pooling: Literal["mean", "last"] = "mean"
    normalize: bool = False
    dropout: float = 0.0


class Head(nn.Linear):
    """A linear layer that computes in float32, whatever type its weights were cast to."""

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """(n, d) float32 → (n, labels) float32."""
        return F.linear(vectors, self.weight.float(), self.bias.float())


class TextClassifier(EmotionModel):
    """A backbone, a pooling and a linear head; the pooled vector is also the text's embedding.

    The embedding tables are frozen; with adapters, so is all of the backbone but those. The
    backbone may be of any floating type; what follows it is computed in float32.
    """

    config_class = TextClassifierConfig
    supports_gradient_checkpointing = True
    of_any_type = True
    _keep_in_fp32_modules_strict = {"head"}  # noqa: RUF012 as transformers declares it

    def __init__(self, config: TextClassifierConfig, backbone: nn.Module | None = None):
        """`backbone`: the pretrained module; without it one of random weights is built."""
        super().__init__(config)
        self.backbone = rebuild(config, attend=True) if backbone is None else backbone
        self.dropout = nn.Dropout(config.dropout)
        device = next(self.backbone.parameters()).device
        self.head = Head(config.backbone.hidden_size, config.num_labels, device=device)
        self.freeze()
        self.post_init()

    def freeze(self) -> None:
        super().freeze()
        freeze_embeddings(self.backbone)

    def get_input_embeddings(self) -> nn.Module:
        return self.backbone.get_input_embeddings()

    def encode(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Token ids and mask, (n, tokens), padded on the right → (n, d) float32 vectors.

        Raises EmotionSlmError when float16 cannot hold what the backbone computes.
        """
        states = self.backbone(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state  # (n, tokens, d)
        hidden = states.float()
        if self.config.pooling == "mean":
            mask = attention_mask.unsqueeze(-1).float()  # (n, tokens, 1)
            vectors = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        else:
            last = attention_mask.sum(1).clamp(min=1) - 1  # (n,)
            vectors = hidden[torch.arange(len(hidden), device=hidden.device), last]
        if states.dtype == torch.float16 and not torch.isfinite(vectors).all():
            raise EmotionSlmError(
                f"{type(self.backbone).__name__} computes numbers beyond float16's range, which "
                "ends at 65,504: load the model with dtype bfloat16 or float32"
            )
        return F.normalize(vectors, dim=-1) if self.config.normalize else vectors

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> SequenceClassifierOutput:
        """Token ids and mask, (n, tokens), padded on the right → `.logits`, (n, labels) float32."""
        vectors = self.encode(input_ids, attention_mask)
        return SequenceClassifierOutput(logits=self.head(self.dropout(vectors)))


AutoConfig.register(TextClassifierConfig.model_type, TextClassifierConfig)
AutoModelForSequenceClassification.register(TextClassifierConfig, TextClassifier)


class Tokenizer:
    """The backbone's own fast tokenizer, padding on the right, truncating at `max_length`."""

    def __init__(self, folder: Path, max_length: int):
        self.tokenizer = load_tokenizer(folder)
        self.max_length = max_length
        self.pad_id = self.tokenizer.pad_token_id

    def __call__(self, texts: list[str]) -> list[np.ndarray]:
        """Token ids per text, each (tokens,) int64, unpadded."""
        encoded = self.tokenizer(texts, truncation=True, max_length=self.max_length)
        return [np.asarray(ids, dtype=np.int64) for ids in encoded["input_ids"]]

    def pad(self, rows: list[np.ndarray]) -> dict[str, torch.Tensor]:
        """Rows of token ids → input_ids and attention_mask, (n, longest), padded on the right."""
        return {name: torch.from_numpy(part) for name, part in pad(rows, self.pad_id).items()}
