"""Checkpoints: the tensors that train and what belongs to them, each folder whole or not there.

A checkpoint is written beside its place, flushed to the disk and renamed; only then is the one
before it deleted. It holds safetensors and JSON, nothing that could run code when read. The order
of rows and every random number are functions of seed and step, so the step stands for them. A
training that differs in anything has another folder, and resumes nothing.
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import save

from emotion_slm.backbone.device import describe_device
from emotion_slm.backbone.machine import preflight
from emotion_slm.backbone.params import BackboneParams
from emotion_slm.backbone.pretrained import fingerprint
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import flush, read_json, sha256_file
from emotion_slm.common.params import Document, Section
from emotion_slm.common.paths import SCRATCH
from emotion_slm.common.processes import world_size
from emotion_slm.training.distributed import Tensors

PREFIX = "checkpoint-"
UNFINISHED = ".part"
STATE = "state.json"
SUFFIX = ".safetensors"
LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "numpy",
    "scipy",
    "scikit-learn",
    "safetensors",
)
# The rooms of this package that a stage's training runs, as dvc.yaml declares them for it.
SHARED_ROOMS = ("common", "corpus", "backbone", "training", "encoder")
ROOMS = {"adapt": SHARED_ROOMS, "finetune": (*SHARED_ROOMS, "classifier", "balance")}
PACKAGE = Path(__file__).parents[1]
DISCARDED = ".discarded"


def resume_folder(
    stage: str,
    document: Document,
    sections: Sequence[Section],
    inputs: Sequence[Path],
    model: BackboneParams | None = None,
) -> Path:
    """The checkpoint folder of a stage: one per parameters, inputs, code, libraries and device.

    `stage` is one of ROOMS, which says what its code is. Any difference gives another folder, so a
    changed run never resumes old state. `inputs` are the files the stage reads, its own script
    among them; `model` is the pretrained one it starts from,
    which is fetched here, where it is not on this machine yet, so that what its first download
    records is part of the identity from the start. EmotionSlmError when the machine cannot run it,
    before any download.
    """
    if model is not None:
        preflight(model)
    code = [path for room in ROOMS[stage] for path in sorted((PACKAGE / room).glob("*.py"))]
    identity = {
        "seed": document.seed,
        "threads": document.threads,
        "sections": [section.model_dump() for section in sections],
        "inputs": [sha256_file(path) for path in inputs],
        "model": fingerprint(model) if model is not None else None,
        "code": [sha256_file(path) for path in code],
        "libraries": {name: version(name) for name in LIBRARIES},
        "python": platform.python_version(),
        "device": describe_device(),
        "processes": world_size(),
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return SCRATCH / "training" / f"{stage}-{digest[:16]}"


def discard(folder: Path) -> None:
    """Delete the checkpoints of a finished training; stage outputs hold what matters.

    Renamed first: killed half-way, it leaves nothing that a later run could take for checkpoints.
    """
    discarded = folder.with_name(folder.name + DISCARDED)
    shutil.rmtree(discarded, ignore_errors=True)
    if folder.exists():
        folder.rename(discarded)
    shutil.rmtree(discarded, ignore_errors=True)


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
        flush(unfinished)
        unfinished.rename(place)
        flush(folder)
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


def _not_written(folder: Path, error: OSError) -> str:
    kept = last_checkpoint(folder)
    resume = f"resumes from {kept.name}" if kept else "starts afresh"
    return (
        f"{folder}: the checkpoint could not be written ({error.strerror}); free some space there "
        f"and run `dvc repro` again: it {resume}"
    )
