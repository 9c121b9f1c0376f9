"""A repository of DVC's in which a model was made: two commits, a tag, a package of small files."""

import hashlib
from pathlib import Path

from ruamel.yaml import YAML

from emotion_slm.common.files import sha256_file, write_json
from emotion_slm.workbench.dvc_store import folder_md5
from support.repository import commit, dvc, git

MODEL = Path("models/classifier")
CODE = "print('evaluate')\n"
PARAMETERS = {"seed": 7, "profiles.minilm.adapt": {"lora": "none", "training": {"epochs": 4}}}


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def write_lock(root: Path, code: str = CODE, parameters: dict = PARAMETERS) -> None:
    """dvc.lock as stage evaluate leaves it, for the model and the source file."""
    deps = [
        {"path": "data/raw", "md5": f"{md5(b'raw')}.dir"},
        {"path": "stages/evaluate.py", "md5": md5(code.encode())},
    ]
    outs = [{"path": MODEL.as_posix(), "md5": folder_md5(root / MODEL), "nfiles": 3}]
    stage = {"cmd": "x", "deps": deps, "outs": outs, "params": {"params.yaml": parameters}}
    fetch = {"cmd": "x", "outs": deps[:1]}
    stages = {"fetch": fetch, "evaluate": stage}
    YAML(typ="safe").dump({"schema": "2.0", "stages": stages}, root / "dvc.lock")


def create_lineage(root: Path) -> None:
    """First commit: code and model. Second, `readme`: nothing the lock speaks of."""
    base = root / "base"
    for folder in (MODEL, "stages", "data/raw", base):
        (root / folder).mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    dvc(root, "init", "-q")
    (base / "model.safetensors").write_bytes(b"pretrained")
    (root / "data/raw/train.tsv").write_text("own corpus\n")
    (root / "stages/evaluate.py").write_text(CODE)
    for name in ("classifier.safetensors", "thresholds.json"):
        (root / MODEL / name).write_text(f"content of {name}")
    write_config(root)
    write_lock(root)
    (root / ".gitignore").write_text("/models/\n/data/\n/base/\n")
    commit(root, "model made")
    (root / "README").write_text("later\n")
    commit(root, "readme")
    git(root, "tag", "v1")


def write_config(root: Path, corpus: str = "sample", train: str | None = None) -> None:
    """config.json of the package; `train` is the recorded SHA-256 in place of the file's."""
    names = ("classifier.safetensors", "thresholds.json")
    raw = root / "data/raw/train.tsv"
    base = {"revision": "abc", "files": {"model.safetensors": sha256_file(base_file(root))}}
    config = {
        "origin": {"profile": "minilm", "corpus": corpus, "protocol": "pooled"},
        "provenance": {
            "parameters": PARAMETERS,
            "data": {"data/raw/train.tsv": train or sha256_file(raw)},
            "base": {"base": base},
        },
        "files": {name: sha256_file(root / MODEL / name) for name in names},
    }
    write_json(root / MODEL / "config.json", config)


def base_file(root: Path) -> Path:
    return root / "base/model.safetensors"
