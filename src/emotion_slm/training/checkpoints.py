"""Resume state: where a stage keeps its checkpoints, and which of them may be trusted."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from transformers import TrainerCallback

from emotion_slm.files import sha256_file
from emotion_slm.params.document import Document, Section
from emotion_slm.paths import SCRATCH

COMPLETE = "complete"  # written last: a checkpoint without it was cut short


def resume_folder(
    stage: str, document: Document, sections: Sequence[Section], inputs: Sequence[Path]
) -> Path:
    """The checkpoint folder of exactly this training: stage, parameters, inputs, code, libraries.

    Any difference gives another folder, so a changed run never resumes old state.
    """
    code = sorted(Path(__file__).parents[1].rglob("*.py"))
    identity = {
        "seed": document.seed,
        "threads": document.threads,
        "sections": [section.model_dump() for section in sections],
        "inputs": [sha256_file(path) for path in inputs],
        "code": [sha256_file(path) for path in code],
        "libraries": {name: version(name) for name in ("torch", "transformers", "peft")},
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return SCRATCH / "training" / f"{stage}-{digest[:16]}"


def discard(folder: Path) -> None:
    """Delete the checkpoints of a finished training; stage outputs hold what matters."""
    shutil.rmtree(folder, ignore_errors=True)


def last_complete(folder: Path) -> Path | None:
    """The newest checkpoint in `folder` that was written to its end; cut-short ones are deleted."""
    steps = {}
    for checkpoint in folder.glob("checkpoint-*"):
        if (checkpoint / COMPLETE).exists():
            steps[int(checkpoint.name.removeprefix("checkpoint-"))] = checkpoint
        else:
            shutil.rmtree(checkpoint)
    return steps[max(steps)] if steps else None


class MarkComplete(TrainerCallback):
    """Marks each checkpoint once the Trainer has written all of it."""

    def on_save(self, args, state, control, **kwargs) -> None:
        (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()
