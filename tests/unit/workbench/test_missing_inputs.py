"""`dvc … --allow-missing` in clones without data, with stages as the pipeline's: params runs first,
and metrics are kept in git."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.repository import commit, dvc, edit_file, git

PARAMS = """\
import shutil
from pathlib import Path
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.missing_inputs import require_inputs
shutil.copyfile("params.yaml", "metrics/params.yaml")
try:
    require_inputs()
except EmotionSlmError as error:
    raise SystemExit(f"error {error}")
"""
MAKE = """\
from pathlib import Path
Path("data/rows").mkdir(parents=True)
for name in ("train", "test"):
    Path("data/rows", name).write_text(f"{name}: " + Path("metrics/params.yaml").read_text()[:7])
"""
SCORE = """\
from pathlib import Path
Path("metrics/score.json").write_text('{"rows": "%s"}' % Path("data/rows/test").read_text())
"""
DVC_YAML = """\
stages:
  params:
    cmd: python params.py
    deps: [params.yaml, params.py, make.py, score.py]
    outs: [metrics/params.yaml: {cache: false}]
  make:
    cmd: python make.py
    deps: [make.py]
    params: [metrics/params.yaml: [rows]]
    outs: [data/rows]
  score:
    cmd: python score.py
    deps: [score.py, data/rows/test]
    params: [metrics/params.yaml: [grid]]
    metrics: [metrics/score.json: {cache: false}]
"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A repository whose run is committed, and its remote `../remote`, which has everything."""
    root = tmp_path_factory.mktemp("missing") / "origin"
    (root / "metrics").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    dvc(root, "init", "-q")
    for name, text in (("params.py", PARAMS), ("make.py", MAKE), ("score.py", SCORE)):
        (root / name).write_text(text)
    (root / "params.yaml").write_text("rows: 1\ngrid: 0.01\n")
    (root / "dvc.yaml").write_text(DVC_YAML.replace("cmd: python", f"cmd: {sys.executable}"))
    (root / ".gitignore").write_text("/data\n")
    dvc(root, "repro", "-q")
    commit(root, "a run")
    dvc(root, "remote", "add", "--default", "own", str(root.with_name("remote")))
    dvc(root, "push", "-q")
    git(root, "checkout", "-q", ".dvc/config")
    return root


@pytest.fixture
def clone(origin, tmp_path):
    """A fresh clone, without a remote."""
    root = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", origin, root], check=True)
    return root


def add_remote(clone: Path, origin: Path) -> Path:
    remote = shutil.copytree(origin.with_name("remote"), clone.with_name("remote"))
    dvc(clone, "remote", "add", "--local", "--default", "own", str(remote))
    return remote


def run(clone: Path, *arguments: str) -> tuple[int, list[str], str]:
    """Status, the stages that ran, and what was printed."""
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return done.returncode, [x.split("'")[1] for x in lines if x[:7] == "Running"], "\n".join(lines)


def deleted(clone: Path) -> str:
    return git(clone, "ls-files", "--deleted")


def change_params(clone: Path) -> None:
    edit_file(clone / "params.yaml", "0.01", "0.02")


def change_code(clone: Path) -> None:
    (clone / "score.py").write_text(f"{SCORE}# changed\n")


@pytest.mark.parametrize("change", [change_params, change_code])
@pytest.mark.parametrize("verb", [["repro"], ["exp", "run"]])
def test_a_run_whose_inputs_nobody_has_stops_before_anything_is_deleted(clone, change, verb):
    change(clone)
    status, ran, said = run(clone, *verb, "--pull", "--allow-missing")
    assert status != 0 and ran == ["params"]
    assert (
        "error score would run; what they read is not here and could not be fetched: data/rows/test"
        in said
    )
    assert "`dvc repro --pull`" in said
    assert not deleted(clone)
    status, ran, _ = run(clone, "repro", "--pull")  # the remedy it names
    assert status == 0 and ran == ["params", "make", "score"]


def test_without_pull_a_remote_is_not_asked(clone, origin):
    add_remote(clone, origin)
    change_params(clone)
    status, ran, said = run(clone, "repro", "--allow-missing")
    assert status != 0 and ran == ["params"] and "not here: data/rows/test" in said
    assert not deleted(clone)


def test_with_a_remote_only_what_changed_runs(clone, origin):
    add_remote(clone, origin)
    change_params(clone)
    status, ran, said = run(clone, "repro", "--pull", "--allow-missing")
    assert status == 0, said
    assert ran == ["params", "score"]


def test_a_remote_that_lacks_one_object_stops_the_run(clone, origin):
    remote = add_remote(clone, origin)
    for path in remote.rglob("*"):
        if path.is_file() and path.read_bytes().startswith(b"test: "):
            path.unlink()
    change_code(clone)
    status, ran, said = run(clone, "repro", "--pull", "--allow-missing")
    assert status != 0 and ran == ["params"]
    assert "could not be fetched (" in said and "): data/rows/test; nothing was deleted" in said
    assert not deleted(clone)


def test_what_a_changed_stage_makes_is_not_missed(clone):
    edit_file(clone / "params.yaml", "rows: 1", "rows: 2")
    status, ran, said = run(clone, "repro", "--pull", "--allow-missing")
    assert status == 0, said
    assert ran == ["params", "make", "score"]


def test_nothing_runs_where_nothing_changed(clone):
    status, ran, said = run(clone, "repro", "--pull", "--allow-missing")
    assert status == 0, said
    assert not ran
