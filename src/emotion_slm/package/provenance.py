"""What a model was made from, as far as its bytes may say so: parameters, data, base weights.

A git revision is not among it: the same inputs must give the same package in any commit, and in a
workspace without git. dvc.lock links package and revision: `emotion-slm lineage` looks it up, and
a published copy names it.
"""

from pathlib import Path
from typing import Any, NamedTuple

from emotion_slm.backbone.params import BackboneParams
from emotion_slm.backbone.pretrained import WEIGHTS_LOCK
from emotion_slm.common import paths
from emotion_slm.common.files import read_json, sha256_file
from emotion_slm.corpus.labels import CORPUS

DATA = (
    *(paths.RAW / f"{split}.tsv" for split in paths.RAW_SPLITS),
    paths.RAW / CORPUS,
    *(paths.SPLIT / f"{split}.parquet" for split in paths.SPLITS),
)


class Provenance(NamedTuple):
    """Made from what.

    `parameters` by their names in metrics/params.yaml; `data`: SHA-256 by path; `base`: by model id
    its revision and, under `files`, SHA-256 by name; `revision`: the git commit, of published
    copies.
    """

    parameters: dict[str, Any]
    data: dict[str, str]
    base: dict[str, dict[str, Any]]
    revision: str | None = None


def data_hashes(root: Path = Path()) -> dict[str, str]:
    """SHA-256 of the corpus as fetched and of its splits, in the workspace at `root`."""
    return {path.as_posix(): sha256_file(root / path) for path in DATA}


def base_hashes(*models: BackboneParams) -> dict[str, dict[str, Any]]:
    """Revision and file hashes of pretrained models: pinned, or recorded by the first download."""
    locked = read_json(WEIGHTS_LOCK) if WEIGHTS_LOCK.exists() else {}
    return {model.id: _base(model, locked.get(model.id, {})) for model in models}


def _base(model: BackboneParams, locked: dict) -> dict[str, Any]:
    pinned = {"model.safetensors": model.sha256} if model.sha256 else {}
    return {
        "revision": model.revision or locked.get("revision"),
        "files": pinned or locked.get("files", {}),
    }
