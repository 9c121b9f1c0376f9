"""Parameters of stage finetune, and what a trained classifier says of itself."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from emotion_slm.backbone.params import WIDEST, BackboneParams, LoraParams
from emotion_slm.common.params import Section
from emotion_slm.training.params import LossParams, TrainingParams


class LinearHead(Section):
    """One linear layer on the vectors."""

    name: Literal["linear"]


class MlpHead(Section):
    """Linear, GELU, dropout, linear."""

    name: Literal["mlp"]
    hidden: int = Field(ge=1, le=WIDEST)
    dropout: float = Field(ge=0, lt=1)


Prefix = Literal["none", "bos"]


class OnePositionSlm(Section):
    """The published architecture: the vector is the only input position of the SLM.

    `prefix` (none, as published): `bos` puts the embedding of the backbone's first token before the
    vector. A decoder's first position is its attention sink, whose states hardly depend on what
    stands there (docs/understand/attention-sink.md); the vector is then the second. `none` is not
    written, so that older versions read what they know.
    """

    name: Literal["one_position"]
    prefix: Prefix = Field(default="none", exclude_if=lambda value: value == "none")
    backbone: BackboneParams
    dropout: float = Field(ge=0, lt=1)
    lora: LoraParams


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
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


class Finetuned(NamedTuple):
    """What config.json of models/finetuned says: which classifier, on vectors of which width, and
    the labels of its outputs."""

    classifier: LinearHead | MlpHead | OnePositionSlm
    width: int
    labels: tuple[str, ...]


class TrainingRecord(Section):
    """Which rows a classifier learnt from and which picked its epoch.

    Of both their number and the SHA-256 of their sorted ids; `data_sha256` covers ids, labels and
    vectors of the training rows, in their order.
    """

    rows: int = Field(ge=1)
    ids_sha256: Sha256
    data_sha256: Sha256
    validation_rows: int = Field(ge=1)
    validation_ids_sha256: Sha256


class FinetunedConfig(Section):
    """What stands in config.json of models/finetuned, and in a package's but for `trained_on`."""

    classifier: ClassifierParams
    width: int = Field(ge=1, le=WIDEST)
    id2label: dict[str, str]
    trained_on: TrainingRecord | None = None

    def finetuned(self) -> Finetuned:
        return Finetuned(self.classifier, self.width, in_order(self.id2label))


def in_order(id2label: dict[str, str]) -> tuple[str, ...]:
    """Labels by their place, as configs have them, which is the key."""
    return tuple(id2label[str(place)] for place in range(len(id2label)))
