"""Checkpoints: the tensors that train and what belongs to them, each folder whole or not there.

A checkpoint is written beside its place, flushed to the disk and renamed; only then is the one
before it deleted. It holds safetensors and JSON, nothing that could run code when read. The order
of rows and every random number are functions of seed and step, so the step stands for them.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import save

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.training.distributed import Tensors

PREFIX = "checkpoint-"
UNFINISHED = ".part"
STATE = "state.json"
SUFFIX = ".safetensors"


class Checkpoint(NamedTuple):
    """`state`: numbers and names, as JSON; `tensors`: one file per key."""

    state: dict[str, Any]
    tensors: dict[str, Tensors]


def write_checkpoint(folder: Path, step: int, checkpoint: Checkpoint) -> Path:
    """Write the checkpoint of `step` and delete the older ones.

    Raises EmotionSlmError when it cannot be written; the checkpoint before it is then still there.
    """
    place = folder / f"{PREFIX}{step}"
    unfinished = place.with_name(place.name + UNFINISHED)
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name, tensors in checkpoint.tensors.items():
            _write(unfinished / f"{name}{SUFFIX}", save(tensors))
        _write(unfinished / STATE, json.dumps(checkpoint.state, allow_nan=False).encode())
        _flush_names(unfinished)
        unfinished.rename(place)
        _flush_names(folder)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise EmotionSlmError(_not_written(folder, error)) from error
    for older in folder.glob(f"{PREFIX}*"):
        if older != place:
            shutil.rmtree(older)
    return place


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint in `folder`."""
    steps = {
        int(path.name.removeprefix(PREFIX)): path
        for path in folder.glob(f"{PREFIX}*")
        if not path.name.endswith(UNFINISHED) and (path / STATE).exists()
    }
    return steps[max(steps)] if steps else None


def read_state(checkpoint: Path) -> dict[str, Any]:
    return read_json(checkpoint / STATE)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _flush_names(folder: Path) -> None:
    """Make what was created or renamed in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_written(folder: Path, error: OSError) -> str:
    kept = last_checkpoint(folder)
    resume = f"resumes from {kept.name}" if kept else "starts afresh"
    return (
        f"{folder}: the checkpoint could not be written ({error.strerror}); free some space there "
        f"and run `dvc repro` again: it {resume}"
    )
