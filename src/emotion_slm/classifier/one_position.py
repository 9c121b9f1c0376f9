"""The published architecture: a vector is the only input position of an SLM, or its second."""

from collections.abc import Sequence
from typing import Any, get_args

import torch
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.modeling_outputs import SequenceClassifierOutput

from emotion_slm.backbone.base import BackboneConfig, EmotionModel, naming, rebuild
from emotion_slm.backbone.loading import load_backbone
from emotion_slm.backbone.lora import add_lora
from emotion_slm.classifier.params import OnePositionSlm, Prefix
from emotion_slm.common.errors import EmotionSlmError

BOS = "bos"  # of PREFIXES
PREFIXES = get_args(Prefix)


class OnePositionConfig(BackboneConfig):
    """`width` of the vectors; `dropout` before the output layer; `prefix`: none or bos."""

    model_type = "emotion-one-position"

    width: int = 0
    dropout: float = 0.0
    prefix: str = "none"

    def __post_init__(self, **kwargs: Any) -> None:
        if self.prefix not in PREFIXES:
            raise EmotionSlmError(
                f"prefix: found {self.prefix!r}, expected one of {', '.join(PREFIXES)}"
            )
        super().__post_init__(**kwargs)


class OnePositionClassifier(EmotionModel):
    """Projection → one input position → SLM with LoRA → dropout → linear (Koráb 2026).

    Attention over one key is the identity, so the SLM's query and key projections cannot matter:
    they get no adapters here, a departure from the published list. The SLM never reads a word.
    With `prefix: bos` the vector comes after the embedding of the SLM's first token (BOS): there
    are two keys, and query and key get their adapters back.
    """

    config_class = OnePositionConfig
    main_input_name = "vectors"
    supports_gradient_checkpointing = True

    def __init__(self, config: OnePositionConfig, backbone: nn.Module | None = None):
        """`backbone`: the pretrained module; without it one of random weights is built."""
        super().__init__(config)
        if backbone is None:
            backbone = rebuild(config, attend=config.prefix == BOS)
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
        hidden = self.backbone(**self.positions(vectors)).last_hidden_state  # (n, 1 or 2, H)
        return SequenceClassifierOutput(logits=self.output(self.dropout(hidden[:, -1].float())))

    def positions(self, vectors: torch.Tensor) -> dict[str, torch.Tensor]:
        """(n, width) vectors → the SLM's input: `inputs_embeds`, (n, positions, H), the vector's
        position being the last, and `attention_mask`, all ones."""
        embeddings = self.backbone.get_input_embeddings()
        position = self.projection(vectors).unsqueeze(1).to(embeddings.weight.dtype)  # (n, 1, H)
        if self.config.prefix == BOS:
            token = torch.tensor([self.config.backbone.bos_token_id], device=position.device)
            # Not len(): exported, it would be a constant.
            first = embeddings(token).expand(position.shape[0], 1, -1)
            position = torch.cat([first, position], dim=1)  # (n, 2, H)
        mask = torch.ones(position.shape[:2], dtype=torch.long, device=position.device)
        return {"inputs_embeds": position, "attention_mask": mask}


AutoConfig.register(OnePositionConfig.model_type, OnePositionConfig)
AutoModel.register(OnePositionConfig, OnePositionClassifier)


def build_one_position(
    params: OnePositionSlm, width: int, labels: Sequence[str]
) -> OnePositionClassifier:
    """A fresh classifier of vectors of `width` around its pinned backbone."""
    backbone = load_backbone(params.backbone, max_length=2)  # as published: one or two
    return around(backbone, params, width, labels)


def around(
    backbone: nn.Module, params: OnePositionSlm, width: int, labels: Sequence[str]
) -> OnePositionClassifier:
    """The same around a backbone that is loaded already; it is given the adapters."""
    if params.prefix == BOS:
        _check_bos(backbone, params.backbone.id)
    add_lora(backbone, params.lora, attend=params.prefix == BOS)
    config = OnePositionConfig(
        backbone=backbone.config,
        lora=params.lora.model_dump(),
        width=width,
        dropout=params.dropout,
        prefix=params.prefix,
        **naming(labels),
    )
    return OnePositionClassifier(config, backbone)


def _check_bos(backbone: nn.Module, name: str) -> None:
    """EmotionSlmError for a backbone without a first token, or without an embedding of it."""
    token = getattr(backbone.config, "bos_token_id", None)
    if token is None:
        raise EmotionSlmError(
            f"{name}: its config.json names no bos_token_id, which `prefix: bos` puts before the "
            "vector; use `prefix: none`, or a backbone that has one (decoders do)"
        )
    known = backbone.get_input_embeddings().num_embeddings
    if not 0 <= token < known:
        raise EmotionSlmError(
            f"{name}: its config.json names {token} as bos_token_id, and it has embeddings of "
            f"{known} tokens; fetch the model again, or use `prefix: none`"
        )
