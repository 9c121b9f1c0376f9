"""git and DVC as commands whose output is read."""

import subprocess
import sys
from collections.abc import Sequence

from emotion_slm.errors import EmotionSlmError


def git(*arguments: str) -> str:
    """Standard output of `git` in the working directory; EmotionSlmError when it fails."""
    return _output(["git", *arguments], "git")


def dvc(*arguments: str) -> str:
    """Standard output of this environment's `dvc`; EmotionSlmError when it fails."""
    return _output([sys.executable, "-m", "dvc", *arguments], "dvc")


def _output(command: Sequence[str], name: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        verb = " ".join(command[command.index(name) + 1 :])
        raise EmotionSlmError(f"`{name} {verb}` failed: {said or f'status {done.returncode}'}")
    return done.stdout
