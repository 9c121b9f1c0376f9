"""Runs of the pipeline in workspaces of their own: watched, halted, killed, completed, compared.

Nothing here waits for a time to pass: what is waited for is an event of the run (support/watch), or
its end.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGSTOP, Signals
from typing import NamedTuple

import psutil
import pytest
from ruamel.yaml import YAML

from emotion_slm.workbench import workspace
from emotion_slm.workbench.fsck import LEFT, TEMPORARY

OUTPUTS = ("data", "models", "metrics")
WATCH = Path(__file__).with_name("watch")
BEGIN = r"begin (\w+)$"  # the event with which a stage begins


class Reference(NamedTuple):
    """A run left alone: its workspace, the events of each stage in order, DVC's work after it
    included, the hashes of what it wrote by path, and its dvc.lock."""

    folder: Path
    events: dict[str, list[str]]
    files: dict[str, str]
    lock: bytes


class Moment(NamedTuple):
    """The `number`-th event that matches `pattern`, from the first of `stages` that begins on, and
    the signal that the process group gets there; SIGSTOP halts the one process."""

    stages: Sequence[str]
    number: int = 1
    signal: Signals = SIGKILL
    pattern: str = ""


class Kill(NamedTuple):
    """`landed`: the stage that had begun last, and the event; None when the run had ended before.
    `repaired`: what `emotion-slm fsck --repair` printed when the run refused to begin."""

    moment: Moment
    landed: str | None
    event: str | None
    repaired: str


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Status and output of `python -m` with `arguments`."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=workspace.environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def start(folder: Path, *stages: str, moment: Moment | None = None) -> subprocess.Popen:
    """`dvc repro` in a session of its own, its output in one pipe, its events in a file."""
    events = _events(folder)
    events.unlink(missing_ok=True)
    environment = workspace.environment(folder)
    environment["PYTHONPATH"] += f"{os.pathsep}{WATCH}"
    environment["WATCH_EVENTS"] = str(events)
    environment["WATCH_MOMENT"] = json.dumps(moment and moment._asdict())
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", *stages],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _events(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.events")


def leave_alone(folder: Path) -> Reference:
    """Run the pipeline in a workspace in which nothing has run yet."""
    process = start(folder)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    events: dict[str, list[str]] = {}
    for line in _events(folder).read_text().splitlines():
        if begun := re.match(BEGIN, line):
            events[begun[1]] = []
        if events:
            events[next(reversed(events))].append(line)
    return Reference(folder, events, hashes(folder), (folder / "dvc.lock").read_bytes())


def halt(folder: Path, stage: str, pattern: str) -> tuple[subprocess.Popen, psutil.Process]:
    """`dvc repro` of a stage whose process halts itself before an event: both processes."""
    process = start(folder, stage, moment=Moment([stage], signal=SIGSTOP, pattern=pattern))
    while process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if child.status() == psutil.STATUS_STOPPED:
                    return process, child
        time.sleep(0.02)
    raise AssertionError(f"{stage} ended without {pattern!r}:\n{process.communicate()[0]}")


def kill(folder: Path, moment: Moment) -> Kill:
    """Let a run kill itself. One that refuses to begin is repaired first, as users do."""
    repaired = ""
    while True:
        process = start(folder, moment=moment)
        output = process.communicate()[0]  # to its end: the last process is dead
        lines = _events(folder).read_text().splitlines()
        begun = [found[1] for line in lines if (found := re.match(BEGIN, line))]
        if process.returncode == -moment.signal:
            return Kill(moment, begun[-1], lines[-1], repaired)
        if process.returncode == 0:
            return Kill(moment, None, None, repaired)
        assert not begun and not repaired, output
        repaired = repair(folder)
        assert repaired, output


def complete(folder: Path, *stages: str) -> None:
    """`dvc repro` to its end, after `emotion-slm fsck --repair` where it refuses to begin."""
    status, output = run(folder, "dvc", "repro", *stages)
    if status != 0:
        assert repair(folder), output
        status, output = run(folder, "dvc", "repro", *stages)
    assert status == 0, output


def repair(folder: Path) -> str:
    """`emotion-slm fsck --repair`; what it found, empty when all was well."""
    status, output = run(folder, "emotion_slm.cli.app", "fsck", "--repair")
    assert status == 0, output
    return "" if output.startswith("0 damaged") else output


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file among the outputs, hidden ones included, by path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for top in OUTPUTS
        for path in sorted((folder / top).rglob("*"))
        if path.is_file()
    }


def assert_finished_is_whole(folder: Path, reference: Reference) -> None:
    """What dvc.lock calls finished must be there, and be what the run left alone made.

    DVC adds stage after stage to dvc.lock, so one of an unfinished run, cut off amid a write or
    not, is the beginning of the finished one.
    """
    lock = folder / "dvc.lock"
    found = lock.read_bytes() if lock.exists() else b""
    assert reference.lock.startswith(found), found[-500:]
    text, files = reference.lock.decode(), hashes(folder)
    for stage, content in YAML(typ="safe").load(text)["stages"].items():
        if len(_until(text, stage)) <= len(found):
            for out in content["outs"]:
                assert _under(out["path"], files) == _under(out["path"], reference.files), stage


def assert_ends_as(reference: Reference, folder: Path, stage: str | None = None) -> None:
    """Complete the run, up to `stage` if given: the files are those of the run left alone, and so
    is what dvc.lock says so far. What DVC left beside an output goes with a repair."""
    complete(folder, *([stage] if stage else []))
    if any(re.fullmatch(TEMPORARY, Path(path).name) for path in hashes(folder)):
        assert LEFT in repair(folder)
    expected = reference.lock.decode()
    assert (folder / "dvc.lock").read_text() == (_until(expected, stage) if stage else expected)
    assert hashes(folder) == reference.files


def undo(folder: Path, reference: Reference, stage: str) -> None:
    """Make dvc.lock say that `stage` and those after it have not run; their outputs stay."""
    text = reference.lock.decode()
    (folder / "dvc.lock").write_text(text[: text.index(f"\n  {stage}:\n") + 1])


def _until(lock: str, stage: str) -> str:
    """The text of a dvc.lock up to the end of a stage."""
    begin = lock.index(f"\n  {stage}:\n") + 1
    following = re.compile(r"^  \w+:$", re.MULTILINE).search(lock, begin + 1)
    return lock[: following.start()] if following else lock


def _under(place: str, files: dict[str, str]) -> dict[str, str]:
    return {path: digest for path, digest in files.items() if f"{path}/".startswith(f"{place}/")}


def as_somebody_else(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Another home and name, ASCII in place of UTF-8, another time zone, other hashes of strings,
    another number of threads unless a stage pins its own."""
    home.mkdir()
    settings = {
        "HOME": str(home),
        "USER": "somebody",
        "LOGNAME": "somebody",
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",  # or Python takes UTF-8 all the same
        "PYTHONUTF8": "0",
        "TZ": "XXX-14",
        "PYTHONHASHSEED": "1",
        "OMP_NUM_THREADS": "3",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
