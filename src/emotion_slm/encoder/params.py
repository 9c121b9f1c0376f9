"""Parameters of the text encoder, the one home of its identity, and of stages adapt and embed."""

from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from emotion_slm.backbone.params import LONGEST_PATH, BackboneParams, LoraParams
from emotion_slm.common.params import Section
from emotion_slm.corpus.labels import Words
from emotion_slm.training.params import LossParams, TrainingParams


class StartParams(Section):
    """The folder of a packaged model, such as models/classifier, pinned by the SHA-256 of its
    config.json, which holds those of its other files.

    `profile` and `corpus`, which it was made of, are written by stage params.
    """

    package: str = Field(min_length=1, max_length=LONGEST_PATH)
    sha256: str | None = Field(pattern=r"^[0-9a-f]{64}$")
    profile: Words = ""
    corpus: Words = ""


class EncoderParams(BackboneParams):
    """A pretrained model and how it turns a text into one vector.

    `pooling`: mean over the text's tokens, or the last one (decoders, which read left to right).
    `normalize` scales vectors to unit length; `max_length` counts tokens, specials included.
    `start` (none): a packaged model of the same base, with whose encoder adaptation begins; as what
    it learns takes its place, it is not written beside the weights.
    """

    pooling: Literal["mean", "last"]
    normalize: bool
    max_length: int = Field(ge=2, le=2**20)
    start: StartParams | None = Field(default=None, exclude=True)


class SoupParams(Section):
    """Several trainings from one start, whose weights are averaged: `runs` of them, all but the
    first with a share of the texts `rewritten`."""

    runs: int = Field(ge=2, le=100)
    rewritten: float = Field(ge=0, le=1)


class AdaptParams(Section):
    """How the SLM learns to read emotions from train's natural distribution.

    `lora: none` trains every weight but the embedding tables, which stay frozen either way.
    `head`: what it starts from, the labels' definitions as the encoder reads them, or chance.
    `soup`, left out or null: one training. Several are for a model that one device holds.
    """

    lora: LoraParams | Literal["none"]
    head: Literal["definitions", "random"]
    dropout: float = Field(ge=0, lt=1)
    loss: LossParams
    training: TrainingParams
    soup: SoupParams | None = None

    @model_validator(mode="after")
    def soup_of_whole_weights(self) -> "AdaptParams":
        if self.soup and self.lora != "none":
            raise ValueError(
                "the mean of adapters' factors is not the mean of what they do: a `soup` needs "
                "`lora: none`"
            )
        return self


class EmbedParams(Section):
    batch_size: int = Field(ge=1)


class Adapted(NamedTuple):
    """What config.json of models/adapted says: nothing was trained, or how and on which rows."""

    frozen: bool
    lora: LoraParams | None = None
    train_ids_sha256: str | None = None


class AdaptedConfig(Section):
    """What stands in config.json of models/adapted, and under `adapted` in a package's.

    The package has no `validation_ids_sha256`.
    """

    frozen: bool
    lora: LoraParams | None = None
    train_ids_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{1,64}$")
    validation_ids_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{1,64}$")

    @model_validator(mode="after")
    def frozen_without_adapters(self) -> "AdaptedConfig":
        if self.frozen and self.lora:
            raise ValueError("`frozen` is true, and a frozen encoder has no adapters (`lora`)")
        return self

    def adapted(self) -> Adapted:
        return Adapted(self.frozen, self.lora, self.train_ids_sha256)
