"""Which folder holds the checkpoints of exactly this training."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from emotion_slm.files import sha256_file
from emotion_slm.model.pretrained import WEIGHTS_LOCK
from emotion_slm.params.document import Document, Section
from emotion_slm.paths import SCRATCH
from emotion_slm.training.device import describe_device

LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "numpy",
    "safetensors",
)


def resume_folder(
    stage: str, document: Document, sections: Sequence[Section], inputs: Sequence[Path]
) -> Path:
    """The checkpoint folder of a stage: one per parameters, inputs, code, libraries and device.

    Any difference gives another folder, so a changed run never resumes old state. `inputs` are the
    files the stage reads, its own script among them.
    """
    code = sorted(Path(__file__).parents[1].rglob("*.py"))
    pins = [WEIGHTS_LOCK] if WEIGHTS_LOCK.exists() else []
    identity = {
        "seed": document.seed,
        "threads": document.threads,
        "sections": [section.model_dump() for section in sections],
        "inputs": [sha256_file(path) for path in [*inputs, *pins]],
        "code": [sha256_file(path) for path in code],
        "libraries": {name: version(name) for name in LIBRARIES},
        "device": describe_device(),
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return SCRATCH / "training" / f"{stage}-{digest[:16]}"


def discard(folder: Path) -> None:
    """Delete the checkpoints of a finished training; stage outputs hold what matters."""
    shutil.rmtree(folder, ignore_errors=True)
