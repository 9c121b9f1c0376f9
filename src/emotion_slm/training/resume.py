"""Which folder holds the checkpoints of exactly this training."""

import hashlib
import json
import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from emotion_slm.backbone.device import describe_device
from emotion_slm.backbone.machine import preflight
from emotion_slm.backbone.params import BackboneParams
from emotion_slm.backbone.pretrained import fingerprint
from emotion_slm.common.files import sha256_file
from emotion_slm.common.params import Document, Section
from emotion_slm.common.paths import SCRATCH
from emotion_slm.common.processes import world_size

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
