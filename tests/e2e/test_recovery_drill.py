"""What can go wrong around a run: a clear outcome, and `dvc repro` ends in the same bytes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support import kills
from support.disk import SmallDisk
from support.tiny import create_tiny_workspace

from emotion_slm.workbench import workspace as workspaces

pytestmark = pytest.mark.drill
STAGE = "undersample"  # the quickest that reads and writes a folder
ALL = None  # every stage


@pytest.fixture(scope="module")
def reference(tmp_path_factory, tiny_bert, backbone_params):
    folder = tmp_path_factory.mktemp("reference") / "workspace"
    create_tiny_workspace(folder, backbone_params(tiny_bert))
    return kills.undisturbed(folder)


@pytest.fixture
def finished(reference, tmp_path):
    return shutil.copytree(reference.folder, tmp_path / "finished")


@pytest.fixture
def unfinished(reference, tmp_path):
    """Function: (folder, stage) → a workspace in which that stage and those after it are undone."""

    def make(folder: Path = tmp_path / "unfinished", stage: str = STAGE) -> Path:
        shutil.copytree(reference.folder, folder, dirs_exist_ok=True)
        text = reference.lock.decode()
        (folder / "dvc.lock").write_text(text[: text.index(f"\n  {stage}:\n") + 1])
        shutil.rmtree(folder / ".dvc/cache/runs")
        return folder

    return make


@pytest.fixture
def small_disk(tmp_path):
    disk = SmallDisk(tmp_path / "disk")
    if not disk.mount():
        pytest.skip("mounting a file system needs root")
    yield disk
    disk.unmount()


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Status and output of `python -m` with `arguments`."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=workspaces.environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def repro(folder: Path, stage: str | None = STAGE) -> tuple[int, str]:
    return run(folder, "dvc", "repro", *([stage] if stage else []))


def ran(output: str) -> list[str]:
    return re.findall(r"^Running stage '(\w+)'", output, flags=re.MULTILINE)


def at_work(folder: Path, process: subprocess.Popen, stage: str) -> psutil.Process:
    """The process of `stage`, once it holds the workspace's lock."""
    assert stage in kills.stages(process, [])
    while True:
        for child in psutil.Process(process.pid).children(recursive=True):
            if (folder / ".scratch/stage.lock").read_text() == str(child.pid):
                return child
        time.sleep(0.05)


def assert_ends_as(reference: kills.Undisturbed, folder: Path, stage: str | None = STAGE) -> None:
    """Complete the run up to `stage`: the files are those of the undisturbed run, and so is what
    dvc.lock says so far."""
    kills.complete(folder, *([stage] if stage else []))
    expected = reference.lock.decode()
    if stage:
        block = expected.index(f"\n  {stage}:\n") + 1
        following = re.compile(r"^  \w+:$", re.MULTILINE).search(expected, block + 1)
        expected = expected[: following.start()]
    assert (folder / "dvc.lock").read_text() == expected
    assert kills.hashes(folder) == reference.files


def test_full_disk(reference, small_disk, capsys):
    """A cold run on a disk that is given a little more room after each failure."""
    folder = small_disk.folder
    done = shutil.ignore_patterns("dvc.lock", "cache", "tmp", ".scratch")
    shutil.copytree(reference.folder, folder, dirs_exist_ok=True, ignore=done)
    for path in reference.files:
        if not path.endswith("README.md"):
            (folder / path).unlink()
    words = (
        r"could not be written \(.*; free some",
        "No space left",
        "JSON structure",
        "dvc.lock'",
    )
    told = []
    for free in (0, 20_000, 80_000, 300_000, *[1_000_000] * 20):
        small_disk.leave(free)
        if told:
            kills.mend(folder)
        status, output = repro(folder, ALL)
        kills.check_finished(folder, reference)
        if status == 0:
            break
        found = re.search(f".*({'|'.join(words)}).*", output)
        assert found, output
        told.append(f"{(ran(output) or ['before any stage'])[-1]}: {found[0]}")
    with capsys.disabled():
        print("\n" + "\n".join(told))
    assert len(told) > 3
    small_disk.change("size=256m")
    assert_ends_as(reference, folder, ALL)


def test_read_only_workspace(reference, unfinished, small_disk):
    folder = unfinished(small_disk.folder)
    small_disk.change("ro")
    status, output = repro(folder)
    assert status != 0 and "Read-only file system" in output
    status, output = run(folder, "emotion_slm.cli.app", "report")
    assert status == 1 and "could not be written (Read-only file system); make its fold" in output
    assert run(folder, "emotion_slm.cli.app", "predict", "--text", "Thanks!")[0] == 0
    small_disk.change("rw")
    assert_ends_as(reference, folder)


@pytest.mark.parametrize("year", [1971, 2037])
def test_clock_that_jumped(reference, unfinished, year):
    """Files of the past or the future, as a clock set wrong makes them, amid a run."""
    folder = unfinished(stage="finetune")
    process = kills.start(folder, "finetune")
    at_work(folder, process, "finetune")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    seconds = (year - 1970) * 365.25 * 86400
    for path in folder.rglob("*"):
        os.utime(path, (seconds, seconds))
    status, output = repro(folder, "finetune")
    assert status == 0 and ran(output) == ["finetune"]
    assert_ends_as(reference, folder, "finetune")


def test_second_run_beside_the_first(reference, unfinished):
    folder = unfinished()
    first = kills.start(folder, STAGE)
    at_work(folder, first, STAGE)
    status, output = repro(folder)
    assert status != 0 and f"(PID {first.pid}): " in output and "is busy" in output
    assert ran(output) == []
    first.communicate()
    assert first.returncode == 0
    assert_ends_as(reference, folder)


def test_two_runs_begun_at_once(reference, unfinished):
    folder = unfinished()
    both = [kills.start(folder, STAGE), kills.start(folder, STAGE)]
    outputs = [process.communicate()[0] for process in both]
    for process, output in zip(both, outputs, strict=True):
        assert process.returncode == 0 or re.search("is busy|acquire lock|still running", output)
    assert_ends_as(reference, folder)


def test_stage_ended_by_the_kernel_for_want_of_memory(reference, unfinished):
    """The kernel's way: SIGKILL to the process that is largest, and to no other."""
    folder = unfinished()
    process = kills.start(folder, STAGE)
    at_work(folder, process, STAGE).kill()
    output = process.communicate()[0]
    assert process.returncode != 0
    assert "failed to run: python -m stages.undersample, exited with -9" in output
    kills.check_finished(folder, reference)
    assert_ends_as(reference, folder)


def test_dvc_killed_while_its_stage_goes_on(reference, unfinished):
    folder = unfinished()
    process = kills.start(folder, STAGE)
    orphan = at_work(folder, process, STAGE)
    orphan.suspend()
    process.kill()
    process.wait()  # or its number is still taken, and DVC thinks it alive
    status, output = repro(folder)
    assert status != 0
    assert f"a stage is still running in this workspace (process {orphan.pid}); wait" in output
    orphan.resume()
    psutil.wait_procs([orphan])
    process.communicate()
    assert_ends_as(reference, folder)


def test_locks_of_a_killed_dvc_whose_number_another_process_has(reference, unfinished):
    folder = unfinished()
    process = kills.start(folder, STAGE)
    at_work(folder, process, STAGE)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    path = folder / ".dvc/tmp/rwlock"
    held = path.read_text()
    assert str(process.pid) in held
    path.write_text(held.replace(f'"pid": {process.pid}', f'"pid": {os.getpid()}'))
    status, output = repro(folder)
    assert status != 0 and "you can manually remove" in output and "rwlock" in output
    path.unlink()
    assert_ends_as(reference, folder)


@pytest.mark.parametrize("content", ["", '{"write": {"/a'])
def test_list_of_locks_cut_off(reference, unfinished, content):
    folder = unfinished()
    (folder / ".dvc/tmp/rwlock").write_text(content)
    status, output = repro(folder)
    assert status != 0 and "rwlock'. JSON structure is corrupted" in output
    assert "rwlock: cut off or garbled: deleted" in kills.mend(folder)
    assert_ends_as(reference, folder)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 0.99])
def test_dvc_lock_cut_off(reference, finished, share):
    """What was finished comes back from DVC's run-cache: no stage runs."""
    lock = finished / "dvc.lock"
    lock.write_bytes(reference.lock[: int(share * len(reference.lock))])
    status, output = repro(finished, ALL)
    if status != 0:
        assert "dvc.lock" in output
        assert "moved to .scratch/damaged/dvc.lock" in kills.mend(finished)
        status, output = repro(finished, ALL)
    assert status == 0 and ran(output) == []
    assert_ends_as(reference, finished, ALL)


def test_bit_flipped_in_the_cache_and_in_the_output(reference, finished):
    """DVC sees neither; `emotion-slm fsck` sees both, and one stage runs again."""
    output = finished / "data/embedded/vectors.npy"
    status, listed = run(finished, "emotion_slm.cli.app", "fsck")
    assert status == 0 and listed.startswith("0 damaged")
    (entry,) = (
        entry["md5"]
        for listing in finished.glob(".dvc/cache/files/md5/*/*.dir")
        for entry in json.loads(listing.read_text())
        if entry["relpath"] == output.name and "index.parquet" in listing.read_text()
    )
    cached = finished / ".dvc/cache/files/md5" / entry[:2] / entry[2:]
    for path in (output, cached):
        before = path.stat()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        path.chmod(before.st_mode)
    status, listed = run(finished, "emotion_slm.cli.app", "fsck")
    assert status == 1 and str(cached) in listed and "data/embedded/vectors.npy: " in listed
    assert kills.mend(finished).startswith(str(cached))
    status, listed = repro(finished, ALL)
    assert status == 0 and ran(listed) == ["embed"]
    assert_ends_as(reference, finished, ALL)
