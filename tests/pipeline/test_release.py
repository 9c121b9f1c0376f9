"""The released model lies whole in release/, any clone can have it, and no push goes there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.workbench.release import FOLDER, fetch, problems

REPOSITORY = Path(__file__).parents[2]


def test_the_release_is_one_whole_model():
    found = problems(REPOSITORY / FOLDER)
    assert not found, "`make release` brings release/ up to date:\n" + "\n".join(found)


def test_a_clone_has_the_model_without_an_account_and_it_scores(tmp_path):
    fetch(str(REPOSITORY), tmp_path / "model")
    classifier = EmotionClassifier.from_pretrained(tmp_path / "model")
    (scores,) = classifier.predict(["Thank you so much, this made my day!"])
    assert next(iter(scores)) == "gratitude"


def dvc(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def produced(tmp_path_factory) -> Path:
    """A repository with this one's remotes and the flags of its outputs, whose stages have run.

    Its release/ holds the model, as `make release` would leave it.
    """
    root = tmp_path_factory.mktemp("produced") / "clone"
    stages = YAML(typ="safe").load(REPOSITORY / "dvc.yaml")["stages"]
    outs = {"split": ["data/split"], "evaluate": stages["evaluate"]["outs"]}
    make = "import pathlib, sys\nfor name in sys.argv[1:]:\n    folder = pathlib.Path(name)\n"
    make += "    folder.mkdir(parents=True, exist_ok=True)\n    (folder / 'x').write_text(name)\n"
    content = {"stages": {}}
    for name, declared in outs.items():
        names = [next(iter(out)) if isinstance(out, dict) else out for out in declared]
        deps = ["make.py", *(["data/split"] if name == "evaluate" else [])]
        command = f"python make.py {' '.join(names)}"
        content["stages"][name] = {"cmd": command, "deps": deps, "outs": declared}
    (root / ".dvc").mkdir(parents=True)
    for name in (".dvc/config", ".gitignore"):
        shutil.copy(REPOSITORY / name, root / name)
    (root / "make.py").write_text(make)
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False  # a flag a line, as in dvc.yaml
    yaml.dump(content, root / "dvc.yaml")
    git(root, "init", "--quiet")
    assert dvc(root, "repro").returncode == 0
    model = YAML(typ="safe").load(root / "dvc.lock")["stages"]["evaluate"]["outs"]
    (listing,) = [out["md5"] for out in model if out["path"] == "models/classifier"]
    objects = root / ".dvc/cache/files/md5"
    (content_md5,) = {path.name for path in objects.glob("*/*") if not path.suffix} - {
        path.name
        for path in objects.glob("*/*")
        if path.read_bytes() != b"models/classifier" and not path.suffix
    }
    for path in objects.glob("*/*"):
        if path.parent.name + path.name == listing or path.name == content_md5:
            target = root / FOLDER / "files/md5" / path.parent.name / path.name
            target.parent.mkdir(parents=True)
            shutil.copy(path, target)
    git(root, "add", "-A")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "run")
    return root


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", root, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def clone(produced, tmp_path) -> Path:
    git(produced, "clone", "--quiet", ".", str(tmp_path / "clone"))
    return tmp_path / "clone"


def test_a_push_never_writes_into_the_tree(produced):
    done = dvc(produced, "push")
    assert done.returncode != 0 and "no remote specified" in done.stderr
    assert not git(produced, "status", "--porcelain", "--ignored", FOLDER.as_posix())


def test_a_clone_pulls_the_model_by_name(clone):
    done = dvc(clone, "pull", "models/classifier")
    assert done.returncode == 0, done.stderr
    assert (clone / "models/classifier/x").read_text() == "models/classifier"


def test_a_pull_of_everything_says_what_no_remote_has(clone):
    done = dvc(clone, "pull")
    assert done.returncode != 0 and "data/split" in done.stderr
    assert (clone / "models/classifier/x").exists()


def test_a_remote_of_one_s_own_takes_everything(produced, clone, tmp_path):
    for root in (produced, clone):
        done = subprocess.run(
            ["make", "--file", REPOSITORY / "Makefile", "remote", f"URL={tmp_path / 'own'}",
             f"BIN={Path(sys.executable).parent}"],
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert dvc(produced, "push").returncode == 0
    shutil.rmtree(clone / FOLDER)
    assert dvc(clone, "pull").returncode == 0
    for name in ("data/split", "data/predictions", "models/classifier"):
        assert (clone / name / "x").read_text() == name
