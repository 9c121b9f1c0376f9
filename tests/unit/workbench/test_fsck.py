import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emotion_slm.cli.app import app
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.lock import exclusive
from emotion_slm.workbench import dvc_store, fsck
from emotion_slm.workbench.dvc_lock import parse
from emotion_slm.workbench.dvc_store import md5_file, object_path

STAGE = """
from pathlib import Path
for name in ("folder/a.bin", "folder/deep/b.bin", "file.bin", "metrics.json"):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text('{"content": "%s"}' % name)
"""
DVC_YAML = """\
stages:
  make:
    cmd: python stage.py
    deps: [stage.py]
    outs: [folder, file.bin]
    metrics:
      - metrics.json:
          cache: false
"""
FILES = ["file.bin", "folder/a.bin", "folder/deep/b.bin", "metrics.json"]


def dvc(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    root = tmp_path_factory.mktemp("fsck") / "workspace"
    root.mkdir()
    (root / "stage.py").write_text(STAGE)
    (root / "dvc.yaml").write_text(DVC_YAML)
    dvc(root, "init", "--no-scm", "--quiet")
    dvc(root, "repro", "--quiet")
    return root


@pytest.fixture
def root(pristine, tmp_path, monkeypatch):
    """A workspace whose one stage has run, and the working directory."""
    root = shutil.copytree(pristine, tmp_path / "workspace")
    monkeypatch.chdir(root)
    monkeypatch.setattr(dvc_store, "cache", lambda root: root / ".dvc/cache")
    return root


def flip(path: Path) -> None:
    """One bit, size and time and permissions as they were: what DVC looks at."""
    before = path.stat()
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.chmod(before.st_mode)


def cached(root: Path, name: str) -> Path:
    return object_path(root / ".dvc/cache", md5_file(root / name))


def found(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): problem for path, problem, _ in fsck.check(root).findings
    }


def repair(root: Path) -> list[str]:
    return [finding.repair() for finding in fsck.check(root).findings]


def test_a_sound_workspace_is_read_whole(root):
    result = fsck.check(root)
    assert result == ([], 5, 4)  # four files and the folder's listing


def test_the_cache_is_where_dvc_says(pristine, tmp_path):
    assert fsck.check(pristine) == ([], 5, 4)
    with pytest.raises(EmotionSlmError, match="not a DVC workspace"):
        fsck.check(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_the_cache_is_found_and_repaired_from_the_output(root, name):
    path = cached(root, name)
    sound = path.read_bytes()
    flip(path)
    assert found(root) == {path.relative_to(root).as_posix(): "is not what its name says"}
    assert repair(root) == [f"written anew from {root / name}"]
    assert path.read_bytes() == sound and path.stat().st_mode & 0o777 == 0o444
    assert found(root) == {}


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_an_output_is_found_and_repaired_from_the_cache(root, name):
    flip(root / name)
    assert found(root) == {name: "is not what dvc.lock names, which DVC's cache holds"}
    damaged = (root / name).read_bytes()
    assert repair(root) == [f"moved to .scratch/damaged/{name}"]
    assert not (root / name).exists()
    assert (root / ".scratch/damaged" / name).read_bytes() == damaged


def test_what_is_damaged_in_both_places_is_deleted_in_both_and_made_again(root):
    path = cached(root, "folder/a.bin")
    sound = path.read_bytes()
    for place in (path, root / "folder/a.bin"):
        flip(place)
    assert found(root) == {
        path.relative_to(root).as_posix(): "is not what its name says",
        "folder/a.bin": "is not what dvc.lock names",
    }
    assert repair(root) == ["deleted", "moved to .scratch/damaged/folder/a.bin"]
    dvc(root, "repro", "--quiet")
    assert (root / "folder/a.bin").read_bytes() == path.read_bytes() == sound
    assert found(root) == {}


def test_a_damaged_listing_is_found_and_its_files_are_not_judged_by_it(root):
    (listing,) = root.glob(".dvc/cache/files/md5/*/*.dir")
    flip(listing)
    flip(root / "folder/a.bin")
    assert list(found(root)) == [listing.relative_to(root).as_posix()]


def test_leftovers_of_killed_processes_in_the_cache_are_deleted(root):
    leftover = cached(root, "file.bin").with_name(".Xy3.tmp")
    leftover.touch()
    assert list(found(root).values()) == ["left by a killed process"]
    assert repair(root) == ["deleted"] and not leftover.exists()


UNFINISHED_RUN = "an unfinished entry of the run-cache, at which `dvc repro` fails"


@pytest.mark.parametrize("written", [False, True], ids=["empty", "half-written"])
def test_a_run_that_was_not_yet_written_into_the_run_cache_is_deleted(root, written):
    """`dvc repro` fails at the folder that a kill left where a run was to be written."""
    (entry,) = (root / ".dvc/cache/runs").glob("*/*")
    (run,) = entry.iterdir()
    content = run.read_bytes()
    run.unlink()
    if written:
        half = content[: content.index(b"outs:")]
        run.with_name(f"{run.name}.lbAb2kW_ETlqWstkZ-VFuA.tmp").write_bytes(half)
    (root / "dvc.lock").unlink()
    command = [sys.executable, "-m", "dvc", "repro"]
    assert subprocess.run(command, cwd=root, check=False, capture_output=True).returncode != 0
    assert list(found(root).values()) == [UNFINISHED_RUN]
    assert repair(root) == ["deleted"] and not entry.exists()
    dvc(root, "repro")
    assert found(root) == {}


def test_a_run_beside_an_unfinished_one_is_kept(root):
    (run,) = (root / ".dvc/cache/runs").glob("*/*/*")
    half = run.with_name(f"{run.name}.lbAb2kW_ETlqWstkZ-VFuA.tmp")
    half.write_bytes(run.read_bytes()[:50])
    assert list(found(root).values()) == [UNFINISHED_RUN]
    assert repair(root) == ["deleted"]
    assert run.exists() and not half.exists()


@pytest.mark.parametrize("folder", ["", "folder", "folder/deep"])
def test_what_a_killed_dvc_left_beside_an_output_is_deleted(root, folder):
    left = root / folder / ".ZavL0wMgrk-W6-hTUBa09g.tmp"
    left.touch()
    others = [left.with_name(name) for name in (".notes.tmp", "ZavL0wMgrk-W6-hTUBa09g.tmp")]
    for other in others:
        other.touch()
    assert found(root) == {left.relative_to(root).as_posix(): "left by a killed process"}
    assert repair(root) == ["deleted"]
    assert not left.exists() and all(other.exists() for other in others)


def test_a_dvc_lock_cut_off_anywhere_is_found_or_only_lacks_its_end(root):
    whole = (root / "dvc.lock").read_bytes()
    outs = parse(whole, "dvc.lock").outs
    torn = 0
    for length in range(len(whole)):
        (root / "dvc.lock").write_bytes(whole[:length])
        if "dvc.lock" in found(root):
            torn += 1
        elif length < len(whole) - 1:  # without the last newline it is as good
            assert parse(whole[:length], "dvc.lock").outs != outs
    assert 0 < torn < len(whole)


@pytest.mark.parametrize("content", [b"", b'{"write": {', b"\xff"])
def test_a_list_of_locks_cut_off_is_deleted(root, content):
    path = root / ".dvc/tmp/rwlock"
    path.write_bytes(content)
    assert found(root) == {".dvc/tmp/rwlock": "cut off or garbled"}
    assert repair(root) == ["deleted"]
    assert found(root) == {}


def test_outputs_that_are_not_there_are_passed_over(root):
    shutil.rmtree(root / "folder")
    assert fsck.check(root) == ([], 5, 2)
    shutil.rmtree(root / ".dvc/cache")
    assert fsck.check(root) == ([], 0, 2)
    (root / "dvc.lock").unlink()
    assert fsck.check(root) == ([], 0, 0)


@pytest.mark.parametrize("lock", [".dvc/tmp/lock", ".scratch/stage.lock"])
def test_a_workspace_at_work_is_left_alone(root, lock):
    with exclusive(root / lock):
        done = CliRunner().invoke(app, ["fsck", "--repair"])
    assert done.exit_code == 1
    assert f"still running in this workspace (process {os.getpid()}); wait for it" in done.output


def test_an_experiment_in_a_folder_of_its_own_is_left_alone(root):
    experiment = root / ".dvc/tmp/exps/tmpabc/.dvc"
    experiment.mkdir(parents=True)
    done = CliRunner().invoke(app, ["fsck", "--repair"])
    assert done.exit_code == 1 and "an experiment is at work there" in done.output
    experiment.rmdir()
    assert CliRunner().invoke(app, ["fsck"]).exit_code == 0


def test_a_damaged_lock_is_set_aside_with_what_a_person_wrote_in_it(root):
    conflict = b"<<<<<<< ours\nschema: '2.0'\n=======\n>>>>>>> theirs\n"
    (root / "dvc.lock").write_bytes(conflict)
    assert repair(root) == ["moved to .scratch/damaged/dvc.lock"]
    assert (root / ".scratch/damaged/dvc.lock").read_bytes() == conflict


def test_another_folder_is_refused_and_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["fsck"])
    assert done.exit_code == 1 and "run this in the project's root" in done.output
    assert list(tmp_path.iterdir()) == []


def test_the_command_names_the_damage_and_the_way_on(root):
    flip(root / "file.bin")
    done = CliRunner().invoke(app, ["fsck"])
    assert done.exit_code == 1
    assert "file.bin: is not what dvc.lock names" in done.output
    assert "run `emotion-slm fsck --repair`, then `dvc repro`" in done.output
    done = CliRunner().invoke(app, ["fsck", "--repair"])
    assert done.exit_code == 0
    assert "which DVC's cache holds: moved to .scratch/damaged/file.bin" in done.output
    assert "1 damaged, of 5 objects in the cache and 4 files of outputs" in done.output
    assert "`dvc repro` the rest, from the cache or made again" in done.output
    assert CliRunner().invoke(app, ["fsck"]).exit_code == 0
