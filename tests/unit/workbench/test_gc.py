import os
import time
from pathlib import Path

import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.lock import exclusive
from emotion_slm.workbench import gc as garbage
from emotion_slm.workbench.disk import size
from emotion_slm.workbench.gc import OLD_DAYS, Garbage, find, free

CACHE = Path(".dvc/cache/files/md5")


def checkpoint(name: str, days: float) -> Path:
    """A checkpoint whose files and folders were last written so many days ago."""
    path = Path(".scratch/training") / name
    (path / "checkpoint-3").mkdir(parents=True)
    (path / "checkpoint-3/state.json").write_text("{}")
    then = time.time() - days * 24 * 3600
    for inner in (*path.rglob("*"), path):
        os.utime(inner, (then, then))
    return path


def test_the_workspace_alone_leaves_older_runs_out(stored):
    found = find(["--workspace"])
    assert sum(map(size, found.objects)) > 1000
    assert all(path.is_file() for path in found.objects)  # found, not freed
    free(found)
    assert not any(path.exists() for path in found.objects)
    kept = [path for path in CACHE.rglob("*") if path.is_file()]
    assert sorted(path.stat().st_size for path in kept)[-1] == 2000 and len(kept) == 3


def test_checkpoints_go_when_nobody_came_back_to_them(stored):
    old, young = checkpoint("adapt-old", OLD_DAYS + 1), checkpoint("adapt-young", OLD_DAYS - 1)
    resumed = checkpoint("adapt-resumed", OLD_DAYS + 1)
    (resumed / "checkpoint-3/state.json").write_text("[]")
    found = find(["--all-commits"])
    # Both runs' outputs are kept. Of the metrics, which git keeps, DVC's run-cache had a copy.
    assert [path.read_text() for path in found.objects] == ["{}"]
    assert found.checkpoints == [old]
    free(found)
    assert not old.exists() and young.exists() and resumed.exists()


def test_nothing_is_freed_while_a_stage_runs(stored):
    old = checkpoint("adapt-old", OLD_DAYS + 1)
    found = Garbage(("--workspace",), [], [old])
    with exclusive(Path(".scratch/stage.lock")), pytest.raises(EmotionSlmError, match="running"):
        free(found)
    assert old.exists()


def test_nothing_is_freed_while_an_experiment_runs(stored):
    old = checkpoint("adapt-old", OLD_DAYS + 1)
    Path(".dvc/tmp/exps/tmpabc/.dvc").mkdir(parents=True)
    with pytest.raises(EmotionSlmError, match="experiment is at work"):
        free(Garbage(("--workspace",), [], [old]))
    assert old.exists()


def test_a_checkpoint_written_while_the_question_stood_is_kept(stored):
    old = checkpoint("adapt-old", OLD_DAYS + 1)
    found = find(["--all-commits"])
    (old / "checkpoint-3/state.json").write_text("[]")
    free(found)
    assert found.checkpoints == [old] and old.exists()


def test_options_that_dvc_does_not_take_are_an_error(stored):
    with pytest.raises(EmotionSlmError, match="dvc gc"):
        find([])


@pytest.mark.parametrize(
    ("terminal", "answer", "freed"),
    [(True, "y", True), (True, "n", False), (True, "", False), (False, "y", False)],
)
def test_the_program_shows_first_and_frees_what_is_confirmed(
    stored, monkeypatch, capsys, terminal, answer, freed
):
    old = checkpoint("adapt-old", OLD_DAYS + 1)
    monkeypatch.setattr("sys.argv", ["garbage", "--all-commits"])
    monkeypatch.setattr(garbage, "find", lambda keep: Garbage(tuple(keep), [], [old]))
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("builtins.input", lambda *prompt: answer)
    garbage.main()
    shown = capsys.readouterr().out
    assert "checkpoints untouched for 7 days" in shown and "--all-commits" in shown
    assert old.exists() is not freed and ("nothing freed" in shown) is not terminal
