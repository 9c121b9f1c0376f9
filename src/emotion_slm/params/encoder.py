"""The text encoder a profile is built on: the one home of its identity."""

from typing import Literal

from pydantic import Field

from emotion_slm.params.backbone import BackboneParams


class EncoderParams(BackboneParams):
    """A pretrained model and how it turns a text into one vector.

    `pooling`: mean over the text's tokens, or the last one (decoders, which read left to right).
    `normalize` scales vectors to unit length; `max_length` counts tokens, specials included.
    """

    pooling: Literal["mean", "last"]
    normalize: bool
    max_length: int = Field(ge=2)
