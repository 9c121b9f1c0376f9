"""Where a model came from: data on disk, base weights on disk."""

import importlib.util
from pathlib import Path

from emotion_slm.backbone.pretrained import PACKAGED
from emotion_slm.common import paths
from emotion_slm.corpus.goemotions import SHA256
from emotion_slm.workbench.lineage_evidence import Evidence, Record, Verdict, of_file, short


def data(record: Record) -> list[Evidence]:
    """The corpus and its splits, relative to the working directory.

    GoEmotions' own files are also held to the hashes this project pins, here or not.
    """
    found = []
    for name, expected in record.provenance.data.items():
        path = Path(name)
        evidence = of_file(name, path, expected)
        if record.origin.corpus == "goemotions" and path.parent == paths.RAW:
            pinned = SHA256.get(path.name)
            if expected == pinned:
                evidence = evidence._replace(detail=f"{evidence.detail}, as pinned for GoEmotions")
            else:
                wrong = f"recorded SHA-256 {short(expected)}, GoEmotions' is {short(str(pinned))}"
                evidence = Evidence(name, Verdict.DIFFERS, wrong)
        found.append(evidence)
    return found


def base_weights(record: Record) -> list[Evidence]:
    """Files of the pretrained models, wherever this machine has them; nothing is downloaded."""
    return [
        of_file(f"{model} {name}", _local(model, base["revision"], name), expected)
        for model, base in record.provenance.base.items()
        for name, expected in base["files"].items()
    ]


def _local(model: str, revision: str | None, name: str) -> Path | None:
    """The file in a local folder, in an installed package, or in the hub's cache."""
    if Path(model).is_dir():
        return Path(model) / name
    if model in PACKAGED:
        package, subfolder = PACKAGED[model]
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            return Path(spec.origin).parent / subfolder / name
    return _cached(model, revision, name)


def _cached(model: str, revision: str | None, name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, name, revision=revision)
    except HFValidationError:  # the path of a local folder that is not here
        return None
    return Path(found) if isinstance(found, str) else None
