"""The git commit that a model comes from: the first whose dvc.lock names the model's very bytes."""

import hashlib
import json
from pathlib import Path

from emotion_slm.errors import EmotionSlmError
from emotion_slm.review.commands import git


def find_revision(folder: Path) -> str | None:
    """The commit's hash; None when no dvc.lock up to HEAD names the files of `folder`."""
    try:
        found = git(
            "log", "--reverse", "--format=%H", f"-Smd5: {_listing(folder)}", "--", "dvc.lock"
        )
    except EmotionSlmError:  # no git here
        return None
    return next(iter(found.split()), None)


def _listing(folder: Path) -> str:
    """By what name dvc.lock knows a folder: the MD5 of its files' names and MD5s."""
    entries = [
        {"md5": hashlib.md5(path.read_bytes()).hexdigest(), "relpath": path.name}
        for path in sorted(folder.iterdir())
        if path.is_file()
    ]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"
