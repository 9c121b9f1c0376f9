import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import emotion_slm
from emotion_slm.common import console as console_module
from emotion_slm.common.console import fail, progress, stage
from emotion_slm.common.errors import EmotionSlmError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Not in the repository, whose metrics a stage that begins would delete."""
    monkeypatch.chdir(tmp_path)


def test_stage_ends_with_one_line_on_what_and_how_long(capsys):
    with stage("split") as report:
        report("10 rows → data/split")
        report("[bold]kept as text[/bold]")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(
        r"split: 10 rows → data/split; \[bold\]kept as text\[/bold\] \(\d+\.\d s\)\n", captured.err
    )


def test_stage_prints_a_users_error_without_a_traceback(capsys):
    with pytest.raises(SystemExit) as ended, stage("split") as report:
        report("never shown")
        raise EmotionSlmError("params.yaml: [seed]: missing key")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error split: params.yaml: [seed]: missing key\n"


def test_stage_lets_a_bug_through(capsys):
    with pytest.raises(ZeroDivisionError), stage("split"):
        raise ZeroDivisionError
    assert "error" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "greed",
    ["import numpy; numpy.empty(2**50)", "import torch; torch.empty(2**50)", "bytearray(2**60)"],
)
def test_want_of_memory_is_named_with_what_to_do(tmp_path, greed):
    code = f"from emotion_slm.common.console import stage\nwith stage('embed'): {greed}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error embed: not enough memory (")
    assert "batch_size" in done.stderr and "run `dvc repro` again" in done.stderr
    assert "Traceback" not in done.stderr


def test_stage_removes_what_a_killed_one_left_among_the_metrics(tmp_path):
    leftover = tmp_path / "metrics/plots/.f1.png.17.part"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    with stage("evaluate"):
        assert not leftover.exists()


def test_long_messages_are_not_wrapped(capsys):
    path = "/".join(["folder"] * 60)
    with pytest.raises(SystemExit):
        fail(f"{path}: no such file")
    assert f"{path}: no such file\n" in capsys.readouterr().err


@pytest.mark.parametrize("total", [3, None])
def test_progress_is_silent_where_nobody_watches(capsys, total):
    with progress("embedding", total) as advance:
        for _ in range(3):
            advance(1)
            advance(1, "loss 0.5")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("shown", [True, False])
def test_progress_on_a_terminal_shows_how_things_stand(monkeypatch, shown):
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(console_module, "console", terminal)
    with progress("training", 3, shown) as advance:
        advance(2, "loss 0.5000, lr 1.0e-04")
    assert ("2/3" in screen.getvalue()) is shown
    assert ("loss 0.5000, lr 1.0e-04" in screen.getvalue()) is shown


def test_slow_steps_too_tell_the_time_left(monkeypatch):
    screen, now = io.StringIO(), [0.0]
    terminal = Console(file=screen, force_terminal=True, width=120, get_time=lambda: now[0])
    monkeypatch.setattr(console_module, "console", terminal)
    with progress("scoring", 4) as advance:
        for _ in range(3):
            now[0] += 60
            advance(1)
    assert "0:01:00" in screen.getvalue().split("3/4")[-1]


def test_only_the_first_process_locks_and_speaks(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with stage("adapt") as report, stage("adapt"):  # a second lock would be refused
        report("not shown")
    assert capsys.readouterr() == ("", "")


def test_a_stage_refuses_to_run_other_code_than_dvc_records(capsys):
    Path("src/emotion_slm").mkdir(parents=True)
    with pytest.raises(SystemExit), stage("split"):
        raise AssertionError("it ran")
    error = capsys.readouterr().err
    assert "split: this would run the code in" in error and "PYTHONPATH=src" in error
    Path("src/emotion_slm").rmdir()
    Path("src/emotion_slm").symlink_to(Path(emotion_slm.__file__).parent)
    with stage("split"):
        pass
