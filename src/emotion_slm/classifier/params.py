"""Parameters of stage finetune."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from emotion_slm.backbone.params import BackboneParams, LoraParams
from emotion_slm.common.params import Section
from emotion_slm.training.params import LossParams, TrainingParams


class LinearHead(Section):
    """One linear layer on the vectors."""

    name: Literal["linear"]


class MlpHead(Section):
    """Linear, GELU, dropout, linear."""

    name: Literal["mlp"]
    hidden: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)


class OnePositionSlm(Section):
    """The published architecture: the vector is the only input position of the SLM."""

    name: Literal["one_position"]
    backbone: BackboneParams
    dropout: float = Field(ge=0, lt=1)
    lora: LoraParams


ClassifierParams = Annotated[LinearHead | MlpHead | OnePositionSlm, Field(discriminator="name")]


class FinetuneParams(Section):
    """The classifier trained on the balanced vectors.

    `start` (fresh): `adapted` starts a linear head from the one the encoder was adapted with, which
    is kept unless an epoch on the balanced vectors is better on validation.
    """

    classifier: ClassifierParams
    start: Literal["fresh", "adapted"] = "fresh"
    loss: LossParams
    training: TrainingParams

    @model_validator(mode="after")
    def only_a_linear_head_starts_adapted(self) -> "FinetuneParams":
        if self.start == "adapted" and self.classifier.name != "linear":
            raise ValueError(
                f"`start: adapted` is a linear head's, and the classifier is "
                f"{self.classifier.name}; use `start: fresh`"
            )
        return self
