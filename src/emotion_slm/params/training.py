"""Parameters of the training loop that `adapt` and `finetune` share."""

from typing import Literal

from pydantic import Field

from emotion_slm.params.document import Section


class TrainingParams(Section):
    """Optimisation (AdamW) and which epoch is kept."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "linear", "cosine"]
    warmup_ratio: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    precision: Literal["float32", "bfloat16"]
    selection: Literal["map", "macro_f1"]
