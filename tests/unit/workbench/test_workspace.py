import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench import workspace as module
from emotion_slm.workbench.workspace import create, environment, repro

PARAMS = "# profile: a comment\nprofile: minilm   # the default\nseed: 1\nprofiles: {}\n"
FILES = {
    "params.yaml": PARAMS,
    "dvc.yaml": "stages: {}\n",
    "dvc.lock": "lock",
    ".dvcignore": "__pycache__\n",
    ".dvc/config": "[core]\n",
    ".gitignore": "/ignored/\n/.scratch/\n*.log\n",
    "metrics/test.json": "{}",
    "src/package/__init__.py": "",
    "src/package/deep/module.py": "x = 1\n",
    "stages/split.py": "y = 1\n",
    "data/README.md": "kept",
    "odd name é.txt": "odd",
}


def git(repository: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def listing(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def dvc_calls(monkeypatch) -> list[list[str]]:
    """Commands that would have been run; DVC itself is for the pipeline's tests."""
    calls = []

    def run(workspace, *arguments):
        calls.append(list(arguments))
        if arguments[0] == "init":
            (workspace / ".dvc").mkdir(parents=True)

    monkeypatch.setattr(module, "_run_dvc", run)
    return calls


@pytest.fixture
def repository(tmp_path) -> Path:
    root = tmp_path / "repository"
    write(root, FILES)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    return root


@pytest.fixture
def target(repository) -> Path:
    return repository / ".scratch" / "sample"


def test_copies_tracked_and_new_files_but_neither_ignored_nor_results(
    repository, target, dvc_calls
):
    write(repository, {"src/package/new.py": "z", "ignored/secret": "no", "debug.log": "no"})
    create(repository, target, "sample")
    expected = set(FILES) - {"dvc.lock", "metrics/test.json"}
    assert listing(target) == expected | {"src/package/new.py"}
    assert (target / "src/package/deep/module.py").read_text() == "x = 1\n"


def test_working_tree_is_copied_not_the_last_commit(repository, target, dvc_calls):
    (repository / "src/package/deep/module.py").write_text("x = 2\n")
    (repository / "stages/split.py").unlink()
    create(repository, target, "sample")
    assert (target / "src/package/deep/module.py").read_text() == "x = 2\n"
    assert not (target / "stages/split.py").exists()


def test_profile_is_chosen_and_nothing_else_changes(repository, target, dvc_calls):
    create(repository, target, "sample")
    expected = PARAMS.replace("profile: minilm ", "profile: sample ")
    assert (target / "params.yaml").read_text() == expected
    assert (repository / "params.yaml").read_text() == PARAMS


@pytest.mark.parametrize("text", ["seed: 1\n", "profile: a\nprofile: b\n", " profile: a\n"])
def test_params_without_one_profile_line_are_refused(repository, target, dvc_calls, text):
    (repository / "params.yaml").write_text(text)
    with pytest.raises(EmotionSlmError, match="exactly one line `profile: NAME`"):
        create(repository, target, "sample")


def test_second_call_touches_nothing(repository, target, dvc_calls):
    create(repository, target, "sample")
    for path in target.rglob("*"):
        os.utime(path, (1, 1))
    calls = len(dvc_calls)
    create(repository, target, "sample")
    assert {path.stat().st_mtime for path in target.rglob("*")} == {1.0}
    assert len(dvc_calls) == calls


def test_changed_file_alone_is_written_again(repository, target, dvc_calls):
    create(repository, target, "sample")
    for path in target.rglob("*"):
        os.utime(path, (1, 1))
    (repository / "stages/split.py").write_text("y = 2\n")
    create(repository, target, "sample")
    fresh = {name for name in listing(target) if (target / name).stat().st_mtime != 1}
    assert fresh == {"stages/split.py"}
    assert (target / "stages/split.py").read_text() == "y = 2\n"


def test_modules_deleted_in_the_repository_disappear(repository, target, dvc_calls):
    create(repository, target, "sample")
    write(target, {"src/package/stale.py": "old", "src/package/data.bin": "kept"})
    (repository / "stages/split.py").unlink()
    create(repository, target, "sample")
    assert not (target / "src/package/stale.py").exists()
    assert not (target / "stages/split.py").exists()
    assert (target / "src/package/data.bin").exists()


def test_results_of_the_workspace_survive(repository, target, dvc_calls):
    create(repository, target, "sample")
    write(target, {"dvc.lock": "own", "metrics/test.json": "own", "models/x.bin": "own"})
    create(repository, target, "sample")
    for name in ("dvc.lock", "metrics/test.json", "models/x.bin"):
        assert (target / name).read_text() == "own"


def test_dvc_is_set_up_once_without_git_and_without_telemetry(repository, target, dvc_calls):
    create(repository, target, "sample")
    own = (target / ".dvc/config").read_text()
    assert own != FILES[".dvc/config"]
    for line in ("no_scm = True", "analytics = false", "check_update = false"):
        assert line in own


def test_a_download_without_git_gives_the_same_workspace(repository, tmp_path, dvc_calls):
    create(repository, tmp_path / "of-git", "sample")
    shutil.rmtree(repository / ".git")
    write(repository, {"ignored/big.bin": "x", "run.log": "x", ".scratch/other/y": "x"})
    create(repository, tmp_path / "of-download", "sample")
    assert listing(tmp_path / "of-download") == listing(tmp_path / "of-git")


def test_repository_stays_clean(repository, target, dvc_calls):
    create(repository, target, "sample")
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=repository, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""


def test_stages_run_with_this_python_on_the_workspaces_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = environment(Path("relative"))
    assert found["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert found["PYTHONPATH"] == str(tmp_path / "relative" / "src")


def test_failing_dvc_is_an_error_that_names_command_and_place(tmp_path, capfd):
    with pytest.raises(
        EmotionSlmError, match=r"`dvc repro` failed in .*nowhere; see above\. Run it again"
    ):
        repro(tmp_path / "nowhere")
    assert "ERROR" in capfd.readouterr().err
