"""git and DVC as commands whose output is read."""

import subprocess
import sys
from collections.abc import Sequence

from emotion_slm.common.errors import EmotionSlmError


def git(*arguments: str) -> str:
    """Standard output of `git` in the working directory; EmotionSlmError when it fails."""
    return output(_run(["git", *arguments]), "git", *arguments)


def dvc(*arguments: str) -> str:
    """Standard output of this environment's `dvc`; EmotionSlmError when it fails."""
    return output(run_dvc(*arguments), "dvc", *arguments)


def run_dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    """This environment's `dvc`, run to its end, whatever that is."""
    return _run([sys.executable, "-m", "dvc", *arguments])


def output(done: subprocess.CompletedProcess[str], name: str, *arguments: str) -> str:
    """Standard output of a command, called `name` when it failed: an EmotionSlmError."""
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        verb = " ".join(arguments)
        raise EmotionSlmError(f"`{name} {verb}` failed: {said or f'status {done.returncode}'}")
    return done.stdout


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
