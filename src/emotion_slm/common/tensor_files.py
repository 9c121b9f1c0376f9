"""What a safetensors file says it holds, read without reading the tensors, or torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import require

MOST_HEADER_BYTES = 16 * 2**20  # a thousand tensors take a fifth of a megabyte
SIZE_BYTES = 8  # the header's length, in front of it


class Tensor(NamedTuple):
    """`dtype` as the format spells it, such as F16."""

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path) -> dict[str, Tensor]:
    """Every tensor of the file, by name; EmotionSlmError when it is no safetensors file.

    A file shorter or longer than its header says is none.
    """
    total = require(path).stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(SIZE_BYTES), "little")
        if total < SIZE_BYTES or length > min(MOST_HEADER_BYTES, total - SIZE_BYTES):
            raise _unreadable(path, "it has no header, or is cut off in it")
        header = stream.read(length)
    try:
        content = json.loads(header)
        tensors = {name: _tensor(entry) for name, entry in content.items() if name[:2] != "__"}
        end = max((content[name]["data_offsets"][1] for name in tensors), default=0)
    except (ValueError, RecursionError, AttributeError, TypeError, LookupError) as error:
        raise _unreadable(path, f"its header is damaged: {str(error)[:80]}") from error
    if end != total - SIZE_BYTES - length:
        raise _unreadable(path, "its length is not the one in its header")
    return tensors


def _tensor(entry: Mapping) -> Tensor:
    shape = entry["shape"]
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("a shape is no list of sizes")
    return Tensor(str(entry["dtype"]), tuple(shape))


def _unreadable(path: Path, reason: str) -> EmotionSlmError:
    return EmotionSlmError(f"{path}: not a readable safetensors file ({reason})")
