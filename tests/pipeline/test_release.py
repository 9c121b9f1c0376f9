"""The model of dvc.lock lies in release/, and any clone can have it from there."""

import shutil
import subprocess
import sys
from pathlib import Path

from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.workbench import workspace
from emotion_slm.workbench.release import FOLDER, problems

REPOSITORY = Path(__file__).parents[2]


def test_the_release_holds_exactly_the_model_of_the_lock():
    found = problems(REPOSITORY / "dvc.lock", REPOSITORY / FOLDER)
    assert not found, "`make release` brings release/ up to date:\n" + "\n".join(found)


def test_a_clone_pulls_the_model_without_an_account_and_it_scores(tmp_path):
    """A clone of what the working tree holds, committed or not: no cache, no data, no model."""
    for name in ("dvc.yaml", "dvc.lock", "params.yaml", ".dvc/config", ".dvc/.gitignore"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    shutil.copytree(REPOSITORY / FOLDER, tmp_path / FOLDER)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "pull", "models/classifier"],
        cwd=tmp_path,
        env=workspace.environment(REPOSITORY),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    classifier = EmotionClassifier.from_pretrained(tmp_path / "models/classifier")
    (scores,) = classifier.predict(["Thank you so much, this made my day!"])
    assert next(iter(scores)) == "gratitude"
