"""Git repositories under DVC with the metrics and plots of a run, small enough for unit tests."""

import shutil
import subprocess
import sys
from pathlib import Path

from emotion_slm.common.files import write_json
from support.labels import ROOT
from support.report import write_metrics

STAGE = "import pathlib; pathlib.Path('out.txt').write_text('done')"
# As the project's own stage params: the settings of the chosen profile, by section.
SETTINGS = """\
from pathlib import Path
from ruamel.yaml import YAML
yaml = YAML(typ="safe", pure=True)
found = yaml.load(Path("params.yaml"))
profiles = found.pop("profiles")
Path("metrics").mkdir(exist_ok=True)
yaml.dump({**found, **profiles[found["profile"]]}, Path("metrics/params.yaml"))
"""
DVC_YAML = """\
stages:
  params:
    cmd: python settings.py
    deps: [params.yaml, settings.py]
    outs:
      - metrics/params.yaml:
          cache: false
  evaluate:
    cmd: python stage.py
    deps: [stage.py, src/room]
    params:
      - metrics/params.yaml: [profile, seed, split, fetch, ismote]
    outs:
      - out.txt:
          cache: false
"""
PARAMS = """\
profile: minilm
seed: 1
split: {protocol: pooled}
profiles:
  minilm: {fetch: {corpus: goemotions}, ismote: {target: 4000, exclude: [neutral]}}
  other: {fetch: {corpus: sample}, ismote: {target: 1, exclude: [neutral]}}
"""
# As the project's own: of the code, Python files alone are dependencies.
DVCIGNORE = "src/**/*\n!src/**/\n!src/**/*.py\n__pycache__\n"


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
    (root / "settings.py").write_text(SETTINGS)
    room = root / "src/room"
    (room / "inner").mkdir(parents=True)
    for name in ("__init__.py", "b.py", "a-b.py", "inner/z.py", "inner/é.py", "README.md"):
        (room / name).write_text(f"# {name}\n")
    (root / "dvc.yaml").write_text(DVC_YAML.replace("python", sys.executable))
    (root / "params.yaml").write_text(PARAMS)
    (root / "corpora").mkdir()
    shutil.copy(ROOT / "corpora/sample.yaml", root / "corpora")
    (root / ".dvcignore").write_text(DVCIGNORE)
    (root / ".gitignore").write_text("/reports/\n/data/\n/models/\n__pycache__/\n")
    dvc(root, "repro", "-q")
    commit(root, "no metrics")
    git(root, "tag", "first")
    write_metrics(root)
    commit(root, "metrics")
    git(root, "tag", "base")


def edit_file(path: Path, old: str, new: str) -> None:
    """Replace a text that stands in the file once."""
    content = path.read_text()
    assert content.count(old) == 1, (path, old)
    path.write_text(content.replace(old, new))


def edit_json(path: Path, **values: object) -> None:
    """Set keys of a JSON file."""
    from emotion_slm.common.files import read_json

    write_json(path, {**read_json(path), **values})
