"""Classifiers on embedding vectors, built from parameters and a pinned pretrained backbone."""

from emotion_slm.model.backbone import load_backbone
from emotion_slm.model.base import EmotionModel
from emotion_slm.model.heads import HeadClassifier, HeadConfig
from emotion_slm.model.lora import add_lora
from emotion_slm.model.one_position import OnePositionClassifier, OnePositionConfig
from emotion_slm.params.finetune import LinearHead, MlpHead, OnePositionSlm


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
