"""Parameters of stage adapt."""

from typing import Literal

from pydantic import Field

from emotion_slm.params.backbone import LoraParams
from emotion_slm.params.document import Section
from emotion_slm.params.loss import LossParams
from emotion_slm.params.training import TrainingParams


class AdaptParams(Section):
    """How the SLM learns to read emotions from train's natural distribution.

    `lora: none` trains every weight but the embedding tables, which stay frozen either way.
    """

    lora: LoraParams | Literal["none"]
    dropout: float = Field(ge=0, lt=1)
    loss: LossParams
    training: TrainingParams
