"""The text encoder a profile is built on: the one home of its identity."""

from typing import Literal

from pydantic import Field

from emotion_slm.params.document import Section


class EncoderParams(Section):
    """A pretrained model, pinned, and how a text becomes one vector.

    `sha256` is the hash of model.safetensors; `max_length` counts tokens, specials included.
    """

    id: str
    revision: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    pooling: Literal["mean", "last"]
    normalize: bool
    max_length: int = Field(ge=2)
