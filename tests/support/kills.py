"""Runs of the pipeline killed, process group and all, at random moments of chosen stages."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ruamel.yaml import YAML

from emotion_slm.workbench import workspace

OUTPUTS = ("data", "models", "metrics")


class Undisturbed(NamedTuple):
    """A run left alone: its workspace, the seconds of each stage in order, the hashes of what it
    wrote by path, and its dvc.lock."""

    folder: Path
    seconds: dict[str, float]
    files: dict[str, str]
    lock: bytes


class Kill(NamedTuple):
    """`landed`: the stage that ran last before the kill; None when the run had already ended."""

    aimed: str
    moment: float
    signal: str
    landed: str | None
    repaired: str


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    """`dvc repro` in a session of its own, its output in one pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", *arguments],
        cwd=folder,
        env=workspace.environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def stages(process: subprocess.Popen, lines: list[str]) -> Iterator[str]:
    """The stages as they begin; what is printed is appended to `lines`."""
    for line in process.stdout:
        lines.append(line)
        if found := re.match(r"Running stage '(\w+)'", line):
            yield found[1]


def complete(folder: Path, *arguments: str) -> None:
    """`dvc repro` to its end, after `emotion-slm fsck --mend` where it refuses to begin."""
    for _ in range(2):
        process = start(folder, *arguments)
        output = process.communicate()[0]
        if process.returncode == 0:
            return
        assert mend(folder), output
    raise AssertionError(output)


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file among the outputs, hidden ones included, by path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for top in OUTPUTS
        for path in sorted((folder / top).rglob("*"))
        if path.is_file()
    }


def undisturbed(folder: Path) -> Undisturbed:
    """Run the pipeline in a new workspace, and time its stages, DVC's share included."""
    began, lines = {}, []
    process = start(folder)
    for stage in stages(process, lines):
        began[stage] = time.monotonic()
    assert process.wait() == 0, "".join(lines)
    ends = [*list(began.values())[1:], time.monotonic()]
    seconds = {stage: end - began[stage] for stage, end in zip(began, ends, strict=True)}
    return Undisturbed(folder, seconds, hashes(folder), (folder / "dvc.lock").read_bytes())


def kill(folder: Path, targets: Sequence[str], moment: float, number: signal.Signals) -> Kill:
    """Send the process group of a run `number`, `moment` seconds after a stage has begun.

    It is the first of `targets` that runs: those before it may be finished. A run that refuses to
    begin is repaired by `emotion-slm fsck --mend` first, as users do.
    """
    lines: list[str] = []
    process = start(folder)
    seen = []
    for name in stages(process, lines):
        seen.append(name)
        if name in targets:
            time.sleep(moment)
            os.killpg(process.pid, number)
            break
    seen += list(stages(process, lines))  # to the end of the output: the last process is dead
    process.wait()
    if seen:
        died = process.returncode == -number
        assert died or process.returncode == 0, "".join(lines)
        return Kill(targets[0], moment, number.name, seen[-1] if died else None, "")
    told = mend(folder)
    assert told, "".join(lines)
    return kill(folder, targets, moment, number)._replace(repaired=told)


def mend(folder: Path) -> str:
    """`emotion-slm fsck --mend`; what it found, empty when all was well."""
    done = subprocess.run(
        [sys.executable, "-m", "emotion_slm.cli.app", "fsck", "--mend"],
        cwd=folder,
        env=workspace.environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    return "" if done.stdout.startswith("0 damaged") else done.stdout


def check_finished(folder: Path, reference: Undisturbed) -> None:
    """What dvc.lock calls finished must be there, and be what the undisturbed run made.

    DVC adds stage after stage to dvc.lock, so one of an unfinished run, cut off amid a write or
    not, is the beginning of the finished one.
    """
    lock = folder / "dvc.lock"
    found = lock.read_bytes() if lock.exists() else b""
    assert reference.lock.startswith(found), found[-500:]
    text, files = reference.lock.decode(), hashes(folder)
    stages = YAML(typ="safe").load(text)["stages"]
    begin = [text.index(f"\n  {stage}:\n") for stage in stages]
    for stage, end in zip(stages, [*begin[1:], len(text)], strict=True):
        if end <= len(found):
            for out in stages[stage]["outs"]:
                assert _under(out["path"], files) == _under(out["path"], reference.files), stage


def _under(place: str, files: dict[str, str]) -> dict[str, str]:
    return {path: digest for path, digest in files.items() if f"{path}/".startswith(f"{place}/")}


def rounds(seed: int, reference: Undisturbed, counts: tuple[int, ...]) -> Iterator[list[tuple]]:
    """For each round its kills: (stage, moment, signal), `counts[i]` of every stage in turn."""
    generator = np.random.default_rng(seed)
    for count in counts:
        yield [
            (
                stage,
                float(generator.uniform(0, seconds)),
                signal.SIGTERM if generator.random() < 0.25 else signal.SIGKILL,
            )
            for stage, seconds in reference.seconds.items()
            for _ in range(count)
        ]


def table(kills: list[Kill], order: list[str]) -> str:
    """Markdown: kills by stage and signal, and the moments in seconds after the stage began."""
    rows = ["| stage | SIGKILL | SIGTERM | seconds after it began |", "|---|---|---|---|"]
    for stage in order:
        own = [kill for kill in kills if kill.landed == stage]
        numbers = [sum(kill.signal == name for kill in own) for name in ("SIGKILL", "SIGTERM")]
        moments = ", ".join(f"{kill.moment:.1f}" for kill in own if kill.aimed == stage)
        rows.append(f"| {stage} | {numbers[0]} | {numbers[1]} | {moments} |")
    late = sum(kill.landed is None for kill in kills)
    repaired = [kill.repaired.strip() for kill in kills if kill.repaired]
    return "\n".join([*rows, f"\ntoo late: {late}; repaired by fsck: {len(repaired)}", *repaired])
