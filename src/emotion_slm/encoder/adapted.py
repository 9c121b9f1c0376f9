"""models/adapted: what adaptation learnt, to be laid over the pinned base; or the mark of none."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_slm.backbone.loading import load_backbone
from emotion_slm.backbone.lora import add_lora
from emotion_slm.backbone.params import LoraParams
from emotion_slm.backbone.tensors import load_trained, save_trained
from emotion_slm.common.files import read_json, write_json
from emotion_slm.common.params import checked
from emotion_slm.encoder.params import Adapted, AdaptedConfig, EncoderParams

if TYPE_CHECKING:
    # It brings transformers, which takes seconds of CPU to import and which those who read the
    # files alone do without.
    from emotion_slm.encoder.text_classifier import TextClassifier

ENCODER = "encoder.safetensors"
HEAD = "head.safetensors"
CONFIG = "config.json"


def write_frozen(folder: Path) -> None:
    """Mark the encoder as frozen. The marker holds nothing that varies, so that a frozen encoder's
    vectors outlive a new seed or split."""
    write_json(folder / CONFIG, {"frozen": True})


def write_adapted(
    folder: Path,
    model: "TextClassifier",
    lora: LoraParams | None,
    train_ids_sha256: str,
    validation_ids_sha256: str | None = None,
) -> None:
    """Write the trained tensors of backbone and head, and config.json.

    The hashes are of the rows it learnt from and of those that picked its epoch.
    """
    save_trained(model.backbone, folder / ENCODER)
    save_trained(model.head, folder / HEAD)
    config = {
        "frozen": False,
        "lora": lora.model_dump() if lora else None,
        "train_ids_sha256": train_ids_sha256,
        "validation_ids_sha256": validation_ids_sha256,
    }
    write_json(folder / CONFIG, config)


def read_adapted(folder: Path) -> Adapted:
    """Read config.json of models/adapted; EmotionSlmError names a key that is missing or wrong."""
    path = folder / CONFIG
    return checked(AdaptedConfig, read_json(path), path, absent="; run `dvc repro`").adapted()


def build_encoder(
    encoder: EncoderParams, lora: LoraParams | None, dropout: float, labels: Sequence[str]
) -> "TextClassifier":
    """The pretrained encoder under a fresh head; what adaptation trains requires a gradient."""
    from emotion_slm.backbone.base import naming
    from emotion_slm.encoder.text_classifier import TextClassifier, TextClassifierConfig

    backbone = load_backbone(encoder, encoder.max_length)
    if lora:
        add_lora(backbone, lora, attend=True)
    if encoder.four_bit and encoder.loader == "transformers":
        # Four bits are for models whose activations would not fit either. Unsloth has its own.
        backbone.gradient_checkpointing_enable()
    config = TextClassifierConfig(
        backbone=backbone.config,
        lora=lora.model_dump() if lora else None,
        pooling=encoder.pooling,
        normalize=encoder.normalize,
        dropout=dropout,
        **(naming(labels) if labels else {}),
    )
    return TextClassifier(config, backbone)


def load_encoder(
    encoder: EncoderParams, adapted: Adapted, weights: Path | None, labels: Sequence[str] = ()
) -> "TextClassifier":
    """The encoder in evaluation mode, `weights` laid over its pinned base unless it is frozen.

    Its head is untrained: only `encode` is of use, unless weights are put into the head, of which
    `labels` name the outputs.
    """
    model = build_encoder(encoder, adapted.lora, 0.0, labels)
    if not adapted.frozen:
        load_trained(model.backbone, weights)
    return model.eval()
