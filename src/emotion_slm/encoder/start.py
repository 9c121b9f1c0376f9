"""The packaged model whose encoder a profile's encoder starts from, held to its pinned hash.

What is read is kept in models/starts, by its hash: a run that starts from models/classifier, which
its last stage makes anew, finds there what it began with.
"""

import shutil
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import atomic_path, read_json, require, sha256_file
from emotion_slm.encoder.params import EncoderParams, StartParams

STARTS = Path("models/starts")
CONFIG, ENCODER = "config.json", "encoder.safetensors"  # of a package: one hash vouches for both
PULL = "`emotion-slm pull -o FOLDER` fetches the released model"


def keep(encoder: EncoderParams) -> Path:
    """The folder in models/starts of the package that `encoder.start` names, copied if need be.

    EmotionSlmError when there is no package, when its hash is another than the pinned one and that
    one is not kept, when no hash is pinned, when its encoder was never adapted or has adapters, and
    when it is one of another base model.
    """
    start = encoder.start
    package = Path(start.package)
    if start.sha256 is None:
        raise EmotionSlmError(
            f"encoder.start.sha256: pin the model to start from: {start.package} is now "
            f"{sha256_file(_config(package))}"
        )
    kept = kept_at(start)
    if not _is_whole(kept, start):
        found = sha256_file(_config(package))
        if found != start.sha256:
            raise EmotionSlmError(
                f"{package / CONFIG}: encoder.start pins another model: expected SHA-256 "
                f"{start.sha256}, found {found}; put the pinned one there, or change the pin if "
                "this one is wanted"
            )
        _check(read_json(package / CONFIG), encoder)
        for name in (ENCODER, CONFIG):  # the config last: with it the copy is whole
            source = require(package / name)
            with atomic_path(kept / name) as temporary:
                shutil.copyfile(source, temporary)
    files = _check(read_json(kept / CONFIG), encoder)
    if sha256_file(require(kept / ENCODER)) != files[ENCODER]:
        raise EmotionSlmError(
            f"{kept / ENCODER}: altered (its SHA-256 is not the one in {CONFIG}); delete {kept} "
            f"and put the pinned package at {package} again"
        )
    return kept


def kept_at(start: StartParams) -> Path:
    """Where the pinned package's copy lies."""
    return STARTS / start.sha256[:16]


def described(encoder: EncoderParams) -> StartParams:
    """What `encoder.start` says, and what its model was made from; EmotionSlmError as `keep`."""
    origin = read_json(keep(encoder) / CONFIG).get("origin", {})
    made_from = {name: str(origin.get(name, "")) for name in ("profile", "corpus")}
    return StartParams(**encoder.start.model_dump() | made_from)


def _config(package: Path) -> Path:
    path = package / CONFIG
    if not path.is_file():
        raise EmotionSlmError(f"{path}: no such file, and encoder.start names it; {PULL}")
    return path


def _is_whole(kept: Path, start: StartParams) -> bool:
    return (kept / CONFIG).is_file() and sha256_file(kept / CONFIG) == start.sha256


def _check(config: dict, encoder: EncoderParams) -> dict[str, str]:
    """The hashes of a package's files; its encoder was trained whole, on the same base."""
    package, files = encoder.start.package, config.get("files")
    if not isinstance(files, dict) or ENCODER not in files:
        raise EmotionSlmError(
            f"{package}: no package with an encoder of its own, which encoder.start needs; name "
            "another, or leave encoder.start out"
        )
    if config.get("adapted", {}).get("lora"):
        raise EmotionSlmError(
            f"{package}: its encoder has adapters, and encoder.start takes whole weights alone; "
            "name another model"
        )
    base = config.get("encoder", {})
    for name in ("id", "sha256"):
        wanted = getattr(encoder, name)
        if base.get(name) != wanted:
            raise EmotionSlmError(
                f"encoder.start: the encoder of {package} is one of {base.get('id')} "
                f"({base.get('sha256')}), and encoder.{name} is {wanted}; give both the same base"
            )
    return files
