"""A pretrained transformer, and low-rank adapters on it."""

from typing import Literal

from pydantic import Field

from emotion_slm.common.params import Section

LONGEST_PATH = 4096
WIDEST = 2**16  # of layers and vectors, several times that of any pretrained model


class BackboneParams(Section):
    """A pretrained model on the hub, pinned, or a local folder of one.

    `sha256` is the hash of its model.safetensors. Where revision and hashes are null, the first
    download records them in weights.lock.json and a later, different one is refused.
    `four_bit` loads it in NF4 with bitsandbytes; `loader: unsloth` needs a CUDA GPU.
    `gpu_memory_gib` and `ram_gib` are what training it needs: checked before any download. They
    are not written beside the weights, because those who only use the model need less. `pins`, of
    packages alone: file and SHA-256 of each file where `sha256` is null; nothing is recorded then.
    """

    id: str = Field(min_length=1, max_length=LONGEST_PATH)
    revision: str | None
    sha256: str | None = Field(pattern=r"^[0-9a-f]{64}$")
    loader: Literal["transformers", "unsloth"]
    four_bit: bool
    gpu_memory_gib: float | None = Field(default=None, gt=0, exclude=True)
    ram_gib: float | None = Field(default=None, gt=0, exclude=True)
    pins: tuple[tuple[str, str], ...] = Field(default=(), exclude=True)


class LoraParams(Section):
    """Low-rank adapters on the backbone's attention and feed-forward projections."""

    r: int = Field(ge=1, le=WIDEST)
    alpha: int = Field(ge=1, le=WIDEST)
    dropout: float = Field(ge=0, lt=1)
