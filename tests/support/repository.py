"""Git repositories under DVC with the metrics and plots of a run, small enough for unit tests."""

import subprocess
import sys
from pathlib import Path

from emotion_slm.common.files import write_json
from support.report import write_run

STAGE = "import pathlib; pathlib.Path('out.txt').write_text('done')"
DVC_YAML = """\
stages:
  evaluate:
    cmd: python stage.py
    deps: [stage.py]
    params: [seed]
    outs:
      - out.txt:
          cache: false
metrics: [metrics/test.json, metrics/leakage.json, metrics/split.json, metrics/balance.json]
"""
CURVE = "epoch,train_loss,validation_map\n1,0.5,0.1\n2,0.25,0.2\n"


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def dvc(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def commit(root: Path, message: str) -> str:
    """Commit everything; the commit's hash."""
    git(root, "add", "-A")
    git(root, "commit", "-qm", message)
    return git(root, "rev-parse", "HEAD").strip()


def create_repository(root: Path) -> None:
    """A repository: its first commit, tag `first`, is without metrics, its second, `base`, with."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    dvc(root, "init", "-q")
    (root / "stage.py").write_text(STAGE)
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "params.yaml").write_text(
        "profile: minilm\nseed: 1\n"
        "profiles: {minilm: {ismote: {target: 4000}}, other: {epochs: 1}}\n"
    )
    (root / ".gitignore").write_text("/reports/\n/data/\n/models/\n")
    dvc(root, "repro", "-q")
    commit(root, "no metrics")
    git(root, "tag", "first")
    write_run(root, profile="minilm")
    (root / "metrics/plots/finetune_curve.csv").write_text(CURVE)
    (root / "metrics/validation.json").unlink(missing_ok=True)
    commit(root, "metrics")
    git(root, "tag", "base")


def edit_json(path: Path, **values: object) -> None:
    """Set keys of a JSON file, written `a__b=value` for a.b."""
    from emotion_slm.common.files import read_json

    content = read_json(path)
    for key, value in values.items():
        *parents, last = key.split("__")
        section = content
        for parent in parents:
            section = section[parent]
        section[last] = value
    write_json(path, content)
