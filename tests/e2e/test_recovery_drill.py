"""What can go wrong around a run: a clear outcome, and `dvc repro` ends in the same bytes.

Each drill has a short form on one quick stage, and a longer one.
"""

import os
import re
import shutil
import signal
from pathlib import Path

import psutil
import pytest
from support import runs
from support.disk import SmallDisk
from support.runs import run

from emotion_slm.workbench.dvc_store import md5_file, object_path

FIRST_OUTPUT = (
    r"^mkdir (data|models)/"  # the stage holds the workspace's lock, and has yet to write
)


def forms(name: str, short: object, *longer: object) -> pytest.MarkDecorator:
    """A parameter of a drill: its value in `make test-all`, and those in `make drills`."""
    values = [pytest.param(value, marks=pytest.mark.drill) for value in longer]
    return pytest.mark.parametrize(name, [pytest.param(short, marks=pytest.mark.slow), *values])


on_stages = forms("stage", "undersample", "adapt")


@pytest.fixture
def finished(tiny_reference, tmp_path):
    return shutil.copytree(tiny_reference.folder, tmp_path / "finished")


@pytest.fixture
def unfinished(tiny_reference, tmp_path):
    """Function: (stage, folder) → a workspace in which that stage and those after it are undone."""

    def make(stage: str, folder: Path = tmp_path / "unfinished") -> Path:
        shutil.copytree(tiny_reference.folder, folder, dirs_exist_ok=True)
        runs.undo(folder, tiny_reference, stage)
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


def repro(folder: Path, *stages: str) -> tuple[int, str]:
    return run(folder, "dvc", "repro", *stages)


def ran(output: str) -> list[str]:
    return re.findall(r"^Running stage '(\w+)'", output, flags=re.MULTILINE)


@forms("rooms", [0, 300_000], [0, 20_000, 80_000, 300_000, *[1_000_000] * 20])
def test_full_disk(tiny_reference, small_disk, rooms):
    """A cold run on a disk that is given a little more room after each failure."""
    folder = small_disk.folder
    done = shutil.ignore_patterns("dvc.lock", "cache", "tmp", ".scratch")
    shutil.copytree(tiny_reference.folder, folder, dirs_exist_ok=True, ignore=done)
    for path in tiny_reference.files:
        if not path.endswith("README.md"):
            (folder / path).unlink()
    words = (
        r"could not be written \(.*; free some",
        "No space left",
        "JSON structure",
        "dvc.lock'",
    )
    failures = []
    for free in rooms:
        small_disk.leave(free)
        if failures:
            runs.repair(folder)
        status, output = repro(folder)
        runs.assert_finished_is_whole(folder, tiny_reference)
        if status == 0:
            break
        found = re.search(f".*({'|'.join(words)}).*", output)
        assert found, output
        failures.append(f"{(ran(output) or ['before any stage'])[-1]}: {found[0]}")
    print("\n".join(failures))
    assert len(failures) > 1
    small_disk.change("size=256m")
    runs.assert_ends_as(tiny_reference, folder)


@on_stages
def test_read_only_workspace(tiny_reference, unfinished, small_disk, stage):
    folder = unfinished(stage, small_disk.folder)
    small_disk.change("ro")
    status, output = repro(folder, stage)
    assert status != 0 and "Read-only file system" in output
    status, output = run(folder, "emotion_slm.cli.app", "report")
    assert status == 1 and "could not be written (Read-only file system); make its fold" in output
    assert run(folder, "emotion_slm.cli.app", "predict", "--text", "Thanks!")[0] == 0
    small_disk.change("rw")
    runs.assert_ends_as(tiny_reference, folder, stage)


@forms("year", 1971, 2037)
def test_clock_that_jumped(tiny_reference, unfinished, year):
    """Files of the past or the future, as a clock set wrong makes them, amid a training."""
    folder = unfinished("finetune")
    second_checkpoint = runs.Moment(["finetune"], number=2, pattern=r"^rename .*/checkpoint-")
    assert runs.kill(folder, second_checkpoint).landed == "finetune"
    seconds = (year - 1970) * 365.25 * 86400
    for path in folder.rglob("*"):
        os.utime(path, (seconds, seconds))
    status, output = repro(folder, "finetune")
    assert status == 0 and ran(output) == ["finetune"] and "resuming from" in output
    runs.assert_ends_as(tiny_reference, folder, "finetune")


@on_stages
def test_second_run_beside_the_first(tiny_reference, unfinished, stage):
    folder = unfinished(stage)
    first, at_work = runs.halt(folder, stage, FIRST_OUTPUT)
    status, output = repro(folder, stage)
    assert status != 0 and f"(PID {first.pid}): " in output and "is busy" in output
    assert ran(output) == []
    at_work.resume()
    output = first.communicate()[0]
    assert first.returncode == 0, output
    runs.assert_ends_as(tiny_reference, folder, stage)


@on_stages
def test_two_runs_begun_at_once(tiny_reference, unfinished, stage):
    folder = unfinished(stage)
    both = [runs.start(folder, stage), runs.start(folder, stage)]
    outputs = [process.communicate()[0] for process in both]
    for process, output in zip(both, outputs, strict=True):
        refused = re.search("is busy|acquire lock|still running", output)
        assert process.returncode == 0 or refused, output
    runs.assert_ends_as(tiny_reference, folder, stage)


@on_stages
def test_stage_ended_by_the_kernel_for_want_of_memory(tiny_reference, unfinished, stage):
    """The kernel's way: SIGKILL to the process that is largest, and to no other."""
    folder = unfinished(stage)
    process, at_work = runs.halt(folder, stage, FIRST_OUTPUT)
    at_work.kill()
    output = process.communicate()[0]
    assert process.returncode != 0
    # 137: said by a shell that waits for the stage, as dash does.
    assert re.search(
        f"failed to run: python -m stages.{stage}, exited with (-9|137)$", output, re.M
    )
    runs.assert_finished_is_whole(folder, tiny_reference)
    runs.assert_ends_as(tiny_reference, folder, stage)


@on_stages
def test_dvc_killed_while_its_stage_goes_on(tiny_reference, unfinished, stage):
    folder = unfinished(stage)
    process, orphan = runs.halt(folder, stage, FIRST_OUTPUT)
    process.kill()
    process.wait()  # or its number is still taken, and DVC thinks it alive
    status, output = repro(folder, stage)
    assert status != 0
    assert f"a stage is still running in this workspace (process {orphan.pid}); wait" in output
    orphan.resume()
    psutil.wait_procs([orphan])
    process.communicate()
    runs.assert_ends_as(tiny_reference, folder, stage)


@on_stages
def test_locks_of_a_killed_dvc_whose_number_another_process_has(tiny_reference, unfinished, stage):
    folder = unfinished(stage)
    process, _ = runs.halt(folder, stage, FIRST_OUTPUT)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    path = folder / ".dvc/tmp/rwlock"
    held = path.read_text()
    assert str(process.pid) in held
    path.write_text(held.replace(f'"pid": {process.pid}', f'"pid": {os.getpid()}'))
    status, output = repro(folder, stage)
    assert status != 0 and "you can manually remove" in output and "rwlock" in output
    path.unlink()
    runs.assert_ends_as(tiny_reference, folder, stage)


@forms("content", "", '{"write": {"/a')
def test_list_of_locks_cut_off(tiny_reference, unfinished, content):
    folder = unfinished("undersample")
    (folder / ".dvc/tmp/rwlock").write_text(content)
    status, output = repro(folder, "undersample")
    assert status != 0 and "rwlock'. JSON structure is corrupted" in output
    assert "rwlock: cut off or garbled: deleted" in runs.repair(folder)
    runs.assert_ends_as(tiny_reference, folder, "undersample")


@forms("share", 0.5, 0.0, 0.2, 0.8, 0.99)
def test_dvc_lock_cut_off(tiny_reference, finished, share):
    """What was finished comes back from DVC's run-cache, but for one stage: params, of which it
    keeps nothing, or the one at which dvc.lock ends, amid the hash of an output."""
    lock = finished / "dvc.lock"
    lock.write_bytes(tiny_reference.lock[: int(share * len(tiny_reference.lock))])
    status, output = repro(finished)
    if status != 0:
        assert "dvc.lock" in output
        assert "moved to .scratch/damaged/dvc.lock" in runs.repair(finished)
        status, output = repro(finished)
    assert status == 0 and len(ran(output)) <= 1
    runs.assert_ends_as(tiny_reference, finished)


@forms("damaged", "data/undersampled/train.parquet", "data/embedded/vectors.npy")
def test_bit_flipped_in_the_cache_and_in_the_output(tiny_reference, finished, damaged):
    """DVC sees neither; `emotion-slm fsck` sees both, and one stage runs again."""
    output = finished / damaged
    status, listed = run(finished, "emotion_slm.cli.app", "fsck")
    assert status == 0 and listed.startswith("0 damaged")
    cached = object_path(Path(".dvc/cache"), md5_file(output))
    for path in (output, finished / cached):
        before = path.stat()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        path.chmod(before.st_mode)
    status, listed = repro(finished)
    assert status == 0 and ran(listed) == []
    status, listed = run(finished, "emotion_slm.cli.app", "fsck")
    assert status == 1 and f"{cached}: is not" in listed and f"{damaged}: is not" in listed
    assert runs.repair(finished).startswith(f"{cached}: is not what its name says: deleted")
    status, listed = repro(finished)
    assert status == 0 and len(ran(listed)) == 1
    runs.assert_ends_as(tiny_reference, finished)
