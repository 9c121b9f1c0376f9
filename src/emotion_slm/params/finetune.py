"""Parameters of stage finetune."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from emotion_slm.params.backbone import BackboneParams, LoraParams
from emotion_slm.params.document import Section
from emotion_slm.params.loss import LossParams
from emotion_slm.params.training import TrainingParams


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
    def nothing_meant_for_texts_or_layers(self) -> "FinetuneParams":
        if self.training.tokens_per_batch is not None:
            raise ValueError(
                "`training.tokens_per_batch` counts a text's tokens and finetune trains on "
                "vectors; use `batch_size`"
            )
        if self.training.layer_decay is not None and self.classifier.name != "one_position":
            raise ValueError(
                f"`training.layer_decay` needs a backbone with layers; classifier "
                f"{self.classifier.name} has none"
            )
        return self

    @model_validator(mode="after")
    def only_a_linear_head_starts_adapted(self) -> "FinetuneParams":
        if self.start == "adapted" and self.classifier.name != "linear":
            raise ValueError(
                f"`start: adapted` is a linear head's, and the classifier is "
                f"{self.classifier.name}; use `start: fresh`"
            )
        return self
