"""Parameters of stage adapt."""

from typing import Literal

from pydantic import Field

from emotion_slm.params.backbone import LoraParams
from emotion_slm.params.document import Section
from emotion_slm.params.loss import LossParams
from emotion_slm.params.training import TrainingParams


class DistillationParams(Section):
    """`teachers` encoders are adapted, each without a fold; a student learns from them and is kept.

    `weight`: the teachers' share in the student's targets, the rest being the gold labels;
    `training`: the student's own.
    """

    teachers: int = Field(ge=2)
    weight: float = Field(gt=0, le=1)
    training: TrainingParams


class AdaptParams(Section):
    """How the SLM learns to read emotions from train's natural distribution.

    `lora: none` trains every weight but the embedding tables, which stay frozen either way.
    `head`: what it starts from, the labels' definitions as the encoder reads them, or chance.
    `distillation` (none): loss and training are then each teacher's.
    """

    lora: LoraParams | Literal["none"]
    head: Literal["definitions", "random"]
    dropout: float = Field(ge=0, lt=1)
    loss: LossParams
    training: TrainingParams
    distillation: DistillationParams | None = None

    @property
    def kept(self) -> TrainingParams:
        """The training whose curve is drawn and whose weights are kept."""
        return self.distillation.training if self.distillation else self.training
